/* Rules of RFC 9420 for what others send, each broken by a message that is in order otherwise: signed by
 * whoever it says, under the right keys.  Every test says which sentence refuses it. */
#include "crypto/crypto.h"
#include "crypto/x25519.h"
#include "mls/protect.h"
#include "mls/send.h"
#include "mls/suite.h"
#include "tests/mls/forge.h"
#include "tests/test.h"

static struct rand_seed seed;
static struct rand rnd;

#define EVERYTHING                                                                                                     \
    (MLS_ALLOW_PUBLIC_MESSAGE | MLS_ALLOW_PROPOSALS | MLS_ALLOW_PSK | MLS_ALLOW_EXTERNAL | MLS_ALLOW_REINIT)
#define MEMBERS 12

/* Members 0 to 2 are in the group, leaf 3 is blank; the others have key packages. */
static void begin(struct kit_member *m)
{
    rnd = rand_seeded(&seed, 5);
    for (unsigned i = 0; i < MEMBERS; i++) {
        kit_member_init(&m[i], i, MLS_SUITE_CHACHA20, &rnd);
        m[i].config.flags = EVERYTHING;
    }
    kit_create(&m[0], &rnd);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    kit_commit(&m[0], &(struct mls_commit_params){.force_path = true}, m, 3, NULL, 0, &rnd); /* parents */
    for (unsigned i = 0; i < 3; i++)
        kit_reload(&m[i]); /* the rules hold for a tree from the disk as well */
}

static void end(struct kit_member *m)
{
    for (unsigned i = 0; i < MEMBERS; i++)
        kit_member_free(&m[i]);
}

/* ---- Lists of proposals ---- */

struct list_edit {
    struct slice proposals;
    bool without_path;
};

static void replace_list(struct mls_commit *commit, void *ctx)
{
    const struct list_edit *edit = ctx;

    commit->proposals = edit->proposals;
    if (edit->without_path)
        commit->has_path = false;
}

/* Member 1 gets a commit of member 0 with exactly these proposals. */
static void list_is_refused(struct kit_member *m, struct buf *list, bool without_path, int code, const char *why)
{
    struct list_edit edit = {buf_slice(list), without_path};
    struct forge_commit forge = {.edit = replace_list, .ctx = &edit};
    struct bytes message = forge_commit(&m[0], &forge, &rnd);

    kit_refuse(&m[1], bytes_slice(&message), code, why);
    bytes_free(&message);
    buf_reset(list);
}

static void a_forged_commit_without_a_fault_is_good(void **state)
{
    struct kit_member m[MEMBERS];
    struct forge_commit forge = {0};
    struct bytes message;

    (void)state;
    begin(m);
    message = forge_commit(&m[0], &forge, &rnd);
    kit_receive(&m[1], bytes_slice(&message));
    kit_receive(&m[2], bytes_slice(&message));
    kit_agree(&m[1], 2);
    bytes_free(&message);
    end(m);
}

/* optional<UpdatePath> is there or not: 0 or 1. */
static void third_way(struct mls_framed_content *content, void *ctx)
{
    static uint8_t body[4096];

    (void)ctx;
    assert_true(content->body.len < sizeof body && content->body.data[0] == 0 && content->body.data[1] == 1);
    memcpy(body, content->body.data, content->body.len);
    body[1] = 2;
    content->body.data = body;
}

static void an_optional_path_is_there_or_not(void **state)
{
    struct kit_member m[MEMBERS];
    struct forge_commit forge = {.edit_content = third_way};
    struct bytes message;

    (void)state;
    begin(m);
    message = forge_commit(&m[0], &forge, &rnd);
    assert_int_equal(mls_group_process(m[1].g, bytes_slice(&message), &(struct mls_processed *){NULL}, NULL),
                     ERR_MALFORMED);
    bytes_free(&message);
    end(m);
}

static void put_update(struct buf *list, const struct kit_member *who, struct slice raw_leaf)
{
    struct buf raw = BUF_INIT;

    (void)who;
    buf_put_u16(&raw, MLS_PROPOSAL_UPDATE);
    buf_put_slice(&raw, raw_leaf);
    forge_put_raw(list, buf_slice(&raw));
    buf_free(&raw);
}

static void lists_of_proposals_against_the_rules_are_refused(void **state)
{
    static const uint8_t nonce[MLS_HASH_LEN], kem[MLS_KEY_LEN] = {1};
    struct kit_member m[MEMBERS];
    struct buf list = BUF_INIT, raw = BUF_INIT;
    struct slice extensions;
    struct mls_psk_id psk = {.type = MLS_PSK_RESUMPTION,
                             .usage = MLS_PSK_REINIT,
                             .group_id = slice_str("a group id"),
                             .nonce = slice_of(nonce, sizeof nonce)};
    struct mls_proposal reinit = {
        .type = MLS_PROPOSAL_REINIT, .group_id = slice_str("next"), .version = 1, .suite = MLS_SUITE_CHACHA20};

    (void)state;
    begin(m);
    extensions = mls_group_extensions(m[0].g);

    put_update(&list, &m[0], mls_group_leaf(m[0].g, 0)->raw);
    list_is_refused(m, &list, false, ERR_DENIED, "an update by the committer or by no member");
    forge_put_remove(&list, 0);
    list_is_refused(m, &list, false, ERR_DENIED, "the committer removes itself");
    forge_put_remove(&list, 3);
    list_is_refused(m, &list, false, ERR_DENIED, "a proposal is about leaf 3, which is blank");
    forge_put_remove(&list, 4);
    list_is_refused(m, &list, false, ERR_DENIED, "a proposal is about leaf 4, which is blank");
    forge_put_remove(&list, 2);
    forge_put_remove(&list, 2);
    list_is_refused(m, &list, false, ERR_DENIED, "two proposals are about leaf 2");
    forge_put_extensions(&list, extensions);
    forge_put_extensions(&list, extensions);
    list_is_refused(m, &list, false, ERR_DENIED, "two lists of group extensions in one commit");

    buf_put_u16(&raw, MLS_PROPOSAL_PSK);
    mls_put_psk_id(&raw, &psk);
    forge_put_raw(&list, buf_slice(&raw));
    list_is_refused(m, &list, false, ERR_DENIED, "a pre-shared key of a usage that is not for commits");
    buf_reset(&raw);

    mls_put_proposal(&raw, &reinit);
    forge_put_raw(&list, buf_slice(&raw));
    forge_put_remove(&list, 2);
    list_is_refused(m, &list, false, ERR_DENIED, "reinit beside other proposals");
    m[1].g->config.flags &= ~(unsigned)MLS_ALLOW_REINIT;
    forge_put_raw(&list, buf_slice(&raw));
    list_is_refused(m, &list, true, ERR_UNSUPPORTED, "reinit is not accepted here");
    m[1].g->config.flags = EVERYTHING;
    forge_put_raw(&list, buf_slice(&raw)); /* alone, and allowed: only the tag is another commit's */
    list_is_refused(m, &list, true, ERR_AUTH, "confirmation tag");
    buf_reset(&raw);
    reinit.version = 0;
    mls_put_proposal(&raw, &reinit);
    forge_put_raw(&list, buf_slice(&raw));
    list_is_refused(m, &list, true, ERR_DENIED, "reinit to an older version");
    buf_reset(&raw);

    buf_put_u16(&raw, MLS_PROPOSAL_EXTERNAL_INIT);
    buf_put_vec(&raw, slice_of(kem, sizeof kem));
    forge_put_raw(&list, buf_slice(&raw));
    list_is_refused(m, &list, false, ERR_DENIED, "external_init in a member's commit");

    forge_put_remove(&list, 2);
    list_is_refused(m, &list, true, ERR_DENIED, "a commit that needs an update path has none");
    forge_put_extensions(&list, extensions);
    list_is_refused(m, &list, true, ERR_DENIED, "a commit that needs an update path has none");
    list_is_refused(m, &list, true, ERR_DENIED, "a commit that needs an update path has none");
    buf_free(&list);
    buf_free(&raw);
    end(m);
}

