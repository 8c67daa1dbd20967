/* Bad input and failing memory: every message cut at every length and with every byte flipped is
 * refused, every allocation fails once, and the group is as before each time. */
#include "base/alloc.h"
#include "crypto/crypto.h"
#include "mls/state.h"
#include "tests/mls/kit.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct rand_seed seed;
static struct rand rnd;

/* Members 0 to 2 are in a group, 3 is not yet; what is on its way is in the messages. */
struct scene {
    struct kit_member m[4];
    struct bytes text;               /* by 0 */
    struct mls_commit_result commit; /* by 0: adds 3, new extensions, removes nobody */
    struct bytes staged;             /* of the commit, stored */
};

static void set(struct scene *s)
{
    struct mls_commit_params params = {0};
    struct slice add, extensions;
    struct err err = {0};

    memset(s, 0, sizeof *s);
    rnd = rand_seeded(&seed, 7);
    for (unsigned i = 0; i < 4; i++)
        kit_member_init(&s->m[i], i, MLS_SUITE_CHACHA20, &rnd);
    kit_create(&s->m[0], &rnd);
    kit_add(&s->m[0], s->m, 1, &s->m[1], 2, &rnd);
    add = bytes_slice(&s->m[3].kp.data);
    extensions = mls_group_extensions(s->m[0].g);
    params.adds = &add;
    params.adds_n = 1;
    params.extensions = &extensions;
    params.signer = kit_signer(&s->m[0]);
    s->text = kit_say(&s->m[0], "a text", &rnd);
    assert_int_equal(mls_commit_create(s->m[0].g, &params, &rnd, &s->commit, &err), 0);
    assert_int_equal(mls_staged_commit_write(s->commit.staged, s->m[0].g, &s->staged, &err), 0);
    for (unsigned i = 0; i < 3; i++)
        kit_reload(&s->m[i]);
}

static void unset(struct scene *s)
{
    bytes_free(&s->text);
    bytes_wipe(&s->staged);
    mls_commit_result_free(&s->commit);
    for (unsigned i = 0; i < 4; i++)
        kit_member_free(&s->m[i]);
}

/* None of the spoilt forms may be taken. */
static void spoil(struct scene *s, struct slice good, bool (*takes)(struct scene *s, struct slice bytes))
{
    uint8_t *copy = malloc(good.len);

    for (size_t len = 0; len < good.len; len++) {
        uint8_t *cut = malloc(len ? len : 1); /* of its own, so that a read beyond is seen */

        memcpy(cut, good.data, len);
        if (takes(s, slice_of(cut, len)))
            fail_msg("taken though cut to %zu of %zu bytes", len, good.len);
        free(cut);
    }
    memcpy(copy, good.data, good.len);
    for (size_t i = 0; i < good.len; i++) {
        static const uint8_t masks[] = {0x01, 0x80, 0xff};

        for (size_t k = 0; k < sizeof masks; k++) {
            copy[i] ^= masks[k];
            if (takes(s, slice_of(copy, good.len)))
                fail_msg("taken though byte %zu of %zu is flipped by %02x", i, good.len, masks[k]);
            copy[i] ^= masks[k];
        }
    }
    free(copy);
    assert_true(takes(s, good));
}

static bool takes_message(struct scene *s, struct slice bytes)
{
    struct mls_processed *p = NULL;
    bool ok = mls_group_process(s->m[1].g, bytes, &p, NULL) == 0;

    mls_processed_free(p);
    assert_false(mls_group_is_dirty(s->m[1].g));
    return ok;
}

static void spoilt_texts_are_refused(void **state)
{
    struct scene s;

    (void)state;
    set(&s);
    spoil(&s, bytes_slice(&s.text), takes_message);
    kit_read(&s.m[1], bytes_slice(&s.text), "a text");
    unset(&s);
}

static void spoilt_commits_are_refused(void **state)
{
    struct scene s;

    (void)state;
    set(&s);
    spoil(&s, bytes_slice(&s.commit.message), takes_message);
    kit_receive(&s.m[1], bytes_slice(&s.commit.message));
    assert_int_equal(mls_group_merge(s.m[0].g, s.commit.staged, NULL), 0);
    s.commit.staged = NULL;
    kit_agree(s.m, 2);
    unset(&s);
}


