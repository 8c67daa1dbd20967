/* What waits to be done: intents, the preference outbox, tasks, cursors, MLS pieces. */
#include "tests/store/help.h"

#include "base/clock.h"
#include "store/commit_log.h"
#include "store/consent.h"
#include "store/cursors.h"
#include "store/intents.h"
#include "store/mls_state.h"
#include "store/preferences.h"
#include "store/tasks.h"

#include <stdio.h>

static struct store *store_of(void **state)
{
    return ((struct home *)*state)->store;
}

static int64_t add_intent(struct store *store, unsigned group, enum store_intent_kind kind)
{
    const struct store_intent in = {
        .kind = kind,
        .group_id = id16(group),
        .data = slice_str("what to do"),
        .message_id = kind == STORE_INTENT_SEND_MESSAGE ? id32(500) : (struct slice){0},
        .should_push = true,
        .created_at_ns = 9,
    };
    int64_t id = 0;

    OK(store_intent_put(store, &in, &id, err));
    return id;
}

static void an_intent_goes_through_its_states(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    const struct slice none = {0};
    struct store_intent i;
    int64_t id = add_intent(store, 1, STORE_INTENT_SEND_MESSAGE);

    OK(store_intent_get(store, id, &mem, &i, err));
    assert_int_equal(i.state, STORE_INTENT_TO_PUBLISH);
    assert_true(slice_eq(i.data, slice_str("what to do")) && slice_eq(i.group_id, id16(1)));
    assert_true(!i.payload_hash.data && !i.staged_commit.data && !i.post_commit.data && i.should_push);
    FAILS(ERR_STATE, store_intent_set_committed(store, id, 10, 5, err));
    OK(store_intent_set_published(store, id, id32(1), slice_str("staged"), slice_str("welcomes"), 7, err));
    FAILS(ERR_STATE, store_intent_set_published(store, id, id32(2), none, none, 7, err));
    OK(store_intent_by_hash(store, id32(1), &mem, &i, err));
    assert_int_equal(i.id, id);
    assert_int_equal(i.published_epoch, 7);
    assert_true(slice_eq(i.staged_commit, slice_str("staged")));
    assert_true(slice_eq(i.post_commit, slice_str("welcomes")));
    OK(store_intent_set_committed(store, id, 10, 55, err));
    OK(store_intent_by_hash(store, id32(1), &mem, &i, err));
    assert_true(slice_eq(i.message_id, id32(500)));
    assert_int_equal(i.state, STORE_INTENT_COMMITTED);
    assert_int_equal(i.originator, 10);
    assert_int_equal(i.sequence_id, 55);
    assert_true(!i.staged_commit.data && slice_eq(i.post_commit, slice_str("welcomes")));
    OK(store_intent_delete(store, id, err));
    FAILS(ERR_NOTFOUND, store_intent_get(store, id, &mem, &i, err));
    FAILS(ERR_NOTFOUND, store_intent_by_hash(store, id32(1), &mem, &i, err));
    store_mem_free(&mem);
}

/* What is sealed in a row says its id: one that came back would let an old row stand in for a new one. */
static void no_id_comes_again_after_a_rollback_or_a_restart(void **state)
{
    struct store *store = store_of(state);
    struct home *home = *state;
    int64_t first = add_intent(store, 1, STORE_INTENT_SEND_MESSAGE), undone, last = first, counter = -1;

    OK(store_begin(store, DB_NORMAL, err));
    for (int i = 0; i < 100; i++) /* more than are reserved at once */
        undone = add_intent(store, 1, STORE_INTENT_SEND_MESSAGE);
    assert_int_equal(undone, first + 100);
    store_rollback(store);
    for (int i = 0; i < 200; i++) {
        int64_t id = add_intent(store, 1, STORE_INTENT_SEND_MESSAGE);
        assert_true(id > last);
        last = id;
    }
    OK(db_int(store_db(store), "SELECT count(*) FROM intents", &counter, err));
    assert_int_equal(counter, 201);
    OK(store_intent_delete(store, last, err));
    home_reopen(home);
    assert_true(add_intent(home->store, 1, STORE_INTENT_SEND_MESSAGE) > last);
    OK(db_int(store_db(home->store), "SELECT count(*) FROM sqlite_sequence WHERE name = 'intents'", &counter, err));
    assert_int_equal(counter, 1);
}

