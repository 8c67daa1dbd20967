/* Groups whose members our own library makes: create, add, remove, texts in and out of order, past
 * epochs, own commits kept as bytes, and reloading from pieces at every step. */
#include "crypto/crypto.h"
#include "mls/state.h"
#include "tests/mls/kit.h"
#include "tests/test.h"

#include <stdio.h>

static struct rand_seed seed;
static struct rand rnd;

static void begin(struct kit_member *members, size_t n, uint16_t suite)
{
    rnd = rand_seeded(&seed, 42);
    for (size_t i = 0; i < n; i++)
        kit_member_init(&members[i], (unsigned)i, suite, &rnd);
    kit_create(&members[0], &rnd);
}

static void end(struct kit_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kit_member_free(&members[i]);
}

/* Everybody says something, everybody else reads it. */
static void everybody_talks(struct kit_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct bytes message;

        if (!members[i].g || !mls_group_is_active(members[i].g))
            continue;
        message = kit_say(&members[i], members[i].name, &rnd);
        for (size_t j = 0; j < n; j++)
            if (j != i && members[j].g && mls_group_is_active(members[j].g))
                kit_read(&members[j], bytes_slice(&message), members[i].name);
        bytes_free(&message);
    }
}

static void reload_all(struct kit_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (members[i].g)
            kit_reload(&members[i]);
}

static void group_grows_one_by_one_and_in_batches(void **state)
{
    struct kit_member m[12];
    uint16_t suite = *(uint16_t *)*state;

    begin(m, 12, suite);
    for (size_t n = 1; n < 4; n++) {
        kit_add(&m[n - 1], m, n, &m[n], 1, &rnd);
        kit_agree(m, n + 1);
        everybody_talks(m, n + 1);
        reload_all(m, n + 1);
    }
    kit_add(&m[2], m, 4, &m[4], 8, &rnd);
    kit_agree(m, 12);
    reload_all(m, 12);
    everybody_talks(m, 12);
    assert_int_equal(mls_group_member_count(m[7].g), 12);
    end(m, 12);
}

/* A commit with a path tells its joiners the keys of the nodes above them: the next ones are sealed to these. */
static void joiners_of_a_commit_with_a_path_follow_the_next(void **state)
{
    struct mls_commit_params path = {.force_path = true}, params = {.adds_n = 3, .force_path = true};
    struct slice adds[3];
    struct kit_member m[4];

    begin(m, 4, *(uint16_t *)*state);
    for (size_t i = 0; i < 3; i++)
        adds[i] = bytes_slice(&m[i + 1].kp.data);
    params.adds = adds;
    kit_commit(&m[0], &params, m, 1, &m[1], 3, &rnd);
    kit_agree(m, 4);
    reload_all(m, 4);
    for (size_t i = 2; i < 4; i++) {
        kit_commit(&m[i], &path, m, 4, NULL, 0, &rnd);
        kit_agree(m, 4);
        reload_all(m, 4);
    }
    everybody_talks(m, 4);
    end(m, 4);
}

static void members_leave_and_others_take_their_leaves(void **state)
{
    struct kit_member m[9];
    uint32_t removes[] = {1, 4, 8};
    struct slice add;
    struct mls_commit_params params = {.removes = removes, .removes_n = 3};
    struct mls_commit_params both = {.adds = &add, .adds_n = 1, .removes = (uint32_t[]){6}, .removes_n = 1};

    begin(m, 9, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 8, &rnd);
    kit_commit(&m[3], &params, m, 9, NULL, 0, &rnd);
    kit_agree(m, 9);
    assert_false(mls_group_is_active(m[1].g));
    assert_false(mls_group_is_active(m[8].g));
    assert_int_equal(mls_group_leaf_count(m[0].g), 8);
    reload_all(m, 9);
    assert_false(mls_group_is_active(m[4].g));
    /* The same person again, with a key package of its own, while somebody else goes. */
    kit_member_free(&m[1]);
    kit_member_init(&m[1], 1, m[0].suite, &rnd);
    add = bytes_slice(&m[1].kp.data);
    kit_commit(&m[2], &both, m, 9, &m[1], 1, &rnd);
    kit_agree(m, 9);
    assert_int_equal(mls_group_own_leaf_index(m[1].g), 1);
    everybody_talks(m, 9);
    end(m, 9);
}