/* ---- Group extensions ---- */

static void required(struct buf *list, const uint16_t *extension, const uint16_t *proposal, const uint16_t *credential)
{
    struct buf body = BUF_INIT;
    uint16_t extensions[3] = {0xff01, 0xff02, extension ? *extension : 0};

    mls_extension_put(list, 0xff01, slice_str("first"));
    mls_extension_put(list, 0xff02, slice_str("second"));
    mls_required_capabilities_put(&body, (struct mls_u16s){extensions, extension ? 3 : 2},
                                  (struct mls_u16s){proposal, proposal ? 1 : 0},
                                  (struct mls_u16s){credential, credential ? 1 : 0});
    mls_extension_put(list, MLS_EXT_REQUIRED_CAPABILITIES, buf_slice(&body));
    buf_free(&body);
}

static void extensions_are_refused(struct kit_member *m, struct buf *extensions, int code, const char *why)
{
    struct buf list = BUF_INIT;

    forge_put_extensions(&list, buf_slice(extensions));
    list_is_refused(m, &list, false, code, why);
    buf_free(&list);
    buf_reset(extensions);
}

static void group_extensions_against_the_rules_are_refused(void **state)
{
    static const uint16_t grease = 0x1a1a, unknown = 0x3a3a, zero = 0, everybodys = 3, basic = 1, x509 = 2;
    static const char *const broken[] = {"\x00\x00\x00\x00", "\x01\xff\x00\x00", "\x00\x01\x07\x00", "\x00\x00\x01\x01"};
    struct kit_member m[MEMBERS];
    struct buf extensions = BUF_INIT;

    (void)state;
    begin(m);
    required(&extensions, NULL, NULL, NULL);
    mls_extension_put(&extensions, 0xff01, slice_str("again"));
    extensions_are_refused(m, &extensions, ERR_MALFORMED, "extension 0xff01 twice in one list");
    required(&extensions, NULL, NULL, NULL);
    mls_extension_put(&extensions, grease, slice_str("all list it, it is not required"));
    extensions_are_refused(m, &extensions, ERR_DENIED, "a group extension is not in required_capabilities");
    mls_extension_put(&extensions, 0, slice_str("nor is this"));
    extensions_are_refused(m, &extensions, ERR_DENIED, "a group extension is not in required_capabilities");
    for (size_t i = 0; i < 4; i++) { /* a byte too many, and lists of half numbers */
        mls_extension_put(&extensions, MLS_EXT_REQUIRED_CAPABILITIES, slice_of(broken[i], 4));
        extensions_are_refused(m, &extensions, ERR_MALFORMED, "required capabilities do not parse");
    }
    required(&extensions, &unknown, NULL, NULL);
    extensions_are_refused(m, &extensions, ERR_DENIED, "a member lacks the required extension 0x3a3a");
    required(&extensions, &zero, NULL, NULL);
    extensions_are_refused(m, &extensions, ERR_DENIED, "a member lacks the required extension 0x0000");
    required(&extensions, NULL, &unknown, NULL);
    extensions_are_refused(m, &extensions, ERR_DENIED, "a member lacks the required proposal 0x3a3a");
    required(&extensions, NULL, NULL, &x509);
    extensions_are_refused(m, &extensions, ERR_DENIED, "a member lacks the required credential 0x0002");
    required(&extensions, &unknown, NULL, NULL);
    mls_extension_put(&extensions, unknown, slice_str("required, and nobody has it"));
    extensions_are_refused(m, &extensions, ERR_DENIED, "a leaf does not list an extension that the group has");
    required(&extensions, &grease, &everybodys, &basic); /* nothing against these but another commit's tag */
    mls_extension_put(&extensions, grease, slice_str("required, and all have it"));
    extensions_are_refused(m, &extensions, ERR_AUTH, "opening the path secret");
    /* The RFC lets a group have what all its members know, required or not. */
    m[1].g->config.flags |= MLS_ALLOW_UNREQUIRED_EXTENSIONS;
    required(&extensions, NULL, NULL, NULL);
    mls_extension_put(&extensions, grease, slice_str("all list it, it is not required"));
    extensions_are_refused(m, &extensions, ERR_AUTH, "opening the path secret");
    buf_free(&extensions);
    end(m);
}

static void knows_less(struct mls_key_package *kp) { kp->leaf.capabilities.extensions = slice_of("\x00\x0a\xff\x01\xff\x02", 6); }

/* Not only the committer, whose new leaf is looked at anyway. */
static void group_extensions_that_one_member_does_not_know_are_refused(void **state)
{
    static const uint16_t grease = 0x1a1a;
    struct kit_member m[MEMBERS];
    struct buf extensions = BUF_INIT;
    struct bytes kp;

    (void)state;
    begin(m);
    kp = forge_key_package(&m[3], knows_less);
    bytes_free(&m[3].kp.data);
    m[3].kp.data = kp;
    kit_add(&m[0], m, 3, &m[3], 1, &rnd);
    kit_agree(m, 4);
    required(&extensions, &grease, NULL, NULL);
    extensions_are_refused(m, &extensions, ERR_DENIED, "a member lacks the required extension 0x1a1a");
    buf_free(&extensions);
    end(m);
}

/* ---- Added key packages ---- */

