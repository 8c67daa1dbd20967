/* What XMTP does not use and the library has: proposals by reference, public messages, external
 * commits, pre-shared keys, reinit; each of them refused unless the config allows it. */
#include "crypto/crypto.h"
#include "mls/codec.h"
#include "mls/group.h"
#include "mls/state.h"
#include "tests/mls/kit.h"
#include "tests/test.h"

static struct rand_seed seed;
static struct rand rnd;

#define EVERYTHING                                                                                                     \
    (MLS_ALLOW_PUBLIC_MESSAGE | MLS_ALLOW_PROPOSALS | MLS_ALLOW_PSK | MLS_ALLOW_EXTERNAL | MLS_ALLOW_REINIT |          \
     MLS_ALLOW_UNREQUIRED_EXTENSIONS)

static int one_psk(void *ctx, struct slice psk_id, struct slice group_id, uint64_t epoch, struct bytes *out)
{
    (void)ctx;
    (void)group_id;
    (void)epoch;
    return slice_eq(psk_id, slice_str("known")) ? bytes_dup(slice_str("the key"), out) : ERR_NOTFOUND;
}

/* Three members; `spare` ones beyond have key packages. */
static void begin(struct kit_member *m, size_t n, unsigned flags)
{
    rnd = rand_seeded(&seed, 99);
    for (size_t i = 0; i < n; i++) {
        kit_member_init(&m[i], (unsigned)i, MLS_SUITE_CHACHA20, &rnd);
        m[i].config.flags = flags;
        m[i].config.psk = one_psk;
    }
    kit_create(&m[0], &rnd);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
}

static void end(struct kit_member *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kit_member_free(&m[i]);
}

static struct bytes proposal_add(const struct kit_member *who)
{
    struct buf b = BUF_INIT;
    struct bytes out = {0};

    buf_put_u16(&b, MLS_PROPOSAL_ADD);
    buf_put_slice(&b, bytes_slice(&who->kp.data));
    assert_int_equal(buf_take(&b, &out), 0);
    return out;
}

static void half_of_what_waits_does_not_load(struct kit_member *m)
{
    struct mls_piece_source source = kit_source(&m->store);
    struct mls_group *g = NULL;
    struct bytes *data = NULL;
    size_t len;

    for (size_t i = 0; i < m->store.n; i++)
        if (m->store.pieces[i].key.kind == MLS_PIECE_PENDING)
            data = &m->store.pieces[i].data;
    assert_non_null(data);
    len = data->len;
    for (data->len = 1; data->len < len; data->len++)
        assert_int_equal(mls_group_load(&m->config, &source, &g, NULL), ERR_CORRUPT);
}

static void commit_refers_to_proposals(bool in_the_open)
{
    struct kit_member m[4];
    struct mls_signer signer;
    struct bytes proposal, message;
    struct mls_commit_params params = {.with_pending = true, .public_message = in_the_open};
    struct err err;

    begin(m, 4, EVERYTHING);
    proposal = proposal_add(&m[3]);
    signer = kit_signer(&m[1]);
    assert_int_equal(mls_proposal_create(m[1].g, &signer, bytes_slice(&proposal), in_the_open, &rnd, &message, &err),
                     0);
    kit_reload(&m[0]);
    kit_receive(&m[0], bytes_slice(&message));
    assert_true(mls_group_is_dirty(m[0].g));
    kit_receive(&m[2], bytes_slice(&message));
    for (size_t i = 0; i < 3; i++) {
        kit_reload(&m[i]); /* what waits is stored */
        assert_int_equal(kit_store_has(&m[i].store, MLS_PIECE_PENDING, 0, 0), 1);
        assert_int_equal(kit_store_has(&m[i].store, MLS_PIECE_HANDSHAKE_RATCHET, 1, MLS_PIECE_ALL), !in_the_open);
    }
    half_of_what_waits_does_not_load(&m[0]);
    kit_commit(&m[2], &params, m, 3, &m[3], 1, &rnd);
    kit_agree(m, 4);
    for (size_t i = 0; i < 3; i++) {
        kit_reload(&m[i]);
        assert_int_equal(kit_store_has(&m[i].store, MLS_PIECE_PENDING, 0, 0), 0);
        assert_int_equal(kit_store_has(&m[i].store, MLS_PIECE_HANDSHAKE_RATCHET, 1, MLS_PIECE_ALL), 0);
    }
    bytes_free(&proposal);
    bytes_free(&message);
    end(m, 4);
}

