/* Becoming an installation: every way in, and a crash at every step of it. */
#include "tests/test.h"

#include "base/alloc.h"
#include "crypto/ed25519.h"
#include "crypto/eth.h"
#include "identity/state.h"
#include "store/installation.h"
#include "store/key_packages.h"
#include "sync/inboxes.h"
#include "sync/key_packages.h"
#include "sync/registration.h"
#include "tests/sync/shorthand.h"

static const uint8_t wallet[32] = {[31] = 5};

static size_t installations(struct peer *p)
{
    const struct identity_state *s;
    const char *inbox = p->core.self.inbox_id;

    OK(inbox_load(&p->core, &inbox, 1, &err));
    OK(inbox_state_at(&p->core, inbox, 0, &s, &err));
    assert_true(identity_state_has_installation(s, slice_of(p->core.self.installation_id, 32)));
    return identity_state_count(s, IDENT_INSTALLATION);
}

static void crash(struct world *w, bool after)
{
    for (unsigned step = 1;; step++) {
        struct peer *p = world_peer(w);
        uint8_t key[32] = {[31] = 100};
        bool finished = false;
        size_t before;
        int r;

        key[30] = (uint8_t)(step + (after ? 100 : 0)); /* somebody else each time */
        before = fake_node_identity_updates(w->node);
        p->api.fail_call = step;
        p->api.fail_after = after;
        r = registration_with_wallet(&p->core, key, &err);
        if (r == 0) { /* no call was left to fail */
            p->api.fail_call = 0;
            assert_true(step > 4);
            world_drop(w, p);
            return;
        }
        assert_int_equal(r, ERR_OFFLINE);
        assert_false(p->core.self.registered);
        peer_restart(w, p);
        OK(registration_resume(&p->core, &finished, &err));
        if (!finished) /* nothing was begun: again from the start */
            OK(registration_with_wallet(&p->core, key, &err));
        assert_true(p->core.self.registered);
        assert_int_equal(installations(p), 1);
        assert_int_equal(fake_node_identity_updates(w->node), before + 1);
        peer_restart(w, p);
        assert_true(p->core.self.registered);
        world_drop(w, p);
    }
}

static void crash_before(struct world *w)
{
    crash(w, false);
}

static void crash_after(struct world *w)
{
    crash(w, true);
}

static void a_call_that_fails_at_any_step_is_made_up_for(void **state)
{
    world_run(*state, crash_before);
}

static void an_answer_that_is_lost_at_any_step_makes_no_second_installation(void **state)
{
    world_run(*state, crash_after);
}

static void second(struct world *w)
{
    struct peer *a = world_installation(w, 5), *b = world_peer(w);

    OK(registration_with_wallet(&b->core, wallet, &err));
    assert_string_equal(a->core.self.inbox_id, b->core.self.inbox_id);
    assert_memory_not_equal(a->core.self.installation_id, b->core.self.installation_id, 32);
    assert_int_equal(installations(b), 2);
    assert_int_equal(registration_with_wallet(&b->core, wallet, &err), ERR_EXISTS);
}

static void the_same_wallet_makes_one_more_installation(void **state)
{
    world_run(*state, second);
}

static void external(struct world *w)
{
    struct peer *p = world_peer(w);
    struct eth_key key, stranger;
    char address[ETH_ADDRESS_LEN + 1], id[33], again[33], *text = NULL, *text2 = NULL;
    uint8_t signature[65];

    assert_int_equal(eth_from_secret(wallet, &key), 0);
    assert_int_equal(eth_from_secret((const uint8_t[32]){[31] = 6}, &stranger), 0);
    eth_address(&key, address);
    OK(registration_begin_external(&p->core, address, id, &text, &err));
    peer_restart(w, p);
    OK(registration_begin_external(&p->core, address, again, &text2, &err));
    assert_string_equal(id, again); /* the same text may lie in somebody's wallet already */
    assert_string_equal(text, text2);
    eth_sign_personal(&stranger, slice_str(text), signature);
    assert_int_equal(registration_finish_external(&p->core, id, slice_of(signature, 65), &err), ERR_AUTH);
    eth_sign_personal(&key, slice_str(text), signature);
    assert_int_equal(registration_finish_external(&p->core, "00000000000000000000000000000000",
                                                  slice_of(signature, 65), &err),
                     ERR_NOTFOUND);
    OK(registration_finish_external(&p->core, id, slice_of(signature, 65), &err));
    assert_int_equal(installations(p), 1);
    assert_int_equal(registration_wallet_key(&p->core, signature, &err), ERR_NOTFOUND);
    xm_free(text);
    xm_free(text2);
}

