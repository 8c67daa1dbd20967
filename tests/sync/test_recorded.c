/* Groups that libxmtp's installations made with each other, followed by us from every recorded welcome on:
 * joining, every commit and message up to the member's own first commit.  On the way each welcome and each
 * message is also tried damaged: cut at every length, and with each byte changed. */
#include "tests/test.h"

#include "base/reader.h"
#include "crypto/crypto.h"
#include "mls/mls.h"
#include "tests/sync/recorded.h"
#include "tests/vectors.h"

#include <stdlib.h>

struct tally {
    unsigned joined, commits, messages;
    unsigned damaged;        /* welcomes and messages tried damaged */
    bool tried_message[100]; /* by the node's id, which counts through all groups */
};

/* ---- damage ---- */

/* Which bits are turned: the lowest, which makes a number another one, and the highest, which makes a length of
 * another size. */
static const uint8_t turns[] = {0x01, 0x80};

static int drop_piece(void *ctx, const struct mls_piece_key *key, struct slice data, struct err *err)
{
    (void)ctx;
    (void)key;
    (void)data;
    (void)err;
    return 0;
}

static void expect_refused(struct mls_group *g, struct slice data, const char *how, size_t at)
{
    struct mls_processed *processed = NULL;

    if (mls_group_process(g, data, &processed, NULL) == 0)
        fail_msg("a message %s %zu was taken", how, at);
    assert_null(processed);
}

/* The group refuses every damaged form of the message that it would take next, and stays what it was. */
static void try_damaged_message(struct mls_group *g, const struct bytes *good)
{
    const struct mls_piece_sink sink = {.put = drop_piece};
    uint8_t *bad = malloc(good->len);
    struct bytes before = {0};

    assert_int_equal(bytes_dup(mls_group_epoch_authenticator(g), &before), 0);
    assert_int_equal(mls_group_write(g, &sink, NULL), 0);
    for (size_t len = 0; len < good->len; len++)
        expect_refused(g, slice_of(good->data, len), "cut at", len);
    memcpy(bad, good->data, good->len);
    for (size_t at = 0; at < good->len; at++)
        for (size_t t = 0; t < sizeof turns; t++) {
            bad[at] ^= turns[t];
            expect_refused(g, slice_of(bad, good->len), "with another byte", at);
            bad[at] ^= turns[t];
        }
    assert_false(mls_group_is_dirty(g));
    assert_true(slice_eq(mls_group_epoch_authenticator(g), bytes_slice(&before)));
    bytes_free(&before);
    free(bad);
}

static void expect_not_joined(const json_t *w, struct slice welcome, const char *how, size_t at)
{
    struct mls_group *g = NULL;

    if (recorded_join(w, welcome, &g) == 0)
        fail_msg("a welcome %s %zu was taken", how, at);
    assert_null(g);
}

/* Invitations to others in the same welcome are sealed to them: changes there nobody else can see.  So where a
 * welcome has several, only the last part, the sealed GroupInfo that is for all, is changed. */
static void try_damaged_welcome(const json_t *w, const struct bytes *good, size_t from)
{
    uint8_t *bad = malloc(good->len);

    for (size_t len = 0; len < good->len; len++)
        expect_not_joined(w, slice_of(good->data, len), "cut at", len);
    memcpy(bad, good->data, good->len);
    for (size_t at = from; at < good->len; at++) {
        bad[at] ^= turns[at % sizeof turns];
        expect_not_joined(w, slice_of(bad, good->len), "with another byte", at);
        bad[at] ^= turns[at % sizeof turns];
    }
    free(bad);
}

/* ---- following ---- */

/* The message is one that this member will read, and was not tried damaged before. */
static bool is_to_try(const struct mls_group *g, const json_t *message, const char *who, const struct tally *tally)
{
    uint64_t id = recorded_number(message, "id");
    bool commit = strcmp(recorded_text(message, "contentType"), "commit") == 0;

    assert_true(id < sizeof tally->tried_message);
    return strcmp(recorded_text(message, "by"), who) != 0 && !tally->tried_message[id] &&
           (!commit || recorded_number(message, "epoch") == mls_group_epoch(g));
}

static void follow(struct mls_group *g, const json_t *group, const char *who, uint64_t cursor, struct tally *tally)
{
    enum recorded_step step = RECORDED_PASSED;
    json_t *message;
    size_t i;

    json_array_foreach(json_object_get(group, "messages"), i, message) {
        uint64_t id = recorded_number(message, "id");

        if (id <= cursor || step == RECORDED_END)
            continue;
        if (is_to_try(g, message, who, tally)) {
            struct bytes data = recorded_hex(message, "data");

            try_damaged_message(g, &data);
            bytes_free(&data);
            tally->tried_message[id] = true;
            tally->damaged++;
        }
        step = recorded_follow(g, group, message, who);
        tally->commits += step == RECORDED_COMMIT;
        tally->messages += step == RECORDED_MESSAGE;
    }
}

/* Where what every recipient sees begins: at the start where there is one invitation, else behind them. */
static size_t counts_from(const struct bytes *welcome)
{
    struct reader r = reader_of(bytes_slice(welcome)), secrets;
    unsigned n = 0;

    read_bytes(&r, 6); /* version, wire format, cipher suite */
    for (secrets = read_vec_reader(&r, welcome->len); secrets.at < secrets.end && !secrets.bad; n++) {
        read_vec(&secrets, 255); /* new_member */
        read_vec(&secrets, 255); /* kem_output */
        read_vec(&secrets, 65535);
    }
    assert_true(n > 0 && !secrets.bad && !r.bad);
    return n == 1 ? 0 : (size_t)(r.at - welcome->data);
}

static void every_recorded_welcome_is_joined_and_its_group_followed(void **state)
{
    json_t *welcomes = vectors_load("recorded-welcomes.json"), *groups = vectors_load("group-messages.json"), *w;
    struct tally tally = {0};
    size_t i;

    (void)state;
    json_array_foreach(welcomes, i, w) {
        struct mls_group *g = NULL;
        struct bytes welcome;
        const json_t *group;
        uint64_t cursor;

        if (json_is_true(json_object_get(w, "symmetric")))
            continue;
        welcome = recorded_open_welcome(welcomes, w, &cursor);
        assert_int_equal(cursor, recorded_number(w, "commit"));
        try_damaged_welcome(w, &welcome, counts_from(&welcome));
        assert_int_equal(recorded_join(w, bytes_slice(&welcome), &g), 0);
        bytes_free(&welcome);
        group = recorded_group(groups, mls_group_id(g));
        recorded_check_epoch(g, group);
        tally.joined++;
        follow(g, group, recorded_text(w, "installation"), cursor, &tally);
        mls_group_free(g);
    }
    print_message("%u joined, %u commits and %u messages followed, %u messages tried damaged\n", tally.joined,
                  tally.commits, tally.messages, tally.damaged);
    assert_int_equal(tally.joined, 14);
    assert_int_equal(tally.commits, 15);
    assert_int_equal(tally.messages, 33);
    assert_int_equal(tally.damaged, 32);
    json_decref(welcomes);
    json_decref(groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_welcome_is_joined_and_its_group_followed),
    };

    if (crypto_init(NULL) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
