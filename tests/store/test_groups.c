#include "tests/store/help.h"

#include "base/hex.h"
#include "store/commit_log.h"
#include "store/consent.h"
#include "store/cursors.h"
#include "store/mls_state.h"

#include <stdio.h>

static struct store *store_of(void **state)
{
    return ((struct home *)*state)->store;
}

static void a_group_comes_back_as_it_was_put(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group out, in = {
                                .id = id16(1),
                                .type = STORE_DM,
                                .membership = STORE_MEMBER_PENDING,
                                .dm_id = "dm:alix:bo",
                                .peer_inbox_id = "bo",
                                .creator_inbox_id = "bo",
                                .added_by_inbox_id = "bo",
                                .welcome = {11, 42},
                                .created_at_ns = 3,
                                .last_message_ns = 4,
                                .installations_checked_ns = 5,
                                .rotated_at_ns = 6,
                                .disappear_from_ns = 7,
                                .disappear_in_ns = 8,
                                .epoch = 9,
                                .paused_for_version = "1.99.0",
                                .fork = STORE_FORK_MAYBE,
                                .active = true,
                            };

    OK(store_group_put(store, &in, err));
    OK(store_group_get(store, id16(1), &mem, &out, err));
    assert_true(slice_eq(out.id, id16(1)));
    assert_int_equal(out.type, STORE_DM);
    assert_int_equal(out.membership, STORE_MEMBER_PENDING);
    assert_string_equal(out.dm_id, "dm:alix:bo");
    assert_string_equal(out.peer_inbox_id, "bo");
    assert_string_equal(out.creator_inbox_id, "bo");
    assert_string_equal(out.added_by_inbox_id, "bo");
    assert_int_equal(out.welcome.originator, 11);
    assert_int_equal(out.welcome.sequence_id, 42);
    assert_int_equal(out.created_at_ns, 3);
    assert_int_equal(out.last_message_ns, 4);
    assert_int_equal(out.installations_checked_ns, 5);
    assert_int_equal(out.rotated_at_ns, 6);
    assert_int_equal(out.disappear_from_ns, 7);
    assert_int_equal(out.disappear_in_ns, 8);
    assert_int_equal(out.epoch, 9);
    assert_string_equal(out.paused_for_version, "1.99.0");
    assert_int_equal(out.fork, STORE_FORK_MAYBE);
    assert_true(out.active && !out.trusted);
    OK(store_group_by_welcome(store, (struct store_cursor){11, 42}, &mem, &out, err));
    FAILS(ERR_NOTFOUND, store_group_by_welcome(store, (struct store_cursor){11, 43}, &mem, &out, err));
    FAILS(ERR_NOTFOUND, store_group_by_welcome(store, (struct store_cursor){0, 0}, &mem, &out, err));
    FAILS(ERR_NOTFOUND, store_group_get(store, id16(2), &mem, &out, err));
    store_mem_free(&mem);
}

static void a_second_welcome_keeps_conversation_and_activity(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group g;

    add_group(store, 1, STORE_GROUP, NULL);
    add_text(store, 1, 1, 50 * SECOND, "x");
    OK(store_group_get(store, id16(1), &mem, &g, err));
    g.epoch = 12;
    g.last_message_ns = 1;
    g.created_at_ns = 1;
    g.added_by_inbox_id = "caro";
    OK(store_group_put(store, &g, err));
    OK(store_group_get(store, id16(1), &mem, &g, err));
    assert_int_equal(g.epoch, 12);
    assert_string_equal(g.added_by_inbox_id, "caro");
    assert_int_equal(g.last_message_ns, 50 * SECOND);
    assert_int_equal(g.created_at_ns, 1 * SECOND);
    assert_int_equal(g.conversation, conversation_of(store, 1));
    store_mem_free(&mem);
}

static void a_group_rolled_back_is_not_remembered(void **state)
{
    struct store *store = store_of(state);
    const struct store_message m = text_message(1, 1, SECOND, "x");

    OK(store_begin(store, DB_NORMAL, err));
    add_group(store, 1, STORE_GROUP, NULL);
    OK(store_message_put(store, &m, NULL, err));
    store_rollback(store);
    FAILS(ERR_NOTFOUND, store_message_put(store, &m, NULL, err));
}