static void commits_refer_to_proposals_in_private_messages(void **state)
{
    (void)state;
    commit_refers_to_proposals(false);
}

static void commits_refer_to_proposals_in_public_messages(void **state)
{
    (void)state;
    commit_refers_to_proposals(true);
}

static void standalone_proposals_are_refused_by_default(void **state)
{
    struct kit_member m[4];
    struct mls_signer signer;
    struct bytes proposal, message;
    struct mls_commit_params params = {.force_path = true};
    struct mls_processed *p;
    struct err err;

    (void)state;
    begin(m, 4, 0);
    proposal = proposal_add(&m[3]);
    signer = kit_signer(&m[1]);
    assert_int_equal(mls_proposal_create(m[1].g, &signer, bytes_slice(&proposal), false, &rnd, &message, &err), 0);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&message), &p, &err), ERR_UNSUPPORTED);
    /* It was read past: the same member's next commit is fine. */
    kit_commit(&m[1], &params, m, 3, NULL, 0, &rnd);
    kit_agree(m, 3);
    bytes_free(&proposal);
    bytes_free(&message);
    end(m, 4);
}

static void a_commit_to_an_unknown_proposal_is_refused(void **state)
{
    struct kit_member m[4];
    struct mls_signer signer;
    struct bytes proposal, message;
    struct mls_commit_params params = {.with_pending = true};
    struct mls_commit_result result;
    struct mls_processed *p;
    struct err err;

    (void)state;
    begin(m, 4, EVERYTHING);
    proposal = proposal_add(&m[3]);
    signer = kit_signer(&m[1]);
    assert_int_equal(mls_proposal_create(m[1].g, &signer, bytes_slice(&proposal), false, &rnd, &message, &err), 0);
    params.signer = signer;
    assert_int_equal(mls_commit_create(m[1].g, &params, &rnd, &result, &err), 0);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&result.message), &p, &err), ERR_DENIED);
    kit_receive(&m[0], bytes_slice(&message));
    kit_receive(&m[0], bytes_slice(&result.message));
    bytes_free(&proposal);
    bytes_free(&message);
    mls_commit_result_free(&result);
    end(m, 4);
}

static void a_stranger_joins_by_external_commit(void **state)
{
    struct kit_member m[4];
    struct mls_leaf_params leaf;
    struct mls_signer signer;
    struct bytes info, message, text;
    struct mls_processed *p;
    struct err err = {0};

    (void)state;
    begin(m, 4, EVERYTHING);
    signer = kit_signer(&m[1]);
    leaf = kit_leaf(&m[3]);
    assert_int_equal(mls_group_info_create(m[1].g, &signer, &info, &err), 0);
    if (mls_group_join_external(&m[3].config, bytes_slice(&info), &leaf, &rnd, &message, &m[3].g, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < 3; i++)
        kit_receive(&m[i], bytes_slice(&message));
    kit_agree(m, 4);
    kit_reload(&m[3]);
    kit_reload(&m[0]);
    text = kit_say(&m[3], "I am in", &rnd);
    kit_read(&m[0], bytes_slice(&text), "I am in");
    bytes_free(&text);
    text = kit_say(&m[0], "welcome", &rnd);
    kit_read(&m[3], bytes_slice(&text), "welcome");
    bytes_free(&text);
    bytes_free(&message);
    /* The same key again would be a member twice. */
    bytes_free(&info);
    assert_int_equal(mls_group_info_create(m[1].g, &signer, &info, &err), 0);
    struct mls_group *again = NULL;
    assert_int_equal(mls_group_join_external(&m[3].config, bytes_slice(&info), &leaf, &rnd, &message, &again, &err),
                     ERR_DENIED);
    bytes_free(&info);
    /* And by default nobody comes in this way. */
    end(m, 4);
    begin(m, 4, MLS_ALLOW_PUBLIC_MESSAGE);
    signer = kit_signer(&m[1]);
    leaf = kit_leaf(&m[3]);
    assert_int_equal(mls_group_info_create(m[1].g, &signer, &info, &err), 0);
    assert_int_equal(mls_group_join_external(&m[3].config, bytes_slice(&info), &leaf, &rnd, &message, &m[3].g, &err),
                     0);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&message), &p, &err), ERR_UNSUPPORTED);
    bytes_free(&info);
    bytes_free(&message);
    end(m, 4);
}

