/* mls-vectors: checks test vectors of the MLS working group, of whatever kind a file is, for the suites that
 * this library has; see `usage`. */
#include "base/rand.h"
#include "crypto/crypto.h"
#include "tests/mls/wg/wg.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: mls-vectors FILE...            check test vectors of the MLS working group; the kind of\n"
    "                                      each is told by its fields\n"
    "       mls-vectors --spoil FILE...    alter each value of them, and see that it is noticed\n"
    "\n"
    "Prints \"FILE: N passed, N failed, N skipped\" for each, and on standard error why one failed; a file of\n"
    "another format fails.  Skipped are entries of cipher suites other than 1 and 3, and nothing else.\n"
    "\n"
    "Exit status: 0 if nothing failed, 1 if an entry failed or a file is of no format known or cannot be\n"
    "read, 2 for wrong arguments.\n";

/* A kind is told by fields that no other kind has together. */
static const struct kind {
    const char *name, *field, *and_field;
    bool (*check)(struct wg *w, const json_t *entry);
} kinds[] = {
    {"tree-math", "n_leaves", "sibling", wg_tree_math},
    {"deserialization", "vlbytes_header", "length", wg_deserialization},
    {"crypto-basics", "ref_hash", "sign_with_label", wg_crypto_basics},
    {"secret-tree", "sender_data", "leaves", wg_secret_tree},
    {"message-protection", "membership_key", "application_priv", wg_message_protection},
    {"key-schedule", "initial_init_secret", "epochs", wg_key_schedule},
    {"psk_secret", "psks", "psk_secret", wg_psk_secret},
    {"transcript-hashes", "authenticated_content", "confirmation_key", wg_transcript_hashes},
    {"welcome", "signer_pub", "welcome", wg_welcome},
    {"tree-operations", "tree_before", "proposal_sender", wg_tree_operations},
    {"tree-validation", "tree_hashes", "resolutions", wg_tree_validation},
    {"treekem", "leaves_private", "update_paths", wg_treekem},
    {"messages", "mls_welcome", "group_secrets", wg_messages},
    {"passive-client", "initial_epoch_authenticator", "epochs", wg_passive_client},
};

static const struct kind *kind_of(const json_t *entry)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_object_get(entry, kinds[i].field) && json_object_get(entry, kinds[i].and_field))
            return &kinds[i];
    return NULL;
}

static bool is_other_suite(const json_t *entry)
{
    const json_t *suite = json_object_get(entry, "cipher_suite");
    json_int_t id = json_integer_value(suite);

    return json_is_integer(suite) && id != MLS_SUITE_AES128 && id != MLS_SUITE_CHACHA20;
}

struct counts {
    size_t passed, failed, skipped;
    size_t unknown; /* of the failed */
};

/* One sentence for the whole file; `entry` is the first of them. */
static void say_unknown(const char *path, size_t number, const json_t *entry)
{
    int left = 8; /* names, to tell the file by */
    const char *name;
    json_t *value;

    fprintf(stderr, "%s: of no format of the MLS working group's test vectors: entry %zu %s", path, number,
            json_is_object(entry) ? "has the fields" : "is no object");
    json_object_foreach((json_t *)entry, name, value)
    {
        if (left-- == 0) {
            fputs(" ...", stderr);
            break;
        }
        fprintf(stderr, " \"%s\"", name);
    }
    fputs("\n", stderr);
}

static void check_entry(const char *path, size_t number, const json_t *entry, struct counts *counts)
{
    const struct kind *kind = kind_of(entry);
    struct wg w = {.rand = &rand_system};
    bool ok;

    if (!kind) {
        if (!counts->unknown++)
            say_unknown(path, number, entry);
        counts->failed++;
        return;
    }
    if (is_other_suite(entry)) {
        counts->skipped++;
        return;
    }
    ok = kind->check(&w, entry) && !w.bad;
    if (!ok)
        fprintf(stderr, "%s: entry %zu (%s): %s\n", path, number, kind->name, w.why);
    counts->passed += ok;
    counts->failed += !ok;
    wg_end(&w);
}

static bool check_file(const char *path)
{
    struct counts counts = {0};
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error), *entry;
    size_t i;

    if (!root) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        printf("%s: 0 passed, 1 failed, 0 skipped\n", path);
        return false;
    }
    if (json_is_array(root)) {
        json_array_foreach(root, i, entry) check_entry(path, i, entry, &counts);
    } else {
        check_entry(path, 0, root, &counts);
    }
    printf("%s: %zu passed, %zu failed, %zu skipped\n", path, counts.passed, counts.failed, counts.skipped);
    json_decref(root);
    return counts.failed == 0;
}

static bool spoil_file(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL), *seen = json_object(), *entry;
    size_t i, altered = 0, missed = 0;

    json_array_foreach(root, i, entry)
    {
        const struct kind *kind = kind_of(entry);

        if (kind && !is_other_suite(entry))
            wg_spoil_entry(path, kind->name, kind->check, entry, seen, &altered, &missed);
    }
    missed += wg_spoil_end(path, seen);
    printf("%s: %zu altered, %zu unnoticed\n", path, altered, missed);
    json_decref(seen);
    json_decref(root);
    return altered > 0 && missed == 0;
}

int main(int argc, char **argv)
{
    bool spoil = argc > 1 && strcmp(argv[1], "--spoil") == 0, ok = true;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc < 2 + spoil || crypto_init(NULL) != 0) {
        fputs(usage, stderr);
        return 2;
    }
    for (int i = 1 + spoil; i < argc; i++)
        ok &= spoil ? spoil_file(argv[i]) : check_file(argv[i]);
    return ok ? 0 : 1;
}
