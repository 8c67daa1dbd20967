/* The live connection: what one running stream brings, with nothing else asked for, and what it never tells. */
#include "tests/test.h"

#include "base/hex.h"
#include "store/groups.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/membership.h"
#include "sync/prefs.h"
#include "sync/send.h"
#include "sync/streams.h"
#include "tests/sync/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- shorthand ---- */

static void stream(struct peer *p)
{
    json_t *started = peer_call(p, "stream.start", NULL);

    assert_string_equal(json_string_value(json_object_get(started, "state")), "live");
    json_decref(started);
}

static void decide_group(struct peer *p, const uint8_t id[16], const char *state)
{
    char entity[33];

    hex_encode(id, 16, entity);
    peer_decide(p, CONSENT_CONVERSATION, entity, state);
}

static const char someone[] = "abababababababababababababababababababababababababababababababab";

/* How many events of a kind whose data has `value` at `key` (NULL: any). */
static unsigned told(struct peer *p, const char *kind, const char *key, const char *value)
{
    json_t *event, *data;
    unsigned n = 0;
    size_t i;

    json_array_foreach(p->told, i, event) {
        data = json_object_get(event, "data");
        if (strcmp(json_string_value(json_object_get(event, "kind")), kind) != 0)
            continue;
        if (key && strcmp(key, "text") == 0)
            data = json_object_get(data, "content");
        n += !key || strcmp(json_string_value(json_object_get(data, key)) ?: "", value) == 0;
    }
    return n;
}

struct wish {
    struct peer *p;
    const char *kind, *key, *value;
};

static bool is_told(void *ctx)
{
    struct wish *w = ctx;

    return told(w->p, w->kind, w->key, w->value) > 0;
}

static void until_told(struct peer *p, const char *kind, const char *key, const char *value)
{
    struct wish w = {p, kind, key, value};

    world_until(world, value ? value : kind, is_told, &w);
}

/* Whatever else was under way has arrived when this text has, which comes after it. */
static void text_comes(struct peer *from, struct peer *to, const uint8_t id[16], const char *text)
{
    peer_send(from, id, text);
    until_told(to, "message", "text", text);
}

/* ---- preferences ---- */

BODY(a_preferences_group_that_comes_while_a_stream_runs_is_streamed_at_once)
{
    struct peer *a = installation(1), *b;

    stream(a);
    b = installation(1);
    /* B's group, a new key that A sends there, B's decision: all by the stream alone. */
    until_told(a, "preferences", NULL, NULL);
    peer_decide(b, CONSENT_INBOX, someone, "denied");
    until_told(a, "consent", "entity", someone);
    peer_decide(b, CONSENT_INBOX, someone, "allowed");
    until_told(a, "consent", "state", "allowed");
    assert_int_equal(told(a, "consent", "entity", someone), 2);
    assert_int_equal(a->api.queries + told(a, "message", NULL, NULL) + told(a, "conversation", NULL, NULL),
                     a->api.queries);
    peer_stop(world, a);
    peer_stop(world, b);
}

/* They grow for years, and each that arrives would read all of them. */
BODY(a_preference_that_arrives_is_read_without_all_the_others)
{
    struct peer *a = installation(1), *b = installation(1);
    const char *all = "ORDER BY g.n, m.sequence_id";
    unsigned before;
    char entity[65];

    json_decref(peer_call(a, "preferences.sync", NULL));
    json_decref(peer_call(b, "preferences.sync", NULL));
    stream(a);
    before = peer_runs(a, all) + peer_runs(b, all);
    for (unsigned i = 1; i <= 10; i++) {
        snprintf(entity, sizeof entity, "%064x", i);
        peer_decide(b, CONSENT_INBOX, entity, "denied");
        until_told(a, "consent", "entity", entity);
    }
    assert_int_equal(peer_runs(a, all) + peer_runs(b, all), before);
    json_decref(peer_call(a, "preferences.sync", NULL)); /* nothing is left that was not told of */
    json_decref(peer_call(b, "preferences.sync", NULL));
    assert_int_equal(peer_runs(a, all) + peer_runs(b, all), before);
    peer_stop(world, a);
    peer_stop(world, b);
}

