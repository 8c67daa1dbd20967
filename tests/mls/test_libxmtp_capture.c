/* Groups that libxmtp 1.9.1 and a 1.11 build made, followed by us: welcomes opened and joined, every
 * commit and text read, epoch authenticators and tree hashes as recorded.  The member's state goes
 * through its stored pieces after each message. */
#include "base/alloc.h"
#include "crypto/crypto.h"
#include "crypto/hpke.h"
#include "mls/codec.h"
#include "mls/suite.h"
#include "tests/mls/kit.h"
#include "tests/mls/wg/wg.h"
#include "tests/test.h"

#include <stdlib.h>

static json_t *load(void)
{
    const char *dir = getenv("XM_SRCDIR");
    char path[4096];

    snprintf(path, sizeof path, "%s/tests/vectors/x25519-welcome.json", dir ? dir : ".");
    return json_load_file(path, 0, NULL);
}

/* XMTP's wrapping: HPKE under a label, two seals of one context. */
static void open_welcome(struct wg *w, const json_t *client, const json_t *welcome, const json_t *plaintext)
{
    struct slice data = wg_hex(w, welcome, "data"), metadata = wg_hex(w, welcome, "welcomeMetadata");
    struct mls_hpke_ciphertext ct;
    struct hpke_context ctx;
    struct x25519_key key;
    struct buf info = BUF_INIT;
    struct reader r = reader_of(data);
    uint8_t *out = calloc(1, data.len + metadata.len);

    x25519_from_secret(wg_hex(w, client, "initPrivateKey").data, &key);
    assert_true(mls_parse_hpke_ciphertext(&r, &ct) && reader_done(&r));
    mls_put_encrypt_context(&info, "MLS_WELCOME", (struct slice){0});
    assert_int_equal(hpke_setup_receiver(AEAD_CHACHA20_POLY1305, &key, ct.kem_output, buf_slice(&info), &ctx), 0);
    assert_int_equal(hpke_open(&ctx, (struct slice){0}, ct.ciphertext, out), 0);
    assert_true(wg_is(out, ct.ciphertext.len - AEAD_TAG_LEN, wg_hex(w, plaintext, "mlsMessage")));
    assert_int_equal(hpke_open(&ctx, (struct slice){0}, metadata, out), 0);
    assert_true(wg_is(out, metadata.len - AEAD_TAG_LEN, wg_hex(w, plaintext, "metadata")));
    hpke_wipe(&ctx);
    buf_free(&info);
    free(out);
}

static void check_joined(struct wg *w, const struct mls_group *g, const json_t *joined)
{
    struct slice list = mls_group_extensions(g), data;
    json_t *extension;
    uint16_t type;
    size_t i;

    assert_int_equal(mls_group_epoch(g), wg_int(w, joined, "epoch"));
    assert_int_equal(mls_group_own_leaf_index(g), wg_int(w, joined, "ownLeaf"));
    assert_true(slice_eq(mls_group_epoch_authenticator(g), wg_hex(w, joined, "epochAuthenticator")));
    assert_true(slice_eq(mls_group_tree_hash(g), wg_hex(w, joined, "treeHash")));
    assert_true(slice_eq(mls_group_confirmed_transcript_hash(g), wg_hex(w, joined, "confirmedTranscriptHash")));
    json_array_foreach(json_object_get(joined, "extensions"), i, extension)
    {
        assert_true(mls_extension_next(&list, &type, &data));
        assert_int_equal(type, strtol(json_string_value(json_object_get(extension, "type")), NULL, 16));
        assert_true(slice_eq(data, wg_hex(w, extension, "data")));
    }
    assert_int_equal(list.len, 0);
}

static const char *type_name(uint16_t type)
{
    switch (type) {
    case MLS_PROPOSAL_ADD: return "add";
    case MLS_PROPOSAL_REMOVE: return "remove";
    case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS: return "group_context_extensions";
    default: return "other";
    }
}

static void check_commit(struct wg *w, const struct mls_message_info *info, const json_t *commit)
{
    const json_t *want = json_object_get(commit, "proposals");
    const struct mls_commit_info *c = mls_staged_commit_info(info->commit);
    struct mls_proposal_info p;

    assert_int_equal(info->content_type, MLS_CONTENT_COMMIT);
    assert_int_equal(c->committer_leaf, wg_int(w, commit, "byLeaf"));
    assert_int_equal(c->proposals_n, json_array_size(want));
    for (size_t i = 0; mls_staged_commit_proposal(info->commit, i, &p); i++) {
        const json_t *name = json_array_get(want, i);

        if (json_is_string(name))
            assert_string_equal(type_name(p.type), json_string_value(name));
    }
    assert_non_null(c->path_leaf);
}