static void a_suite(struct mls_key_package *kp) { kp->suite = MLS_SUITE_AES128; }
static void a_version(struct mls_key_package *kp) { kp->version = 2; }
static void a_source(struct mls_key_package *kp) { kp->leaf.source = MLS_LEAF_UPDATE; }
static void its_own_key(struct mls_key_package *kp) { kp->init_key = kp->leaf.encryption_key; }
static void a_short_init_key(struct mls_key_package *kp) { kp->init_key.len--; }
static void a_short_leaf_key(struct mls_key_package *kp) { kp->leaf.encryption_key.len--; }
static void unlisted(struct mls_key_package *kp) { kp->extensions = slice_of("\x55\x55\x00", 3); }
static void twice(struct mls_key_package *kp) { kp->extensions = slice_of("\x1a\x1a\x00\x1a\x1a\x00", 6); }
static void leaf_twice(struct mls_key_package *kp) { kp->leaf.extensions = slice_of("\x1a\x1a\x00\x1a\x1a\x00", 6); }
static void leaf_unlisted(struct mls_key_package *kp) { kp->leaf.extensions = slice_of("\x55\x55\x00", 3); }
static void no_suite(struct mls_key_package *kp) { kp->leaf.capabilities.suites = slice_of("\x00\x01", 2); }
static void no_version(struct mls_key_package *kp) { kp->leaf.capabilities.versions = slice_of("\x00\x02", 2); }
static void no_credential(struct mls_key_package *kp) { kp->leaf.capabilities.credentials = slice_of("\x00\x02", 2); }
static void no_extension(struct mls_key_package *kp) { kp->leaf.capabilities.extensions = slice_of("\x00\x0a\xff\x01", 4); }
static void last_resort(struct mls_key_package *kp) { kp->leaf.extensions = slice_of("\x00\x0a\x00", 3); }
static void ratchet_tree(struct mls_key_package *kp) { kp->leaf.extensions = slice_of("\x00\x02\x00", 3); }
static void ext_senders(struct mls_key_package *kp) { kp->leaf.extensions = slice_of("\x00\x05\x00", 3); }
static void kept_out(struct mls_key_package *kp) { kp->leaf.extensions = slice_of("\xff\x02\x00", 3); }
static void an_id(struct mls_key_package *kp) { kp->leaf.extensions = slice_of("\x00\x01\x01\x00\x1a\x1a\x00", 7); }
static void nothing(struct mls_key_package *kp) { (void)kp; }

static void x509(struct mls_key_package *kp)
{
    kp->leaf.credential_type = MLS_CREDENTIAL_X509;
    kp->leaf.capabilities.credentials = slice_of("\x00\x01\x00\x02", 4);
}

static void add_is_refused(struct kit_member *m, struct slice key_package, int code, const char *why)
{
    struct buf list = BUF_INIT;

    forge_put_add(&list, key_package);
    list_is_refused(m, &list, true, code, why);
    buf_free(&list);
}

static void key_packages_against_the_rules_are_not_let_in(void **state)
{
    static const struct {
        void (*edit)(struct mls_key_package *kp);
        int code;
        const char *why;
    } cases[] = {
        {nothing, ERR_AUTH, "confirmation tag"}, /* the only thing wrong then */
        {an_id, ERR_AUTH, "confirmation tag"},
        {a_suite, ERR_DENIED, "an added key package is for another suite or version"},
        {a_version, ERR_DENIED, "an added key package is for another suite or version"},
        {a_source, ERR_DENIED, "an added key package is faulty: leaf-source"},
        {its_own_key, ERR_DENIED, "an added key package is faulty: init-key"},
        {a_short_init_key, ERR_DENIED, "an added key package is faulty: init-key"},
        {a_short_leaf_key, ERR_DENIED, "an added key package is faulty: init-key"},
        {unlisted, ERR_DENIED, "an added key package is faulty: extensions"},
        {twice, ERR_MALFORMED, "extension 0x1a1a twice in one list"},
        {leaf_twice, ERR_MALFORMED, "extension 0x1a1a twice in one list"},
        {leaf_unlisted, ERR_DENIED, "a leaf carries an extension that it does not list"},
        {no_suite, ERR_DENIED, "a leaf does not list MLS 1.0 or suite 0x0003"},
        {no_version, ERR_DENIED, "a leaf does not list MLS 1.0 or suite 0x0003"},
        {no_credential, ERR_DENIED, "a leaf does not list its own credential type 1"},
        {no_extension, ERR_DENIED, "a leaf does not list an extension that the group has"},
        {x509, ERR_DENIED, "leaf 0 does not list credential type 2"},
        {last_resort, ERR_DENIED, "a leaf carries an extension that is not for leaves"},
        {ratchet_tree, ERR_DENIED, "a leaf carries an extension that is not for leaves"},
        {ext_senders, ERR_DENIED, "a leaf carries an extension that is not for leaves"},
        {kept_out, ERR_DENIED, "a leaf carries an extension that is not for leaves"},
    };
    static const uint16_t not_in_leaves[] = {0x4444, 0xff02};
    struct kit_member m[MEMBERS];
    struct bytes kp;

    (void)state;
    begin(m);
    m[1].g->config.not_in_leaves = (struct mls_u16s){not_in_leaves, 2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kp = forge_key_package(&m[3], cases[i].edit);
        add_is_refused(m, bytes_slice(&kp), cases[i].code, cases[i].why);
        bytes_free(&kp);
    }
    kp = forge_key_package(&m[3], nothing);
    kp.data[kp.len - 1] ^= 1;
    add_is_refused(m, bytes_slice(&kp), ERR_AUTH, "an added key package is faulty: signature");
    bytes_free(&kp);
    end(m);
}

/* RFC 9420 section 10: the maker must list them, everybody else must ignore what they do not know. */
static void extensions_that_a_key_package_does_not_list_are_let_in_where_that_is_allowed(void **state)
{
    struct kit_member m[MEMBERS];
    struct bytes kp;

    (void)state;
    begin(m);
    m[1].g->config.flags |= MLS_ALLOW_UNLISTED_EXTENSIONS;
    kp = forge_key_package(&m[3], unlisted);
    add_is_refused(m, bytes_slice(&kp), ERR_AUTH, "confirmation tag");
    bytes_free(&kp);
    kp = forge_key_package(&m[3], leaf_unlisted); /* of the leaf's own list the RFC has it checked */
    add_is_refused(m, bytes_slice(&kp), ERR_DENIED, "a leaf carries an extension that it does not list");
    bytes_free(&kp);
    end(m);
}