static void remove_and_add_of_the_same_key_is_legal_in_one_commit(void **state)
{
    struct kit_member m[3];
    struct mls_leaf_params leaf;
    struct slice add;
    struct mls_commit_params params = {.adds = &add, .adds_n = 1, .removes = (uint32_t[]){1}, .removes_n = 1};
    struct mls_commit_params only_add = {.adds = &add, .adds_n = 1};
    struct mls_commit_result result;
    struct err err;

    begin(m, 3, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    leaf = kit_leaf(&m[1]);
    mls_key_package_bundle_wipe(&m[1].kp);
    assert_int_equal(mls_key_package_create(m[1].suite, &leaf, (struct slice){0}, &rnd, &m[1].kp, &err), 0);
    add = bytes_slice(&m[1].kp.data);
    only_add.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &only_add, &rnd, &result, &err), ERR_DENIED);
    /* The old state of member 1 is gone with its leaf; it comes back by the welcome. */
    kit_commit(&m[0], &params, m, 3, &m[1], 1, &rnd);
    kit_agree(m, 3);
    everybody_talks(m, 3);
    end(m, 3);
}

static void texts_out_of_order_are_read_within_the_tolerance(void **state)
{
    struct kit_member m[2];
    struct bytes text[12];
    struct mls_processed *p;
    char name[12][20];
    struct err err;

    begin(m, 2, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 1, &rnd);
    for (size_t i = 0; i < 12; i++) {
        snprintf(name[i], sizeof name[i], "text %zu", i);
        text[i] = kit_say(&m[0], name[i], &rnd);
        kit_reload(&m[0]);
    }
    kit_read(&m[1], bytes_slice(&text[11]), name[11]);
    kit_reload(&m[1]);
    /* After 11 the last four before it can still be read, each once. */
    for (size_t i = 7; i < 11; i++) {
        kit_read(&m[1], bytes_slice(&text[i]), name[i]);
        kit_reload(&m[1]);
        assert_int_equal(mls_group_process(m[1].g, bytes_slice(&text[i]), &p, &err), ERR_NOTFOUND);
    }
    assert_int_equal(mls_group_process(m[1].g, bytes_slice(&text[6]), &p, &err), ERR_NOTFOUND);
    assert_int_equal(mls_group_process(m[1].g, bytes_slice(&text[11]), &p, &err), ERR_NOTFOUND);
    for (size_t i = 0; i < 12; i++)
        bytes_free(&text[i]);
    end(m, 2);
}

/* Keys of texts that were passed over are kept as long as they may be used, and no longer. */
static void keys_beyond_the_tolerance_are_forgotten(void **state)
{
    size_t each = 4 + (*(uint16_t *)*state == MLS_SUITE_AES128 ? 16 : 32) + 12;
    struct mls_piece_sink sink;
    struct kit_member m[2];
    struct bytes text[12];

    begin(m, 2, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 1, &rnd);
    for (size_t i = 0; i < 12; i++)
        text[i] = kit_say(&m[0], "a text", &rnd);
    kit_read(&m[1], bytes_slice(&text[3]), "a text"); /* 0 to 2 are kept */
    kit_reload(&m[1]);
    kit_read(&m[1], bytes_slice(&text[11]), "a text"); /* 7 to 10 are, and nothing from before */
    sink = kit_sink(&m[1].store);
    kit_store_count(&m[1].store);
    assert_int_equal(mls_group_write(m[1].g, &sink, NULL), 0);
    assert_int_equal(m[1].store.puts, 1);
    assert_int_equal(m[1].store.put_bytes, 36 + 4 * each);
    kit_read(&m[1], bytes_slice(&text[8]), "a text"); /* a used one is gone too */
    kit_store_count(&m[1].store);
    assert_int_equal(mls_group_write(m[1].g, &sink, NULL), 0);
    assert_int_equal(m[1].store.put_bytes, 36 + 3 * each);
    for (size_t i = 0; i < 12; i++)
        bytes_free(&text[i]);
    end(m, 2);
}

