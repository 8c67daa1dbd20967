/* Groups that libxmtp's installations made with each other, followed by us from every recorded welcome
 * on: outer sealing (X-Wing's KEM secret is given, the rest is ours), pointers and what they point to,
 * joining, every commit and message up to the member's own first commit.
 *
 * recorded-welcomes.json: the recorded welcomes with the private parts of the key package that each is
 * for, and `kemSecret`, the KEM shared secret of its X-Wing ciphertext. */
#include "tests/test.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "crypto/hpke.h"
#include "identity/credential.h"
#include "mls/mls.h"
#include "proto/wire.h"
#include "sync/group.h"
#include "sync/metadata.h"
#include "sync/send.h"
#include "sync/welcome_send.h"
#include "tests/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static struct bytes hex(const json_t *o, const char *key)
{
    return vectors_hex(json_object_get(o, key));
}

static bool is_hex(struct slice got, const char *want)
{
    char *have = hex_dup(got);
    bool same = have && strcmp(have, want) == 0;

    free(have);
    return same;
}

/* ---- the outer layers ---- */

static struct bytes open_aead(const uint8_t *key, const uint8_t *nonce, struct slice sealed)
{
    struct bytes out = {malloc(sealed.len), sealed.len - AEAD_TAG_LEN};

    assert_int_equal(aead_open(AEAD_CHACHA20_POLY1305, key, nonce, slice_of(NULL, 0), sealed, out.data), 0);
    return out;
}

static struct bytes open_hpke(const json_t *w, struct bytes *metadata)
{
    struct bytes data = hex(w, "data"), secret = hex(w, "kemSecret"), sealed = hex(w, "metadata"), out;
    struct reader r = reader_of(bytes_slice(&data));
    struct slice kem = read_vec(&r, 2000), ct = read_vec(&r, 1 << 20);
    struct hpke_context ctx;

    assert_true(reader_done(&r));
    assert_int_equal(kem.len, 1120);
    assert_int_equal(hpke_context_from_secret(HPKE_KEM_XWING, AEAD_CHACHA20_POLY1305, bytes_slice(&secret),
                                              slice_of(welcome_hpke_info, sizeof welcome_hpke_info), &ctx),
                     0);
    out = (struct bytes){malloc(ct.len), ct.len - AEAD_TAG_LEN};
    assert_int_equal(hpke_open(&ctx, slice_of(NULL, 0), ct, out.data), 0);
    if (sealed.len > 0) {
        *metadata = (struct bytes){malloc(sealed.len), sealed.len - AEAD_TAG_LEN};
        assert_int_equal(hpke_open(&ctx, slice_of(NULL, 0), bytes_slice(&sealed), metadata->data), 0);
    }
    hpke_wipe(&ctx);
    bytes_free(&data);
    bytes_free(&secret);
    bytes_free(&sealed);
    return out;
}

/* The welcome that a pointer leads to: sealed under a key of its own at a random destination. */
static struct bytes follow_pointer(const json_t *all, struct slice pointer, struct bytes *metadata)
{
    struct slice v1, destination, key, nonce, nonce2;
    const json_t *at;
    size_t i;

    assert_true(wire_find(pointer, 1, &v1) && wire_find(v1, 1, &destination) && wire_find(v1, 3, &key) &&
                wire_find(v1, 4, &nonce) && wire_find(v1, 5, &nonce2));
    json_array_foreach(all, i, at) {
        if (json_is_true(json_object_get(at, "symmetric")) && is_hex(destination, text(at, "destination"))) {
            struct bytes data = hex(at, "data"), sealed = hex(at, "metadata");
            struct bytes out = open_aead(key.data, nonce.data, bytes_slice(&data));
            *metadata = open_aead(key.data, nonce2.data, bytes_slice(&sealed));
            bytes_free(&data);
            bytes_free(&sealed);
            return out;
        }
    }
    fail_msg("nothing at the destination of a pointer");
    return (struct bytes){0};
}

/* ---- joining ---- */

static uint64_t message_cursor(const struct bytes *metadata)
{
    struct reader r = reader_of(bytes_slice(metadata));
    struct wire_field f = {0};

    assert_true(wire_next(&r, &f));
    assert_int_equal(f.number, 1);
    return f.value;
}

static struct mls_group *join(const json_t *all, const json_t *w, uint64_t *cursor)
{
    struct bytes metadata = {0}, welcome = open_hpke(w, &metadata), kp = hex(w, "keyPackage");
    struct bytes init = hex(w, "initPrivate"), leaf = hex(w, "leafPrivate");
    struct mls_join_params params;
    struct mls_config config;
    struct mls_group *g;
    struct err err = {0};
    uint32_t adder;

    if (json_is_true(json_object_get(w, "pointer"))) {
        struct bytes pointer = welcome;
        bytes_free(&metadata);
        welcome = follow_pointer(all, bytes_slice(&pointer), &metadata);
        bytes_free(&pointer);
    }
    params = (struct mls_join_params){.welcome = bytes_slice(&welcome),
                                      .key_package = bytes_slice(&kp),
                                      .init_private = init.data,
                                      .leaf_private = leaf.data};
    group_mls_config(&config);
    if (mls_group_join(&config, &params, &g, &adder, &err) != 0)
        fail_msg("welcome: %s", err.text);
    *cursor = message_cursor(&metadata);
    bytes_free(&metadata);
    bytes_free(&welcome);
    bytes_free(&kp);
    bytes_free(&init);
    bytes_free(&leaf);
    return g;
}

/* ---- following ---- */

struct tally {
    unsigned joined, commits, messages;
};

