#include "tests/store/help.h"

#include "base/hex.h"
#include "store/consent.h"

#include <stdio.h>

static struct store *store_of(void **state)
{
    return ((struct home *)*state)->store;
}

static struct store_consent_change decide_at(struct store *store, const char *entity,
                                             enum store_consent_state to, int64_t at, struct slice origin,
                                             int64_t now)
{
    const struct store_consent in = {STORE_CONSENT_INBOX, entity, to, at, origin};
    struct store_consent_context context = {.now_ns = now};
    struct store_consent_change change;

    OK(store_consent_batch(store, &context.batch, err));
    OK(store_consent_apply(store, &in, &context, &change, err));
    return change;
}

static enum store_consent_effect received(struct store *store, enum store_consent_state to, int64_t at)
{
    return decide_at(store, "bo", to, at, id32(2), 1000).effect;
}

static void expect(struct store *store, enum store_consent_state state, int64_t at)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent c;

    OK(store_consent_get(store, STORE_CONSENT_INBOX, "bo", &mem, &c, err));
    assert_int_equal(c.state, state);
    assert_int_equal(c.consented_at_ns, at);
    store_mem_free(&mem);
}

static void no_record_reads_as_unknown(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    enum store_consent_state s = STORE_CONSENT_DENIED;
    struct store_consent c;

    OK(store_consent_state(store, STORE_CONSENT_INBOX, "bo", &s, err));
    assert_int_equal(s, STORE_CONSENT_UNKNOWN);
    FAILS(ERR_NOTFOUND, store_consent_get(store, STORE_CONSENT_INBOX, "bo", &mem, &c, err));
    store_mem_free(&mem);
}

static void the_last_writer_wins_whatever_the_order_of_arrival(void **state)
{
    static const struct {
        enum store_consent_state to;
        int64_t at;
    } decisions[] = {{STORE_CONSENT_ALLOWED, 10}, {STORE_CONSENT_DENIED, 30}, {STORE_CONSENT_ALLOWED, 20}};
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct store *store = store_of(state);

    for (int o = 0; o < 6; o++) {
        OK(store_begin(store, DB_NORMAL, err));
        for (int i = 0; i < 3; i++)
            received(store, decisions[orders[o][i]].to, decisions[orders[o][i]].at);
        expect(store, STORE_CONSENT_DENIED, 30);
        store_rollback(store);
    }
}

static void effects_say_what_came_of_a_decision(void **state)
{
    struct store *store = store_of(state);

    assert_int_equal(received(store, STORE_CONSENT_ALLOWED, 10), STORE_EFFECT_CHANGED);
    assert_int_equal(received(store, STORE_CONSENT_DENIED, 10), STORE_EFFECT_STALE); /* equal: stored stays */
    assert_int_equal(received(store, STORE_CONSENT_DENIED, 9), STORE_EFFECT_STALE);
    assert_int_equal(received(store, STORE_CONSENT_ALLOWED, 20), STORE_EFFECT_SAME);
    expect(store, STORE_CONSENT_ALLOWED, 20);
    /* Between the two allowed ones: it must not win later. */
    assert_int_equal(received(store, STORE_CONSENT_DENIED, 15), STORE_EFFECT_STALE);
    assert_int_equal(received(store, STORE_CONSENT_DENIED, 21), STORE_EFFECT_CHANGED);
    expect(store, STORE_CONSENT_DENIED, 21);
    assert_int_equal(received(store, STORE_CONSENT_UNKNOWN, 22), STORE_EFFECT_CHANGED);
    expect(store, STORE_CONSENT_UNKNOWN, 22);
}

static void a_decision_made_here_comes_after_a_clock_that_runs_ahead(void **state)
{
    struct store *store = store_of(state);
    const struct slice here = {0};
    struct store_consent_change change;

    received(store, STORE_CONSENT_DENIED, 5000);
    change = decide_at(store, "bo", STORE_CONSENT_ALLOWED, 0, here, 1000);
    assert_int_equal(change.effect, STORE_EFFECT_CHANGED);
    assert_int_equal(change.consented_at_ns, 5001);
    assert_int_equal(change.old_state, STORE_CONSENT_DENIED);
    expect(store, STORE_CONSENT_ALLOWED, 5001);
    change = decide_at(store, "bo", STORE_CONSENT_DENIED, 0, here, 6000);
    assert_int_equal(change.consented_at_ns, 6000);
}

static int note(void *ctx, const struct store_consent_log *row)
{
    static const char *const effects[] = {"?", "changed", "same", "stale", "refused"};
    char *text = ctx;

    snprintf(text + strlen(text), 400 - strlen(text), "%s:%d>%d:%s:%s ", row->record.entity, row->old_state,
             row->record.state, effects[row->effect], row->record.origin.data ? "other" : "here");
    return 0;
}