static void a_wallet_elsewhere_signs_a_text_that_survives_a_restart(void **state)
{
    world_run(*state, external);
}

static void ten(struct world *w)
{
    struct peer *p;

    for (int i = 0; i < 10; i++) {
        p = world_installation(w, 5);
        world_drop(w, p);
    }
    p = world_peer(w);
    assert_int_equal(registration_with_wallet(&p->core, wallet, &err), ERR_TOOBIG);
    assert_false(p->core.self.registered);
}

static void an_eleventh_installation_is_refused(void **state)
{
    world_run(*state, ten);
}

static void rotation(struct world *w)
{
    struct peer *p = world_installation(w, 5);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_key_package first, newest, found;
    int64_t due;

    OK(store_key_package_newest(p->core.store, &mem, &first, &err));
    OK(key_package_maintain(&p->core, NULL, &err));
    OK(store_key_package_newest(p->core.store, &mem, &newest, &err));
    assert_true(slice_eq(first.ref, newest.ref)); /* nothing was due */
    OK(key_package_welcome_seen(&p->core, &err));
    peer_advance(p, 6);
    OK(key_package_maintain(&p->core, &due, &err));
    OK(store_key_package_newest(p->core.store, &mem, &newest, &err));
    assert_false(slice_eq(first.ref, newest.ref));
    /* The old one still opens what was sealed for it, for a day. */
    OK(store_key_package_find(p->core.store, first.init_key, &mem, &found, &err));
    peer_advance(p, 86400);
    OK(key_package_maintain(&p->core, NULL, &err));
    assert_int_equal(store_key_package_find(p->core.store, first.init_key, &mem, &found, &err), ERR_NOTFOUND);
    OK(store_key_package_find(p->core.store, newest.init_key, &mem, &found, &err));
    store_mem_free(&mem);
}

static void a_key_package_is_replaced_after_a_welcome_and_kept_for_a_day(void **state)
{
    world_run(*state, rotation);
}

/* How many transactions the WAL holds: the last frame of each tells how long the database is afterwards. */
static size_t transactions(const struct peer *p)
{
    uint8_t head[32], frame[24];
    size_t page, n = 0;
    char path[100];
    FILE *wal;

    snprintf(path, sizeof path, "%s/xmtui.db-wal", p->home);
    wal = fopen(path, "rb");
    assert_non_null(wal);
    assert_int_equal(fread(head, 1, sizeof head, wal), sizeof head);
    page = (size_t)head[10] << 8 | head[11];
    while (fread(frame, 1, sizeof frame, wal) == sizeof frame && fseek(wal, (long)page, SEEK_CUR) == 0)
        n += memcmp(frame + 4, "\0\0\0\0", 4) != 0 && memcmp(frame + 8, head + 16, 8) == 0;
    fclose(wal);
    return n;
}

/* Evaluated one by one, written together: 64 updates at a time, so that not all states are held at once. */
static void many_logs(struct world *w)
{
    enum { MANY = 70 };
    const struct identity_state *s;
    const char *ids[MANY];
    char inboxes[MANY][65];
    struct peer *p;
    size_t before;

    for (uint8_t i = 0; i < MANY; i++) {
        p = world_installation(w, (uint8_t)(10 + i));
        strcpy(inboxes[i], p->core.self.inbox_id);
        ids[i] = inboxes[i];
        world_drop(w, p);
    }
    p = world_peer(w);
    before = transactions(p);
    OK(inbox_load(&p->core, ids, MANY, &err));
    assert_int_equal(transactions(p) - before, 2);
    for (int restarted = 0; restarted < 2; restarted++) {
        for (size_t i = 0; i < MANY; i++) {
            OK(inbox_state_at(&p->core, ids[i], 0, &s, &err));
            assert_string_equal(s->inbox_id, ids[i]);
            assert_int_equal(identity_state_count(s, IDENT_INSTALLATION), 1);
        }
        peer_restart(w, p);
    }
}

static void logs_of_many_people_are_written_together(void **state)
{
    world_run(*state, many_logs);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_call_that_fails_at_any_step_is_made_up_for),
        TEST(an_answer_that_is_lost_at_any_step_makes_no_second_installation),
        TEST(the_same_wallet_makes_one_more_installation),
        TEST(a_wallet_elsewhere_signs_a_text_that_survives_a_restart),
        TEST(an_eleventh_installation_is_refused),
        TEST(logs_of_many_people_are_written_together),
        TEST(a_key_package_is_replaced_after_a_welcome_and_kept_for_a_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