static void an_intent_may_begin_as_published(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    const struct store_intent in = {.kind = STORE_INTENT_SEND_MESSAGE,
                                    .group_id = id16(1),
                                    .data = slice_str("what to do"),
                                    .payload_hash = id32(1),
                                    .published_epoch = 7,
                                    .message_id = id32(500)};
    struct store_intent i;
    int64_t id = 0;

    OK(store_intent_put(store, &in, &id, err));
    OK(store_intent_by_hash(store, id32(1), &mem, &i, err));
    assert_int_equal(i.id, id);
    assert_int_equal(i.state, STORE_INTENT_PUBLISHED);
    assert_int_equal(i.published_epoch, 7);
    assert_true(slice_eq(i.message_id, id32(500)) && slice_eq(i.data, slice_str("what to do")));
    OK(store_intent_set_to_publish(store, id, false, 0, err));
    FAILS(ERR_NOTFOUND, store_intent_by_hash(store, id32(1), &mem, &i, err));
    store_mem_free(&mem);
}

static void an_intent_sent_back_forgets_what_it_had_published(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_intent i;
    int64_t id = add_intent(store, 1, STORE_INTENT_KEY_UPDATE);

    OK(store_intent_set_published(store, id, id32(1), slice_str("staged"), slice_str("post"), 7, err));
    OK(store_intent_set_to_publish(store, id, true, 123, err));
    OK(store_intent_get(store, id, &mem, &i, err));
    assert_int_equal(i.state, STORE_INTENT_TO_PUBLISH);
    assert_int_equal(i.attempts, 1);
    assert_int_equal(i.next_attempt_ns, 123);
    assert_true(!i.payload_hash.data && !i.staged_commit.data && !i.post_commit.data && !i.message_id.data);
    assert_true(slice_eq(i.data, slice_str("what to do")));
    FAILS(ERR_NOTFOUND, store_intent_by_hash(store, id32(1), &mem, &i, err));
    OK(store_intent_set_to_publish(store, id, false, 0, err));
    OK(store_intent_set_error(store, id, err));
    OK(store_intent_get(store, id, &mem, &i, err));
    assert_int_equal(i.attempts, 1);
    assert_int_equal(i.state, STORE_INTENT_ERROR);
    store_mem_free(&mem);
}

static void a_message_seen_too_late_to_be_read_goes_out_again_a_commit_does_not(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    const struct slice none = {0};
    int64_t message = add_intent(store, 1, STORE_INTENT_SEND_MESSAGE);
    int64_t commit = add_intent(store, 1, STORE_INTENT_KEY_UPDATE);
    struct store_intent i;

    OK(store_intent_set_published(store, message, id32(1), none, none, 7, err));
    OK(store_intent_set_published(store, commit, id32(2), none, none, 7, err));
    OK(store_intent_set_committed(store, message, 10, 5, err));
    OK(store_intent_set_committed(store, commit, 0, 6, err));
    OK(store_intent_set_to_publish(store, message, false, 0, err));
    FAILS(ERR_STATE, store_intent_set_to_publish(store, commit, false, 0, err));
    OK(store_intent_get(store, message, &mem, &i, err));
    assert_int_equal(i.state, STORE_INTENT_TO_PUBLISH);
    OK(store_intent_get(store, commit, &mem, &i, err));
    assert_int_equal(i.state, STORE_INTENT_COMMITTED);
    store_mem_free(&mem);
}