BODY(a_decision_is_told_once_where_it_was_made_and_once_where_it_arrives)
{
    struct peer *a = installation(1), *b = installation(1), *bo = installation(2);
    uint8_t dm[16];

    json_decref(peer_call(a, "preferences.sync", NULL));
    json_decref(peer_call(b, "preferences.sync", NULL));
    OK(dm_find_or_create(&bo->core, a->core.self.inbox_id, dm, NULL, &err));
    json_decref(peer_call(a, "conversations.sync", NULL));
    json_decref(peer_call(b, "conversations.sync", NULL));
    stream(a);
    stream(b);
    peer_decide(a, CONSENT_INBOX, someone, "denied");
    assert_int_equal(told(a, "consent", "entity", someone), 1);
    until_told(b, "consent", "entity", someone);
    /* Its own message has come back to A before this. */
    text_comes(bo, a, dm, "after");
    text_comes(bo, b, dm, "later");
    assert_int_equal(told(a, "consent", "entity", someone), 1);
    assert_int_equal(told(b, "consent", "entity", someone), 1);
    /* The preferences groups are nobody's conversations. */
    assert_int_equal(told(a, "conversation", NULL, NULL), 0);
    assert_int_equal(told(b, "message", NULL, NULL), 2);
    peer_stop(world, a);
    peer_stop(world, b);
    peer_stop(world, bo);
}

/* ---- conversations that come and go ---- */

BODY(a_conversation_that_comes_while_a_stream_runs_is_told_and_read)
{
    struct peer *a = installation(1), *bo = installation(2);
    const char *a_id = a->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    uint8_t id[16], other[16];

    stream(a);
    OK(group_create(&bo->core, &options, &a_id, 1, id, &err));
    until_told(a, "conversation", "name", "x");
    text_comes(bo, a, id, "one");
    /* One of its own is told as well. */
    OK(group_create(&a->core, &(struct group_options){.name = "mine"}, NULL, 0, other, &err));
    until_told(a, "conversation", "name", "mine");
    assert_int_equal(told(a, "conversation", NULL, NULL), 2);
    /* A commit on the way, and the text of the epoch after it. */
    OK(group_update_attribute(&bo->core, id, ATTR_NAME, "y", &err));
    text_comes(bo, a, id, "two");
    assert_same_epoch(a, bo, id);
    assert_string_equal(peer_texts(a, id), "one|two");
    peer_stop(world, a);
    peer_stop(world, bo);
}

/* More of them than there are streams for: they are joined into one, and nothing is lost on the way. */
BODY(many_conversations_that_come_one_by_one_are_all_read)
{
    struct peer *a = installation(1), *bo = installation(2);
    const char *a_id = a->core.self.inbox_id;
    uint8_t ids[20][16];
    char text[32];

    stream(a);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "group %d", i);
        OK(group_create(&bo->core, &(struct group_options){.name = text}, &a_id, 1, ids[i], &err));
        until_told(a, "conversation", "name", text);
        snprintf(text, sizeof text, "text %d", i);
        text_comes(bo, a, ids[i / 2], text);
    }
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "last %d", i);
        text_comes(bo, a, ids[i], text);
    }
    assert_int_equal(told(a, "conversation", NULL, NULL), 20);
    peer_stop(world, a);
    peer_stop(world, bo);
}

/* Each that comes while the ones before it are subscribed to would cost one more look through all there are. */
BODY(many_conversations_that_come_together_are_subscribed_to_together)
{
    struct peer *a = installation(1), *bo = installation(2);
    const char *a_id = a->core.self.inbox_id;
    uint8_t ids[40][16];
    char text[32];

    stream(a);
    a->api.subscriptions = 0;
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "group %d", i);
        OK(group_create(&bo->core, &(struct group_options){.name = text}, &a_id, 1, ids[i], &err));
    }
    until_told(a, "conversation", "name", text);
    text_comes(bo, a, ids[39], "last");
    text_comes(bo, a, ids[0], "first");
    assert_int_equal(told(a, "conversation", NULL, NULL), 40);
    assert_true(a->api.subscriptions <= 3);
    peer_stop(world, a);
    peer_stop(world, bo);
}

BODY(decisions_made_together_are_one_change_of_what_is_streamed)
{
    struct peer *a = installation(1), *bo = installation(2);
    json_t *records = json_array();
    unsigned before;
    uint8_t id[16];
    char *params;

    for (unsigned i = 0; i < 50; i++) {
        char entity[65];

        snprintf(entity, sizeof entity, "%064x", i + 1);
        json_array_append_new(records, json_pack("{s:s,s:s,s:s}", "entityType", "inboxId", "entity", entity, "state",
                                                 "denied"));
    }
    records = json_pack("{s:o}", "records", records);
    params = json_dumps(records, 0);
    OK(dm_find_or_create(&bo->core, a->core.self.inbox_id, id, NULL, &err));
    stream(a);
    text_comes(bo, a, id, "sooner"); /* the stream waits for more */
    before = peer_runs(a, "ORDER BY active_at_ns");
    json_decref(peer_call(a, "preferences.setConsent", params));
    text_comes(bo, a, id, "later");
    assert_int_equal(told(a, "consent", NULL, NULL), 50);
    assert_true(peer_runs(a, "ORDER BY active_at_ns") - before <= 2);
    free(params);
    json_decref(records);
    peer_stop(world, a);
    peer_stop(world, bo);
}