/* The number of the epoch alone says nothing: after a fork, or a second join, there is another one of it. */
static void an_own_commit_is_for_its_own_branch(void **state)
{
    struct mls_commit_params update = {.force_path = true};
    struct mls_commit_result ours, other;
    struct mls_staged_commit *staged;
    struct kit_member m[3];
    struct bytes stored;
    struct err err;

    begin(m, 3, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    update.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &update, &rnd, &other, &err), 0);
    kit_reload(&m[0]);
    /* One branch: member 0 merges and commits again.  The other: member 1's commit comes instead. */
    update.signer = kit_signer(&m[1]);
    kit_store_count(&m[0].store);
    assert_int_equal(mls_group_merge(m[0].g, other.staged, &err), 0);
    other.staged = NULL;
    update.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &update, &rnd, &ours, &err), 0);
    assert_int_equal(mls_staged_commit_write(ours.staged, m[0].g, &stored, &err), 0);
    mls_commit_result_free(&other);
    {
        struct mls_piece_source source = kit_source(&m[0].store); /* from before the merge */
        struct mls_group *back = NULL;

        assert_int_equal(mls_group_load(&m[0].config, &source, &back, &err), 0);
        mls_group_free(m[0].g);
        m[0].g = back;
    }
    kit_commit(&m[1], &update, m, 3, NULL, 0, &rnd);
    kit_agree(m, 3);
    assert_int_equal(mls_group_merge(m[0].g, ours.staged, &err), ERR_CONFLICT);
    ours.staged = NULL;
    assert_int_equal(mls_staged_commit_read(m[0].g, bytes_slice(&stored), &staged, &err), ERR_CONFLICT);
    kit_agree(m, 3);
    mls_commit_result_free(&ours);
    bytes_wipe(&stored);
    end(m, 3);
}

static void the_first_text_may_be_a_thousand_ahead_and_no_further(void **state)
{
    struct kit_member m[2];
    struct bytes text = {0};
    struct mls_processed *p;
    struct err err;

    begin(m, 2, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 1, &rnd);
    for (size_t i = 0; i <= 1001; i++) {
        bytes_free(&text);
        text = kit_say(&m[0], "far", &rnd);
        if (i == 1000) { /* dropped: the state stays at its beginning */
            assert_int_equal(mls_group_process(m[1].g, bytes_slice(&text), &p, &err), 0);
            assert_int_equal(mls_processed_info(p)->generation, 1000);
            mls_processed_free(p);
        }
    }
    assert_int_equal(mls_group_process(m[1].g, bytes_slice(&text), &p, &err), ERR_TOOBIG);
    bytes_free(&text);
    end(m, 2);
}

