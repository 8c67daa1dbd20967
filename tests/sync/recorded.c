#include "tests/sync/recorded.h"

#include "tests/test.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/hpke.h"
#include "identity/credential.h"
#include "mls/mls.h"
#include "proto/wire.h"
#include "sync/group.h"
#include "sync/metadata.h"
#include "sync/send.h"
#include "sync/welcome_send.h"
#include "tests/vectors.h"

#include <stdlib.h>

const char *recorded_text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

struct bytes recorded_hex(const json_t *o, const char *key)
{
    return vectors_hex(json_object_get(o, key));
}

uint64_t recorded_number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_string(v) ? strtoull(json_string_value(v), NULL, 10) : (uint64_t)json_integer_value(v);
}

bool recorded_is_hex(struct slice got, const char *want)
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
    struct bytes data = recorded_hex(w, "data"), secret = recorded_hex(w, "kemSecret"), sealed = recorded_hex(w, "metadata"), out;
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
        if (json_is_true(json_object_get(at, "symmetric")) && recorded_is_hex(destination, recorded_text(at, "destination"))) {
            struct bytes data = recorded_hex(at, "data"), sealed = recorded_hex(at, "metadata");
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

static uint64_t message_cursor(const struct bytes *metadata)
{
    struct reader r = reader_of(bytes_slice(metadata));
    struct wire_field f = {0};

    assert_true(wire_next(&r, &f));
    assert_int_equal(f.number, 1);
    return f.value;
}

struct bytes recorded_open_welcome(const json_t *all, const json_t *w, uint64_t *cursor)
{
    struct bytes metadata = {0}, welcome = open_hpke(w, &metadata);

    if (json_is_true(json_object_get(w, "pointer"))) {
        struct bytes pointer = welcome;

        bytes_free(&metadata);
        welcome = follow_pointer(all, bytes_slice(&pointer), &metadata);
        bytes_free(&pointer);
    }
    *cursor = message_cursor(&metadata);
    bytes_free(&metadata);
    return welcome;
}

int recorded_join(const json_t *w, struct slice welcome, struct mls_group **out)
{
    struct bytes kp = recorded_hex(w, "keyPackage"), init = recorded_hex(w, "initPrivate"),
                 leaf = recorded_hex(w, "leafPrivate");
    const struct mls_join_params params = {.welcome = welcome,
                                           .key_package = bytes_slice(&kp),
                                           .init_private = init.data,
                                           .leaf_private = leaf.data};
    struct mls_config config;
    uint32_t adder;
    int r;

    group_mls_config(&config);
    r = mls_group_join(&config, &params, out, &adder, NULL);
    bytes_free(&kp);
    bytes_free(&init);
    bytes_free(&leaf);
    return r;
}

/* ---- what was recorded ---- */

const json_t *recorded_group(const json_t *groups, struct slice id)
{
    json_t *group;
    size_t i;

    json_array_foreach(groups, i, group)
        if (recorded_is_hex(id, recorded_text(group, "group")))
            return group;
    fail_msg("a group that was not recorded");
    return NULL;
}

/* The authenticator that libxmtp recorded for this epoch, from whichever installation. */
static const char *authenticator_of(const json_t *group, uint64_t epoch)
{
    const char *name;
    json_t *log, *row;
    size_t i;

    json_object_foreach(json_object_get(group, "epochs"), name, log)
        json_array_foreach(log, i, row)
            if (recorded_number(row, "epoch") == epoch && recorded_number(row, "result") == 1)
                return recorded_text(row, "epochAuthenticator");
    return NULL;
}

void recorded_check_epoch(const struct mls_group *g, const json_t *group)
{
    const char *want = authenticator_of(group, mls_group_epoch(g));
    struct slice raw;
    struct group_membership members;
    struct group_mutable mutable_;

    assert_non_null(want);
    assert_true(recorded_is_hex(mls_group_epoch_authenticator(g), want));
    assert_true(mls_extension_find(mls_group_extensions(g), EXT_GROUP_MEMBERSHIP, &raw));
    assert_int_equal(group_membership_decode(raw, &members, NULL), 0);
    assert_true(members.n_members >= 1);
    group_membership_free(&members);
    assert_true(mls_extension_find(mls_group_extensions(g), EXT_MUTABLE_METADATA, &raw));
    assert_int_equal(group_mutable_decode(raw, &mutable_, NULL), 0);
    group_mutable_free(&mutable_);
}

void recorded_check_message(const json_t *message, struct slice group_id, const struct mls_message_info *info)
{
    const json_t *plain = json_array_get(json_object_get(message, "plaintexts"), 0);
    struct slice v1, content = {0}, key = {0};
    char inbox[INBOX_ID_LEN + 1];
    uint8_t id[32];

    assert_true(wire_find(info->plaintext, 1, &v1));
    wire_find(v1, 1, &content);
    wire_find(v1, 2, &key);
    message_id(group_id.data, key, content, id);
    assert_true(recorded_is_hex(slice_of(id, 32), recorded_text(plain, "messageId")));
    assert_true(recorded_is_hex(content, recorded_text(plain, "encodedContent")));
    assert_int_equal(credential_read(info->sender_credential, inbox, NULL), 0);
    assert_string_equal(inbox, recorded_text(plain, "senderInbox"));
    assert_true(recorded_is_hex(info->sender_signature_key, recorded_text(plain, "senderInstallation")));
}

enum recorded_step recorded_follow(struct mls_group *g, const json_t *group, const json_t *message, const char *who)
{
    bool own = strcmp(recorded_text(message, "by"), who) == 0;
    bool commit = strcmp(recorded_text(message, "contentType"), "commit") == 0;
    uint64_t epoch = recorded_number(message, "epoch");
    struct mls_processed *processed = NULL;
    struct err err = {0};
    struct bytes data;
    int r;

    if (own && commit && epoch == mls_group_epoch(g))
        return RECORDED_END;
    data = recorded_hex(message, "data");
    r = mls_group_process(g, bytes_slice(&data), &processed, &err);
    bytes_free(&data);
    if (own) {
        assert_int_not_equal(r, 0);
        return RECORDED_PASSED;
    }
    if (commit && epoch != mls_group_epoch(g)) {
        assert_int_equal(r, ERR_CONFLICT);
        return RECORDED_PASSED;
    }
    if (r != 0)
        fail_msg("%s, message %u: %s", who, (unsigned)recorded_number(message, "id"), err.text);
    if (!commit)
        recorded_check_message(message, mls_group_id(g), mls_processed_info(processed));
    assert_int_equal(mls_group_accept(g, processed, &err), 0);
    if (!mls_group_is_active(g))
        return RECORDED_END;
    if (commit)
        recorded_check_epoch(g, group);
    return commit ? RECORDED_COMMIT : RECORDED_MESSAGE;
}