static void a_suite_of_nobody(struct mls_key_package *kp) { kp->suite = 7; }
static void half_a_suite(struct mls_key_package *kp) { kp->leaf.capabilities.suites = slice_of("\x00\x03\x00", 3); }
static void no_list(struct mls_key_package *kp) { kp->extensions = slice_of("\x1a\x1a\x00\x1a", 4); }
static void two_things(struct mls_key_package *kp)
{
    its_own_key(kp);
    unlisted(kp);
}

static void each_fault_of_a_key_package_is_told_alone(void **state)
{
    static const struct {
        void (*edit)(struct mls_key_package *kp);
        unsigned faults;
    } cases[] = {
        {nothing, 0},
        {a_suite_of_nobody, MLS_KP_SUITE | MLS_KP_CAPABILITIES},
        {a_version, MLS_KP_VERSION | MLS_KP_CAPABILITIES},
        {a_source, MLS_KP_LEAF_SOURCE | MLS_KP_LIFETIME},
        {its_own_key, MLS_KP_INIT_KEY},
        {a_short_init_key, MLS_KP_INIT_KEY},
        {a_short_leaf_key, MLS_KP_INIT_KEY},
        {unlisted, MLS_KP_EXTENSIONS},
        {leaf_unlisted, MLS_KP_LEAF_EXTENSIONS},
        {x509, MLS_KP_CREDENTIAL},
        {no_suite, MLS_KP_CAPABILITIES},
        {no_version, MLS_KP_CAPABILITIES},
        {no_credential, MLS_KP_CAPABILITIES},
        {two_things, MLS_KP_INIT_KEY | MLS_KP_EXTENSIONS},
    };
    struct kit_member m[MEMBERS];
    struct mls_key_package kp;
    struct bytes data;
    struct buf longer = BUF_INIT;

    (void)state;
    begin(m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data = forge_key_package(&m[3], cases[i].edit);
        assert_int_equal(mls_key_package_parse(bytes_slice(&data), &kp, NULL), 0);
        if (mls_key_package_faults(&kp, ~0u, 1500) != cases[i].faults)
            fail_msg("%zu: %x instead of %x", i, mls_key_package_faults(&kp, ~0u, 1500), cases[i].faults);
        assert_int_equal(mls_key_package_faults(&kp, ~cases[i].faults, 1500), 0); /* only what is asked for */
        bytes_free(&data);
    }
    for (uint64_t now = 1000; now <= 2000; now += 1000) {
        assert_int_equal(mls_key_package_parse(bytes_slice(&m[3].kp.data), &kp, NULL), 0);
        assert_int_equal(mls_key_package_faults(&kp, ~0u, now), MLS_KP_LIFETIME);
    }
    buf_put_slice(&longer, bytes_slice(&m[3].kp.data));
    buf_put_u8(&longer, 0);
    assert_int_equal(mls_key_package_parse(buf_slice(&longer), &kp, NULL), ERR_MALFORMED);
    for (int i = 0; i < 4; i++) {
        static void (*const broken[])(struct mls_key_package *) = {twice, leaf_twice, half_a_suite, no_list};

        data = forge_key_package(&m[3], broken[i]);
        assert_int_equal(mls_key_package_parse(bytes_slice(&data), &kp, NULL), ERR_MALFORMED);
        bytes_free(&data);
    }
    buf_free(&longer);
    end(m);
}

static void the_leaf_of_an_added_key_package_is_signed(void **state)
{
    struct kit_member m[MEMBERS];
    struct mls_key_package kp;
    struct bytes good, copy;
    size_t at;

    (void)state;
    begin(m);
    good = forge_key_package(&m[3], nothing);
    assert_int_equal(mls_key_package_parse(bytes_slice(&good), &kp, NULL), 0);
    at = (size_t)(kp.leaf.signature.data - good.data);
    assert_int_equal(bytes_dup(bytes_slice(&good), &copy), 0);
    copy.data[at] ^= 1; /* the outer signature is wrong then too; the inner one is named first */
    add_is_refused(m, bytes_slice(&copy), ERR_AUTH, "an added key package is faulty: leaf-signature");
    bytes_free(&good);
    bytes_free(&copy);
    end(m);
}

static void an_added_key_package_has_to_be_valid_now_where_that_counts(void **state)
{
    struct kit_member m[MEMBERS];
    struct slice kp;

    (void)state;
    begin(m); /* theirs last from 1000 to 2000 */
    kp = bytes_slice(&m[3].kp.data);
    add_is_refused(m, kp, ERR_AUTH, "confirmation tag");
    m[1].g->config.flags |= MLS_CHECK_LIFETIMES;
    m[1].g->config.now_s = 1000;
    add_is_refused(m, kp, ERR_DENIED, "an added key package has expired");
    m[1].g->config.now_s = 2000;
    add_is_refused(m, kp, ERR_DENIED, "an added key package has expired");
    m[1].g->config.now_s = 1001;
    add_is_refused(m, kp, ERR_AUTH, "confirmation tag");
    m[1].g->config.now_s = 1999;
    add_is_refused(m, kp, ERR_AUTH, "confirmation tag");
    end(m);
}

/* ---- Keys ---- */

static struct slice borrowed_key;
static void leaf_key(struct mls_key_package *kp) { kp->leaf.encryption_key = borrowed_key; }
static void init_key(struct mls_key_package *kp) { kp->init_key = borrowed_key; }

/* The signature key of member 1 with new other keys. */
static struct bytes key_package_of(const struct kit_member *m)
{
    struct mls_leaf_params leaf = kit_leaf(m);
    struct mls_key_package_bundle bundle;
    struct bytes out;

    assert_int_equal(mls_key_package_create(m->suite, &leaf, (struct slice){0}, &rnd, &bundle, NULL), 0);
    assert_int_equal(bytes_dup(bytes_slice(&bundle.data), &out), 0);
    mls_key_package_bundle_wipe(&bundle);
    return out;
}

static void no_two_members_have_a_key_in_common(void **state)
{
    struct kit_member m[MEMBERS];
    struct buf list = BUF_INIT;
    struct bytes kp;

    (void)state;
    begin(m);
    kp = key_package_of(&m[1]);
    add_is_refused(m, bytes_slice(&kp), ERR_DENIED, "leaves 3 and 1 have a key in common");
    /* So it is where many come at once. */
    for (size_t i = 3; i < MEMBERS; i++)
        forge_put_add(&list, bytes_slice(&m[i].kp.data));
    forge_put_add(&list, bytes_slice(&kp));
    list_is_refused(m, &list, true, ERR_DENIED, "two members have the same key");
    bytes_free(&kp);

    borrowed_key = mls_group_leaf(m[0].g, 2)->encryption_key;
    kp = forge_key_package(&m[3], leaf_key);
    add_is_refused(m, bytes_slice(&kp), ERR_DENIED, "leaves 3 and 2 have a key in common");
    for (size_t i = 4; i < MEMBERS; i++)
        forge_put_add(&list, bytes_slice(&m[i].kp.data));
    forge_put_add(&list, bytes_slice(&kp));
    list_is_refused(m, &list, true, ERR_DENIED, "two members have the same key");
    bytes_free(&kp);

    forge_put_add(&list, bytes_slice(&m[3].kp.data)); /* the same one twice */
    forge_put_add(&list, bytes_slice(&m[3].kp.data));
    list_is_refused(m, &list, true, ERR_DENIED, "leaves 3 and 4 have a key in common");
    buf_free(&list);
    end(m);
}