static void texts_of_three_past_epochs_are_read_and_of_the_fourth_not(void **state)
{
    static const char *names[] = {"epoch 1", "epoch 2", "epoch 3", "epoch 4", "epoch 5"};
    struct mls_commit_params update = {.force_path = true};
    struct kit_member m[3];
    struct bytes text[5];
    struct mls_processed *p;
    struct err err;

    begin(m, 3, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    for (size_t i = 0; i < 5; i++) {
        text[i] = kit_say(&m[0], names[i], &rnd);
        if (i < 4)
            kit_commit(&m[1], &update, m, 3, NULL, 0, &rnd);
        reload_all(m, 3);
    }
    assert_int_equal(mls_group_epoch(m[2].g), 5);
    assert_int_equal(mls_group_process(m[2].g, bytes_slice(&text[0]), &p, &err), ERR_CONFLICT);
    for (size_t i = 1; i < 5; i++) {
        kit_read(&m[2], bytes_slice(&text[i]), names[i]);
        assert_true(mls_group_is_dirty(m[2].g));
        kit_reload(&m[2]);
        assert_int_equal(mls_group_process(m[2].g, bytes_slice(&text[i]), &p, &err), ERR_NOTFOUND);
    }
    for (size_t i = 0; i < 5; i++)
        bytes_free(&text[i]);
    end(m, 3);
}

/* What could open an old message is not on the disk any more. */
static void what_is_over_leaves_no_piece(void **state)
{
    static const uint16_t kinds[] = {MLS_PIECE_SECRET_NODE, MLS_PIECE_HANDSHAKE_RATCHET,
                                     MLS_PIECE_APPLICATION_RATCHET, MLS_PIECE_EPOCH};
    struct mls_commit_params update = {.force_path = true};
    struct kit_member m[5];
    struct bytes text;

    begin(m, 5, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 4, &rnd);
    m[2].config.resumption_psks = 2;
    kit_reload(&m[2]);
    for (uint64_t epoch = 1; epoch <= 6; epoch++) {
        assert_int_equal(mls_group_epoch(m[2].g), epoch);
        text = kit_say(&m[1], "a text", &rnd);
        kit_read(&m[2], bytes_slice(&text), "a text");
        bytes_free(&text);
        kit_reload(&m[2]);
        assert_true(kit_store_has(&m[2].store, MLS_PIECE_SECRET_NODE, epoch, MLS_PIECE_ALL) > 0);
        assert_int_equal(kit_store_has(&m[2].store, MLS_PIECE_APPLICATION_RATCHET, epoch, MLS_PIECE_ALL), 1);
        for (uint64_t old = 1; old + 3 < epoch; old++)
            for (size_t k = 0; k < 4; k++)
                assert_int_equal(kit_store_has(&m[2].store, kinds[k], old, MLS_PIECE_ALL), 0);
        for (uint64_t past = epoch > 3 ? epoch - 3 : 1; past < epoch; past++)
            assert_int_equal(kit_store_has(&m[2].store, MLS_PIECE_EPOCH, past, MLS_PIECE_ALL), 1);
        kit_commit(&m[1], &update, m, 5, NULL, 0, &rnd);
    }
    kit_reload(&m[2]);
    end(m, 5);
}

static struct kit_piece *second_leaves(struct kit_member *m)
{
    for (size_t i = 0; i < m->store.n; i++)
        if (m->store.pieces[i].key.kind == MLS_PIECE_LEAVES && m->store.pieces[i].key.index == 1)
            return &m->store.pieces[i];
    fail_msg("%s has one block of leaves", m->name);
    return NULL;
}

/* A smaller tree is fewer blocks; and a commit writes no block that it did not touch. */
static void a_commit_writes_and_deletes_blocks_of_the_tree(void **state)
{
    struct mls_commit_params update = {.force_path = true};
    struct mls_commit_params remove = {.removes = (uint32_t[]){16, 17, 18, 19}, .removes_n = 4};
    struct kit_member m[20];

    begin(m, 20, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 19, &rnd);
    for (int loaded = 0; loaded < 2; loaded++) { /* blocks as they were written, and as they were loaded */
        struct kit_member *who = &m[1 + loaded];
        struct mls_piece_sink sink = kit_sink(&who->store);

        assert_int_equal(mls_group_write(who->g, &sink, NULL), 0);
        if (loaded)
            kit_reload(who);
        second_leaves(who)->data.data[0] ^= 0x80;
        kit_commit(&m[0], &update, m, 20, NULL, 0, &rnd);
        assert_int_equal(mls_group_write(who->g, &sink, NULL), 0);
        assert_int_equal(second_leaves(who)->data.data[0] & 0x80, 0x80);
        second_leaves(who)->data.data[0] ^= 0x80;
    }
    kit_reload(&m[2]);
    kit_commit(&m[0], &remove, m, 20, NULL, 0, &rnd);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(kit_store_has(&m[i].store, MLS_PIECE_LEAVES, 0, MLS_PIECE_ALL), 2);
        assert_int_equal(kit_store_has(&m[i].store, MLS_PIECE_PARENTS, 0, MLS_PIECE_ALL), 3);
        kit_reload(&m[i]);
        assert_int_equal(kit_store_has(&m[i].store, MLS_PIECE_LEAVES, 0, MLS_PIECE_ALL), 1);
        assert_int_equal(kit_store_has(&m[i].store, MLS_PIECE_PARENTS, 0, MLS_PIECE_ALL), 1);
    }
    end(m, 20);
}