static void each_setter_changes_its_field_alone(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group g;

    add_group(store, 1, STORE_GROUP, NULL);
    OK(store_group_set_membership(store, id16(1), STORE_MEMBER_PENDING_REMOVE, err));
    OK(store_group_set_active(store, id16(1), false, err));
    OK(store_group_set_trusted(store, id16(1), true, err));
    OK(store_group_set_epoch(store, id16(1), 4, err));
    OK(store_group_set_installations_checked(store, id16(1), 5, err));
    OK(store_group_set_rotated(store, id16(1), 6, err));
    OK(store_group_set_disappearing(store, id16(1), 7, 8, err));
    OK(store_group_set_paused(store, id16(1), "2.0.0", err));
    OK(store_group_set_fork(store, id16(1), STORE_FORK_YES, err));
    OK(store_group_get(store, id16(1), &mem, &g, err));
    assert_int_equal(g.membership, STORE_MEMBER_PENDING_REMOVE);
    assert_true(!g.active && g.trusted);
    assert_int_equal(g.epoch, 4);
    assert_int_equal(g.installations_checked_ns, 5);
    assert_int_equal(g.rotated_at_ns, 6);
    assert_int_equal(g.disappear_from_ns, 7);
    assert_int_equal(g.disappear_in_ns, 8);
    assert_string_equal(g.paused_for_version, "2.0.0");
    assert_int_equal(g.fork, STORE_FORK_YES);
    OK(store_group_set_paused(store, id16(1), NULL, err));
    OK(store_group_get(store, id16(1), &mem, &g, err));
    assert_null(g.paused_for_version);
    FAILS(ERR_NOTFOUND, store_group_set_epoch(store, id16(2), 4, err));
    store_mem_free(&mem);
}

/* Asked twice: the second answer may be remembered. */
static void expect_standing(struct store *store, enum store_membership membership, bool active, int64_t checked_ns,
                            int64_t rotated_ns, const char *paused)
{
    static unsigned texts;
    struct store_mem mem = STORE_MEM_INIT;

    texts++;
    add_text(store, 100 + texts, 1, SECOND, "x"); /* group 1 is the last one looked up */
    for (int i = 0; i < 2; i++) {
        struct store_standing s = {0};

        OK(store_group_standing(store, id16(1), &mem, &s, err));
        assert_int_equal(s.membership, membership);
        assert_int_equal(s.active, active);
        assert_int_equal(s.installations_checked_ns, checked_ns);
        assert_int_equal(s.rotated_at_ns, rotated_ns);
        if (paused)
            assert_string_equal(s.paused_for_version, paused);
        else
            assert_null(s.paused_for_version);
    }
    store_mem_free(&mem);
}