static void an_init_key_is_nobody_elses(void **state)
{
    static const char why[] = "an added key package has an init key that is in use elsewhere";
    struct kit_member m[MEMBERS];
    struct buf list = BUF_INIT;
    struct bytes kp;

    (void)state;
    begin(m);
    borrowed_key = slice_of(m[4].kp.init_public, MLS_KEY_LEN); /* of one who comes at the same time */
    kp = forge_key_package(&m[3], init_key);
    add_is_refused(m, bytes_slice(&kp), ERR_AUTH, "confirmation tag");
    forge_put_add(&list, bytes_slice(&kp));
    forge_put_add(&list, bytes_slice(&m[4].kp.data));
    list_is_refused(m, &list, true, ERR_DENIED, why);
    bytes_free(&kp);
    borrowed_key = slice_of(m[4].kp.leaf_public, MLS_KEY_LEN);
    kp = forge_key_package(&m[3], init_key);
    forge_put_add(&list, bytes_slice(&kp));
    forge_put_add(&list, bytes_slice(&m[4].kp.data));
    list_is_refused(m, &list, true, ERR_DENIED, why);
    bytes_free(&kp);
    borrowed_key = mls_group_leaf(m[0].g, 2)->encryption_key; /* of a member */
    kp = forge_key_package(&m[3], init_key);
    add_is_refused(m, bytes_slice(&kp), ERR_DENIED, why);
    bytes_free(&kp);
    buf_free(&list);
    end(m);
}

/* The keys that a path replaces count, and those that it brings. */
static void an_init_key_is_not_one_of_the_path(void **state)
{
    struct kit_member m[MEMBERS];
    struct mls_commit_params params = {.force_path = true};
    struct mls_commit_result result;
    struct slice add;
    struct bytes kp;
    struct err err;

    (void)state;
    begin(m);
    borrowed_key = mls_group_leaf(m[0].g, 0)->encryption_key;
    kp = forge_key_package(&m[3], init_key);
    add = bytes_slice(&kp);
    params.adds = &add;
    params.adds_n = 1;
    params.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, &err), ERR_DENIED);
    assert_string_equal(err.text, "an added key package has an init key that is in use elsewhere");
    bytes_free(&kp);
    /* The new keys of the path are known in advance to whoever knows the randomness. */
    rnd = rand_seeded(&seed, 6);
    params.adds_n = 0;
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, &err), 0);
    borrowed_key = mls_node_key(mls_tree_node(&result.staged->tree, 3));
    kp = forge_key_package(&m[3], init_key);
    add = bytes_slice(&kp);
    params.adds_n = 1;
    mls_commit_result_free(&result);
    rnd = rand_seeded(&seed, 6);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, &err), ERR_DENIED);
    assert_string_equal(err.text, "an added key package has an init key that is in use elsewhere");
    bytes_free(&kp);
    end(m);
}

/* ---- What a sender asks before it commits ---- */

static void cannot(struct kit_member *m, struct slice data, const struct mls_key_package *with, size_t with_n,
                   const char *why)
{
    struct mls_key_package kp;
    struct err err = {0};

    assert_int_equal(mls_key_package_parse(data, &kp, NULL), 0);
    assert_int_equal(mls_group_can_add(m[0].g, &kp, with, with_n, NULL, 0, &err), ERR_DENIED);
    assert_string_equal(err.text, why);
}

static void what_the_group_would_refuse_is_known_before(void **state)
{
    struct kit_member m[MEMBERS];
    struct mls_key_package kp, with;
    uint32_t removes[] = {2};
    struct slice borrowed[3];
    struct bytes data;

    (void)state;
    begin(m);
    assert_int_equal(mls_key_package_parse(bytes_slice(&m[4].kp.data), &with, NULL), 0);
    assert_int_equal(mls_key_package_parse(bytes_slice(&m[3].kp.data), &kp, NULL), 0);
    assert_int_equal(mls_group_can_add(m[0].g, &kp, &with, 1, NULL, 0, NULL), 0);

    data = forge_key_package(&m[3], a_suite);
    cannot(m, bytes_slice(&data), NULL, 0, "the key package is for another suite or version");
    bytes_free(&data);
    data = forge_key_package(&m[3], no_extension);
    cannot(m, bytes_slice(&data), NULL, 0, "a leaf does not list an extension that the group has");
    bytes_free(&data);
    data = forge_key_package(&m[3], last_resort);
    cannot(m, bytes_slice(&data), NULL, 0, "a leaf carries an extension that is not for leaves");
    bytes_free(&data);
    data = key_package_of(&m[2]);
    cannot(m, bytes_slice(&data), NULL, 0, "a key of the key package is leaf 2's already");
    assert_int_equal(mls_key_package_parse(bytes_slice(&data), &kp, NULL), 0);
    assert_int_equal(mls_group_can_add(m[0].g, &kp, NULL, 0, removes, 1, NULL), 0); /* its leaf goes */
    bytes_free(&data);

    borrowed_key = mls_group_leaf(m[0].g, 2)->encryption_key;
    for (size_t i = 0; i < 2; i++) {
        data = forge_key_package(&m[3], i ? init_key : leaf_key);
        cannot(m, bytes_slice(&data), NULL, 0, "a key of the key package is leaf 2's already");
        bytes_free(&data);
    }
    borrowed_key = mls_node_key(mls_tree_node(&m[0].g->tree, 3)); /* the root */
    data = forge_key_package(&m[3], leaf_key);
    cannot(m, bytes_slice(&data), NULL, 0, "the key package's leaf has the key of another node");
    bytes_free(&data);

    borrowed[0] = slice_of(m[4].kp.leaf_public, MLS_KEY_LEN);
    borrowed[1] = slice_of(m[4].kp.init_public, MLS_KEY_LEN);
    for (size_t i = 0; i < 4; i++) {
        borrowed_key = borrowed[i % 2];
        data = forge_key_package(&m[3], i / 2 ? init_key : leaf_key);
        cannot(m, bytes_slice(&data), &with, 1, "a key of the key package is in another one's too");
        bytes_free(&data);
    }
    data = key_package_of(&m[4]);
    cannot(m, bytes_slice(&data), &with, 1, "a key of the key package is in another one's too");
    bytes_free(&data);
    end(m);
}