static void every_change_is_a_line_of_the_log(void **state)
{
    struct store *store = store_of(state);
    const struct slice here = {0};
    const struct store_consent strange = {STORE_CONSENT_INBOX, "bo", STORE_CONSENT_ALLOWED, 99, id32(3)};
    const struct store_consent_context context = {.now_ns = 2000, .batch = 50, .message_id = id32(8)};
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent_log line;
    char text[400] = "";
    int64_t id;

    decide_at(store, "bo", STORE_CONSENT_DENIED, 0, here, 1000);
    decide_at(store, "bo", STORE_CONSENT_ALLOWED, 500, id32(2), 1001);
    decide_at(store, "caro", STORE_CONSENT_ALLOWED, 1500, id32(2), 1600);
    OK(store_consent_refuse(store, &strange, &context, &id, err));
    OK(store_consent_log_page(store, 0, 10, note, text, err));
    assert_string_equal(
        text, "bo:2>1:refused:other caro:0>1:changed:other bo:2>1:stale:other bo:0>2:changed:here ");
    text[0] = 0;
    OK(store_consent_log_page(store, id, 1, note, text, err));
    assert_string_equal(text, "caro:0>1:changed:other ");
    text[0] = 0;
    OK(store_consent_log_of(store, STORE_CONSENT_INBOX, "bo", 2, note, text, err));
    assert_string_equal(text, "bo:2>1:refused:other bo:2>1:stale:other ");
    OK(store_consent_log_get(store, id, &mem, &line, err));
    assert_int_equal(line.time_ns, 2000);
    assert_int_equal(line.record.consented_at_ns, 99);
    assert_int_equal(line.batch, 50);
    assert_true(slice_eq(line.record.origin, id32(3)) && slice_eq(line.message_id, id32(8)));
    FAILS(ERR_NOTFOUND, store_consent_log_get(store, id + 1, &mem, &line, err));
    expect(store, STORE_CONSENT_DENIED, 1000);
    store_mem_free(&mem);
}

static void our_own_decision_coming_back_is_no_new_line(void **state)
{
    struct store *store = store_of(state);
    struct store_consent_change change =
        decide_at(store, "bo", STORE_CONSENT_DENIED, 0, (struct slice){0}, 1000);
    char text[400] = "";

    change = decide_at(store, "bo", STORE_CONSENT_DENIED, change.consented_at_ns, id32(1), 1001);
    assert_int_equal(change.effect, STORE_EFFECT_SAME);
    assert_int_equal(change.log_id, 0);
    OK(store_consent_log_page(store, 0, 10, note, text, err));
    assert_string_equal(text, "bo:0>2:changed:here ");
}

static void batches_are_told_apart(void **state)
{
    struct store *store = store_of(state);
    struct store_consent_context context = {.now_ns = 5};
    char text[400] = "";

    decide_at(store, "before", STORE_CONSENT_DENIED, 0, (struct slice){0}, 1);
    OK(store_consent_batch(store, &context.batch, err));
    for (int i = 0; i < 2; i++) {
        const struct store_consent in = {
            STORE_CONSENT_INBOX, i ? "caro" : "bo", STORE_CONSENT_DENIED, 0, {0}};

        OK(store_consent_apply(store, &in, &context, NULL, err));
    }
    decide_at(store, "after", STORE_CONSENT_DENIED, 0, (struct slice){0}, 9);
    OK(store_consent_log_batch(store, context.batch, note, text, err));
    assert_string_equal(text, "bo:0>2:changed:here caro:0>2:changed:here ");
}

static int note_record(void *ctx, const struct store_consent *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 400 - strlen(text), "%d:%s:%d ", row->type, row->entity, row->state);
    return 0;
}

static void the_newest_record_of_a_dm_pair_is_found(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_consent c;
    char hex[2][33], text[400] = "", want[400];

    add_group(store, 1, STORE_DM, "dm:alix:bo");
    add_group(store, 2, STORE_DM, "dm:alix:bo");
    FAILS(ERR_NOTFOUND, store_consent_of_dm(store, "dm:alix:bo", &mem, &c, err));
    for (int i = 0; i < 2; i++) {
        const struct store_consent_context context = {.now_ns = 5};

        hex_encode(id16((unsigned)i + 1).data, 16, hex[i]);
        c = (struct store_consent){STORE_CONSENT_CONVERSATION,
                                   hex[i],
                                   i ? STORE_CONSENT_DENIED : STORE_CONSENT_ALLOWED,
                                   i ? 10 : 20,
                                   {0}};
        OK(store_consent_apply(store, &c, &context, NULL, err));
    }
    OK(store_consent_of_dm(store, "dm:alix:bo", &mem, &c, err));
    assert_string_equal(c.entity, hex[0]);
    assert_int_equal(c.state, STORE_CONSENT_ALLOWED);
    OK(store_consents_each(store, note_record, text, err));
    snprintf(want, sizeof want, "1:%s:1 1:%s:2 ", hex[0], hex[1]);
    assert_string_equal(text, want);
    store_mem_free(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
        TEST(no_record_reads_as_unknown),
        TEST(the_last_writer_wins_whatever_the_order_of_arrival),
        TEST(effects_say_what_came_of_a_decision),
        TEST(a_decision_made_here_comes_after_a_clock_that_runs_ahead),
        TEST(every_change_is_a_line_of_the_log),
        TEST(our_own_decision_coming_back_is_no_new_line),
        TEST(batches_are_told_apart),
        TEST(the_newest_record_of_a_dm_pair_is_found),
    };

    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