static void whether_one_may_send_follows_each_change(void **state)
{
    struct store *store = store_of(state), *reader;
    struct store_mem mem = STORE_MEM_INIT;
    struct store_standing s;
    struct store_group g;

    add_group(store, 1, STORE_GROUP, NULL);
    add_group(store, 2, STORE_GROUP, NULL);
    OK(store_group_get(store, id16(1), &mem, &g, err));
    expect_standing(store, g.membership, g.active, g.installations_checked_ns, g.rotated_at_ns, NULL);
    OK(store_group_set_membership(store, id16(1), STORE_MEMBER_REJECTED, err));
    expect_standing(store, STORE_MEMBER_REJECTED, g.active, g.installations_checked_ns, g.rotated_at_ns, NULL);
    OK(store_group_set_active(store, id16(1), !g.active, err));
    expect_standing(store, STORE_MEMBER_REJECTED, !g.active, g.installations_checked_ns, g.rotated_at_ns, NULL);
    OK(store_group_set_installations_checked(store, id16(1), 5, err));
    OK(store_group_set_rotated(store, id16(1), 6, err));
    expect_standing(store, STORE_MEMBER_REJECTED, !g.active, 5, 6, NULL);
    OK(store_group_set_paused(store, id16(1), "2.0.0", err));
    expect_standing(store, STORE_MEMBER_REJECTED, !g.active, 5, 6, "2.0.0");
    OK(store_group_set_paused(store, id16(1), NULL, err));
    expect_standing(store, STORE_MEMBER_REJECTED, !g.active, 5, 6, NULL);

    OK(store_begin(store, DB_NORMAL, err));
    OK(store_group_set_rotated(store, id16(1), 7, err));
    expect_standing(store, STORE_MEMBER_REJECTED, !g.active, 5, 7, NULL);
    store_rollback(store);
    expect_standing(store, STORE_MEMBER_REJECTED, !g.active, 5, 6, NULL);
    OK(store_group_standing(store, id16(2), &mem, &s, err));
    assert_int_equal(s.rotated_at_ns, g.rotated_at_ns);
    OK(store_group_put(store, &g, err)); /* a second welcome */
    expect_standing(store, g.membership, g.active, g.installations_checked_ns, g.rotated_at_ns, NULL);

    /* Who only reads hears of the writer's change. */
    OK(store_open_reader(store, &reader, err));
    OK(store_group_find(reader, id16(1), err));
    OK(store_group_standing(reader, id16(1), &mem, &s, err));
    OK(store_group_set_rotated(store, id16(1), 8, err));
    OK(store_group_standing(reader, id16(1), &mem, &s, err));
    assert_int_equal(s.rotated_at_ns, 8);
    store_close(reader);

    OK(store_group_delete(store, id16(1), err));
    FAILS(ERR_NOTFOUND, store_group_standing(store, id16(1), &mem, &s, err));
    store_mem_free(&mem);
}

static void texts_are_kept_and_an_absent_one_stays_absent(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group_texts t = {.name = slice_str("Lunch"), .description = slice_str("")};

    add_group(store, 1, STORE_GROUP, NULL);
    OK(store_group_set_texts(store, id16(1), &t, err));
    t = (struct store_group_texts){.image_url = slice_str("left over")};
    OK(store_group_texts(store, id16(1), &mem, &t, err));
    assert_true(slice_eq(t.name, slice_str("Lunch")));
    assert_true(t.description.data && t.description.len == 0);
    assert_true(!t.image_url.data && !t.app_data.data);
    FAILS(ERR_NOTFOUND, store_group_set_texts(store, id16(2), &t, err));
    FAILS(ERR_NOTFOUND, store_group_texts(store, id16(2), &mem, &t, err));
    store_mem_free(&mem);
}

static void the_dm_to_send_in_is_the_most_recently_active(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group g;

    FAILS(ERR_NOTFOUND, store_group_by_dm_id(store, "dm:alix:bo", &mem, &g, err));
    add_group(store, 1, STORE_DM, "dm:alix:bo");
    add_group(store, 2, STORE_DM, "dm:alix:bo");
    add_group(store, 3, STORE_DM, "dm:alix:caro");
    OK(store_group_by_dm_id(store, "dm:alix:bo", &mem, &g, err)); /* a tie: the greater id */
    assert_true(slice_eq(g.id, id16(2)));
    add_text(store, 1, 1, 9 * SECOND, "x");
    OK(store_group_by_dm_id(store, "dm:alix:bo", &mem, &g, err));
    assert_true(slice_eq(g.id, id16(1)));
    OK(store_group_set_membership(store, id16(1), STORE_MEMBER_RESTORED, err));
    OK(store_group_by_dm_id(store, "dm:alix:bo", &mem, &g, err));
    assert_true(slice_eq(g.id, id16(2)));
    store_mem_free(&mem);
}