static void an_id_is_never_given_twice(void **state)
{
    struct store *store = store_of(state);
    int64_t first = add_intent(store, 1, STORE_INTENT_KEY_UPDATE);

    OK(store_intent_delete(store, first, err));
    assert_true(add_intent(store, 1, STORE_INTENT_KEY_UPDATE) > first);
}

static int note_intent(void *ctx, const struct store_intent *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%d ", (int)row->id);
    return 0;
}

static int note_group(void *ctx, struct slice group_id)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%u ", group_id.data[3]);
    return 0;
}

static void intents_are_listed_by_group_and_state(void **state)
{
    struct store *store = store_of(state);
    const unsigned to_publish = STORE_INTENT_BIT(STORE_INTENT_TO_PUBLISH);
    const unsigned published = STORE_INTENT_BIT(STORE_INTENT_PUBLISHED);
    char text[100] = "";
    int64_t n;

    add_intent(store, 2, STORE_INTENT_KEY_UPDATE);
    add_intent(store, 1, STORE_INTENT_KEY_UPDATE);
    add_intent(store, 2, STORE_INTENT_SEND_MESSAGE);
    OK(store_intent_set_published(store, 1, id32(1), slice_str("x"), slice_str("y"), 1, err));
    OK(store_intents_each(store, id16(2), to_publish | published, note_intent, text, err));
    assert_string_equal(text, "1 3 ");
    text[0] = 0;
    OK(store_intents_each(store, id16(2), to_publish, note_intent, text, err));
    assert_string_equal(text, "3 ");
    text[0] = 0;
    OK(store_intents_groups(store, to_publish | published, note_group, text, err));
    assert_string_equal(text, "2 1 ");
    OK(store_intents_count(store, to_publish, &n, err));
    assert_int_equal(n, 2);
}

static void a_group_with_invitations_to_send_is_listed_until_they_were_refused_too_often(void **state)
{
    struct store *store = store_of(state);
    const unsigned committed = STORE_INTENT_BIT(STORE_INTENT_COMMITTED);
    const struct slice none = {0};
    char text[100] = "";

    add_intent(store, 1, STORE_INTENT_KEY_UPDATE);
    add_intent(store, 2, STORE_INTENT_UPDATE_MEMBERSHIP);
    OK(store_intent_set_published(store, 1, id32(1), slice_str("x"), none, 1, err));
    OK(store_intent_set_published(store, 2, id32(2), slice_str("x"), slice_str("invitations"), 1, err));
    OK(store_intents_groups(store, committed, note_group, text, err));
    assert_string_equal(text, "");
    OK(store_intent_set_committed(store, 1, 0, 5, err));
    OK(store_intent_set_committed(store, 2, 0, 6, err));
    OK(store_intents_groups(store, committed, note_group, text, err));
    assert_string_equal(text, "2 ");
    for (int i = 0; i < STORE_INTENT_REFUSALS_MAX; i++)
        OK(store_intent_refused(store, 2, err));
    text[0] = 0;
    OK(store_intents_groups(store, committed, note_group, text, err));
    assert_string_equal(text, "");
}

static void a_cursor_only_grows(void **state)
{
    struct store *store = store_of(state);
    int64_t at = -1;
    bool moved;

    OK(store_cursor_get(store, id16(1), STORE_CURSOR_COMMIT, 0, &at, err));
    assert_int_equal(at, 0);
    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_COMMIT, 0, 7, &moved, err));
    assert_true(moved);
    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_COMMIT, 0, 7, &moved, err));
    assert_false(moved);
    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_COMMIT, 0, 5, &moved, err));
    assert_false(moved);
    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_APPLICATION, 10, 9, NULL, err));
    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_COMMIT_LOG_UPLOAD, 100, 99, NULL, err));
    OK(store_cursor_get(store, id16(1), STORE_CURSOR_COMMIT, 0, &at, err));
    assert_int_equal(at, 7);
    OK(store_cursor_get(store, id16(1), STORE_CURSOR_COMMIT, 1, &at, err));
    assert_int_equal(at, 0);
    OK(store_cursor_of_group(store, id16(1), &at, err));
    assert_int_equal(at, 9);
    OK(store_cursor_of_group(store, id16(2), &at, err));
    assert_int_equal(at, 0);
}

