/* mls-bench: commit, process, encrypt and decrypt in groups of 2, 50, 250 and 2,500 members, each
 * beside the time of the bare libsodium primitives that it contains.
 *
 * Two shapes of a group: "fresh", everybody added by one commit, so that a path is encrypted to each
 * leaf on its own; and "used", where members all over the tree have committed since.  Members other
 * than the first two exist only as key packages: to commit as one of them, the first member's state
 * is loaded and made that member's. */
#include "base/alloc.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/ed25519.h"
#include "mls/group.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct piece {
    struct mls_piece_key key;
    struct bytes data;
};
struct client {
    struct ed25519_key key;
    struct mls_key_package_bundle kp;
};
struct world {
    uint32_t n;
    struct client *clients;
    struct mls_group *first, *second;
    struct piece *pieces; /* of the first */
    size_t pieces_n;
    struct rand_seed seed;
    struct rand rand;
    struct mls_config config;
};

static void must(int e, const char *what, const struct err *err)
{
    if (e) {
        fprintf(stderr, "%s: %s\n", what, err->text);
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- Pieces, sorted for the many reads ---- */

static int by_key(const void *a, const void *b)
{
    const struct mls_piece_key *x = &((const struct piece *)a)->key, *y = &((const struct piece *)b)->key;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int put(void *ctx, const struct mls_piece_key *key, struct slice data, struct err *err)
{
    struct world *w = ctx;
    struct piece want = {.key = *key}, *have;

    (void)err;
    if (key->index == MLS_PIECE_ALL)
        return 0; /* old epochs may stay */
    have = bsearch(&want, w->pieces, w->pieces_n, sizeof want, by_key);
    if (have) {
        bytes_free(&have->data);
        return data.data ? bytes_dup(data, &have->data) : 0;
    }
    if (!data.data)
        return 0;
    w->pieces = realloc(w->pieces, (w->pieces_n + 1) * sizeof *w->pieces);
    bytes_dup(data, &want.data);
    w->pieces[w->pieces_n++] = want;
    qsort(w->pieces, w->pieces_n, sizeof *w->pieces, by_key);
    return 0;
}

static int get(void *ctx, const struct mls_piece_key *key, struct bytes *out, struct err *err)
{
    struct world *w = ctx;
    struct piece want = {.key = *key}, *have = bsearch(&want, w->pieces, w->pieces_n, sizeof want, by_key);

    (void)err;
    return have && have->data.data ? bytes_dup(bytes_slice(&have->data), out) : ERR_NOTFOUND;
}

static void store(struct world *w)
{
    struct mls_piece_sink sink = {put, w};

    must(mls_group_write(w->first, &sink, NULL), "write", &(struct err){0});
}

static struct mls_group *load(struct world *w)
{
    struct mls_piece_source source = {get, w};
    struct mls_group *g = NULL;
    struct err err = {0};

    must(mls_group_load(&w->config, &source, &g, &err), "load", &err);
    return g;
}

/* The first member's stored state as that of the second, its neighbour, whose path is the same. */
static void second_anew(struct world *w)
{
    mls_group_free(w->second);
    w->second = load(w);
    w->second->own_leaf = 1;
    memcpy(w->second->priv.leaf, w->clients[1].kp.leaf_private, MLS_KEY_LEN);
}

/* ---- A group of n ---- */

static struct mls_signer signer_of(const struct world *w, uint32_t i)
{
    return (struct mls_signer){w->clients[i].key.seed, w->clients[i].key.public_key};
}

static struct mls_leaf_params leaf_of(const struct world *w, uint32_t i)
{
    static const char identity[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01";
    static const uint16_t one[] = {1}, three[] = {3}, seven[] = {7},
                          extensions[] = {0x000a, 1, 0xff02, 0xff00, 0xff01, 0xf000};

    return (struct mls_leaf_params){.signer = signer_of(w, i), .credential = slice_str(identity),
                                    .versions = {one, 1}, .suites = {three, 1}, .extension_types = {extensions, 6},
                                    .proposal_types = {seven, 1}, .credential_types = {one, 1}, .not_after = 1};
}

static void make_clients(struct world *w)
{
    struct err err = {0};

    w->clients = calloc(w->n, sizeof *w->clients);
    for (uint32_t i = 0; i < w->n; i++) {
        struct mls_leaf_params leaf;

        ed25519_generate(&w->rand, &w->clients[i].key);
        leaf = leaf_of(w, i);
        must(mls_key_package_create(MLS_SUITE_CHACHA20, &leaf, (struct slice){0}, &w->rand, &w->clients[i].kp, &err),
             "key package", &err);
    }
}

static void merge(struct mls_group *g, struct mls_commit_result *r)
{
    struct err err = {0};

    must(mls_group_merge(g, r->staged, &err), "merge", &err);
    r->staged = NULL;
}

/* Returns seconds that the join took. */
static double add_all(struct world *w)
{
    struct slice *adds = calloc(w->n, sizeof *adds);
    struct mls_commit_params params = {.signer = signer_of(w, 0), .adds = adds, .adds_n = w->n - 1, .force_path = true};
    struct mls_commit_result r;
    struct mls_join_params join;
    struct err err = {0};
    double begin;

    for (uint32_t i = 1; i < w->n; i++)
        adds[i - 1] = bytes_slice(&w->clients[i].kp.data);
    must(mls_commit_create(w->first, &params, &w->rand, &r, &err), "add", &err);
    merge(w->first, &r);
    join = (struct mls_join_params){bytes_slice(&r.welcome), bytes_slice(&w->clients[1].kp.data),
                                    w->clients[1].kp.init_private, w->clients[1].kp.leaf_private, {0}};
    begin = now();
    must(mls_group_join(&w->config, &join, &w->second, NULL, &err), "join", &err);
    begin = now() - begin;
    mls_commit_result_free(&r);
    free(adds);
    return begin;
}

static void receive(struct mls_group *g, struct slice message)
{
    struct mls_processed *p;
    struct err err = {0};

    must(mls_group_process(g, message, &p, &err), "process", &err);
    must(mls_group_accept(g, p, &err), "accept", &err);
}

static void commit_as(struct world *w, uint32_t i)
{
    struct mls_commit_params params = {.signer = signer_of(w, i), .force_path = true};
    struct mls_group *g;
    struct mls_commit_result r;
    struct err err = {0};

    store(w);
    g = load(w);
    g->own_leaf = i;
    mls_private_wipe(&g->priv);
    memcpy(g->priv.leaf, w->clients[i].kp.leaf_private, MLS_KEY_LEN);
    must(mls_commit_create(g, &params, &w->rand, &r, &err), "commit", &err);
    receive(w->first, bytes_slice(&r.message));
    receive(w->second, bytes_slice(&r.message));
    mls_commit_result_free(&r);
    mls_group_free(g);
}

/* Commits from leaves spread over the tree, coarse first: each one only encrypts to what no earlier
 * one has covered. */
static void use_group(struct world *w)
{
    uint32_t width = 1;

    while (width < w->n)
        width *= 2;
    for (uint32_t step = width; step >= 2; step /= 2)
        for (uint32_t i = step / 2; i < w->n; i += step)
            if (i > 1)
                commit_as(w, i);
}

static void world_init(struct world *w, uint32_t n)
{
    struct mls_leaf_params leaf;
    struct err err = {0};

    memset(w, 0, sizeof *w);
    w->n = n;
    w->rand = rand_seeded(&w->seed, n);
    w->config = mls_config_default();
    make_clients(w);
    leaf = leaf_of(w, 0);
    must(mls_group_create(&w->config, MLS_SUITE_CHACHA20, slice_str("bench group 16b."), &leaf, (struct slice){0},
                          &w->rand, &w->first, &err),
         "create", &err);
}

static void world_free(struct world *w)
{
    mls_group_free(w->first);
    mls_group_free(w->second);
    for (uint32_t i = 0; i < w->n; i++)
        mls_key_package_bundle_wipe(&w->clients[i].kp);
    for (size_t i = 0; i < w->pieces_n; i++)
        bytes_wipe(&w->pieces[i].data);
    free(w->pieces);
    free(w->clients);
}

/* ---- The primitives ---- */

struct primitives {
    double base, dh, sign, verify; /* seconds each */
};

#define TIME(out, count, call)                                                                                         \
    do {                                                                                                               \
        double begin = now();                                                                                          \
        for (int i = 0; i < (count); i++)                                                                              \
            call;                                                                                                      \
        (out) = (now() - begin) / (count);                                                                             \
    } while (0)

static struct primitives measure_primitives(void)
{
    uint8_t secret[32] = {1}, public_key[32], shared[32], pk[32], sk[64], signature[64], message[256] = {2};
    struct primitives p;
    int ok = 0;

    crypto_sign_keypair(pk, sk);
    TIME(p.base, 2000, ok |= crypto_scalarmult_base(public_key, secret));
    TIME(p.dh, 2000, ok |= crypto_scalarmult(shared, secret, public_key));
    TIME(p.sign, 2000, ok |= crypto_sign_detached(signature, NULL, message, sizeof message, sk));
    TIME(p.verify, 2000, ok |= crypto_sign_verify_detached(signature, message, sizeof message, pk));
    if (ok)
        exit(1);
    return p;
}

/* How many ciphertexts and nodes a path had: from a public form of the same commit. */
static void count_path(struct world *w, uint32_t *nodes, uint32_t *ciphertexts)
{
    struct mls_commit_params params = {.signer = signer_of(w, 0), .force_path = true, .public_message = true};
    struct mls_commit_result r;
    struct mls_message_view view;
    struct mls_public_message m;
    struct mls_path_node node;
    struct reader in;
    struct slice rest;
    struct err err = {0};

    must(mls_commit_create(w->first, &params, &w->rand, &r, &err), "commit", &err);
    mls_message_peek(bytes_slice(&r.message), &view, NULL);
    in = reader_of(view.body);
    mls_parse_public_message(&in, &m);
    *nodes = m.content.commit.path.nodes_n;
    *ciphertexts = 0;
    rest = m.content.commit.path.nodes;
    while (mls_next_path_node(&rest, &node))
        *ciphertexts += mls_count_ciphertexts(node.secrets);
    mls_commit_result_free(&r);
}

/* ---- The table ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return v[n / 2];
}

static void row(const struct world *w, const char *shape, const char *what, double took, double bare)
{
    printf("%6u  %-5s  %-8s %12.1f %12.1f %9.2f\n", w->n, shape, what, took * 1e6, bare * 1e6, took / bare);
}

#define ROUNDS 15

/* Each round's commit is merged by one and accepted by the other, which is part of the times. */
static void bench_commits(struct world *w, const char *shape, const struct primitives *p)
{
    double commit[ROUNDS], process[ROUNDS];
    uint32_t nodes, ciphertexts;
    struct err err = {0};

    count_path(w, &nodes, &ciphertexts);
    for (int i = 0; i < ROUNDS; i++) {
        struct mls_commit_params params = {.signer = signer_of(w, 0), .force_path = true};
        struct mls_commit_result r;
        double begin = now();

        must(mls_commit_create(w->first, &params, &w->rand, &r, &err), "commit", &err);
        commit[i] = now() - begin;
        begin = now();
        receive(w->second, bytes_slice(&r.message));
        process[i] = now() - begin;
        if (strcmp(shape, "fresh") == 0) { /* stay fresh */
            mls_commit_result_free(&r);
            second_anew(w);
            continue;
        }
        merge(w->first, &r);
        mls_commit_result_free(&r);
    }
    row(w, shape, "commit", median(commit, ROUNDS),
        (1 + nodes + ciphertexts) * p->base + ciphertexts * p->dh + 2 * p->sign);
    row(w, shape, "process", median(process, ROUNDS), 2 * p->verify + p->dh + nodes * p->base);
}

static void bench_texts(struct world *w, const char *shape, const struct primitives *p)
{
    static const uint8_t text[200] = {7};
    struct mls_signer signer = signer_of(w, 0);
    double encrypt[200], decrypt[200];
    struct err err = {0};

    for (int i = 0; i < 200; i++) {
        struct bytes message;
        double begin = now();

        must(mls_group_encrypt(w->first, &signer, (struct slice){0}, slice_of(text, sizeof text), &w->rand, &message,
                               &err),
             "encrypt", &err);
        encrypt[i] = now() - begin;
        begin = now();
        receive(w->second, bytes_slice(&message));
        decrypt[i] = now() - begin;
        bytes_free(&message);
    }
    row(w, shape, "encrypt", median(encrypt, 200), p->sign);
    row(w, shape, "decrypt", median(decrypt, 200), p->verify);
}

static void bench_load(struct world *w, const char *shape)
{
    double took[ROUNDS];

    store(w);
    for (int i = 0; i < ROUNDS; i++) {
        double begin = now();

        mls_group_free(load(w));
        took[i] = now() - begin;
    }
    printf("%6u  %-5s  %-8s %12.1f\n", w->n, shape, "load", median(took, ROUNDS) * 1e6);
}

static void bench_size(uint32_t n, const struct primitives *p)
{
    struct world w;
    double join;

    world_init(&w, n);
    join = add_all(&w);
    store(&w);
    row(&w, "fresh", "join", join, n * p->verify + p->verify + p->dh);
    bench_commits(&w, "fresh", p);
    bench_texts(&w, "fresh", p);
    /* The second member may have moved on by its own state; both begin anew from the first's. */
    store(&w);
    second_anew(&w);
    use_group(&w);
    bench_commits(&w, "used", p);
    bench_texts(&w, "used", p);
    bench_load(&w, "used");
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {2, 50, 250, 2500};
    struct primitives p;

    if (crypto_init(NULL) != 0)
        return 1;
    p = measure_primitives();
    printf("microseconds of CPU time, medians; bare: the public-key primitives of libsodium inside\n"
           "(X25519 base %.1f, shared %.1f; Ed25519 sign %.1f, verify %.1f)\n\n"
           "members shape  call             mls         bare     ratio\n",
           p.base * 1e6, p.dh * 1e6, p.sign * 1e6, p.verify * 1e6);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (argc < 2 || strtoul(argv[1], NULL, 10) >= sizes[i])
            bench_size(sizes[i], &p);
    return 0;
}