static void spoilt_public_commits_are_refused(void **state)
{
    struct mls_commit_params params = {.force_path = true, .public_message = true};
    struct mls_commit_result result;
    struct mls_processed *p;
    struct scene s;

    (void)state;
    set(&s);
    params.signer = kit_signer(&s.m[0]);
    assert_int_equal(mls_commit_create(s.m[0].g, &params, &rnd, &result, NULL), 0);
    assert_int_equal(mls_group_process(s.m[1].g, bytes_slice(&result.message), &p, NULL), ERR_UNSUPPORTED);
    s.m[1].config.flags = MLS_ALLOW_PUBLIC_MESSAGE;
    kit_reload(&s.m[1]);
    spoil(&s, bytes_slice(&result.message), takes_message);
    mls_commit_result_free(&result);
    unset(&s);
}

static bool takes_welcome(struct scene *s, struct slice bytes)
{
    struct mls_join_params params = {
        .welcome = bytes,
        .key_package = bytes_slice(&s->m[3].kp.data),
        .init_private = s->m[3].kp.init_private,
        .leaf_private = s->m[3].kp.leaf_private,
    };
    struct mls_group *g = NULL;
    bool ok = mls_group_join(&s->m[3].config, &params, &g, NULL, NULL) == 0;

    mls_group_free(g);
    return ok;
}

static void spoilt_welcomes_are_refused(void **state)
{
    struct scene s;

    (void)state;
    set(&s);
    spoil(&s, bytes_slice(&s.commit.welcome), takes_welcome);
    unset(&s);
}

static bool takes_key_package(struct scene *s, struct slice bytes)
{
    struct mls_key_package kp;

    (void)s;
    return mls_key_package_parse(bytes, &kp, NULL) == 0 && mls_key_package_faults(&kp, ~0u, 1500) == 0;
}

static void spoilt_key_packages_are_refused(void **state)
{
    struct scene s;

    (void)state;
    set(&s);
    spoil(&s, bytes_slice(&s.m[3].kp.data), takes_key_package);
    unset(&s);
}

/* Stored bytes are sealed by the store, so a flipped one need not be noticed; but nothing may read
 * beyond them, and a cut one is. */
static void damaged_pieces_do_not_load(void **state)
{
    struct mls_piece_source source;
    struct scene s;

    (void)state;
    set(&s);
    source = kit_source(&s.m[1].store);
    for (size_t i = 0; i < s.m[1].store.n; i++) {
        struct bytes *data = &s.m[1].store.pieces[i].data;
        size_t len = data->len;
        struct mls_processed *p;
        struct mls_group *g;

        for (size_t at = 0; at < len; at++) {
            data->data[at] ^= 0x55;
            p = NULL;
            g = NULL;
            if (mls_group_load(&s.m[1].config, &source, &g, NULL) == 0)
                mls_group_process(g, bytes_slice(&s.text), &p, NULL);
            mls_processed_free(p);
            mls_group_free(g);
            data->data[at] ^= 0x55;
        }
        for (data->len = 0; data->len < len; data->len++) {
            p = NULL;
            g = NULL;
            if (mls_group_load(&s.m[1].config, &source, &g, NULL) == 0)
                assert_int_not_equal(mls_group_process(g, bytes_slice(&s.text), &p, NULL), 0);
            mls_group_free(g);
        }
    }
    kit_reload(&s.m[1]);
    kit_read(&s.m[1], bytes_slice(&s.text), "a text");
    unset(&s);
}

static struct bytes *piece(struct kit_member *m, uint16_t kind, uint64_t epoch)
{
    for (size_t i = 0; i < m->store.n; i++)
        if (m->store.pieces[i].key.kind == kind && m->store.pieces[i].key.epoch == epoch)
            return &m->store.pieces[i].data;
    fail_msg("no piece of kind %u", kind);
    return NULL;
}

/* The group does not load, for this reason; NULL: it does. */
static void load_is_refused(struct kit_member *m, const char *why)
{
    struct mls_piece_source source = kit_source(&m->store);
    struct mls_group *g = NULL;
    struct err err = {0};
    char expected[160];
    int e = mls_group_load(&m->config, &source, &g, &err);

    mls_group_free(g);
    snprintf(expected, sizeof expected, "loading a group: %s", why ? why : "");
    if (e != (why ? ERR_CORRUPT : 0) || (why && strcmp(err.text, expected) != 0))
        fail_msg("%s: \"%s\" instead of \"%s\"", err_name(e), err.text, why ? expected : "");
}