/* Returns whether the message was for us to read at all. */
static void follow_message(struct wg *w, struct kit_member *m, const json_t *message)
{
    const json_t *commit = json_object_get(message, "commit");
    struct slice data = wg_hex(w, message, "data");
    const struct mls_message_info *info;
    struct mls_processed *p;
    struct err err = {0};

    if (mls_group_process(m->g, data, &p, &err) != 0)
        fail_msg("message %s: %s", json_string_value(json_object_get(message, "id")), err.text);
    mls_processed_free(p); /* dropped: as if it had not been */
    assert_int_equal(mls_group_process(m->g, data, &p, &err), 0);
    info = mls_processed_info(p);
    if (commit)
        check_commit(w, info, commit);
    else
        assert_true(slice_eq(info->plaintext, wg_hex(w, message, "applicationData")));
    assert_int_equal(mls_group_accept(m->g, p, &err), 0);
    if (commit && mls_group_is_active(m->g)) {
        assert_int_equal(mls_group_epoch(m->g), wg_int(w, commit, "epochAfter"));
        assert_true(slice_eq(mls_group_epoch_authenticator(m->g), wg_hex(w, commit, "epochAuthenticator")));
        assert_true(slice_eq(mls_group_tree_hash(m->g), wg_hex(w, commit, "treeHash")));
    }
    kit_reload(m);
    if (mls_group_is_active(m->g))
        assert_int_not_equal(mls_group_process(m->g, data, &p, &err), 0); /* never twice */
}

static void follow(struct wg *w, const json_t *client, const json_t *conversation, size_t *texts, size_t *commits)
{
    const json_t *plaintext = json_object_get(conversation, "plaintext");
    struct slice kp = wg_hex(w, client, "keyPackage");
    struct mls_join_params params = {
        .welcome = wg_hex(w, plaintext, "mlsMessage"),
        .key_package = kp,
        .init_private = wg_hex(w, client, "initPrivateKey").data,
        .leaf_private = wg_hex(w, client, "leafEncryptionPrivateKey").data,
    };
    struct kit_member m = {.config = mls_config_default(), .name = "capture"};
    uint8_t ref[MLS_HASH_LEN];
    struct err err = {0};
    uint32_t adder = 99;
    json_t *message;
    size_t i;

    open_welcome(w, client, json_object_get(conversation, "welcome"), plaintext);
    mls_key_package_ref(kp, ref);
    assert_true(wg_is(ref, sizeof ref, wg_hex(w, client, "keyPackageRef")));
    assert_true(mls_welcome_is_for(params.welcome, ref));
    if (mls_group_join(&m.config, &params, &m.g, &adder, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(slice_eq(mls_group_leaf(m.g, adder)->signature_key,
                         wg_hex(w, json_object_get(client, "sender"), "installation")));
    check_joined(w, m.g, json_object_get(conversation, "joined"));
    kit_reload(&m);
    json_array_foreach(json_object_get(conversation, "messages"), i, message)
    {
        follow_message(w, &m, message);
        *(json_object_get(message, "commit") ? commits : texts) += 1;
    }
    kit_member_free(&m);
}

static void libxmtp_groups_are_followed_to_the_end(void **state)
{
    json_t *root = load(), *client, *conversation;
    size_t i, j, texts = 0, commits = 0;

    (void)state;
    assert_non_null(root);
    json_array_foreach(root, i, client)
    {
        json_array_foreach(json_object_get(client, "conversations"), j, conversation)
        {
            struct wg w = {0};

            follow(&w, client, conversation, &texts, &commits);
            assert_false(w.bad);
            wg_end(&w);
        }
    }
    assert_true(texts >= 10 && commits >= 10);
    json_decref(root);
}

static void key_packages_of_libxmtp_have_no_fault(void **state)
{
    json_t *root = load(), *client;
    size_t i;

    (void)state;
    json_array_foreach(root, i, client)
    {
        struct wg w = {0};
        struct mls_key_package kp;

        assert_int_equal(mls_key_package_parse(wg_hex(&w, client, "keyPackage"), &kp, NULL), 0);
        assert_int_equal(mls_key_package_faults(&kp, ~0u, kp.leaf.not_before + 1), 0);
        assert_int_equal(mls_key_package_faults(&kp, ~0u, kp.leaf.not_after), MLS_KP_LIFETIME);
        assert_int_equal(mls_key_package_faults(&kp, ~0u, kp.leaf.not_before), MLS_KP_LIFETIME);
        assert_true(slice_eq(kp.leaf.signature_key, wg_hex(&w, client, "installationPublicKey")));
        wg_end(&w);
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libxmtp_groups_are_followed_to_the_end),
        cmocka_unit_test(key_packages_of_libxmtp_have_no_fault),
    };

    return crypto_init(NULL) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
