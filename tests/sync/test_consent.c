#include "tests/test.h"

#include "base/err.h"
#include "store/consent.h"
#include "store/preferences.h"
#include "sync/consent.h"
#include "sync/pref_payload.h"
#include "tests/sync/home.h"

static const char inbox[] = "c24caeaf198cef106e3ab9251bed63aafdb2eed4efe93f1f9acebee4cd705c35";
static const uint8_t other[32] = {9}, message[32] = {4};

static struct consent_choice choice(enum consent_state state)
{
    struct consent_choice c = {CONSENT_INBOX, "", state};

    memcpy(c.entity, inbox, sizeof inbox);
    return c;
}

static size_t set(struct home *home, enum consent_state state, enum consent_share share)
{
    struct consent_choice c = choice(state);
    size_t changed = 99;

    assert_int_equal(core_begin(&home->core, true, NULL), 0);
    assert_int_equal(consent_set(&home->core, &c, 1, share, &changed, NULL), 0);
    assert_int_equal(core_commit(&home->core, NULL), 0);
    return changed;
}

static void receive(struct home *home, enum consent_state state, int64_t at_ns)
{
    struct consent_choice c = choice(state);
    int64_t batch;

    assert_int_equal(core_begin(&home->core, false, NULL), 0);
    assert_int_equal(store_consent_batch(home->core.store, &batch, NULL), 0);
    assert_int_equal(consent_receive(&home->core, &c, at_ns, other, message, batch, NULL), 0);
    assert_int_equal(core_commit(&home->core, NULL), 0);
}

static enum consent_state now(struct home *home)
{
    enum consent_state state;

    assert_int_equal(consent_get(&home->core, CONSENT_INBOX, inbox, &state, NULL), 0);
    return state;
}

static int64_t waiting(struct home *home)
{
    int64_t n;

    assert_int_equal(store_preferences_count(home->core.store, &n, NULL), 0);
    return n;
}

static void a_decision_is_stored_logged_shared_and_told(void **state)
{
    struct home home;

    (void)state;
    home_open(&home);
    assert_int_equal(now(&home), CONSENT_UNKNOWN);
    assert_int_equal(set(&home, CONSENT_DENIED, CONSENT_SHARE), 1);
    assert_int_equal(now(&home), CONSENT_DENIED);
    assert_int_equal(waiting(&home), 1);
    assert_int_equal(home.n_events, 2);
    assert_int_equal(home.events[0].kind, CORE_CONSENT);
    assert_true(home.events[0].log_id > 0);
    assert_int_equal(home.events[1].kind, CORE_OUTBOX);
    home_close(&home);
}

static void the_same_decision_again_changes_and_sends_nothing(void **state)
{
    struct home home;

    (void)state;
    home_open(&home);
    set(&home, CONSENT_DENIED, CONSENT_SHARE);
    home.n_events = 0;
    assert_int_equal(set(&home, CONSENT_DENIED, CONSENT_SHARE), 0);
    assert_int_equal(waiting(&home), 1);
    assert_int_equal(home.n_events, 0);
    home_close(&home);
}

static void a_quiet_decision_is_not_shared(void **state)
{
    struct home home;

    (void)state;
    home_open(&home);
    assert_int_equal(set(&home, CONSENT_ALLOWED, CONSENT_QUIET), 1);
    assert_int_equal(now(&home), CONSENT_ALLOWED);
    assert_int_equal(waiting(&home), 0);
    home_close(&home);
}

static void the_later_decision_wins_in_whatever_order_they_arrive(void **state)
{
    struct home home;
    int64_t t;

    (void)state;
    home_open(&home);
    t = home.now_ns;
    receive(&home, CONSENT_DENIED, t + 20);
    receive(&home, CONSENT_ALLOWED, t + 10);
    assert_int_equal(now(&home), CONSENT_DENIED);
    receive(&home, CONSENT_ALLOWED, t + 20); /* equal: what is stored stays */
    assert_int_equal(now(&home), CONSENT_DENIED);
    receive(&home, CONSENT_ALLOWED, t + 21);
    assert_int_equal(now(&home), CONSENT_ALLOWED);
    assert_int_equal(home.n_events, 2); /* the two that changed something */
    assert_int_equal(waiting(&home), 0); /* nothing learnt is sent on */
    home_close(&home);
}

struct sent {
    int64_t at_ns;
};

static int take_time(void *ctx, const struct pref_update *update)
{
    ((struct sent *)ctx)->at_ns = update->at_ns;
    return 0;
}

static int take_payload(void *ctx, const struct store_preference *row)
{
    return pref_payload_each(row->payload, take_time, ctx, NULL, NULL);
}

/* Another installation's clock is ahead: our later decision must still win everywhere. */
static void a_decision_is_newer_than_what_it_replaces(void **state)
{
    struct sent sent = {0};
    struct home home;

    (void)state;
    home_open(&home);
    receive(&home, CONSENT_DENIED, home.now_ns + 3600 * NS_PER_S);
    assert_int_equal(set(&home, CONSENT_ALLOWED, CONSENT_SHARE), 1);
    assert_int_equal(now(&home), CONSENT_ALLOWED);
    assert_int_equal(store_preferences_each(home.core.store, take_payload, &sent, NULL), 0);
    assert_true(sent.at_ns == home.now_ns + 3600 * NS_PER_S + 1);
    home_close(&home);
}

/* No clock shows such times, and no later decision could be told from them. */
static void a_time_that_makes_no_sense_stands_in_nobodys_way(void **state)
{
    static const int64_t times[] = {INT64_MAX, INT64_MAX - 1, 0, -1, INT64_MIN};
    struct home home;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        home_open(&home);
        receive(&home, CONSENT_DENIED, times[i]);
        assert_int_equal(now(&home), CONSENT_DENIED);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(set(&home, k % 2 ? CONSENT_DENIED : CONSENT_ALLOWED, CONSENT_SHARE), 1);
            assert_int_equal(now(&home), k % 2 ? CONSENT_DENIED : CONSENT_ALLOWED);
        }
        home_close(&home);
    }
    /* One without a time is no newer than what is there. */
    home_open(&home);
    set(&home, CONSENT_ALLOWED, CONSENT_QUIET);
    receive(&home, CONSENT_DENIED, 0);
    assert_int_equal(now(&home), CONSENT_ALLOWED);
    home_close(&home);
}

static void a_rollback_takes_records_outbox_and_events_back(void **state)
{
    struct consent_choice c = choice(CONSENT_DENIED);
    struct home home;

    (void)state;
    home_open(&home);
    assert_int_equal(core_begin(&home.core, true, NULL), 0);
    assert_int_equal(consent_set(&home.core, &c, 1, CONSENT_SHARE, NULL, NULL), 0);
    core_rollback(&home.core);
    assert_int_equal(now(&home), CONSENT_UNKNOWN);
    assert_int_equal(waiting(&home), 0);
    assert_int_equal(home.n_events, 0);
    home_close(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_is_stored_logged_shared_and_told),
        cmocka_unit_test(the_same_decision_again_changes_and_sends_nothing),
        cmocka_unit_test(a_quiet_decision_is_not_shared),
        cmocka_unit_test(the_later_decision_wins_in_whatever_order_they_arrive),
        cmocka_unit_test(a_decision_is_newer_than_what_it_replaces),
        cmocka_unit_test(a_time_that_makes_no_sense_stands_in_nobodys_way),
        cmocka_unit_test(a_rollback_takes_records_outbox_and_events_back),
    };

    return cmocka_run_group_tests_name("consent", tests, NULL, NULL);
}