/* The same with `len` other bytes at `at`, which are put back. */
static void load_with(struct kit_member *m, struct bytes *data, size_t at, const char *bytes, size_t len,
                      const char *why)
{
    uint8_t before[8];

    memcpy(before, &data->data[at], len);
    memcpy(&data->data[at], bytes, len);
    load_is_refused(m, why);
    memcpy(&data->data[at], before, len);
}

/* A byte after the end. */
static void load_longer(struct kit_member *m, uint16_t kind, const char *why)
{
    struct bytes *data = piece(m, kind, 0);

    data->data = realloc(data->data, data->len + 1);
    data->data[data->len++] = 0;
    load_is_refused(m, why);
    data->len--;
}

static void load_without(struct kit_member *m, uint16_t kind, const char *why)
{
    size_t i = 0;

    while (m->store.pieces[i].key.kind != kind)
        i++;
    m->store.pieces[i].key.kind = 99;
    load_is_refused(m, why);
    m->store.pieces[i].key.kind = kind;
}

/* Where things are in the piece of the group: state.c. */
enum { FORMAT = 0, OWN_LEAF = 2, WIDTH = 70, PAST = 74, CONTEXT = 78 };

static void the_piece_of_the_group_says_what_can_be(struct kit_member *m)
{
    static const char why[] = "state of a group";
    struct bytes *data = piece(m, MLS_PIECE_GROUP, 0);
    size_t context = CONTEXT + (data->data[CONTEXT] & 0x40 ? 2 : 1), epoch = context + 4 + 1 + strlen("a group id");

    load_is_refused(m, NULL);
    load_with(m, data, FORMAT, "\2", 1, why);
    load_with(m, data, OWN_LEAF, "\x80\0\0\1", 4, why); /* leaf 1 would be there */
    load_with(m, data, OWN_LEAF, "\0\0\0\3", 4, "the stored tree is not that of the group");
    load_with(m, data, WIDTH, "\0\0\0\0", 4, why);
    load_with(m, data, WIDTH, "\0\0\0\3", 4, why);
    load_with(m, data, WIDTH, "\0\2\0\0", 4, why); /* twice as wide as any */
    load_with(m, data, WIDTH, "\0\0\0\2", 4, "the stored tree is not that of the group");
    load_with(m, data, PAST, "\0\0\0\2", 4, why); /* before the first epoch */
    memcpy(&data->data[epoch], "\0\0\0\0\0\0\xff\xff", 8);
    load_with(m, data, PAST, "\0\0\4\0", 4, NULL);
    load_with(m, data, PAST, "\0\0\4\1", 4, why);
    memcpy(&data->data[epoch], "\0\0\0\0\0\0\0\1", 8);
    load_with(m, data, context + 2, "\0\7", 2, why);  /* suite */
    load_with(m, data, context + 4, "\x3f", 1, why); /* a group id over the rest: no context */
    load_longer(m, MLS_PIECE_GROUP, why);
    load_is_refused(m, NULL);
}

/* As many keys of parents as a path has nodes, and no more: there is room for that many. */
static void the_piece_of_the_secrets_has_room(struct kit_member *m)
{
    enum { PATH = 9 * 32, EACH = 4 + 32 };
    struct bytes *data = piece(m, MLS_PIECE_SECRETS, 0), good = *data;

    load_longer(m, MLS_PIECE_SECRETS, "secrets of a group");
    good = *data;
    data->len = PATH + 1 + (MLS_PATH_MAX + 1) * EACH;
    data->data = calloc(1, data->len);
    memcpy(data->data, good.data, PATH);
    data->data[PATH] = MLS_PATH_MAX + 1;
    load_is_refused(m, "secrets of a group");
    data->data[PATH] = MLS_PATH_MAX;
    data->len -= EACH;
    load_is_refused(m, NULL);
    free(data->data);
    *data = good;
}