static void a_late_text_of_somebody_removed_since_is_still_theirs(void **state)
{
    struct mls_commit_params remove = {.removes = (uint32_t[]){1}, .removes_n = 1};
    struct kit_member m[4];
    struct mls_processed *p;
    struct bytes text;
    struct err err;

    begin(m, 4, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    text = kit_say(&m[1], "last words", &rnd);
    kit_commit(&m[0], &remove, m, 3, NULL, 0, &rnd);
    kit_add(&m[0], m, 3, &m[3], 1, &rnd); /* takes the leaf */
    assert_int_equal(mls_group_own_leaf_index(m[3].g), 1);
    kit_reload(&m[2]);
    assert_int_equal(mls_group_process(m[2].g, bytes_slice(&text), &p, &err), 0);
    assert_int_equal(mls_processed_info(p)->sender_leaf, 1);
    assert_memory_equal(mls_processed_info(p)->sender_signature_key.data, m[1].public_key, 32);
    assert_true(slice_eq(mls_processed_info(p)->sender_credential, slice_str("member-1")));
    mls_processed_free(p);
    bytes_free(&text);
    end(m, 4);
}

static void an_own_commit_waits_as_bytes(void **state)
{
    struct kit_member m[4];
    struct slice add, extensions;
    struct buf list = BUF_INIT;
    struct mls_commit_params params = {.adds = &add, .adds_n = 1, .extensions = &extensions};
    struct mls_staged_commit *staged;
    struct mls_commit_result result, other;
    struct mls_proposal_info info;
    struct bytes stored;
    struct err err;

    begin(m, 4, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    add = bytes_slice(&m[3].kp.data);
    buf_put_slice(&list, mls_group_extensions(m[0].g));
    extensions = buf_slice(&list);
    params.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &result, &err), 0);
    assert_int_equal(mls_commit_create(m[0].g, &params, &rnd, &other, &err), 0); /* as often as one likes */
    assert_false(slice_eq(bytes_slice(&result.message), bytes_slice(&other.message)));
    assert_int_equal(mls_staged_commit_write(result.staged, m[0].g, &stored, &err), 0);
    mls_staged_commit_free(result.staged);
    result.staged = NULL;
    kit_reload(&m[0]);
    assert_int_equal(mls_staged_commit_read(m[0].g, bytes_slice(&stored), &staged, &err), 0);
    assert_int_equal(mls_staged_commit_info(staged)->proposals_n, 2);
    assert_true(mls_staged_commit_proposal(staged, 0, &info));
    assert_int_equal(info.type, MLS_PROPOSAL_ADD);
    assert_int_equal(info.leaf_index, 3);
    assert_memory_equal(info.leaf->signature_key.data, m[3].public_key, 32);
    assert_true(mls_staged_commit_proposal(staged, 1, &info));
    assert_int_equal(info.type, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
    assert_non_null(mls_staged_commit_info(staged)->path_leaf);
    for (size_t i = 1; i < 3; i++)
        kit_receive(&m[i], bytes_slice(&result.message));
    assert_int_equal(mls_group_merge(m[0].g, staged, &err), 0);
    kit_join(&m[3], bytes_slice(&result.welcome));
    kit_agree(m, 4);
    everybody_talks(m, 4);
    /* The other one came too late. */
    assert_int_equal(mls_staged_commit_read(m[0].g, bytes_slice(&stored), &staged, &err), ERR_CONFLICT);
    assert_int_equal(mls_group_merge(m[0].g, other.staged, &err), ERR_CONFLICT);
    other.staged = NULL;
    mls_commit_result_free(&result);
    mls_commit_result_free(&other);
    bytes_wipe(&stored);
    buf_free(&list);
    end(m, 4);
}

static void a_rejected_commit_leaves_its_generation_unused(void **state)
{
    struct mls_commit_params update = {.force_path = true};
    struct kit_member m[3];
    struct mls_commit_result first, second;
    struct mls_processed *p;
    struct err err;

    begin(m, 3, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    update.signer = kit_signer(&m[1]);
    assert_int_equal(mls_commit_create(m[1].g, &update, &rnd, &first, &err), 0);
    assert_int_equal(mls_commit_create(m[1].g, &update, &rnd, &second, &err), 0);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&first.message), &p, &err), 0);
    assert_int_equal(mls_processed_info(p)->generation, 0);
    mls_processed_free(p);
    assert_false(mls_group_is_dirty(m[2].g) && mls_group_epoch(m[0].g) != 1);
    for (size_t i = 0; i < 3; i += 2)
        kit_receive(&m[i], bytes_slice(&second.message));
    assert_int_equal(mls_group_merge(m[1].g, second.staged, &err), 0);
    second.staged = NULL;
    kit_agree(m, 3);
    mls_commit_result_free(&first);
    mls_commit_result_free(&second);
    end(m, 3);
}