static void put_psk(struct buf *b, const char *id)
{
    static const uint8_t nonce[MLS_HASH_LEN] = {1};
    struct mls_psk_id psk = {.type = MLS_PSK_EXTERNAL, .psk_id = slice_str(id), .nonce = slice_of(nonce, 32)};

    buf_put_u16(b, MLS_PROPOSAL_PSK);
    mls_put_psk_id(b, &psk);
}

static void pre_shared_keys_enter_the_epoch(void **state)
{
    struct kit_member m[4];
    struct buf known = BUF_INIT, unknown = BUF_INIT;
    struct slice psk, add;
    struct mls_commit_params params = {.adds = &add, .adds_n = 1, .more = &psk, .more_n = 1};
    struct mls_commit_result result;
    struct mls_processed *p;
    struct err err;

    (void)state;
    begin(m, 4, EVERYTHING);
    put_psk(&known, "known");
    put_psk(&unknown, "unknown");
    add = bytes_slice(&m[3].kp.data);
    params.signer = kit_signer(&m[0]);
    psk = buf_slice(&unknown);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, &err), ERR_NOTFOUND);
    psk = buf_slice(&known);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, &err), 0);
    m[1].config.flags = 0;
    kit_reload(&m[1]);
    assert_int_equal(mls_group_process(m[1].g, bytes_slice(&result.message), &p, &err), ERR_UNSUPPORTED);
    m[1].config.flags = EVERYTHING;
    kit_reload(&m[1]);
    mls_commit_result_free(&result);
    kit_commit(&m[0], &params, m, 3, &m[3], 1, &rnd);
    kit_agree(m, 4);
    buf_free(&known);
    buf_free(&unknown);
    end(m, 4);
}

/* Neither a text, nor a commit, nor a proposal, nor a way in. */
static void sends_nothing(struct kit_member *m)
{
    static const char why[] = "the group was reinitialized: its members go on in another one";
    struct mls_signer signer = kit_signer(m);
    struct mls_commit_params params = {.signer = signer, .force_path = true};
    struct bytes proposal = proposal_add(m), message;
    struct mls_commit_result result;
    struct err err = {0};

    assert_int_equal(mls_group_encrypt(m->g, &signer, (struct slice){0}, slice_str("hi"), &rnd, &message, &err),
                     ERR_STATE);
    assert_string_equal(err.text, why);
    assert_int_equal(mls_commit_create(m->g, &params, &rnd, &result, &err), ERR_STATE);
    assert_string_equal(err.text, why);
    assert_int_equal(mls_proposal_create(m->g, &signer, bytes_slice(&proposal), false, &rnd, &message, &err),
                     ERR_STATE);
    assert_string_equal(err.text, why);
    assert_int_equal(mls_group_info_create(m->g, &signer, &message, &err), ERR_STATE);
    assert_string_equal(err.text, why);
    bytes_free(&proposal);
}