/* ---- Update proposals ---- */

static struct bytes proposal_of(struct kit_member *by, struct slice raw)
{
    struct mls_framed_content content;

    mls_send_content(by->g, MLS_CONTENT_PROPOSAL, (struct slice){0}, raw, &content);
    return forge_public(by, &content, (struct slice){0});
}

/* Member 1 proposes this leaf for itself; member 2 takes note and gets member 0's commit to it. */
static void update_is_refused(struct kit_member *m, struct mls_leaf leaf, bool spoil, uint32_t also_removed, int code,
                              const char *why)
{
    struct bytes raw_leaf = forge_leaf(&m[1], leaf, mls_group_id(m[1].g), 1), message;
    struct buf raw = BUF_INIT, list = BUF_INIT;
    struct list_edit edit = {0};
    struct forge_commit forge = {.edit = replace_list, .ctx = &edit};
    struct mls_processed *p;

    raw_leaf.data[raw_leaf.len - 1] ^= spoil;
    buf_put_u16(&raw, MLS_PROPOSAL_UPDATE);
    buf_put_slice(&raw, bytes_slice(&raw_leaf));
    message = proposal_of(&m[1], buf_slice(&raw));
    assert_int_equal(mls_group_process(m[2].g, bytes_slice(&message), &p, NULL), 0);
    forge_put_ref(&list, mls_processed_info(p)->proposal_ref);
    assert_int_equal(mls_group_accept(m[2].g, p, NULL), 0);
    if (also_removed)
        forge_put_remove(&list, also_removed);
    edit.proposals = buf_slice(&list);
    bytes_free(&message);
    message = forge_commit(&m[0], &forge, &rnd);
    kit_refuse(&m[2], bytes_slice(&message), code, why);
    bytes_free(&message);
    bytes_free(&raw_leaf);
    buf_free(&raw);
    buf_free(&list);
}

static void updates_against_the_rules_are_refused(void **state)
{
    static const char wrong[] = "update of leaf 1: wrong source or keys";
    struct kit_member m[MEMBERS];
    struct mls_leaf good, leaf;
    uint8_t key[MLS_KEY_LEN] = {9};

    (void)state;
    begin(m);
    good = *mls_group_leaf(m[1].g, 1);
    good.source = MLS_LEAF_UPDATE;
    good.encryption_key = slice_of(key, sizeof key);
    /* With nothing against it, only member 0's path is not for this tree. */
    update_is_refused(m, good, false, 0, ERR_AUTH, "the parent hash of an update path is wrong");
    update_is_refused(m, good, true, 0, ERR_AUTH, "signature of leaf 1's update");
    update_is_refused(m, good, false, 1, ERR_DENIED, "two proposals are about leaf 1");
    leaf = good;
    leaf.source = MLS_LEAF_KEY_PACKAGE;
    update_is_refused(m, leaf, false, 0, ERR_DENIED, wrong);
    leaf = good;
    leaf.encryption_key = mls_group_leaf(m[1].g, 1)->encryption_key;
    update_is_refused(m, leaf, false, 0, ERR_DENIED, wrong);
    leaf = good;
    leaf.encryption_key.len--;
    update_is_refused(m, leaf, false, 0, ERR_DENIED, wrong);
    leaf = good;
    leaf.extensions = slice_of("\x1a\x1a\x00\x1a\x1a\x00", 6);
    update_is_refused(m, leaf, false, 0, ERR_MALFORMED, "extension 0x1a1a twice in one list");
    end(m);
}

/* The new leaf of an update keeps the rules of section 7.3 as well: here on the way out, since the one who
 * commits to it finds out first. */
static void nobody_commits_to_an_update_against_the_rules(void **state)
{
    struct kit_member m[MEMBERS];
    struct mls_commit_params params = {.with_pending = true};
    struct mls_commit_result result;
    uint8_t key[MLS_KEY_LEN] = {9};
    struct slice taken;
    struct err err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct buf raw = BUF_INIT;
        struct bytes leaf_raw, message;
        struct mls_leaf leaf;

        begin(m);
        leaf = *mls_group_leaf(m[1].g, 1);
        leaf.source = MLS_LEAF_UPDATE;
        leaf.encryption_key = slice_of(key, sizeof key);
        taken = mls_group_leaf(m[1].g, 2)->encryption_key;
        if (i == 1)
            leaf.capabilities.suites = slice_of("\x00\x01", 2);
        if (i == 2)
            leaf.encryption_key = taken;
        leaf_raw = forge_leaf(&m[1], leaf, mls_group_id(m[1].g), 1);
        buf_put_u16(&raw, MLS_PROPOSAL_UPDATE);
        buf_put_slice(&raw, bytes_slice(&leaf_raw));
        message = proposal_of(&m[1], buf_slice(&raw));
        kit_receive(&m[0], bytes_slice(&message));
        kit_receive(&m[2], bytes_slice(&message));
        params.signer = kit_signer(&m[0]);
        params.public_message = true;
        assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, &err), i ? ERR_DENIED : 0);
        if (i == 0) {
            kit_receive(&m[2], bytes_slice(&result.message));
            assert_true(slice_eq(mls_group_leaf(m[2].g, 1)->encryption_key, leaf.encryption_key));
            mls_commit_result_free(&result);
        } else {
            assert_string_equal(err.text, i == 1 ? "a leaf does not list MLS 1.0 or suite 0x0003"
                                                 : "leaves 1 and 2 have a key in common");
        }
        bytes_free(&message);
        bytes_free(&leaf_raw);
        buf_free(&raw);
        end(m);
    }
}

/* ---- Update paths ---- */

struct path_edit {
    struct kit_member *m;
    struct kit_member *signer; /* of the leaf; NULL: member 0 */
    void (*leaf)(struct mls_leaf *leaf, struct path_edit *edit);
    void (*nodes)(struct mls_path_node *nodes, size_t *n, struct path_edit *edit);
    bool spoil_signature;
    uint32_t signed_index;
    struct bytes raw;
    struct buf list;
};

static void put_path_nodes(struct buf *list, const struct mls_path_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_put_vec(list, nodes[i].encryption_key);
        buf_put_vec(list, nodes[i].secrets);
    }
}