static void a_text_rewrites_one_small_piece(void **state)
{
    struct kit_member m[20];
    struct mls_piece_sink sink;
    struct bytes text;

    begin(m, 20, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 19, &rnd);
    kit_reload(&m[5]);
    kit_reload(&m[0]);
    for (size_t i = 0; i < 3; i++) {
        text = kit_say(&m[0], "hello", &rnd);
        assert_true(mls_group_is_dirty(m[0].g));
        sink = kit_sink(&m[0].store);
        kit_store_count(&m[0].store);
        assert_int_equal(mls_group_write(m[0].g, &sink, NULL), 0);
        kit_read(&m[5], bytes_slice(&text), "hello");
        bytes_free(&text);
        sink = kit_sink(&m[5].store);
        kit_store_count(&m[5].store);
        assert_int_equal(mls_group_write(m[5].g, &sink, NULL), 0);
        if (i == 0) /* the way down the secret tree, once for each member */
            continue;
        assert_int_equal(m[0].store.puts, 1);
        assert_int_equal(m[0].store.put_bytes, 36);
        assert_int_equal(m[5].store.puts, 1);
        assert_int_equal(m[5].store.put_bytes, 36);
        assert_int_equal(m[5].store.deletes, 0);
    }
    end(m, 20);
}

static void group_forks_are_refused_by_state(void **state)
{
    struct mls_commit_params update = {.force_path = true};
    struct kit_member m[3];
    struct mls_commit_result a, b;
    struct mls_processed *p;
    struct bytes own;
    struct err err;

    begin(m, 3, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    update.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &update, &rnd, &a, &err), 0);
    update.signer = kit_signer(&m[1]);
    assert_int_equal(mls_commit_create(m[1].g, &update, &rnd, &b, &err), 0);
    kit_receive(&m[2], bytes_slice(&a.message));
    assert_int_equal(mls_group_process(m[2].g, bytes_slice(&b.message), &p, &err), ERR_CONFLICT);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&a.message), &p, &err), ERR_EXISTS);
    own = kit_say(&m[0], "mine", &rnd);
    assert_int_equal(mls_group_process(m[0].g, bytes_slice(&own), &p, &err), ERR_EXISTS);
    /* A wrong signer is noticed before anything is made. */
    update.signer = kit_signer(&m[2]);
    mls_commit_result_free(&b);
    assert_int_equal(mls_commit_create(m[1].g, &update, &rnd, &b, &err), ERR_INVALID);
    bytes_free(&own);
    mls_commit_result_free(&a);
    end(m, 3);
}