static void a_group_that_was_reinitialized_is_read_and_not_written(void **state)
{
    struct mls_proposal reinit = {
        .type = MLS_PROPOSAL_REINIT, .group_id = slice_str("next"), .version = 1, .suite = MLS_SUITE_CHACHA20};
    struct kit_member m[3];
    struct buf raw = BUF_INIT;
    struct slice proposal;
    struct mls_commit_params params = {.more = &proposal, .more_n = 1};
    struct bytes before, staged;
    struct mls_commit_result result;
    struct err err = {0};

    (void)state;
    begin(m, 3, EVERYTHING);
    before = kit_say(&m[2], "said before", &rnd);
    mls_put_proposal(&raw, &reinit);
    proposal = buf_slice(&raw);
    params.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, &err), 0);
    kit_receive(&m[1], bytes_slice(&result.message));
    kit_receive(&m[2], bytes_slice(&result.message));
    /* Our own comes back from the store. */
    assert_int_equal(mls_staged_commit_write(result.staged, m[0].g, &staged, &err), 0);
    mls_staged_commit_free(result.staged);
    assert_int_equal(mls_staged_commit_read(m[0].g, bytes_slice(&staged), &result.staged, &err), 0);
    assert_int_equal(mls_group_merge(m[0].g, result.staged, &err), 0);
    result.staged = NULL;
    for (size_t i = 0; i < 2; i++) {
        sends_nothing(&m[i]);
        kit_reload(&m[i]);
        assert_true(mls_group_is_active(m[i].g));
        sends_nothing(&m[i]);
        kit_read(&m[i], bytes_slice(&before), "said before");
    }
    /* A member that goes on here all the same does not make it a group again. */
    m[2].g->reinitialized = false;
    kit_commit(&m[2], &(struct mls_commit_params){.force_path = true}, m, 3, NULL, 0, &rnd);
    kit_agree(m, 3);
    sends_nothing(&m[0]);
    bytes_free(&before);
    bytes_wipe(&staged);
    buf_free(&raw);
    mls_commit_result_free(&result);
    end(m, 3);
}

static void commits_against_the_rules_are_not_made(void **state)
{
    struct kit_member m[3];
    struct slice add, extensions;
    struct buf list = BUF_INIT;
    uint32_t self = 0, blank = 3, twice[] = {1, 1};
    struct mls_commit_params remove_self = {.removes = &self, .removes_n = 1};
    struct mls_commit_params remove_blank = {.removes = &blank, .removes_n = 1};
    struct mls_commit_params remove_twice = {.removes = twice, .removes_n = 2};
    struct mls_commit_params add_member = {.adds = &add, .adds_n = 1};
    struct mls_commit_params change = {.extensions = &extensions};
    struct mls_commit_params *all[] = {&remove_self, &remove_blank, &remove_twice, &add_member, &change};
    struct mls_commit_result result;
    struct err err;

    (void)state;
    begin(m, 3, 0);
    add = bytes_slice(&m[1].kp.data);
    buf_put_slice(&list, mls_group_extensions(m[0].g));
    mls_extension_put(&list, 0x1a1a, slice_str("listed by all leaves, not required"));
    extensions = buf_slice(&list);
    for (size_t i = 0; i < 5; i++) {
        all[i]->signer = kit_signer(&m[0]);
        assert_int_equal(mls_commit_create(m[0].g, all[i], &rnd, &result, &err), ERR_DENIED);
    }
    assert_false(mls_group_is_dirty(m[0].g) && mls_group_epoch(m[0].g) != 1);
    buf_free(&list);
    end(m, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_refer_to_proposals_in_private_messages),
        cmocka_unit_test(commits_refer_to_proposals_in_public_messages),
        cmocka_unit_test(standalone_proposals_are_refused_by_default),
        cmocka_unit_test(a_commit_to_an_unknown_proposal_is_refused),
        cmocka_unit_test(a_stranger_joins_by_external_commit),
        cmocka_unit_test(pre_shared_keys_enter_the_epoch),
        cmocka_unit_test(a_group_that_was_reinitialized_is_read_and_not_written),
        cmocka_unit_test(commits_against_the_rules_are_not_made),
    };

    return crypto_init(NULL) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