static int note_cursor(void *ctx, uint32_t originator, int64_t sequence_id)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%u:%d ", originator, (int)sequence_id);
    return 0;
}

static void every_originator_has_its_cursor(void **state)
{
    struct store *store = store_of(state);
    char text[100] = "";

    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_APPLICATION, 200, 5, NULL, err));
    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_APPLICATION, 100, 900, NULL, err));
    OK(store_cursors_each(store, id16(1), STORE_CURSOR_APPLICATION, note_cursor, text, err));
    assert_string_equal(text, "100:900 200:5 ");
}

static void a_piece_is_kept_replaced_and_deleted(void **state)
{
    struct store *store = store_of(state);
    const struct store_piece a = {2, 5, 0}, b = {2, 5, UINT32_MAX}, other_epoch = {2, UINT64_MAX, 0};
    struct bytes body = {0};

    FAILS(ERR_NOTFOUND, store_mls_get(store, id16(1), a, &body, err));
    OK(store_mls_put(store, id16(1), a, slice_str("one"), err));
    OK(store_mls_put(store, id16(1), a, slice_str("three"), err));
    OK(store_mls_put(store, id16(1), b, slice_of(NULL, 0), err));
    OK(store_mls_put(store, id16(1), other_epoch, slice_str("x"), err));
    OK(store_mls_get(store, id16(1), a, &body, err));
    assert_true(slice_eq(bytes_slice(&body), slice_str("three")));
    bytes_wipe(&body);
    OK(store_mls_get(store, id16(1), b, &body, err));
    assert_int_equal(body.len, 0);
    bytes_wipe(&body);
    FAILS(ERR_NOTFOUND, store_mls_get(store, id16(2), a, &body, err));
    OK(store_mls_delete(store, id16(1), a, err));
    FAILS(ERR_NOTFOUND, store_mls_get(store, id16(1), a, &body, err));
    OK(store_mls_put(store, id16(1), a, slice_str("one"), err));
    OK(store_mls_delete_epoch(store, id16(1), 2, 5, err));
    FAILS(ERR_NOTFOUND, store_mls_get(store, id16(1), a, &body, err));
    FAILS(ERR_NOTFOUND, store_mls_get(store, id16(1), b, &body, err));
    OK(store_check(store, err));
    OK(store_mls_delete_group(store, id16(1), err));
    FAILS(ERR_NOTFOUND, store_mls_get(store, id16(1), other_epoch, &body, err));
}

static struct store_task task(unsigned n, int64_t due_s)
{
    return (struct store_task){
        .kind = 1,
        .hash = id32(n),
        .data = slice_str("data"),
        .max_attempts = 4,
        .backoff_ms = 2000,
        .max_backoff_ms = 4000,
        .backoff_percent = 150,
        .created_at_ns = 0,
        .next_attempt_ns = due_s * SECOND,
        .expires_at_ns = 1000 * SECOND,
    };
}