static void pieces_that_say_what_cannot_be_do_not_load(void **state)
{
    struct kit_member *m;
    struct bytes *data;
    struct scene s;

    (void)state;
    set(&s);
    m = &s.m[1];
    the_piece_of_the_group_says_what_can_be(m);
    the_piece_of_the_secrets_has_room(m);
    data = piece(m, MLS_PIECE_LEAVES, 0);
    load_longer(m, MLS_PIECE_LEAVES, "tree block 0/0 of a group");
    load_with(m, data, 0, "\7", 1, "tree block 0/0 of a group"); /* a leaf, its hash, and what else? */
    load_longer(m, MLS_PIECE_PARENTS, "tree block 1/0 of a group");
    load_without(m, MLS_PIECE_SECRETS, "piece 2/0/0 of a group is missing");
    load_without(m, MLS_PIECE_LEAVES, "piece 3/0/0 of a group is missing");
    load_without(m, MLS_PIECE_PARENTS, "piece 4/0/0 of a group is missing");
    load_is_refused(m, NULL);
    kit_reload(m);
    kit_read(m, bytes_slice(&s.text), "a text");
    unset(&s);
}

/* Says ERR_IO for the get that `left` says. */
struct failing {
    struct mls_piece_source from;
    size_t left;
};

static int failing_get(void *ctx, const struct mls_piece_key *key, struct bytes *out, struct err *err)
{
    struct failing *f = ctx;

    if (f->left-- == 0)
        return err_set(err, ERR_IO, "disk gone");
    return f->from.get(f->from.ctx, key, out, err);
}

/* Least of all may a group load without the proposals that wait. */
static void a_piece_that_cannot_be_read_is_not_taken_for_absent(void **state)
{
    struct mls_group *g = NULL;
    struct scene s;
    size_t n = 0;
    int e = ERR_IO;

    (void)state;
    set(&s);
    while (e) {
        struct failing f = {kit_source(&s.m[1].store), n++};

        e = mls_group_load(&s.m[1].config, &(struct mls_piece_source){failing_get, &f}, &g, NULL);
        if (e)
            assert_int_equal(e, ERR_IO);
    }
    mls_group_free(g);
    assert_int_equal(n, 6); /* group, secrets, leaves, parents, proposals; and one that succeeds */
    unset(&s);
}

/* The hash of a node is stored beside it, and does not tell that the node is not there. */
static void a_leaf_that_does_not_parse_is_not_left_out(void **state)
{
    struct mls_piece_source source;
    struct mls_group *g = NULL;
    struct bytes *data;
    struct scene s;

    (void)state;
    set(&s);
    source = kit_source(&s.m[1].store);
    data = piece(&s.m[1], MLS_PIECE_LEAVES, 0);
    assert_int_equal(data->data[0], 3);
    assert_int_equal(data->data[33] & 0xc0, 0x40); /* the leaf's length in two bytes, then that of its key */
    assert_int_equal(data->data[35], 32);
    data->data[35] = 0xff;
    assert_int_not_equal(mls_group_load(&s.m[1].config, &source, &g, NULL), 0);
    unset(&s);
}

static void text_of_past_is_refused(struct scene *s, int code)
{
    struct mls_piece_source source = kit_source(&s->m[1].store);
    struct mls_processed *p = NULL;
    struct mls_group *g = NULL;
    struct err err = {0};
    int e;

    assert_int_equal(mls_group_load(&s->m[1].config, &source, &g, &err), 0);
    e = mls_group_process(g, bytes_slice(&s->text), &p, &err);
    if (e != code || (e && !strstr(err.text, "past epoch 1 of a group")))
        fail_msg("%s: \"%s\" instead of %s", err_name(e), err.text, err_name(code));
    mls_processed_free(p);
    mls_group_free(g);
}

static void a_past_epoch_that_cannot_be_is_not_read(void **state)
{
    static const char *const widths[] = {"\0\0\0\0", "\0\0\0\3", "\0\2\0\0"};
    struct bytes *data;
    struct scene s;
    uint8_t width[4];

    (void)state;
    set(&s);
    kit_receive(&s.m[1], bytes_slice(&s.commit.message));
    kit_reload(&s.m[1]);
    data = piece(&s.m[1], MLS_PIECE_EPOCH, 1);
    text_of_past_is_refused(&s, 0);
    memcpy(width, &data->data[32], 4);
    for (size_t i = 0; i < 3; i++) {
        memcpy(&data->data[32], widths[i], 4);
        text_of_past_is_refused(&s, ERR_CORRUPT);
    }
    memcpy(&data->data[32], width, 4);
    data->data = realloc(data->data, data->len + 1);
    data->data[data->len++] = 0;
    text_of_past_is_refused(&s, ERR_CORRUPT);
    for (data->len -= 2; data->len; data->len--)
        text_of_past_is_refused(&s, ERR_CORRUPT);
    unset(&s);
}

