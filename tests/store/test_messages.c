#include "tests/store/help.h"

#include "store/preferences.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static struct store *store_of(void **state)
{
    return ((struct home *)*state)->store;
}

/* "3 2 1": the first bytes of the ids, as numbers. */
static void join_ids(const struct store_message *rows, size_t count, char *out, size_t size)
{
    size_t at = 0;

    out[0] = 0;
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%u", i ? " " : "",
                               (unsigned)rows[i].id.data[2] << 8 | rows[i].id.data[3]);
}

static const char *page(struct store *store, struct store_page_query query)
{
    static char text[400];
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message *rows;
    size_t count;

    OK(store_messages_page(store, &query, &mem, &rows, &count, err));
    join_ids(rows, count, text, sizeof text);
    store_mem_free(&mem);
    return text;
}

static void a_message_comes_back_as_it_was_put(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message in = text_message(1, 1, 5 * SECOND, "hello"), out;

    in.reference = id32(2);
    in.expire_at_ns = 99 * SECOND;
    in.own = true;
    add_group(store, 1, STORE_GROUP, NULL);
    OK(store_message_put(store, &in, NULL, err));
    OK(store_message_get(store, in.id, &mem, &out, err));
    assert_true(slice_eq(out.id, in.id) && slice_eq(out.group_id, in.group_id));
    assert_true(slice_eq(out.body, in.body) && slice_eq(out.reference, in.reference));
    assert_true(slice_eq(out.sender_installation_id, in.sender_installation_id));
    assert_string_equal(out.sender_inbox_id, "bo");
    assert_string_equal(out.idempotency_key, in.idempotency_key);
    assert_int_equal(out.sent_at_ns, 5 * SECOND);
    assert_int_equal(out.inserted_at_ns, 5 * SECOND + 1);
    assert_int_equal(out.expire_at_ns, 99 * SECOND);
    assert_int_equal(out.originator, 10);
    assert_int_equal(out.sequence_id, 1);
    assert_int_equal(out.kind, STORE_MESSAGE_APPLICATION);
    assert_int_equal(out.status, STORE_PUBLISHED);
    assert_int_equal(out.content_type, 1);
    assert_int_equal(out.shows, STORE_SHOWS_MESSAGE);
    assert_true(out.own && out.should_push && !out.damaged);
    FAILS(ERR_NOTFOUND, store_message_get(store, id32(3), &mem, &out, err));
    store_mem_free(&mem);
}

static void a_message_without_a_group_is_refused(void **state)
{
    const struct store_message m = text_message(1, 1, SECOND, "x");

    FAILS(ERR_NOTFOUND, store_message_put(store_of(state), &m, NULL, err));
}

static void the_same_id_or_the_same_envelope_is_stored_once(void **state)
{
    struct store *store = store_of(state);
    struct store_message m = text_message(1, 1, SECOND, "first");
    bool added, seen;

    add_group(store, 1, STORE_GROUP, NULL);
    add_group(store, 2, STORE_GROUP, NULL);
    OK(store_message_put(store, &m, &added, err));
    assert_true(added);
    m.sequence_id = 2;
    OK(store_message_put(store, &m, &added, err));
    assert_false(added);
    m = text_message(1, 1, SECOND, "other text");
    m.id = id32(50);
    OK(store_message_put(store, &m, &added, err));
    assert_false(added);
    /* The same number in another group or of another originator is another envelope. */
    m.originator = 0;
    OK(store_message_put(store, &m, &added, err));
    assert_true(added);
    OK(store_message_seen(store, id16(1), 10, 1, &seen, err));
    assert_true(seen);
    OK(store_message_seen(store, id16(1), 10, 2, &seen, err));
    assert_false(seen);
    OK(store_message_seen(store, id16(2), 10, 1, &seen, err));
    assert_false(seen);
}