static void the_task_due_first_comes_first_and_once(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_task t = task(1, 20), out;
    int64_t due;
    bool added;

    OK(store_task_put(store, &t, &added, err));
    assert_true(added);
    OK(store_task_put(store, &t, &added, err));
    assert_false(added);
    t = task(2, 10);
    OK(store_task_put(store, &t, &added, err));
    FAILS(ERR_NOTFOUND, store_task_next(store, 9 * SECOND, &mem, &out, err));
    OK(store_tasks_next_due(store, &due, err));
    assert_int_equal(due, 10 * SECOND);
    OK(store_task_next(store, 30 * SECOND, &mem, &out, err));
    assert_true(slice_eq(out.hash, id32(2)) && slice_eq(out.data, slice_str("data")));
    OK(store_task_done(store, out.id, err));
    OK(store_task_pull_in(store, id32(1), 5 * SECOND, err));
    OK(store_task_pull_in(store, id32(1), 6 * SECOND, err));
    OK(store_tasks_next_due(store, &due, err));
    assert_int_equal(due, 5 * SECOND);
    OK(store_task_drop(store, id32(7), err));
    OK(store_task_next(store, 30 * SECOND, &mem, &out, err));
    OK(store_task_drop(store, id32(1), err));
    FAILS(ERR_NOTFOUND, store_task_next(store, 30 * SECOND, &mem, &out, err));
    store_mem_free(&mem);
}

static void a_failing_task_waits_longer_and_then_goes(void **state)
{
    static const int64_t waits_ms[] = {2000, 3000, 4000};
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_task t = task(1, 10), out;
    int64_t now = 10 * SECOND, due;
    bool gone = false;

    OK(store_task_put(store, &t, NULL, err));
    OK(store_task_next(store, now, &mem, &out, err));
    for (int i = 0; i < 3; i++) {
        OK(store_task_retry(store, out.id, now, &gone, err));
        assert_false(gone);
        OK(store_tasks_next_due(store, &due, err));
        assert_int_equal(due - now, waits_ms[i] * NS_PER_MS);
        now = due;
    }
    OK(store_task_retry(store, out.id, now, &gone, err));
    assert_true(gone);
    OK(store_tasks_next_due(store, &due, err));
    assert_int_equal(due, 0);
    store_mem_free(&mem);
}

static void an_expired_task_is_not_started(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_task t = task(1, 10), out;
    int64_t due;

    OK(store_task_put(store, &t, NULL, err));
    FAILS(ERR_NOTFOUND, store_task_next(store, 1000 * SECOND, &mem, &out, err));
    OK(store_tasks_next_due(store, &due, err));
    assert_int_equal(due, 0);
    store_mem_free(&mem);
}

static void the_newer_hmac_key_stays(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct slice key;
    int64_t at;
    bool stored;

    FAILS(ERR_NOTFOUND, store_hmac_key_get(store, &mem, &key, &at, err));
    OK(store_hmac_key_put(store, slice_str("first"), 10, &stored, err));
    assert_true(stored);
    OK(store_hmac_key_put(store, slice_str("older"), 9, &stored, err));
    assert_false(stored);
    OK(store_hmac_key_put(store, slice_str("equal"), 10, &stored, err));
    assert_true(stored);
    OK(store_hmac_key_put(store, slice_str("newer"), 11, &stored, err));
    OK(store_hmac_key_get(store, &mem, &key, &at, err));
    assert_true(slice_eq(key, slice_str("newer")));
    assert_int_equal(at, 11);
    store_mem_free(&mem);
}

static int note_preference(void *ctx, const struct store_preference *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%d:%.*s%s%u ", (int)row->id, (int)row->payload.len,
             (const char *)row->payload.data, row->message_id.data ? "+" : "-", row->attempts);
    return 0;
}

static int note_delivery(void *ctx, const struct store_consent_log *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%s:%d:%s ", row->record.entity, row->delivery,
             row->message_id.data ? "message" : "none");
    return 0;
}