static void change_path(struct mls_commit *commit, void *ctx)
{
    struct path_edit *edit = ctx;
    struct mls_path_node nodes[3];
    struct slice rest = commit->path.nodes;
    size_t n = 0;
    struct reader r;

    while (mls_next_path_node(&rest, &nodes[n]))
        n++;
    assert_int_equal(n, 2);
    if (edit->leaf)
        edit->leaf(&commit->path.leaf, edit);
    edit->raw = forge_leaf(edit->signer ? edit->signer : &edit->m[0], commit->path.leaf, mls_group_id(edit->m[0].g),
                           edit->signed_index);
    edit->raw.data[edit->raw.len - 1] ^= edit->spoil_signature;
    r = reader_of(bytes_slice(&edit->raw));
    mls_parse_leaf(&r, &commit->path.leaf);
    if (edit->nodes)
        edit->nodes(nodes, &n, edit);
    put_path_nodes(&edit->list, nodes, n);
    commit->path.nodes = buf_slice(&edit->list);
}

static void path_is_refused(struct path_edit edit, int code, const char *why)
{
    struct forge_commit forge = {.edit = change_path, .ctx = &edit};
    struct bytes message = forge_commit(&edit.m[0], &forge, &rnd);

    kit_refuse(&edit.m[1], bytes_slice(&message), code, why);
    bytes_free(&message);
    bytes_free(&edit.raw);
    buf_free(&edit.list);
}

static void of_update(struct mls_leaf *leaf, struct path_edit *e) { (void)e; leaf->source = MLS_LEAF_UPDATE; }
static void short_key(struct mls_leaf *leaf, struct path_edit *e) { (void)e; leaf->encryption_key.len--; }
static void path_suites(struct mls_leaf *leaf, struct path_edit *e) { (void)e; leaf->capabilities.suites.len = 2; }
static void misplaced(struct mls_leaf *leaf, struct path_edit *e)
{
    (void)e;
    leaf->extensions = slice_of("\x00\x0a\x00", 3);
}
static void path_twice(struct mls_leaf *leaf, struct path_edit *e)
{
    (void)e;
    leaf->extensions = slice_of("\x1a\x1a\x00\x1a\x1a\x00", 6);
}
static void old_leaf_key(struct mls_leaf *leaf, struct path_edit *e)
{
    leaf->encryption_key = mls_group_leaf(e->m[0].g, 0)->encryption_key;
}
static void of_member_1(struct mls_leaf *leaf, struct path_edit *e)
{
    leaf->signature_key = slice_of(e->m[1].public_key, MLS_KEY_LEN);
}
static void now_x509(struct mls_leaf *leaf, struct path_edit *e)
{
    (void)e;
    leaf->credential_type = MLS_CREDENTIAL_X509;
    leaf->capabilities.credentials = slice_of("\x00\x01\x00\x02", 4);
}
static void other_parent_hash(struct mls_leaf *leaf, struct path_edit *e)
{
    leaf->parent_hash = slice_of(e->m[0].public_key, MLS_HASH_LEN);
}

static void one_less(struct mls_path_node *n, size_t *count, struct path_edit *e) { (void)n; (void)e; *count = 1; }
static void one_more(struct mls_path_node *n, size_t *count, struct path_edit *e)
{
    (void)e;
    n[2] = n[1];
    *count = 3;
}
static void short_node_key(struct mls_path_node *n, size_t *c, struct path_edit *e) { (void)c; (void)e; n[1].encryption_key.len--; }
static void same_keys(struct mls_path_node *n, size_t *c, struct path_edit *e) { (void)c; (void)e; n[1].encryption_key = n[0].encryption_key; }
static void leaf_2s_key(struct mls_path_node *n, size_t *c, struct path_edit *e)
{
    (void)c;
    n[1].encryption_key = mls_group_leaf(e->m[0].g, 2)->encryption_key;
}
static void roots_key(struct mls_path_node *n, size_t *c, struct path_edit *e)
{
    (void)c;
    n[1].encryption_key = mls_node_key(mls_tree_node(&e->m[0].g->tree, 3));
}
static void another_key(struct mls_path_node *n, size_t *c, struct path_edit *e)
{
    (void)c;
    n[1].encryption_key = slice_of(e->m[5].kp.init_public, MLS_KEY_LEN);
}
static void no_secret(struct mls_path_node *n, size_t *c, struct path_edit *e) { (void)c; (void)e; n[0].secrets.len = 0; }
static void swapped_secrets(struct mls_path_node *n, size_t *c, struct path_edit *e)
{
    (void)c;
    (void)e;
    n[0].secrets = n[1].secrets;
}

static void update_paths_against_the_rules_are_refused(void **state)
{
    struct kit_member m[MEMBERS];

    (void)state;
    begin(m);
    /* The leaf keeps its parent hash when nothing is changed: what is signed anew is then good. */
    path_is_refused((struct path_edit){m, .leaf = of_update}, ERR_DENIED,
                    "the leaf of an update path is not of source commit");
    path_is_refused((struct path_edit){m, .spoil_signature = true}, ERR_AUTH, "signature of the new leaf of 0");
    path_is_refused((struct path_edit){m, .signed_index = 1}, ERR_AUTH, "signature of the new leaf of 0");
    path_is_refused((struct path_edit){m, .leaf = short_key}, ERR_MALFORMED, "an update path has a key of 31 bytes");
    path_is_refused((struct path_edit){m, .leaf = path_suites}, ERR_DENIED,
                    "a leaf does not list MLS 1.0 or suite 0x0003");
    path_is_refused((struct path_edit){m, .leaf = path_twice}, ERR_MALFORMED, "extension 0x1a1a twice in one list");
    path_is_refused((struct path_edit){m, .leaf = misplaced}, ERR_DENIED,
                    "a leaf carries an extension that is not for leaves");
    path_is_refused((struct path_edit){m, .leaf = old_leaf_key}, ERR_DENIED,
                    "a key of leaf 0's update path is in the tree already");
    path_is_refused((struct path_edit){m, .signer = &m[1], .leaf = of_member_1}, ERR_DENIED,
                    "leaves 0 and 1 have a key in common");
    path_is_refused((struct path_edit){m, .leaf = now_x509}, ERR_DENIED, "leaf 1 does not list credential type 2");
    path_is_refused((struct path_edit){m, .leaf = other_parent_hash}, ERR_AUTH,
                    "the parent hash of an update path is wrong");
    path_is_refused((struct path_edit){m, .nodes = one_less}, ERR_DENIED, "an update path has 1 nodes, the tree 2");
    path_is_refused((struct path_edit){m, .nodes = one_more}, ERR_DENIED, "an update path has 3 nodes, the tree 2");
    path_is_refused((struct path_edit){m, .nodes = short_node_key}, ERR_MALFORMED,
                    "an update path has a key of 31 bytes");
    path_is_refused((struct path_edit){m, .nodes = same_keys}, ERR_DENIED, "an update path has a key twice");
    path_is_refused((struct path_edit){m, .nodes = leaf_2s_key}, ERR_DENIED,
                    "a key of leaf 0's update path is in the tree already");
    path_is_refused((struct path_edit){m, .nodes = roots_key}, ERR_DENIED,
                    "a key of leaf 0's update path is in the tree already");
    path_is_refused((struct path_edit){m, .nodes = another_key}, ERR_AUTH,
                    "the parent hash of an update path is wrong");
    path_is_refused((struct path_edit){m, .nodes = no_secret}, ERR_DENIED,
                    "an update path node has the wrong number of ciphertexts");
    path_is_refused((struct path_edit){m, .nodes = swapped_secrets}, ERR_AUTH, "opening the path secret");
    end(m);
}