static void unpublished_messages_have_no_place_and_get_one_when_confirmed(void **state)
{
    struct store *store = store_of(state);
    struct store_message m = text_message(1, 1, 5 * SECOND, "mine"), out;
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group group;
    bool added;

    add_group(store, 1, STORE_GROUP, NULL);
    m.originator = 0;
    m.sequence_id = 0;
    m.status = STORE_UNPUBLISHED;
    OK(store_message_put(store, &m, &added, err));
    m.id = id32(2);
    OK(store_message_put(store, &m, &added, err));
    assert_true(added);
    OK(store_message_set_published(store, id32(1), 8 * SECOND, 10, 77, 0, err));
    OK(store_message_by_cursor(store, id16(1), 10, 77, &mem, &out, err));
    assert_true(slice_eq(out.id, id32(1)));
    assert_int_equal(out.sent_at_ns, 8 * SECOND);
    assert_int_equal(out.status, STORE_PUBLISHED);
    OK(store_group_get(store, id16(1), &mem, &group, err));
    assert_int_equal(group.last_message_ns, 8 * SECOND);
    OK(store_message_set_status(store, id32(2), STORE_FAILED, err));
    OK(store_message_get(store, id32(2), &mem, &out, err));
    assert_int_equal(out.status, STORE_FAILED);
    FAILS(ERR_NOTFOUND, store_message_set_published(store, id32(3), 1, 1, 1, 0, err));
    FAILS(ERR_NOTFOUND, store_message_set_status(store, id32(3), STORE_FAILED, err));
    store_mem_free(&mem);
}

static void pages_go_both_ways_through_equal_times(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_page_query q = {.limit = 2};
    struct store_message *rows;
    size_t count;

    add_group(store, 1, STORE_GROUP, NULL);
    q.conversation = conversation_of(store, 1);
    for (unsigned i = 1; i <= 5; i++) /* 1 at 1 s, 2 3 4 at 2 s, 5 at 3 s */
        add_text(store, i, 1, (i == 1 ? 1 : i == 5 ? 3 : 2) * SECOND, "x");
    assert_string_equal(page(store, q), "5 4");
    OK(store_messages_page(store, &q, &mem, &rows, &count, err));
    q.from_ns = rows[1].sent_at_ns;
    q.from_n = rows[1].n;
    assert_string_equal(page(store, q), "3 2");
    q.ascending = true;
    assert_string_equal(page(store, q), "5");
    q.from_ns = q.from_n = 0;
    q.limit = 10;
    assert_string_equal(page(store, q), "1 2 3 4 5");
    q.after_ns = SECOND;
    q.before_ns = 3 * SECOND;
    assert_string_equal(page(store, q), "2 3 4");
    q.ascending = false;
    assert_string_equal(page(store, q), "4 3 2");
    q.limit = 0;
    assert_string_equal(page(store, q), "");
    store_mem_free(&mem);
}

static void a_walk_by_pages_meets_each_message_once(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_page_query q = {.limit = 7};
    struct store_message *rows;
    unsigned seen = 0;
    size_t count;

    add_group(store, 1, STORE_GROUP, NULL);
    q.conversation = conversation_of(store, 1);
    for (unsigned i = 1; i <= 100; i++)
        add_text(store, i, 1, (int64_t)(i / 3) * SECOND + SECOND, "x");
    for (;;) {
        store_mem_reset(&mem);
        OK(store_messages_page(store, &q, &mem, &rows, &count, err));
        if (!count)
            break;
        for (size_t i = 0; i < count; i++)
            assert_int_equal(rows[i].id.data[3], 100 - seen++);
        q.from_ns = rows[count - 1].sent_at_ns;
        q.from_n = rows[count - 1].n;
    }
    assert_int_equal(seen, 100);
    store_mem_free(&mem);
}

static void a_page_holds_the_messages_of_all_duplicates_of_a_dm(void **state)
{
    struct store *store = store_of(state);
    struct store_page_query q = {.limit = 10};

    add_group(store, 1, STORE_DM, "dm:alix:bo");
    add_group(store, 2, STORE_GROUP, NULL);
    add_group(store, 3, STORE_DM, "dm:alix:bo");
    assert_int_equal(conversation_of(store, 1), conversation_of(store, 3));
    assert_int_not_equal(conversation_of(store, 1), conversation_of(store, 2));
    add_text(store, 1, 1, 1 * SECOND, "x");
    add_text(store, 2, 3, 2 * SECOND, "x");
    add_text(store, 3, 2, 3 * SECOND, "x");
    add_text(store, 4, 1, 4 * SECOND, "x");
    q.conversation = conversation_of(store, 1);
    assert_string_equal(page(store, q), "4 2 1");
}