static void damaged_staged_commits_do_not_read(void **state)
{
    struct mls_staged_commit *staged;
    struct scene s;

    (void)state;
    set(&s);
    for (size_t len = 0; len < s.staged.len; len++)
        assert_int_not_equal(mls_staged_commit_read(s.m[0].g, slice_of(s.staged.data, len), &staged, NULL), 0);
    for (size_t i = 0; i < s.staged.len; i++) {
        s.staged.data[i] ^= 0x55;
        staged = NULL;
        mls_staged_commit_read(s.m[0].g, bytes_slice(&s.staged), &staged, NULL);
        mls_staged_commit_free(staged);
        s.staged.data[i] ^= 0x55;
    }
    unset(&s);
}

/* ---- Memory ---- */

/* The n-th allocation fails, for n from 1 until the operation needs fewer. */
static void starve(struct scene *s, int (*operate)(struct scene *s))
{
    int e = ERR_NOMEM;

    for (unsigned long n = 1; e; n++) {
        alloc_fail_after(n);
        e = operate(s);
        alloc_fail_after(0);
        if (e != 0 && e != ERR_NOMEM)
            fail_msg("allocation %lu: %s", n, err_name(e));
    }
}

static int create_key_package(struct scene *s)
{
    struct mls_leaf_params leaf = kit_leaf(&s->m[0]);
    struct mls_key_package_bundle kp = {0};
    int e = mls_key_package_create(MLS_SUITE_CHACHA20, &leaf, (struct slice){0}, &rnd, &kp, NULL);

    mls_key_package_bundle_wipe(&kp);
    return e;
}

static int create_group(struct scene *s)
{
    struct mls_leaf_params leaf = kit_leaf(&s->m[0]);
    struct mls_group *g = NULL;
    int e = mls_group_create(&s->m[0].config, MLS_SUITE_CHACHA20, slice_str("id"), &leaf, (struct slice){0}, &rnd, &g,
                             NULL);

    mls_group_free(g);
    return e;
}

static int encrypt(struct scene *s)
{
    struct mls_signer signer = kit_signer(&s->m[0]);
    struct bytes out = {0};
    int e = mls_group_encrypt(s->m[0].g, &signer, (struct slice){0}, slice_str("x"), &rnd, &out, NULL);

    bytes_free(&out);
    return e;
}

static int read_text(struct scene *s)
{
    struct mls_processed *p = NULL;
    int e = mls_group_process(s->m[1].g, bytes_slice(&s->text), &p, NULL);

    return e ? e : mls_group_accept(s->m[1].g, p, NULL);
}

static int receive_commit(struct scene *s)
{
    struct mls_processed *p = NULL;
    int e = mls_group_process(s->m[1].g, bytes_slice(&s->commit.message), &p, NULL);

    return e ? e : mls_group_accept(s->m[1].g, p, NULL);
}

static int create_commit(struct scene *s)
{
    struct slice add = bytes_slice(&s->m[3].kp.data), extensions = mls_group_extensions(s->m[2].g);
    uint32_t remove = 1;
    struct mls_commit_params params = {.signer = kit_signer(&s->m[2]), .adds = &add, .adds_n = 1,
                                       .removes = &remove, .removes_n = 1, .extensions = &extensions};
    struct mls_commit_result result = {0};
    int e = mls_commit_create(s->m[2].g, &params, &rnd, &result, NULL);

    mls_commit_result_free(&result);
    return e;
}

static int merge_stored(struct scene *s)
{
    struct mls_staged_commit *staged = NULL;
    int e = mls_staged_commit_read(s->m[0].g, bytes_slice(&s->staged), &staged, NULL);

    return e ? e : mls_group_merge(s->m[0].g, staged, NULL);
}

static int join(struct scene *s)
{
    struct mls_join_params params = {
        .welcome = bytes_slice(&s->commit.welcome),
        .key_package = bytes_slice(&s->m[3].kp.data),
        .init_private = s->m[3].kp.init_private,
        .leaf_private = s->m[3].kp.leaf_private,
    };

    return mls_group_join(&s->m[3].config, &params, &s->m[3].g, NULL, NULL);
}