static void the_primary_sync_group_is_the_newest_trusted_one(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group g;

    FAILS(ERR_NOTFOUND, store_group_primary_sync(store, &mem, &g, err));
    add_group(store, 3, STORE_SYNC, NULL); /* created at 3 s */
    add_group(store, 2, STORE_SYNC, NULL);
    add_group(store, 9, STORE_GROUP, NULL);
    add_group(store, 5, STORE_SYNC, NULL);
    OK(store_group_set_trusted(store, id16(5), false, err));
    OK(store_group_primary_sync(store, &mem, &g, err));
    assert_true(slice_eq(g.id, id16(3)));
    OK(store_group_set_active(store, id16(3), false, err));
    OK(store_group_primary_sync(store, &mem, &g, err));
    assert_true(slice_eq(g.id, id16(2)));
    store_mem_free(&mem);
}

static int note_group(void *ctx, const struct store_group *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%u ", row->id.data[3]);
    return 0;
}

static int note_id(void *ctx, struct slice id)
{
    char *text = ctx;

    snprintf(text + strlen(text), 100 - strlen(text), "%u ", id.data[3]);
    return 0;
}

static void groups_are_listed_by_type_and_prefix(void **state)
{
    struct store *store = store_of(state);
    char text[100] = "";

    add_group(store, 0x0101, STORE_GROUP, NULL);
    add_group(store, 0x0102, STORE_SYNC, NULL);
    add_group(store, 0x0203, STORE_DM, "dm:alix:bo");
    OK(store_groups_each(store, STORE_TYPE_BIT(STORE_SYNC) | STORE_TYPE_BIT(STORE_DM), note_group, text,
                         err));
    assert_string_equal(text, "2 3 ");
    text[0] = 0;
    OK(store_groups_by_prefix(store, slice_of("\0\0\1", 3), 10, note_id, text, err));
    assert_string_equal(text, "1 2 ");
    text[0] = 0;
    OK(store_groups_by_prefix(store, slice_of("\0\0\1", 3), 1, note_id, text, err));
    assert_string_equal(text, "1 ");
    text[0] = 0;
    OK(store_groups_of_conversation(store, conversation_of(store, 0x0203), note_group, text, err));
    assert_string_equal(text, "3 ");
}

/* "ID:unread:last text" of each line. */
static int note_line(void *ctx, const struct store_conversation *row)
{
    char *text = ctx;

    snprintf(text + strlen(text), 300 - strlen(text), "%u%s:%d:%.*s ", row->group.id.data[3],
             row->duplicate ? "d" : "", (int)row->unread, (int)row->last.body.len,
             row->has_last ? (const char *)row->last.body.data : "");
    return 0;
}

static const char *list(struct store *store, struct store_conversations_query query)
{
    static char text[300];

    text[0] = 0;
    OK(store_conversations_each(store, &query, note_line, text, err));
    return text;
}

static void consent(struct store *store, enum store_consent_type type, const char *entity,
                    enum store_consent_state to)
{
    const struct store_consent in = {.type = type, .entity = entity, .state = to};
    const struct store_consent_context context = {.now_ns = SECOND};

    OK(store_consent_apply(store, &in, &context, NULL, err));
}

static void consent_for_group(struct store *store, unsigned group, enum store_consent_state to)
{
    char hex[33];

    hex_encode(id16(group).data, 16, hex);
    consent(store, STORE_CONSENT_CONVERSATION, hex, to);
}