/* Sealed as it has to be, but not the secret that the path's keys come from. */
static struct slice wrong_secret;
static void another_secret(struct mls_path_node *nodes, size_t *n, struct path_edit *e)
{
    static struct buf sealed, info;
    struct mls_update_path path = {0};
    struct mls_staged_commit *s;
    struct bytes context;
    struct buf list = BUF_INIT;
    struct reader r = reader_of(bytes_slice(&e->raw));

    buf_free(&sealed);
    buf_free(&info);
    mls_parse_leaf(&r, &path.leaf);
    put_path_nodes(&list, nodes, *n);
    path.nodes = buf_slice(&list);
    path.nodes_n = 2;
    assert_int_equal(mls_staged_new(e->m[0].g, &s), 0);
    assert_int_equal(mls_path_apply(&s->tree, 0, &path, NULL), 0);
    assert_int_equal(mls_staged_provisional(e->m[0].g, s, &context), 0);
    mls_put_encrypt_context(&info, "UpdatePathNode", bytes_slice(&context));
    assert_int_equal(mls_hpke_seal(MLS_SUITE_CHACHA20, mls_group_leaf(e->m[0].g, 1)->encryption_key, buf_slice(&info),
                                   wrong_secret, &rnd, &sealed),
                     0);
    nodes[0].secrets = buf_slice(&sealed);
    mls_staged_commit_free(s);
    bytes_free(&context);
    buf_free(&list);
}

static void a_path_secret_has_to_give_the_keys_of_the_path(void **state)
{
    static const uint8_t secret[MLS_HASH_LEN + 1] = {1};
    struct kit_member m[MEMBERS];

    (void)state;
    begin(m);
    wrong_secret = slice_of(secret, MLS_HASH_LEN);
    path_is_refused((struct path_edit){m, .nodes = another_secret}, ERR_AUTH,
                    "the path secret does not give the keys of the path");
    wrong_secret = slice_of(secret, MLS_HASH_LEN + 1);
    path_is_refused((struct path_edit){m, .nodes = another_secret}, ERR_AUTH, "opening the path secret");
    end(m);
}

/* ---- Private keys ---- */

/* Each of theirs is that of a node that is there: what was replaced or blanked is forgotten. */
static void private_keys_are_those_of_the_tree(const struct kit_member *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct mls_group *g = m[i].g;
        struct x25519_key key;

        if (!g || !mls_group_is_active(g))
            continue;
        x25519_from_secret(g->priv.leaf, &key);
        assert_true(slice_eq(mls_group_leaf(g, g->own_leaf)->encryption_key, slice_of(key.public_key, MLS_KEY_LEN)));
        for (uint32_t k = 0; k < g->priv.n; k++) {
            uint32_t x = g->priv.path[k].node;

            assert_true(mls_is_below(2 * g->own_leaf, x));
            assert_non_null(mls_tree_node(&g->tree, x));
            x25519_from_secret(g->priv.path[k].secret, &key);
            assert_true(slice_eq(mls_node_key(mls_tree_node(&g->tree, x)), slice_of(key.public_key, MLS_KEY_LEN)));
        }
    }
}

static void private_keys_go_with_their_nodes(void **state)
{
    struct mls_commit_params path = {.force_path = true};
    struct kit_member m[MEMBERS];

    (void)state;
    begin(m);
    kit_add(&m[0], m, 3, &m[3], 5, &rnd);
    for (size_t i = 0; i < 8; i++) {
        kit_commit(&m[i], &path, m, 8, NULL, 0, &rnd);
        private_keys_are_those_of_the_tree(m, 8);
    }
    for (uint32_t i = 7; i > 1; i -= 2) { /* blanks, and in the end a smaller tree */
        kit_commit(&m[0], &(struct mls_commit_params){.removes = &i, .removes_n = 1}, m, 8, NULL, 0, &rnd);
        private_keys_are_those_of_the_tree(m, 8);
    }
    for (uint32_t i = 6; i > 1; i -= 2) {
        kit_commit(&m[0], &(struct mls_commit_params){.removes = &i, .removes_n = 1}, m, 8, NULL, 0, &rnd);
        private_keys_are_those_of_the_tree(m, 8);
    }
    assert_int_equal(m[0].g->priv.n, 1);
    assert_int_equal(m[1].g->priv.n, 1);
    kit_agree(m, 8);
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forged_commit_without_a_fault_is_good),
        cmocka_unit_test(an_optional_path_is_there_or_not),
        cmocka_unit_test(lists_of_proposals_against_the_rules_are_refused),
        cmocka_unit_test(group_extensions_against_the_rules_are_refused),
        cmocka_unit_test(group_extensions_that_one_member_does_not_know_are_refused),
        cmocka_unit_test(key_packages_against_the_rules_are_not_let_in),
        cmocka_unit_test(extensions_that_a_key_package_does_not_list_are_let_in_where_that_is_allowed),
        cmocka_unit_test(each_fault_of_a_key_package_is_told_alone),
        cmocka_unit_test(the_leaf_of_an_added_key_package_is_signed),
        cmocka_unit_test(an_added_key_package_has_to_be_valid_now_where_that_counts),
        cmocka_unit_test(no_two_members_have_a_key_in_common),
        cmocka_unit_test(an_init_key_is_nobody_elses),
        cmocka_unit_test(an_init_key_is_not_one_of_the_path),
        cmocka_unit_test(what_the_group_would_refuse_is_known_before),
        cmocka_unit_test(updates_against_the_rules_are_refused),
        cmocka_unit_test(nobody_commits_to_an_update_against_the_rules),
        cmocka_unit_test(update_paths_against_the_rules_are_refused),
        cmocka_unit_test(a_path_secret_has_to_give_the_keys_of_the_path),
        cmocka_unit_test(private_keys_go_with_their_nodes),
    };

    return crypto_init(NULL) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