static int write_and_load(struct scene *s)
{
    struct mls_piece_sink sink = kit_sink(&s->m[1].store);
    struct mls_piece_source source = kit_source(&s->m[1].store);
    struct mls_group *g = NULL;
    int e = mls_group_write(s->m[1].g, &sink, NULL);

    if (e == 0)
        e = mls_group_load(&s->m[1].config, &source, &g, NULL);
    mls_group_free(g);
    return e;
}

static void running_out_of_memory_changes_nothing(void **state)
{
    struct scene s;
    struct bytes text;

    (void)state;
    set(&s);
    starve(&s, create_key_package);
    starve(&s, create_group);
    starve(&s, encrypt);
    starve(&s, create_commit);
    starve(&s, read_text);
    starve(&s, receive_commit);
    starve(&s, merge_stored);
    starve(&s, join);
    kit_receive(&s.m[2], bytes_slice(&s.commit.message));
    kit_agree(s.m, 4);
    starve(&s, write_and_load);
    for (unsigned i = 0; i < 4; i++)
        kit_reload(&s.m[i]);
    text = kit_say(&s.m[1], "still here", &rnd);
    kit_read(&s.m[0], bytes_slice(&text), "still here");
    kit_read(&s.m[3], bytes_slice(&text), "still here");
    bytes_free(&text);
    unset(&s);
}

/* The put that `left` says fails, and no other: those are the member's. */
struct full {
    struct mls_piece_sink to;
    size_t left;
};

static int failing_put(void *ctx, const struct mls_piece_key *key, struct slice data, struct err *err)
{
    struct full *full = ctx;

    if (full->left-- == 0)
        return err_set(err, ERR_IO, "disk full");
    return full->to.put(full->to.ctx, key, data, err);
}

/* A write that stops anywhere says so, and is done again as a whole. */
static void a_failed_write_is_repeated(void **state)
{
    struct mls_commit_params update = {.force_path = true};
    struct mls_piece_source source;
    struct mls_group *back = NULL;
    struct kit_member *m;
    struct scene s;
    size_t n = 0;
    int e = ERR_IO;

    (void)state;
    set(&s);
    m = &s.m[1];
    kit_receive(m, bytes_slice(&s.commit.message));
    kit_receive(&s.m[2], bytes_slice(&s.commit.message));
    for (int i = 0; i < 4; i++) { /* past epochs to be written, kept and deleted */
        struct bytes text = kit_say(&s.m[2], "late", &rnd);

        kit_commit(&s.m[2], &update, &s.m[1], 1, NULL, 0, &rnd);
        kit_read(m, bytes_slice(&text), "late");
        bytes_free(&text);
        if (i == 2)
            kit_reload(m);
    }
    while (e) {
        struct full full = {kit_sink(&m->store), n++};

        e = mls_group_write(m->g, &(struct mls_piece_sink){failing_put, &full}, NULL);
        if (e)
            assert_int_equal(e, ERR_IO);
        assert_int_equal(full.left > n, e != 0); /* it wraps when a put fails */
        assert_int_equal(mls_group_is_dirty(m->g), e != 0);
    }
    assert_true(n > 10);
    source = kit_source(&m->store);
    assert_int_equal(mls_group_load(&m->config, &source, &back, NULL), 0);
    assert_int_equal(mls_group_epoch(back), mls_group_epoch(m->g));
    assert_true(slice_eq(mls_group_epoch_authenticator(back), mls_group_epoch_authenticator(m->g)));
    mls_group_free(back);
    unset(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spoilt_texts_are_refused),
        cmocka_unit_test(spoilt_commits_are_refused),
        cmocka_unit_test(spoilt_public_commits_are_refused),
        cmocka_unit_test(spoilt_welcomes_are_refused),
        cmocka_unit_test(spoilt_key_packages_are_refused),
        cmocka_unit_test(damaged_pieces_do_not_load),
        cmocka_unit_test(pieces_that_say_what_cannot_be_do_not_load),
        cmocka_unit_test(a_piece_that_cannot_be_read_is_not_taken_for_absent),
        cmocka_unit_test(a_leaf_that_does_not_parse_is_not_left_out),
        cmocka_unit_test(a_past_epoch_that_cannot_be_is_not_read),
        cmocka_unit_test(damaged_staged_commits_do_not_read),
        cmocka_unit_test(running_out_of_memory_changes_nothing),
        cmocka_unit_test(a_failed_write_is_repeated),
    };

    return crypto_init(NULL) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