/* More than are held in memory at a time. */
BODY(a_stream_that_begins_with_much_to_make_up_for_takes_it_all_in_order)
{
    enum { N = 700 };
    struct peer *a = installation(1), *bo = installation(2);
    json_t *event;
    char text[32];
    uint8_t id[16];
    unsigned n = 0;
    size_t i;

    OK(dm_find_or_create(&bo->core, a->core.self.inbox_id, id, NULL, &err));
    for (int k = 0; k < N; k++) {
        snprintf(text, sizeof text, "%d", k);
        peer_send(bo, id, text);
    }
    stream(a);
    until_told(a, "message", "text", text);
    json_array_foreach(a->told, i, event) {
        const char *got = json_string_value(
            json_object_get(json_object_get(json_object_get(event, "data"), "content"), "text"));

        if (!got)
            continue;
        snprintf(text, sizeof text, "%u", n++);
        assert_string_equal(got, text);
    }
    assert_int_equal(n, N);
    peer_stop(world, a);
    peer_stop(world, bo);
}

/* Out, and in again: what is said between the way in and the news of it belongs to the stream, too. */
BODY(who_comes_back_while_a_stream_runs_reads_what_was_said_since)
{
    struct peer *a = installation(1), *bo = installation(2);
    const char *a_id = a->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    uint8_t id[16];

    OK(group_create(&bo->core, &options, &a_id, 1, id, &err));
    stream(a);
    text_comes(bo, a, id, "before");
    OK(group_remove_members(&bo->core, id, &a_id, 1, &err));
    peer_send(bo, id, "without A");
    OK(group_add_members(&bo->core, id, &a_id, 1, &err));
    text_comes(bo, a, id, "again");
    assert_string_equal(peer_texts(a, id), "before|again");
    assert_int_equal(told(a, "message", "text", "again"), 1);
    peer_stop(world, a);
    peer_stop(world, bo);
}

BODY(what_is_denied_stops_and_what_is_allowed_again_is_made_up_for)
{
    struct peer *a = installation(1), *bo = installation(2);
    const char *a_id = a->core.self.inbox_id;
    uint8_t id[16], other[16];

    OK(group_create(&bo->core, &(struct group_options){.name = "x"}, &a_id, 1, id, &err));
    OK(group_create(&bo->core, &(struct group_options){.name = "y"}, &a_id, 1, other, &err));
    stream(a);
    text_comes(bo, a, id, "one");
    decide_group(a, id, "denied");
    world_let_timers_end(world);
    peer_send(bo, id, "unheard");
    text_comes(bo, a, other, "heard");
    assert_string_equal(peer_texts(a, id), "one");
    decide_group(a, id, "allowed");
    until_told(a, "message", "text", "unheard");
    assert_string_equal(peer_texts(a, id), "one|unheard");
    peer_stop(world, a);
    peer_stop(world, bo);
}

BODY(both_chats_of_a_pair_are_streamed_and_told_of_as_one)
{
    struct peer *a = installation(1), *bo = installation(2);
    uint8_t mine[16], his[16];

    OK(dm_find_or_create(&a->core, bo->core.self.inbox_id, mine, NULL, &err));
    peer_send(a, mine, "mine");
    stream(a);
    OK(dm_find_or_create(&bo->core, a->core.self.inbox_id, his, NULL, &err));
    text_comes(bo, a, his, "his");
    assert_int_equal(told(a, "conversation", NULL, NULL), 0);
    assert_int_equal(told(a, "message", "kind", "membershipChange"), 0); /* once a pair is enough */
    peer_sync(bo);
    text_comes(bo, a, mine, "in the other one");
    assert_string_equal(peer_texts(a, mine), "mine|his|in the other one");
    assert_string_equal(peer_texts(a, his), "mine|his|in the other one");
    peer_stop(world, a);
    peer_stop(world, bo);
}