static void the_list_shows_newest_activity_first(void **state)
{
    struct store *store = store_of(state);
    struct store_message m;

    add_group(store, 1, STORE_GROUP, NULL);
    add_group(store, 2, STORE_DM, "dm:alix:bo");
    add_group(store, 3, STORE_DM, "dm:alix:bo");
    add_group(store, 4, STORE_SYNC, NULL);
    add_group(store, 5, STORE_GROUP, NULL);
    add_text(store, 1, 2, 10 * SECOND, "old");
    add_text(store, 2, 3, 11 * SECOND, "new");
    add_text(store, 3, 4, 99 * SECOND, "virtual");
    /* A reaction is neither last message nor unread; the own text is the last but not unread. */
    m = text_message(4, 1, 50 * SECOND, "reaction");
    m.shows = STORE_SHOWS_NOT;
    OK(store_message_put(store, &m, NULL, err));
    m = text_message(5, 1, 20 * SECOND, "mine");
    m.own = true;
    OK(store_message_put(store, &m, NULL, err));
    assert_string_equal(list(store, (struct store_conversations_query){0}), "1:0:mine 3:2:new 5:0: ");
    assert_string_equal(list(store, (struct store_conversations_query){.duplicates = true}),
                        "1:0:mine 3:2:new 2d:2:new 5:0: ");
    assert_string_equal(list(store, (struct store_conversations_query){.types = STORE_TYPE_BIT(STORE_DM)}),
                        "3:2:new ");
    assert_string_equal(list(store, (struct store_conversations_query){.limit = 2}), "1:0:mine 3:2:new ");
    assert_string_equal(list(store, (struct store_conversations_query){.bare = true}), "1:0: 3:0: 5:0: ");
    assert_string_equal(list(store, (struct store_conversations_query){.active_after_ns = 11 * SECOND}),
                        "1:0:mine ");
    assert_string_equal(list(store, (struct store_conversations_query){.active_before_ns = 11 * SECOND}),
                        "5:0: ");
}

static void consent_filters_the_list(void **state)
{
    struct store *store = store_of(state);
    const unsigned unknown = STORE_CONSENT_BIT(STORE_CONSENT_UNKNOWN);
    const unsigned allowed = STORE_CONSENT_BIT(STORE_CONSENT_ALLOWED);
    const unsigned denied = STORE_CONSENT_BIT(STORE_CONSENT_DENIED);

    add_group(store, 1, STORE_GROUP, NULL);
    add_group(store, 2, STORE_GROUP, NULL);
    add_group(store, 3, STORE_DM, "dm:alix:bo");
    consent_for_group(store, 1, STORE_CONSENT_DENIED);
    consent_for_group(store, 2, STORE_CONSENT_ALLOWED);
    consent(store, STORE_CONSENT_INBOX, "bo", STORE_CONSENT_DENIED);
    assert_string_equal(list(store, (struct store_conversations_query){0}), "3:0: 2:0: 1:0: ");
    assert_string_equal(list(store, (struct store_conversations_query){.consent_states = unknown | allowed}),
                        "3:0: 2:0: ");
    assert_string_equal(list(store, (struct store_conversations_query){.consent_states = unknown | allowed,
                                                                       .hide_denied_peers = true}),
                        "2:0: ");
    assert_string_equal(list(store, (struct store_conversations_query){.consent_states = denied}), "1:0: ");
    /* The chat itself was allowed: the inbox record no longer decides. */
    consent_for_group(store, 3, STORE_CONSENT_ALLOWED);
    assert_string_equal(list(store, (struct store_conversations_query){.hide_denied_peers = true}),
                        "3:0: 2:0: 1:0: ");
}

static void reading_moves_the_marker_forward_only(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_conversation line;
    int64_t conversation, unread = -1;

    add_group(store, 1, STORE_DM, "dm:alix:bo");
    add_group(store, 2, STORE_DM, "dm:alix:bo");
    conversation = conversation_of(store, 1);
    for (unsigned i = 1; i <= 6; i++)
        add_text(store, i, 1 + i % 2, i * SECOND, "x");
    OK(store_conversation_mark_read(store, conversation, 4 * SECOND, &unread, err));
    assert_int_equal(unread, 2);
    OK(store_conversation_mark_read(store, conversation, 2 * SECOND, &unread, err));
    assert_int_equal(unread, 2);
    OK(store_conversation_set_muted(store, conversation, 77, err));
    OK(store_conversation_set_notify(store, conversation, 2, err));
    OK(store_conversation_get(store, id16(2), &mem, &line, err));
    assert_int_equal(line.unread, 2);
    assert_int_equal(line.read_up_to_ns, 4 * SECOND);
    assert_int_equal(line.muted_until_ns, 77);
    assert_int_equal(line.notify, 2);
    assert_true(line.has_last && line.last.id.data[3] == 6);
    FAILS(ERR_NOTFOUND, store_conversation_mark_read(store, 99, 1, NULL, err));
    FAILS(ERR_NOTFOUND, store_conversation_get(store, id16(9), &mem, &line, err));
    store_mem_free(&mem);
}