static void hidden_and_expired_messages_are_left_out_when_asked(void **state)
{
    struct store *store = store_of(state);
    struct store_message m = text_message(1, 1, SECOND, "reaction");
    struct store_page_query q = {.limit = 10};
    int64_t count;

    add_group(store, 1, STORE_GROUP, NULL);
    q.conversation = conversation_of(store, 1);
    m.shows = STORE_SHOWS_NOT;
    OK(store_message_put(store, &m, NULL, err));
    m = text_message(2, 1, 2 * SECOND, "joined");
    m.shows = STORE_SHOWS_NOTICE;
    OK(store_message_put(store, &m, NULL, err));
    m = text_message(3, 1, 3 * SECOND, "going");
    m.expire_at_ns = 10 * SECOND;
    OK(store_message_put(store, &m, NULL, err));
    assert_string_equal(page(store, q), "3 2 1");
    q.shows_at_least = STORE_SHOWS_NOTICE;
    assert_string_equal(page(store, q), "3 2");
    q.now_ns = 9 * SECOND;
    assert_string_equal(page(store, q), "3 2");
    q.now_ns = 10 * SECOND;
    assert_string_equal(page(store, q), "2");
    OK(store_messages_count(store, q.conversation, STORE_SHOWS_NOTICE, &count, err));
    assert_int_equal(count, 2);
}

static int count_expired(void *ctx, struct slice id, struct slice group_id)
{
    assert_true(slice_eq(group_id, id16(1)));
    *(unsigned *)ctx = *(unsigned *)ctx * 10 + id.data[3];
    return 0;
}

static void what_is_due_expires_oldest_first(void **state)
{
    struct store *store = store_of(state);
    struct store_page_query q = {.limit = 10};
    struct store_message m;
    unsigned gone = 0;
    int64_t next;

    add_group(store, 1, STORE_GROUP, NULL);
    for (unsigned i = 1; i <= 4; i++) {
        m = text_message(i, 1, i * SECOND, "x");
        m.expire_at_ns = i < 4 ? (10 - i) * SECOND : 0;
        OK(store_message_put(store, &m, NULL, err));
    }
    OK(store_messages_next_expiry(store, &next, err));
    assert_int_equal(next, 7 * SECOND);
    OK(store_messages_expire(store, 8 * SECOND, 10, count_expired, &gone, err));
    assert_int_equal(gone, 32);
    q.conversation = conversation_of(store, 1);
    assert_string_equal(page(store, q), "4 1");
    OK(store_messages_expire(store, 99 * SECOND, 1, NULL, NULL, err));
    OK(store_messages_next_expiry(store, &next, err));
    assert_int_equal(next, 0);
}

static int collect(void *ctx, const struct store_message *row)
{
    char *text = ctx;

    assert_true(strlen(text) + row->body.len < 300);
    strncat(text, (const char *)row->body.data, row->body.len);
    return 0;
}

static void messages_about_a_message_come_in_order(void **state)
{
    struct store *store = store_of(state);
    struct store_message m;
    char text[300] = "";
    bool deleted;

    add_group(store, 1, STORE_GROUP, NULL);
    add_text(store, 1, 1, SECOND, "target");
    for (unsigned i = 2; i <= 4; i++) {
        m = text_message(i, 1, (10 - i) * SECOND, i == 2 ? "+c" : i == 3 ? "+b" : "+a");
        m.reference = id32(i == 3 ? 99 : 1);
        OK(store_message_put(store, &m, NULL, err));
    }
    OK(store_messages_about(store, id32(1), collect, text, err));
    assert_string_equal(text, "+a+c");
    OK(store_message_delete(store, id32(2), &deleted, err));
    assert_true(deleted);
    OK(store_message_delete(store, id32(2), &deleted, err));
    assert_false(deleted);
}

static int note_sequence(void *ctx, int64_t sequence_id)
{
    *(int64_t *)ctx = *(int64_t *)ctx * 100 + sequence_id;
    return 0;
}

static void envelopes_above_a_cursor_are_listed(void **state)
{
    struct store *store = store_of(state);
    int64_t seen = 0;

    add_group(store, 1, STORE_GROUP, NULL);
    for (unsigned i = 10; i <= 13; i++)
        add_text(store, i, 1, i * SECOND, "x");
    OK(store_messages_above(store, id16(1), 10, 11, note_sequence, &seen, err));
    assert_int_equal(seen, 1213);
}

static int note_receipt(void *ctx, const char *inbox_id, int64_t sent_at_ns)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%s:%d ", inbox_id, (int)(sent_at_ns / SECOND));
    return 0;
}

static void receipts_tell_how_far_each_has_read(void **state)
{
    struct store *store = store_of(state);
    char text[100] = "";

    add_group(store, 1, STORE_GROUP, NULL);
    for (unsigned i = 1; i <= 4; i++) {
        struct store_message m = text_message(i, 1, i * SECOND, "");

        m.content_type = i == 4 ? 1 : 5;
        m.sender_inbox_id = i == 1 ? "caro" : "bo";
        OK(store_message_put(store, &m, NULL, err));
    }
    OK(store_messages_receipts(store, conversation_of(store, 1), note_receipt, text, err));
    assert_string_equal(text, "bo:3 caro:1 ");
}