/* The authenticator that libxmtp recorded for this epoch, from whichever installation. */
static const char *recorded_authenticator(const json_t *group, uint64_t epoch)
{
    const char *name;
    json_t *log, *row;
    size_t i;

    json_object_foreach(json_object_get(group, "epochs"), name, log)
        json_array_foreach(log, i, row)
            if ((uint64_t)json_integer_value(json_object_get(row, "epoch")) == epoch &&
                json_integer_value(json_object_get(row, "result")) == 1)
                return text(row, "epochAuthenticator");
    return NULL;
}

static void check_epoch(const struct mls_group *g, const json_t *group, unsigned *checked)
{
    const char *want = recorded_authenticator(group, mls_group_epoch(g));
    struct slice raw;
    struct group_membership members;
    struct group_mutable mutable_;

    assert_non_null(want);
    assert_true(is_hex(mls_group_epoch_authenticator(g), want));
    assert_true(mls_extension_find(mls_group_extensions(g), EXT_GROUP_MEMBERSHIP, &raw));
    assert_int_equal(group_membership_decode(raw, &members, NULL), 0);
    assert_true(members.n_members >= 1);
    group_membership_free(&members);
    assert_true(mls_extension_find(mls_group_extensions(g), EXT_MUTABLE_METADATA, &raw));
    assert_int_equal(group_mutable_decode(raw, &mutable_, NULL), 0);
    group_mutable_free(&mutable_);
    ++*checked;
}

static void check_message(const json_t *message, const uint8_t group_id[16], const struct mls_message_info *info,
                          struct tally *tally)
{
    const json_t *plain = json_array_get(json_object_get(message, "plaintexts"), 0);
    struct slice v1, content = {0}, key = {0};
    char inbox[INBOX_ID_LEN + 1], id_hex[65];
    uint8_t id[32];

    assert_true(wire_find(info->plaintext, 1, &v1));
    wire_find(v1, 1, &content);
    wire_find(v1, 2, &key);
    message_id(group_id, key, content, id);
    hex_encode(id, 32, id_hex);
    assert_string_equal(id_hex, text(plain, "messageId"));
    assert_true(is_hex(content, text(plain, "encodedContent")));
    assert_int_equal(credential_read(info->sender_credential, inbox, NULL), 0);
    assert_string_equal(inbox, text(plain, "senderInbox"));
    assert_true(is_hex(info->sender_signature_key, text(plain, "senderInstallation")));
    tally->messages++;
}

static uint64_t number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_string(v) ? strtoull(json_string_value(v), NULL, 10) : (uint64_t)json_integer_value(v);
}

/* Until the member's own first commit, whose path keys were never stored, or its removal. */
static void follow(struct mls_group *g, const json_t *group, const char *who, uint64_t cursor, struct tally *tally)
{
    uint8_t group_id[16];
    json_t *message;
    size_t i;

    memcpy(group_id, mls_group_id(g).data, 16);
    json_array_foreach(json_object_get(group, "messages"), i, message) {
        struct mls_processed *processed = NULL;
        const struct mls_message_info *info;
        struct bytes data;
        struct err err = {0};
        bool own = strcmp(text(message, "by"), who) == 0, commit;

        if (number(message, "id") <= cursor)
            continue;
        commit = strcmp(text(message, "contentType"), "commit") == 0;
        if (own && commit && number(message, "epoch") == mls_group_epoch(g))
            return;
        data = hex(message, "data");
        int r = mls_group_process(g, bytes_slice(&data), &processed, &err);
        bytes_free(&data);
        if (own) {
            assert_int_not_equal(r, 0); /* nobody reads his own messages */
            continue;
        }
        if (commit && number(message, "epoch") != mls_group_epoch(g)) {
            assert_int_equal(r, ERR_CONFLICT); /* it lost its epoch to another */
            continue;
        }
        if (r != 0)
            fail_msg("%s, message %u: %s", who, (unsigned)number(message, "id"), err.text);
        info = mls_processed_info(processed);
        if (!commit)
            check_message(message, group_id, info, tally);
        assert_int_equal(mls_group_accept(g, processed, &err), 0);
        if (!mls_group_is_active(g))
            return;
        if (commit)
            check_epoch(g, group, &tally->commits);
    }
}

static const json_t *group_of(const json_t *groups, struct slice id)
{
    json_t *group;
    size_t i;

    json_array_foreach(groups, i, group)
        if (is_hex(id, text(group, "group")))
            return group;
    fail_msg("a welcome to a group that was not recorded");
    return NULL;
}

static void every_recorded_welcome_is_joined_and_its_group_followed(void **state)
{
    json_t *welcomes = vectors_load("recorded-welcomes.json"), *groups = vectors_load("group-messages.json"), *w;
    struct tally tally = {0};
    size_t i;

    (void)state;
    json_array_foreach(welcomes, i, w) {
        struct mls_group *g;
        const json_t *group;
        uint64_t cursor;
        if (json_is_true(json_object_get(w, "symmetric")))
            continue;
        g = join(welcomes, w, &cursor);
        assert_int_equal(cursor, number(w, "commit"));
        group = group_of(groups, mls_group_id(g));
        check_epoch(g, group, &tally.joined);
        follow(g, group, text(w, "installation"), cursor, &tally);
        mls_group_free(g);
    }
    assert_int_equal(tally.joined, 14);
    print_message("%u joined, %u commits and %u messages followed\n", tally.joined, tally.commits, tally.messages);
    assert_true(tally.commits >= 10);
    assert_true(tally.messages >= 21);
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