static void sending_between_process_and_accept_is_fine(void **state)
{
    struct mls_commit_params update = {.force_path = true};
    struct mls_processed *text_p, *commit_p, *again;
    struct mls_commit_result commit;
    struct kit_member m[3];
    struct bytes text, ours;
    struct err err;

    begin(m, 3, *(uint16_t *)*state);
    kit_add(&m[0], m, 1, &m[1], 2, &rnd);
    text = kit_say(&m[0], "to be read", &rnd);
    update.signer = kit_signer(&m[0]);
    assert_int_equal(mls_commit_create(m[0].g, &update, &rnd, &commit, &err), 0);
    assert_int_equal(mls_group_process(m[1].g, bytes_slice(&text), &text_p, &err), 0);
    assert_int_equal(mls_group_process(m[1].g, bytes_slice(&text), &again, &err), 0);
    assert_int_equal(mls_group_process(m[1].g, bytes_slice(&commit.message), &commit_p, &err), 0);
    ours = kit_say(&m[1], "meanwhile", &rnd);
    assert_int_equal(mls_group_accept(m[1].g, text_p, &err), 0);
    assert_int_equal(mls_group_accept(m[1].g, again, &err), ERR_STATE);
    assert_int_equal(mls_group_accept(m[1].g, commit_p, &err), 0);
    kit_read(&m[2], bytes_slice(&ours), "meanwhile");
    kit_receive(&m[2], bytes_slice(&commit.message));
    kit_agree(&m[1], 2);
    kit_reload(&m[1]);
    bytes_free(&text);
    bytes_free(&ours);
    mls_commit_result_free(&commit);
    end(m, 3);
}

int main(void)
{
    static uint16_t chacha = MLS_SUITE_CHACHA20, aes = MLS_SUITE_AES128;
#define BOTH(f) {#f " (suite 3)", f, NULL, NULL, &chacha}, {#f " (suite 1)", f, NULL, NULL, &aes}
    const struct CMUnitTest tests[] = {
        BOTH(group_grows_one_by_one_and_in_batches),
        BOTH(joiners_of_a_commit_with_a_path_follow_the_next),
        BOTH(members_leave_and_others_take_their_leaves),
        BOTH(remove_and_add_of_the_same_key_is_legal_in_one_commit),
        BOTH(texts_out_of_order_are_read_within_the_tolerance),
        BOTH(keys_beyond_the_tolerance_are_forgotten),
        BOTH(an_own_commit_is_for_its_own_branch),
        BOTH(the_first_text_may_be_a_thousand_ahead_and_no_further),
        BOTH(texts_of_three_past_epochs_are_read_and_of_the_fourth_not),
        BOTH(what_is_over_leaves_no_piece),
        BOTH(a_commit_writes_and_deletes_blocks_of_the_tree),
        BOTH(a_late_text_of_somebody_removed_since_is_still_theirs),
        BOTH(an_own_commit_waits_as_bytes),
        BOTH(a_rejected_commit_leaves_its_generation_unused),
        BOTH(a_text_rewrites_one_small_piece),
        BOTH(group_forks_are_refused_by_state),
        BOTH(sending_between_process_and_accept_is_fine),
    };

    return crypto_init(NULL) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