/* A search: what matches is the callback's business. */
struct search {
    const char *needle;
    unsigned seen, found, last;
    atomic_bool *cancel;
    unsigned cancel_at;
};

static int look(void *ctx, const struct store_message *row)
{
    struct search *s = ctx;

    s->seen++;
    if (strstr((const char *)row->body.data, s->needle)) {
        s->found++;
        s->last = (unsigned)row->id.data[2] << 8 | row->id.data[3];
    }
    if (s->seen == s->cancel_at)
        atomic_store(s->cancel, true);
    return s->found == 3 ? 7 : 0;
}

static void search_goes_newest_first_and_can_stop(void **state)
{
    struct store *store = store_of(state), *reader = NULL;
    atomic_bool cancel = false;
    struct search s = {.needle = "needle", .cancel = &cancel};
    char text[40];

    add_group(store, 1, STORE_GROUP, NULL);
    add_group(store, 2, STORE_GROUP, NULL);
    OK(store_begin(store, DB_NORMAL, err));
    for (unsigned i = 1; i <= 1000; i++) {
        snprintf(text, sizeof text, i % 250 == 0 ? "a needle %u" : "hay %u", i);
        add_text(store, i, 1 + i % 2, i * SECOND, text);
    }
    OK(store_commit(store, err));
    OK(store_open_reader(store, &reader, err));
    /* 1000, 750, 500: then the callback has enough. */
    assert_int_equal(store_messages_scan(reader, 0, STORE_SHOWS_MESSAGE, &cancel, look, &s, NULL), 7);
    assert_int_equal(s.last, 500);
    assert_int_equal(s.seen, 501);
    s = (struct search){.needle = "hay 999", .cancel = &cancel};
    OK(store_messages_scan(reader, conversation_of(store, 2), STORE_SHOWS_MESSAGE, &cancel, look, &s, err));
    assert_int_equal(s.seen, 500);
    assert_int_equal(s.found, 1);
    s = (struct search){.needle = "none", .cancel = &cancel, .cancel_at = 300};
    FAILS(ERR_CANCELED, store_messages_scan(reader, 0, STORE_SHOWS_NOT, &cancel, look, &s, err));
    assert_int_equal(s.seen, 300);
    store_close(reader);
}

static void a_damaged_body_hides_no_other_message(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_page_query q = {.limit = 10};
    struct store_message *rows, one;
    char text[300] = "";
    struct err why;
    size_t count;

    add_group(store, 1, STORE_GROUP, NULL);
    for (unsigned i = 1; i <= 3; i++)
        add_text(store, i, 1, i * SECOND, "fine ");
    OK(db_exec(store_db(store), "UPDATE messages SET body = zeroblob(60) WHERE n = 2", err));
    q.conversation = conversation_of(store, 1);
    OK(store_messages_page(store, &q, &mem, &rows, &count, err));
    assert_int_equal(count, 3);
    assert_true(rows[1].damaged && rows[1].body.len == 0);
    assert_false(rows[0].damaged || rows[2].damaged);
    OK(store_messages_scan(store, 0, STORE_SHOWS_NOT, NULL, collect, text, err));
    assert_string_equal(text, "fine fine ");
    assert_int_equal(store_message_get(store, id32(2), &mem, &one, &why), ERR_CORRUPT);
    assert_string_equal(why.text, "messages.body of row "
                                  "00000002a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
                                  " is damaged or was moved");
    store_mem_free(&mem);
}

static int note_ids(void *ctx, const struct store_message *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%u ", row->id.data[3]);
    return 0;
}