static void the_outbox_empties_when_the_node_has_the_message(void **state)
{
    struct store *store = store_of(state);
    struct store_consent in = {STORE_CONSENT_INBOX, "bo", STORE_CONSENT_DENIED, 0, {0}};
    struct store_consent_context context = {.now_ns = 5, .delivery = STORE_DELIVERY_QUEUED};
    char text[100] = "";
    int64_t first, second, n;
    bool ours;

    OK(store_consent_batch(store, &context.batch, err));
    OK(store_consent_apply(store, &in, &context, NULL, err));
    OK(store_preference_put(store, context.batch, slice_str("deny"), 5, &first, err));
    OK(store_preference_put(store, 0, slice_str("hmac"), 6, &second, err));
    OK(store_preference_set_message(store, first, id32(1), err));
    OK(store_preferences_each(store, note_preference, text, err));
    assert_string_equal(text, "1:deny+0 2:hmac-0 ");
    OK(store_preference_retry(store, first, 77, err));
    text[0] = 0;
    OK(store_preferences_each(store, note_preference, text, err));
    assert_string_equal(text, "1:deny-1 2:hmac-0 ");
    OK(store_preference_set_message(store, first, id32(2), err));
    OK(store_preference_sent(store, id32(1), &ours, err));
    assert_false(ours);
    text[0] = 0;
    OK(store_consent_log_batch(store, context.batch, note_delivery, text, err));
    assert_string_equal(text, "bo:1:none ");
    OK(store_preference_sent(store, id32(2), &ours, err));
    assert_true(ours);
    text[0] = 0;
    OK(store_consent_log_batch(store, context.batch, note_delivery, text, err));
    assert_string_equal(text, "bo:2:message ");
    OK(store_preferences_count(store, &n, err));
    assert_int_equal(n, 1);
    OK(store_preference_delete(store, second, err));
    OK(store_preferences_count(store, &n, err));
    assert_int_equal(n, 0);
    FAILS(ERR_NOTFOUND, store_preference_set_message(store, first, id32(1), err));
}

static int note_commit(void *ctx, const struct store_commit *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 200 - strlen(text), "%d:%d:%d>%d:%s:%s ", row->origin, row->result,
             (int)row->last_epoch, (int)row->applied_epoch, row->sender_inbox_id ? row->sender_inbox_id : "-",
             row->note ? row->note : "-");
    assert_int_equal(row->applied_authenticator.len, 32);
    return 0;
}

static void commits_are_told_newest_first(void **state)
{
    struct store *store = store_of(state);
    struct store_commit c = {
        .group_id = id16(1),
        .origin = STORE_COMMIT_CREATED,
        .result = STORE_COMMIT_APPLIED,
        .last_authenticator = slice_of(NULL, 0),
        .applied_authenticator = id32(1),
    };
    char text[200] = "";

    OK(store_commit_put(store, &c, err));
    c.origin = STORE_COMMIT_OTHER;
    c.result = STORE_COMMIT_INVALID;
    c.sender_inbox_id = "bo";
    c.note = "not allowed";
    c.last_epoch = c.applied_epoch = 1;
    OK(store_commit_put(store, &c, err));
    c.group_id = id16(2);
    OK(store_commit_put(store, &c, err));
    OK(store_commits_each(store, id16(1), 10, note_commit, text, err));
    assert_string_equal(text, "4:4:1>1:bo:not allowed 1:1:0>0:-:- ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
        TEST(an_intent_goes_through_its_states),
        TEST(no_id_comes_again_after_a_rollback_or_a_restart),
        TEST(an_intent_may_begin_as_published),
        TEST(an_intent_sent_back_forgets_what_it_had_published),
        TEST(a_message_seen_too_late_to_be_read_goes_out_again_a_commit_does_not),
        TEST(an_id_is_never_given_twice),
        TEST(intents_are_listed_by_group_and_state),
        TEST(a_group_with_invitations_to_send_is_listed_until_they_were_refused_too_often),
        TEST(a_cursor_only_grows),
        TEST(every_originator_has_its_cursor),
        TEST(a_piece_is_kept_replaced_and_deleted),
        TEST(the_task_due_first_comes_first_and_once),
        TEST(a_failing_task_waits_longer_and_then_goes),
        TEST(an_expired_task_is_not_started),
        TEST(the_newer_hmac_key_stays),
        TEST(the_outbox_empties_when_the_node_has_the_message),
        TEST(commits_are_told_newest_first),
    };

    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