/* Blocked before there was any chat: the new one is as hidden as in the list, unless it is asked for. */
BODY(a_chat_that_a_denied_person_begins_is_told_to_who_asks_for_unknown_ones_alone)
{
    struct peer *a = installation(1), *bo = installation(2), *caro = installation(3);
    uint8_t his[16], hers[16];

    peer_decide(a, CONSENT_INBOX, bo->core.self.inbox_id, "denied");
    stream(a);
    OK(dm_find_or_create(&bo->core, a->core.self.inbox_id, his, NULL, &err));
    peer_send(bo, his, "unasked");
    OK(dm_find_or_create(&caro->core, a->core.self.inbox_id, hers, NULL, &err));
    text_comes(caro, a, hers, "hello");
    assert_string_equal(peer_texts(a, his), "unasked");
    assert_int_equal(told(a, "conversation", NULL, NULL), 1);
    assert_int_equal(told(a, "message", "text", "unasked"), 0);
    json_decref(peer_call(a, "stream.start", "{\"consentStates\":[\"unknown\"]}"));
    text_comes(bo, a, his, "asked for");
    assert_int_equal(told(a, "message", "text", "asked for"), 1);
    text_comes(caro, a, hers, "again");
    assert_int_equal(told(a, "message", "text", "again"), 2);
    peer_stop(world, a);
    peer_stop(world, bo);
    peer_stop(world, caro);
}

/* ---- a connection that is lost ---- */

static bool is_lost(void *ctx)
{
    return strcmp(streams_network_state(&((struct peer *)ctx)->core), "offline") == 0;
}

BODY(a_lost_stream_comes_back_and_makes_up_for_everything_once)
{
    struct peer *a = installation(1), *b = installation(1), *bo = installation(2);
    const char *a_id = a->core.self.inbox_id;
    uint8_t id[16], fresh[16];

    json_decref(peer_call(a, "preferences.sync", NULL));
    OK(group_create(&bo->core, &(struct group_options){.name = "x"}, &a_id, 1, id, &err));
    stream(a);
    text_comes(bo, a, id, "one");
    a->api.offline = true;
    fake_api_cut(&a->api);
    world_until(world, "the stream is lost", is_lost, a);
    peer_send(bo, id, "two");
    OK(group_update_key(&bo->core, id, &err));
    peer_send(bo, id, "three");
    OK(group_create(&bo->core, &(struct group_options){.name = "fresh"}, &a_id, 1, fresh, &err));
    peer_send(bo, fresh, "four");
    peer_decide(b, CONSENT_INBOX, someone, "denied");
    for (int i = 0; i < 3; i++)
        world_let_timers_end(world); /* in vain */
    a->api.offline = false;
    world_let_timers_end(world);
    until_told(a, "message", "text", "three");
    until_told(a, "message", "text", "four");
    until_told(a, "consent", "entity", someone);
    text_comes(bo, a, id, "five");
    assert_string_equal(peer_texts(a, id), "one|two|three|five");
    for (size_t i = 0; i < 5; i++) {
        static const char *const texts[] = {"one", "two", "three", "four", "five"};

        assert_int_equal(told(a, "message", "text", texts[i]), 1);
    }
    assert_int_equal(told(a, "conversation", "name", "fresh"), 1);
    peer_stop(world, a);
    peer_stop(world, b);
    peer_stop(world, bo);
}

static bool is_live(void *ctx)
{
    return strcmp(streams_network_state(&((struct peer *)ctx)->core), "live") == 0;
}

/* After a long time without a network the stream tries once a minute; a text that goes out shows that it is back. */
BODY(a_lost_stream_tries_again_as_soon_as_anything_reaches_the_node)
{
    struct peer *a = installation(1);

    stream(a);
    a->api.offline = true;
    fake_api_cut(&a->api);
    world_until(world, "the stream is lost", is_lost, a);
    for (int i = 0; i < 10; i++)
        world_let_timers_end(world); /* in vain, and ever longer apart */
    a->api.offline = false;
    core_emit(&a->core, &(struct core_event){.kind = CORE_NETWORK});
    world_until(world, "the stream is back", is_live, a);
    peer_stop(world, a);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_preferences_group_that_comes_while_a_stream_runs_is_streamed_at_once),
        TEST(a_preference_that_arrives_is_read_without_all_the_others),
        TEST(a_decision_is_told_once_where_it_was_made_and_once_where_it_arrives),
        TEST(a_conversation_that_comes_while_a_stream_runs_is_told_and_read),
        TEST(many_conversations_that_come_one_by_one_are_all_read),
        TEST(many_conversations_that_come_together_are_subscribed_to_together),
        TEST(decisions_made_together_are_one_change_of_what_is_streamed),
        TEST(a_stream_that_begins_with_much_to_make_up_for_takes_it_all_in_order),
        TEST(who_comes_back_while_a_stream_runs_reads_what_was_said_since),
        TEST(what_is_denied_stops_and_what_is_allowed_again_is_made_up_for),
        TEST(both_chats_of_a_pair_are_streamed_and_told_of_as_one),
        TEST(a_chat_that_a_denied_person_begins_is_told_to_who_asks_for_unknown_ones_alone),
        TEST(a_lost_stream_comes_back_and_makes_up_for_everything_once),
        TEST(a_lost_stream_tries_again_as_soon_as_anything_reaches_the_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