static void device_sync_messages_wait_until_they_are_applied(void **state)
{
    struct store *store = store_of(state);
    struct store_message m;
    char text[100] = "";

    add_group(store, 1, STORE_SYNC, NULL);
    add_group(store, 2, STORE_SYNC, NULL);
    add_group(store, 3, STORE_GROUP, NULL);
    OK(store_group_set_trusted(store, id16(2), false, err));
    add_text(store, 5, 1, SECOND, "x");
    add_text(store, 4, 1, 2 * SECOND, "x");
    add_text(store, 6, 2, SECOND, "from a stranger's group");
    add_text(store, 7, 3, SECOND, "chat");
    m = text_message(8, 1, SECOND, "transcript");
    m.kind = STORE_MESSAGE_MEMBERSHIP;
    OK(store_message_put(store, &m, NULL, err));
    m = text_message(9, 1, SECOND, "ours, not published");
    m.status = STORE_UNPUBLISHED;
    m.originator = 0;
    m.sequence_id = 0;
    OK(store_message_put(store, &m, NULL, err));
    OK(store_device_sync_pending(store, (struct slice){0}, note_ids, text, err));
    assert_string_equal(text, "4 5 ");
    text[0] = 0;
    for (unsigned i = 5; i <= 9; i++)
        OK(store_device_sync_pending(store, id32(i), note_ids, text, err));
    assert_string_equal(text, "5 ");
    /* The node has it, and it has not come back yet. */
    OK(store_message_set_status(store, id32(9), STORE_PUBLISHED, err));
    text[0] = 0;
    OK(store_device_sync_pending(store, (struct slice){0}, note_ids, text, err));
    assert_string_equal(text, "9 4 5 ");
    OK(store_device_sync_done(store, id32(9), 1, err));
    OK(store_device_sync_done(store, id32(4), 1, err));
    OK(store_device_sync_failed(store, id32(5), 3, 1, err));
    OK(store_device_sync_failed(store, id32(5), 3, 1, err));
    text[0] = 0;
    OK(store_device_sync_pending(store, (struct slice){0}, note_ids, text, err));
    assert_string_equal(text, "5 ");
    OK(store_device_sync_failed(store, id32(5), 3, 1, err));
    text[0] = 0;
    OK(store_device_sync_pending(store, (struct slice){0}, note_ids, text, err));
    assert_string_equal(text, "");
}

static void an_installation_was_heard_when_it_last_wrote_preferences(void **state)
{
    struct store *store = store_of(state);
    int64_t at = -1;

    add_group(store, 1, STORE_SYNC, NULL);
    add_group(store, 2, STORE_GROUP, NULL);
    add_text(store, 1, 1, 5 * SECOND, "x");
    add_text(store, 2, 1, 4 * SECOND, "x");
    add_text(store, 3, 2, 9 * SECOND, "in a chat");
    OK(store_installation_heard(store, id32(7777), &at, err));
    assert_int_equal(at, 5 * SECOND);
    OK(store_installation_heard(store, id32(1), &at, err));
    assert_int_equal(at, 0);
}

/* What statements with these words have done so far. */
static int steps(struct store *store, const char *words)
{
    int n = 0;

    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db_handle(store_db(store)), s)) != NULL;)
        if (strstr(sqlite3_sql(s), words))
            n += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 0);
    return n;
}

static void what_an_installation_wrote_before_it_was_last_heard_is_not_read(void **state)
{
    struct store *store = store_of(state);
    int64_t at = -1;

    add_group(store, 1, STORE_SYNC, NULL);
    add_group(store, 2, STORE_SYNC, NULL);
    OK(store_begin(store, DB_NORMAL, err));
    for (unsigned i = 1; i <= 1000; i++)
        add_text(store, i, 1 + i % 2, i * SECOND, "x");
    OK(store_commit(store, err));
    OK(store_installation_heard(store, id32(7777), &at, err));
    assert_int_equal(at, 1000 * SECOND);
    assert_true(steps(store, "sender_installation_id =") < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
        TEST(a_message_comes_back_as_it_was_put),
        TEST(a_message_without_a_group_is_refused),
        TEST(the_same_id_or_the_same_envelope_is_stored_once),
        TEST(unpublished_messages_have_no_place_and_get_one_when_confirmed),
        TEST(pages_go_both_ways_through_equal_times),
        TEST(a_walk_by_pages_meets_each_message_once),
        TEST(a_page_holds_the_messages_of_all_duplicates_of_a_dm),
        TEST(hidden_and_expired_messages_are_left_out_when_asked),
        TEST(what_is_due_expires_oldest_first),
        TEST(messages_about_a_message_come_in_order),
        TEST(envelopes_above_a_cursor_are_listed),
        TEST(receipts_tell_how_far_each_has_read),
        TEST(search_goes_newest_first_and_can_stop),
        TEST(a_damaged_body_hides_no_other_message),
        TEST(device_sync_messages_wait_until_they_are_applied),
        TEST(an_installation_was_heard_when_it_last_wrote_preferences),
        TEST(what_an_installation_wrote_before_it_was_last_heard_is_not_read),
    };

    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