static void unread_stops_counting_at_a_thousand(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_conversation line;

    add_group(store, 1, STORE_GROUP, NULL);
    OK(store_begin(store, DB_NORMAL, err));
    for (unsigned i = 1; i <= 1100; i++)
        add_text(store, i, 1, i * SECOND, "x");
    OK(store_commit(store, err));
    OK(store_conversation_get(store, id16(1), &mem, &line, err));
    assert_int_equal(line.unread, STORE_UNREAD_MAX);
    store_mem_free(&mem);
}

static void a_draft_belongs_to_its_conversation(void **state)
{
    struct store *store = store_of(state);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_conversation line;
    struct slice text;
    int64_t n;

    add_group(store, 1, STORE_DM, "dm:alix:bo");
    add_group(store, 2, STORE_DM, "dm:alix:bo");
    n = conversation_of(store, 1);
    FAILS(ERR_NOTFOUND, store_draft_get(store, n, &mem, &text, err));
    OK(store_draft_put(store, n, slice_str("half a sent"), err));
    OK(store_draft_get(store, conversation_of(store, 2), &mem, &text, err));
    assert_true(slice_eq(text, slice_str("half a sent")));
    OK(store_conversation_get(store, id16(1), &mem, &line, err));
    assert_true(line.has_draft);
    OK(store_draft_put(store, n, slice_str(""), err));
    FAILS(ERR_NOTFOUND, store_draft_get(store, n, &mem, &text, err));
    FAILS(ERR_NOTFOUND, store_draft_put(store, 99, slice_str("x"), err));
    store_mem_free(&mem);
}

static void a_deleted_group_leaves_nothing_and_its_duplicates_stay(void **state)
{
    struct store *store = store_of(state);
    const struct store_piece piece = {1, 1, 1};
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message m;
    struct bytes body;
    int64_t n;

    add_group(store, 1, STORE_DM, "dm:alix:bo");
    add_group(store, 2, STORE_DM, "dm:alix:bo");
    add_text(store, 1, 1, SECOND, "x");
    add_text(store, 2, 2, SECOND, "x");
    OK(store_mls_put(store, id16(1), piece, slice_str("x"), err));
    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_COMMIT, 0, 5, NULL, err));
    n = conversation_of(store, 1);
    OK(store_group_delete(store, id16(1), err));
    FAILS(ERR_NOTFOUND, store_message_get(store, id32(1), &mem, &m, err));
    FAILS(ERR_NOTFOUND, store_mls_get(store, id16(1), piece, &body, err));
    OK(store_cursor_of_group(store, id16(1), &n, err));
    assert_int_equal(n, 0);
    OK(store_message_get(store, id32(2), &mem, &m, err));
    OK(store_draft_put(store, conversation_of(store, 2), slice_str("x"), err));
    n = conversation_of(store, 2);
    OK(store_group_delete(store, id16(2), err));
    FAILS(ERR_NOTFOUND, store_draft_put(store, n, slice_str("x"), err));
    store_mem_free(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
        TEST(a_group_comes_back_as_it_was_put),
        TEST(a_second_welcome_keeps_conversation_and_activity),
        TEST(a_group_rolled_back_is_not_remembered),
        TEST(each_setter_changes_its_field_alone),
        TEST(whether_one_may_send_follows_each_change),
        TEST(texts_are_kept_and_an_absent_one_stays_absent),
        TEST(the_dm_to_send_in_is_the_most_recently_active),
        TEST(the_primary_sync_group_is_the_newest_trusted_one),
        TEST(groups_are_listed_by_type_and_prefix),
        TEST(the_list_shows_newest_activity_first),
        TEST(consent_filters_the_list),
        TEST(reading_moves_the_marker_forward_only),
        TEST(unread_stops_counting_at_a_thousand),
        TEST(a_draft_belongs_to_its_conversation),
        TEST(a_deleted_group_leaves_nothing_and_its_duplicates_stay),
    };

    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
