/* Preferences groups and what is said in them, between installations of one person on a node in memory. */
#include "tests/test.h"

#include "base/hex.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "store/consent.h"
#include "store/groups.h"
#include "store/messages.h"
#include "store/preferences.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/hmac.h"
#include "sync/membership.h"
#include "sync/pref_payload.h"
#include "sync/prefs.h"
#include "sync/send.h"
#include "sync/sync_all.h"
#include "sync/welcome_receive.h"
#include "tests/sync/body.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- shorthand ---- */

/* Until the peer has nothing in hand. */
static void settle(struct peer *p)
{
    world_until(world, "a peer has done what it had to do", peer_is_idle, p);
}

static void sync_prefs(struct peer *p)
{
    OK(prefs_sync(&p->core, NULL, &err));
    settle(p);
}

static void decide(struct peer *p, enum consent_entity type, const char *entity, const char *state)
{
    peer_decide(p, type, entity, state);
    settle(p);
}

static const char *decided(struct peer *p, enum consent_entity type, const char *entity)
{
    enum consent_state state;

    OK(consent_get(&p->core, type, entity, &state, &err));
    return consent_state_name(state);
}

static const char *decided_of_group(struct peer *p, const uint8_t id[16])
{
    char entity[33];

    hex_encode(id, 16, entity);
    return decided(p, CONSENT_CONVERSATION, entity);
}

static const char someone[] = "abababababababababababababababababababababababababababababababab";

/* The preferences group that it writes to. */
static void primary(struct peer *p, uint8_t id[16])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;

    OK(store_group_primary_sync(p->core.store, &mem, &row, &err));
    memcpy(id, row.id.data, 16);
    store_mem_free(&mem);
}

static bool same_primary(struct peer *a, struct peer *b)
{
    uint8_t ida[16], idb[16];

    primary(a, ida);
    primary(b, idb);
    return memcmp(ida, idb, 16) == 0;
}

static size_t leaves(struct peer *p, const uint8_t id[16])
{
    struct group_debug debug;
    struct group *g;

    OK(group_get(&p->core, id, &g, &err));
    OK(group_debug(&p->core, g, &debug, &err));
    group_put(&p->core, g);
    return debug.leaves;
}

static int count_group(void *ctx, const struct store_group *row)
{
    (void)row;
    ++*(size_t *)ctx;
    return 0;
}

static size_t sync_groups_of(struct peer *p)
{
    size_t n = 0;

    OK(store_groups_each(p->core.store, STORE_TYPE_BIT(STORE_SYNC), count_group, &n, &err));
    return n;
}

/* Messages, or commits, of a group in the node's ledger. */
static size_t published(const uint8_t id[16], bool commits)
{
    struct fake_message *ledger;
    size_t n = fake_node_messages(world->node, &ledger), found = 0;

    for (size_t i = 0; i < n; i++)
        found += ledger[i].is_commit == commits && memcmp(ledger[i].group_id, id, 16) == 0;
    return found;
}

static int64_t waiting(struct peer *p)
{
    int64_t n;

    OK(store_preferences_count(p->core.store, &n, &err));
    return n;
}

static void root_of(struct peer *p, uint8_t root[HMAC_ROOT_LEN])
{
    OK(hmac_root(&p->core, root, &err));
}

static bool same_root(struct peer *a, struct peer *b)
{
    uint8_t ra[HMAC_ROOT_LEN], rb[HMAC_ROOT_LEN];

    root_of(a, ra);
    root_of(b, rb);
    return memcmp(ra, rb, sizeof ra) == 0;
}

static size_t entries(json_t *list)
{
    size_t n = json_array_size(list);

    json_decref(list);
    return n;
}

/* ---- 1: the group ---- */

BODY(the_first_installation_makes_a_group_of_its_own_once)
{
    struct peer *a = installation(1);
    uint8_t id[16];
    json_t *state;

    primary(a, id);
    assert_int_equal(leaves(a, id), 1);
    assert_int_equal(published(id, true), 1); /* its own place in the log, raised from 0 */
    assert_int_equal(published(id, false), 0);
    assert_int_equal(waiting(a), 0);
    assert_string_equal(decided_of_group(a, id), "unknown");
    /* It is no conversation to anybody, and its state can be asked for. */
    assert_int_equal(entries(peer_call(a, "conversations.list", "{\"consentStates\":[\"unknown\",\"allowed\",\"denied\"]}")), 0);
    state = peer_call(a, "preferences.state", NULL);
    assert_int_equal(json_array_size(json_object_get(state, "groups")), 1);
    assert_true(json_is_true(json_object_get(json_array_get(json_object_get(state, "groups"), 0), "primary")));
    json_decref(state);
    peer_restart(world, a);
    prefs_start(&a->core);
    settle(a);
    assert_int_equal(sync_groups_of(a), 1);
    assert_int_equal(published(id, true), 1);
}

BODY(a_group_left_half_made_is_finished_at_the_next_start)
{
    struct peer *a = world_installation(world, 1), *a2 = world_installation(world, 1);
    uint8_t id[16];

    peer_make_whole(a);
    peer_make_whole(a2);
    a->api.offline = true;
    prefs_start(&a->core);
    settle(a);
    primary(a, id);
    assert_int_equal(leaves(a, id), 1);
    assert_int_equal(published(id, true), 0);
    peer_restart(world, a);
    a->api.offline = false;
    prefs_start(&a->core);
    settle(a);
    assert_int_equal(sync_groups_of(a), 1);
    assert_int_equal(leaves(a, id), 2);
    assert_int_equal(published(id, true), 1);
    sync_prefs(a2);
    sync_prefs(a);
    assert_true(same_primary(a, a2));
    assert_same_epoch(a, a2, id);
}

BODY(every_new_installation_makes_a_group_of_all_and_the_others_write_there_from_then_on)
{
    struct peer *a = installation(1), *b = installation(1), *c;
    uint8_t id[16];

    assert_false(same_primary(a, b));
    sync_prefs(a);
    assert_true(same_primary(a, b));
    primary(b, id);
    assert_int_equal(leaves(a, id), 2);
    c = installation(1);
    sync_prefs(b);
    sync_prefs(a);
    assert_true(same_primary(a, c));
    assert_true(same_primary(b, c));
    primary(c, id);
    assert_int_equal(leaves(b, id), 3);
    sync_prefs(c);
    sync_prefs(a);
    assert_same_epoch(a, c, id);
    /* All are read still. */
    assert_int_equal(sync_groups_of(a), 3);
}

/* Each way by itself brings an old installation to the group of the new one. */
static void meets_by(const char *method)
{
    struct peer *a = installation(1), *b = installation(1);
    uint8_t before[16], after[16];

    primary(a, before);
    assert_int_equal(leaves(a, before), 1);
    json_decref(peer_call(a, method, NULL));
    if (strcmp(method, "stream.start") == 0)
        peer_stop(world, a);
    else
        settle(a);
    primary(a, after);
    assert_memory_not_equal(before, after, 16);
    assert_true(same_primary(a, b));
    assert_int_equal(leaves(a, after), 2);
}

BODY(preferences_sync_alone_finds_the_group_of_a_new_installation)
{
    meets_by("preferences.sync");
}

BODY(sync_all_alone_finds_the_group_of_a_new_installation)
{
    meets_by("conversations.syncAll");
}

BODY(a_stream_alone_finds_the_group_of_a_new_installation)
{
    meets_by("stream.start");
}

/* A and B know each other; then C comes, and A decides something before it has heard of C. */
BODY(a_decision_goes_to_the_group_of_an_installation_not_heard_of_yet)
{
    struct peer *a = installation(1), *c;

    peer_advance(a, 60);
    c = installation(1);
    assert_false(same_primary(a, c));
    decide(a, CONSENT_INBOX, someone, "denied");
    assert_true(same_primary(a, c));
    sync_prefs(c);
    assert_string_equal(decided(c, CONSENT_INBOX, someone), "denied");
}

BODY(what_was_decided_without_a_network_reaches_an_installation_that_came_meanwhile)
{
    struct peer *a = installation(1), *b = installation(1), *c;

    sync_prefs(a);
    a->api.offline = true;
    decide(a, CONSENT_INBOX, someone, "denied");
    assert_int_equal(waiting(a), 1);
    c = installation(1);
    a->api.offline = false;
    peer_advance(a, 60);
    OK(prefs_flush(&a->core, &err));
    settle(a);
    assert_int_equal(waiting(a), 0);
    sync_prefs(c);
    assert_string_equal(decided(c, CONSENT_INBOX, someone), "denied");
    sync_prefs(b);
    assert_string_equal(decided(b, CONSENT_INBOX, someone), "denied");
}

/* Neither somebody else's message nor a row that is no message is a decision of ours. */
BODY(only_a_message_of_our_own_inbox_is_a_decision)
{
    struct peer *a = installation(1);
    struct consent_choice choice = {.type = CONSENT_INBOX, .state = CONSENT_DENIED};
    struct buf updates = BUF_INIT, payload = BUF_INIT;
    struct bytes content = {0};
    struct store_message row = {.status = STORE_PUBLISHED, .originator = 10};
    struct core_event came = {.kind = CORE_SYNC_MESSAGE};
    uint8_t group[16], other[32] = {9}, ids[3][32] = {{1}, {2}, {3}};

    memcpy(choice.entity, someone, sizeof someone);
    primary(a, group);
    pref_payload_add_consent(&updates, &choice, core_now_ns(&a->core));
    pref_payload_finish(&updates, &payload);
    OK(content_device_sync(buf_slice(&payload), &content, &err));
    row.group_id = slice_of(group, 16);
    row.sender_installation_id = slice_of(other, 32);
    row.body = bytes_slice(&content);
    for (int i = 0; i < 3; i++) {
        row.id = slice_of(ids[i], 32);
        row.kind = i == 0 ? STORE_MESSAGE_MEMBERSHIP : STORE_MESSAGE_APPLICATION;
        row.sender_inbox_id = i == 1 ? someone : a->core.self.inbox_id;
        row.sequence_id = 1000 + i;
        row.sent_at_ns = row.inserted_at_ns = core_now_ns(&a->core);
        OK(core_begin(&a->core, false, &err));
        OK(store_message_put(a->core.store, &row, NULL, &err));
        memcpy(came.message_id, ids[i], 32);
        OK(core_note(&a->core, &came, &err)); /* as receiving does */
        OK(core_commit(&a->core, &err));
        OK(prefs_apply_stored(&a->core, NULL, &err));
        assert_string_equal(decided(a, CONSENT_INBOX, someone), i < 2 ? "unknown" : "denied");
    }
    buf_free(&updates);
    buf_free(&payload);
    bytes_free(&content);
}

BODY(the_first_message_in_a_group_of_another_comes_after_a_new_key_and_is_not_pushed)
{
    struct peer *a = installation(1), *b = installation(1);
    struct fake_message *ledger;
    size_t n, before;
    uint8_t id[16];

    primary(b, id);
    assert_int_equal(published(id, true), 1);
    before = fake_node_messages(world->node, &ledger);
    sync_prefs(a); /* sends a new HMAC key */
    n = fake_node_messages(world->node, &ledger);
    assert_int_equal(n - before, 2);
    for (size_t i = before; i < n; i++) {
        assert_memory_equal(ledger[i].group_id, id, 16);
        assert_int_equal(ledger[i].is_commit, i == before);
        assert_true(ledger[i].has_hmac);
        assert_false(ledger[i].should_push);
    }
    decide(a, CONSENT_INBOX, someone, "denied");
    assert_int_equal(published(id, true), 2); /* once in thirty days */
    sync_prefs(b);
    assert_same_epoch(a, b, id);
}

/* ---- 2, 4: what is sent, and what comes of it ---- */

BODY(an_old_installation_sends_a_new_hmac_key_for_a_new_one_and_all_end_with_it)
{
    struct peer *a = installation(1), *b;
    uint8_t before[HMAC_ROOT_LEN], after[HMAC_ROOT_LEN], id[16];

    root_of(a, before);
    b = installation(1);
    assert_false(same_root(a, b));
    sync_prefs(a);
    root_of(a, after);
    assert_memory_not_equal(before, after, sizeof before);
    sync_prefs(b);
    assert_true(same_root(a, b));
    primary(b, id);
    assert_int_equal(published(id, false), 1); /* the new one has answered nothing */
}

/* Who only sends, and reads nothing back, signs with the key that the others have from then on. */
BODY(the_key_of_a_message_that_was_acknowledged_needs_no_reading)
{
    struct peer *a = installation(1), *b;
    uint8_t before[HMAC_ROOT_LEN], after[HMAC_ROOT_LEN];

    root_of(a, before);
    b = installation(1);
    OK(welcomes_sync(&a->core, NULL, &err));
    settle(a);
    root_of(a, after);
    assert_memory_not_equal(before, after, sizeof before);
    sync_prefs(b);
    assert_true(same_root(a, b));
}

BODY(decisions_made_together_are_one_message_without_those_that_change_nothing)
{
    static const char three[] =
        "{\"records\":["
        "{\"entityType\":\"inboxId\",\"entity\":\"abababababababababababababababababababababababababababababababab\","
        "\"state\":\"denied\"},"
        "{\"entityType\":\"inboxId\",\"entity\":\"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\","
        "\"state\":\"allowed\"},"
        "{\"entityType\":\"conversationId\",\"entity\":\"efefefefefefefefefefefefefefefef\",\"state\":\"denied\"}]}";
    struct peer *a = installation(1), *b = installation(1);
    size_t updates = 0;
    uint8_t id[16];

    sync_prefs(a);
    sync_prefs(b);
    decide(a, CONSENT_INBOX, someone, "denied");
    sync_prefs(b);
    primary(b, id);
    assert_int_equal(published(id, false), 2);
    json_decref(peer_call(a, "preferences.setConsent", three));
    settle(a);
    assert_int_equal(published(id, false), 3);
    OK(prefs_sync(&b->core, &updates, &err));
    assert_int_equal(updates, 2);
    json_decref(peer_call(a, "preferences.setConsent", three));
    settle(a);
    assert_int_equal(published(id, false), 3);
    /* Nothing learnt is said again. */
    settle(b);
    assert_int_equal(waiting(b), 0);
    assert_int_equal(published(id, false), 3);
}

static void two_of_one_person(struct peer **a, struct peer **b)
{
    *a = installation(1);
    *b = installation(1);
    sync_prefs(*a);
    sync_prefs(*b);
}

BODY(who_was_away_learns_what_was_decided_meanwhile_and_once)
{
    struct peer *a, *b;
    size_t updates = 0;

    two_of_one_person(&a, &b);
    decide(a, CONSENT_INBOX, someone, "denied");
    peer_restart(world, b);
    assert_string_equal(decided(b, CONSENT_INBOX, someone), "unknown");
    OK(prefs_sync(&b->core, &updates, &err));
    assert_int_equal(updates, 1);
    assert_string_equal(decided(b, CONSENT_INBOX, someone), "denied");
    b->events[CORE_CONSENT] = 0;
    for (int i = 0; i < 3; i++) {
        OK(prefs_sync(&b->core, &updates, &err));
        assert_int_equal(updates, 0);
    }
    assert_int_equal(b->events[CORE_CONSENT], 0);
}

BODY(the_last_of_many_decisions_counts_and_of_two_at_once_the_later)
{
    static const char *const turns[] = {"denied", "allowed", "denied"};
    struct peer *a, *b;

    two_of_one_person(&a, &b);
    for (int i = 0; i < 3; i++)
        decide(a, CONSENT_INBOX, someone, turns[i]);
    sync_prefs(b);
    assert_string_equal(decided(b, CONSENT_INBOX, someone), "denied");
    for (int later = 0; later < 2; later++) {
        struct peer *first = later ? b : a, *second = later ? a : b;

        /* The second to decide, by its clock, is the first to reach the node. */
        second->clock_offset_ns = 500000000;
        first->clock_offset_ns = 0;
        first->api.offline = true;
        decide(first, CONSENT_INBOX, someone, "unknown");
        decide(second, CONSENT_INBOX, someone, later ? "denied" : "allowed");
        first->api.offline = false;
        peer_advance(first, 60);
        OK(prefs_flush(&first->core, &err));
        settle(first);
        for (int i = 0; i < 2; i++) {
            sync_prefs(a);
            sync_prefs(b);
        }
        assert_string_equal(decided(a, CONSENT_INBOX, someone), later ? "denied" : "allowed");
        assert_string_equal(decided(b, CONSENT_INBOX, someone), later ? "denied" : "allowed");
    }
}

/* It was decided, and the program was killed before it was said. */
BODY(a_decision_outlives_the_end_of_the_program)
{
    struct peer *a, *b;

    two_of_one_person(&a, &b);
    a->api.offline = true;
    decide(a, CONSENT_INBOX, someone, "denied");
    peer_restart(world, a);
    a->api.offline = false;
    prefs_start(&a->core);
    settle(a);
    assert_int_equal(waiting(a), 0);
    sync_prefs(b);
    assert_string_equal(decided(b, CONSENT_INBOX, someone), "denied");
}

/* A has not heard of C yet and writes where it wrote before; who has heard of C reads there still. */
BODY(an_older_preferences_group_is_read_while_somebody_writes_there)
{
    struct peer *a, *b, *c;
    uint8_t older[16];

    two_of_one_person(&a, &b);
    primary(a, older);
    c = installation(1);
    sync_prefs(b);
    assert_true(same_primary(b, c));
    sync_prefs(a); /* the last look at the invitations is a moment ago ... */
    c = installation(1);
    sync_prefs(b);
    assert_true(same_primary(b, c));
    primary(a, older);
    decide(a, CONSENT_INBOX, someone, "denied"); /* ... so there is none now */
    assert_false(same_primary(a, c));
    assert_int_equal(waiting(a), 0);
    sync_prefs(b);
    assert_string_equal(decided(b, CONSENT_INBOX, someone), "denied");
}

/* ---- 4.4 ---- */

BODY(keys_for_a_push_service_are_of_every_chat_that_is_not_denied)
{
    struct peer *a = installation(1), *bo = world_installation(world, 2);
    const char *a_id = a->core.self.inbox_id;
    int64_t period = hmac_period(core_now_ns(&a->core));
    uint8_t mine[16], his[16], group[16], denied[16], root[HMAC_ROOT_LEN], key[HMAC_KEY_LEN];
    const uint8_t *expected[] = {mine, his, group};
    json_t *keys, *list;
    char hex[33], key_hex[2 * HMAC_KEY_LEN + 1];

    OK(dm_find_or_create(&a->core, bo->core.self.inbox_id, mine, NULL, &err));
    OK(dm_find_or_create(&bo->core, a_id, his, NULL, &err));
    OK(group_create(&bo->core, &(struct group_options){.name = "x"}, &a_id, 1, group, &err));
    OK(group_create(&bo->core, &(struct group_options){.name = "y"}, &a_id, 1, denied, &err));
    peer_sync(a);
    hex_encode(denied, 16, hex);
    decide(a, CONSENT_CONVERSATION, hex, "denied");
    root_of(a, root);
    keys = peer_call(a, "conversations.hmacKeys", NULL);
    assert_int_equal(json_object_size(keys), 3);
    for (size_t i = 0; i < 3; i++) {
        hex_encode(expected[i], 16, hex);
        list = json_object_get(keys, hex);
        assert_int_equal(json_array_size(list), 3);
        for (int k = 0; k < 3; k++) {
            json_t *entry = json_array_get(list, (size_t)k);

            hmac_derive(root, expected[i], period - 1 + k, key);
            hex_encode(key, sizeof key, key_hex);
            assert_int_equal(json_integer_value(json_object_get(entry, "epoch")), period - 1 + k);
            assert_string_equal(json_string_value(json_object_get(entry, "key")), key_hex);
        }
    }
    json_decref(keys);
    settle(a);
}

/* Who says what about a conversation: its maker, and whoever writes in it. */
BODY(making_a_conversation_and_writing_in_one_say_yes_to_it)
{
    struct peer *a = installation(1), *b = installation(1), *bo = installation(2);
    const char *a_id = a->core.self.inbox_id, *bo_id = bo->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    const struct send_options optimistic = {.optimistic = true};
    struct bytes content = {0};
    enum send_status status;
    uint8_t prefs[16], mine[16], dm[16], his[16], message[32];
    size_t said;

    sync_prefs(a);
    sync_prefs(b);
    primary(b, prefs);
    said = published(prefs, false);

    OK(group_create(&a->core, &options, &bo_id, 1, mine, &err));
    settle(a);
    assert_int_equal(published(prefs, false), said + 1);
    OK(dm_find_or_create(&a->core, bo_id, dm, NULL, &err));
    settle(a);
    assert_int_equal(published(prefs, false), said + 2);
    /* The other installation has them by welcome: allowed, and nothing said about it. */
    OK(welcomes_sync(&b->core, NULL, &err));
    settle(b);
    assert_string_equal(decided_of_group(b, mine), "allowed");
    assert_string_equal(decided_of_group(b, dm), "allowed");
    assert_int_equal(published(prefs, false), said + 2);

    /* Somebody else's group is nobody's decision until one writes there. */
    OK(group_create(&bo->core, &options, &a_id, 1, his, &err));
    peer_sync(a);
    peer_sync(b);
    settle(a);
    settle(b);
    assert_string_equal(decided_of_group(a, his), "unknown");
    OK(content_text("later", &content, &err));
    OK(group_send(&a->core, his, bytes_slice(&content), &optimistic, message, &status, &err));
    settle(a);
    assert_string_equal(decided_of_group(a, his), "unknown");
    assert_int_equal(published(prefs, false), said + 2);
    OK(group_publish(&a->core, his, NULL, &err));
    settle(a);
    assert_string_equal(decided_of_group(a, his), "allowed");
    assert_int_equal(published(prefs, false), said + 3);
    sync_prefs(b);
    assert_string_equal(decided_of_group(b, his), "allowed");
    /* What was denied is allowed by writing, and by asking to leave. */
    for (int i = 0; i < 2; i++) {
        char entity[33];

        hex_encode(his, 16, entity);
        decide(a, CONSENT_CONVERSATION, entity, "denied");
        if (i == 0)
            OK(group_send(&a->core, his, bytes_slice(&content), NULL, message, &status, &err));
        else
            OK(group_leave(&a->core, his, &err));
        settle(a);
        assert_string_equal(decided_of_group(a, his), "allowed");
        sync_prefs(b);
        assert_string_equal(decided_of_group(b, his), "allowed");
    }
    bytes_free(&content);
}

/* `by` adds `p` to a group, in which a text is then the one thing that `p` has to send. */
static void added_to_group(struct peer *p, struct peer *by, uint8_t id[16])
{
    const char *inbox = p->core.self.inbox_id;
    const struct group_options options = {.name = "x"};

    OK(group_create(&by->core, &options, &inbox, 1, id, &err));
    peer_sync(p);
    OK(group_update_key(&p->core, id, &err));
}

/* The text reached the node, its answer did not: the echo says yes instead. */
BODY(a_text_found_in_the_ledger_says_yes_too)
{
    struct peer *a = installation(1), *bo = installation(2);
    struct bytes content = {0};
    enum send_status status;
    uint8_t id[16], message[32];
    char hex[33];

    added_to_group(a, bo, id);
    OK(content_text("hi", &content, &err));
    a->api.lose_answers = true;
    OK(group_send(&a->core, id, bytes_slice(&content), NULL, message, &status, &err));
    assert_int_equal(status, SEND_UNPUBLISHED);
    a->api.lose_answers = false;
    assert_string_equal(decided_of_group(a, id), "unknown");
    peer_sync(a);
    settle(a);
    assert_string_equal(decided_of_group(a, id), "allowed");
    assert_int_equal(waiting(a), 0);
    /* A block that came after the text is not undone by it. */
    a->api.lose_answers = true;
    OK(group_send(&a->core, id, bytes_slice(&content), NULL, message, &status, &err));
    a->api.lose_answers = false;
    hex_encode(id, sizeof id, hex);
    decide(a, CONSENT_CONVERSATION, hex, "denied");
    peer_sync(a);
    settle(a);
    assert_string_equal(decided_of_group(a, id), "denied");
    bytes_free(&content);
}

/* Written, then denied, and only then is it known that the node has it, or does it go there at all. */
BODY(a_decision_made_after_writing_stands)
{
    struct peer *a = installation(1), *bo = installation(2);
    struct bytes content = {0};
    enum send_status status;
    uint8_t id[16], message[32];
    char entity[33];

    OK(content_text("hi", &content, &err));
    for (int lost = 0; lost < 2; lost++) {
        added_to_group(a, bo, id);
        a->api.lose_answers = lost;
        a->api.offline = !lost;
        OK(group_send(&a->core, id, bytes_slice(&content), NULL, message, &status, &err));
        assert_int_equal(status, SEND_UNPUBLISHED);
        a->api.lose_answers = a->api.offline = false;
        hex_encode(id, 16, entity);
        decide(a, CONSENT_CONVERSATION, entity, "denied");
        OK(outbox_flush(&a->core, NULL, &err));
        peer_sync(a);
        settle(a);
        assert_string_equal(decided_of_group(a, id), "denied");
        peer_sync(bo);
        assert_string_equal(peer_texts(bo, id), "hi");
    }
    bytes_free(&content);
}

BODY(an_update_that_the_node_refuses_is_sent_again_later)
{
    struct peer *a = installation(1), *b = installation(1);

    sync_prefs(a);
    sync_prefs(b);
    a->api.refuse_messages = true;
    decide(a, CONSENT_INBOX, someone, "denied");
    for (int i = 0; i < 5; i++) {
        peer_advance(a, 60);
        prefs_flush(&a->core, NULL);
        settle(a);
    }
    assert_int_equal(waiting(a), 1);
    a->api.refuse_messages = false;
    peer_advance(a, 600);
    OK(prefs_flush(&a->core, &err));
    settle(a);
    assert_int_equal(waiting(a), 0);
    sync_prefs(b);
    assert_string_equal(decided(b, CONSENT_INBOX, someone), "denied");
}

/* ---- 1.7: a revocation ---- */

static int take_out(struct peer *by, struct peer *whom)
{
    char hex[65], params[128];
    json_t *result;
    int r;

    hex_encode(whom->core.self.installation_id, 32, hex);
    snprintf(params, sizeof params, "{\"ids\":[\"%s\"]}", hex);
    r = peer_try(by, "client.revokeInstallations", params, &result, &err);
    json_decref(result);
    return r;
}

static void revoked_cannot_read(struct peer *a, struct peer *b, struct peer *lost)
{
    uint8_t before[HMAC_ROOT_LEN], after[HMAC_ROOT_LEN], id[16];
    struct group *g;

    root_of(lost, before);
    sync_prefs(a);
    sync_prefs(b);
    sync_prefs(a);
    assert_true(same_primary(a, b));
    primary(a, id);
    assert_int_equal(leaves(a, id), 2);
    assert_true(same_root(a, b));
    root_of(a, after);
    assert_memory_not_equal(before, after, sizeof before);
    OK(welcomes_sync(&lost->core, NULL, &err));
    settle(lost);
    OK(prefs_sync(&lost->core, NULL, &err));
    assert_false(same_root(a, lost));
    assert_int_equal(group_get(&lost->core, id, &g, NULL), ERR_NOTFOUND);
    decide(a, CONSENT_INBOX, someone, "denied");
    OK(prefs_sync(&lost->core, NULL, &err));
    assert_string_equal(decided(lost, CONSENT_INBOX, someone), "unknown");
    settle(lost);
}

static void three_of_one_person(struct peer **a, struct peer **b, struct peer **lost)
{
    *a = installation(1);
    *b = installation(1);
    *lost = installation(1);
    for (int i = 0; i < 2; i++) {
        sync_prefs(*a);
        sync_prefs(*b);
        sync_prefs(*lost);
    }
    assert_true(same_primary(*a, *lost));
    assert_true(same_root(*a, *lost));
}

BODY(what_is_said_after_a_revocation_is_said_where_the_revoked_does_not_hear_it)
{
    struct peer *a, *b, *lost;

    three_of_one_person(&a, &b, &lost);
    OK(take_out(a, lost));
    settle(a);
    revoked_cannot_read(a, b, lost);
}

BODY(a_revocation_that_did_not_come_about_changes_nothing)
{
    struct peer *a, *b, *lost;
    uint8_t before[16], after[16];

    three_of_one_person(&a, &b, &lost);
    primary(a, before);
    assert_int_equal(take_out(a, b), 0);
    settle(a);
    sync_prefs(a);
    primary(a, before);
    assert_int_equal(take_out(a, b), ERR_NOTFOUND); /* gone already */
    settle(a);
    peer_advance(a, 3600);
    prefs_start(&a->core);
    settle(a);
    primary(a, after);
    assert_memory_equal(before, after, 16);
}

/* The program, or the network, ends right after the revocation: the rest is made up for. */
static void cut_off_after(unsigned calls, int result)
{
    struct peer *a, *b, *lost;
    uint8_t old[16], id[16];

    three_of_one_person(&a, &b, &lost);
    primary(a, old);
    a->api.updated = false;
    a->api.away_after_update = calls;
    assert_int_equal(take_out(a, lost), result);
    settle(a);
    assert_true(a->api.offline);
    peer_restart(world, a);
    a->api.offline = false;
    peer_advance(a, 120);
    prefs_start(&a->core);
    settle(a);
    primary(a, id);
    assert_memory_not_equal(id, old, 16);
    revoked_cannot_read(a, b, lost);
}

BODY(a_revocation_cut_off_half_way_is_made_up_for_at_the_next_start)
{
    cut_off_after(2, 0); /* it reads its own log again, and then no more */
}

BODY(a_revocation_whose_answer_is_lost_counts_as_one)
{
    cut_off_after(1, ERR_OFFLINE);
}

/* ---- 5.3: conversations for a new installation ---- */

static void conversations(struct peer *a, struct peer *bo, uint8_t fresh[16], uint8_t denied[16], uint8_t silent[16])
{
    const char *bo_id = bo->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    char entity[33];

    OK(group_create(&a->core, &options, &bo_id, 1, silent, &err));
    peer_send(a, silent, "long ago");
    peer_sync(a);
    OK(group_create(&a->core, &options, &bo_id, 1, denied, &err));
    OK(group_create(&a->core, &options, &bo_id, 1, fresh, &err));
    settle(a);
    hex_encode(denied, 16, entity);
    decide(a, CONSENT_CONVERSATION, entity, "denied");
}

static bool has(struct peer *p, const uint8_t id[16])
{
    struct group *g;
    bool yes = group_get(&p->core, id, &g, NULL) == 0;

    if (yes)
        group_put(&p->core, g);
    return yes;
}

/* The fake node's clock stands in 2023, and everything that it stamps is older than ninety days; what was made
 * and not written in has the time of the home. */
BODY(a_new_installation_is_brought_into_conversations_neither_denied_nor_long_silent)
{
    struct peer *a = installation(1), *bo = installation(2), *b;
    uint8_t fresh[16], denied[16], silent[16];

    conversations(a, bo, fresh, denied, silent);
    b = installation(1);
    sync_prefs(a);
    OK(welcomes_sync(&b->core, NULL, &err));
    settle(b);
    assert_true(has(b, fresh));
    assert_false(has(b, denied));
    assert_false(has(b, silent));
}

/* The invitation was read, and then the program ended before it had done anything about it. */
BODY(a_new_installation_is_brought_in_by_the_next_start_where_this_one_was_cut_off)
{
    struct peer *a = installation(1), *bo = installation(2), *b;
    uint8_t fresh[16], denied[16], silent[16], before[HMAC_ROOT_LEN], after[HMAC_ROOT_LEN];

    conversations(a, bo, fresh, denied, silent);
    root_of(a, before);
    b = installation(1);
    a->offline_at = 1u << CORE_SYNC_WELCOME;
    OK(welcomes_sync(&a->core, NULL, &err));
    settle(a);
    a->offline_at = 0;
    assert_true(a->api.offline);
    peer_restart(world, a);
    a->api.offline = false;
    peer_advance(a, 60);
    prefs_start(&a->core);
    settle(a);
    OK(welcomes_sync(&b->core, NULL, &err));
    settle(b);
    assert_true(has(b, fresh));
    assert_false(has(b, denied));
    sync_prefs(a);
    root_of(a, after);
    assert_memory_not_equal(before, after, sizeof before);
    sync_prefs(b);
    assert_true(same_root(a, b));
}

/* ---- 6: what the calls ask for ---- */

BODY(a_group_and_its_texts_come_once_to_every_installation)
{
    struct peer *a, *b, *bo = installation(2);
    struct peer *both[2];
    const char *inbox;
    struct sync_all_result all;
    uint8_t id[16];

    two_of_one_person(&a, &b);
    inbox = a->core.self.inbox_id;
    OK(group_create(&bo->core, &(struct group_options){.name = "x"}, &inbox, 1, id, &err));
    peer_send(bo, id, "one");
    peer_send(bo, id, "two");
    peer_send(bo, id, "three");
    both[0] = a;
    both[1] = b;
    for (int i = 0; i < 2; i++) {
        struct peer *p = both[i];

        for (int round = 0; round < 2; round++) {
            json_decref(peer_call(p, "conversations.sync", NULL));
            assert_int_equal(p->events[CORE_CONVERSATION], 1);
            assert_string_equal(peer_texts(p, id), "");
        }
        p->api.calls = 0;
        assert_int_equal(entries(peer_call(p, "conversations.list", "{\"sync\":false}")), 1);
        assert_int_equal(p->api.calls, 0);
        peer_restart(world, p);
        for (int round = 0; round < 2; round++) {
            OK(sync_all(&p->core, 0, &all, &err));
            assert_int_equal(all.messages, round == 0 ? 3 : 0);
            assert_string_equal(peer_texts(p, id), "one|two|three");
        }
        assert_int_equal(p->events[CORE_CONVERSATION], 1);
        assert_int_equal(entries(peer_call(p, "conversations.list", "{\"sync\":false}")), 1);
        settle(p);
    }
}

BODY(preferences_sync_asks_little_and_leaves_messages_alone)
{
    struct peer *a = installation(1), *b = installation(1), *bo = installation(2);
    const char *a_id = a->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    struct sync_all_result all;
    uint8_t ids[12][16];

    sync_prefs(a);
    sync_prefs(b);
    for (int i = 0; i < 12; i++)
        OK(group_create(&bo->core, &options, &a_id, 1, ids[i], &err));
    OK(welcomes_sync(&a->core, NULL, &err));
    settle(a);
    for (int i = 0; i < 12; i++)
        peer_send(bo, ids[i], "news");
    decide(b, CONSENT_INBOX, someone, "denied");
    a->api.calls = a->api.queries = a->api.welcome_queries = 0;
    OK(prefs_sync(&a->core, NULL, &err));
    assert_string_equal(decided(a, CONSENT_INBOX, someone), "denied"); /* applied before it returns */
    assert_true(a->api.calls <= 3 + 2);
    assert_int_equal(a->api.queries, 1);
    assert_int_equal(a->api.welcome_queries, 1);
    for (int i = 0; i < 12; i++)
        assert_string_equal(peer_texts(a, ids[i]), "");
    a->api.queries = 0;
    OK(sync_all(&a->core, 0, &all, &err));
    assert_int_equal(a->api.queries, 12);
    assert_int_equal(all.messages, 12);
    /* Again: no group has news. */
    a->api.queries = 0;
    OK(sync_all(&a->core, 0, &all, &err));
    assert_int_equal(a->api.queries, 0);
    settle(a);
}

BODY(preferences_sync_fails_where_a_group_could_not_be_read)
{
    struct peer *a = installation(1), *b = installation(1);

    sync_prefs(a);
    sync_prefs(b);
    decide(b, CONSENT_INBOX, someone, "denied");
    a->api.fail_call = 3; /* invitations, newest messages, then the group */
    assert_int_equal(prefs_sync(&a->core, NULL, &err), ERR_OFFLINE);
    settle(a);
    assert_string_equal(decided(a, CONSENT_INBOX, someone), "unknown");
    OK(prefs_sync(&a->core, NULL, &err));
    assert_string_equal(decided(a, CONSENT_INBOX, someone), "denied");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_first_installation_makes_a_group_of_its_own_once),
        TEST(a_group_left_half_made_is_finished_at_the_next_start),
        TEST(every_new_installation_makes_a_group_of_all_and_the_others_write_there_from_then_on),
        TEST(preferences_sync_alone_finds_the_group_of_a_new_installation),
        TEST(sync_all_alone_finds_the_group_of_a_new_installation),
        TEST(a_stream_alone_finds_the_group_of_a_new_installation),
        TEST(who_was_away_learns_what_was_decided_meanwhile_and_once),
        TEST(the_last_of_many_decisions_counts_and_of_two_at_once_the_later),
        TEST(a_decision_outlives_the_end_of_the_program),
        TEST(an_older_preferences_group_is_read_while_somebody_writes_there),
        TEST(keys_for_a_push_service_are_of_every_chat_that_is_not_denied),
        TEST(a_decision_goes_to_the_group_of_an_installation_not_heard_of_yet),
        TEST(what_was_decided_without_a_network_reaches_an_installation_that_came_meanwhile),
        TEST(only_a_message_of_our_own_inbox_is_a_decision),
        TEST(the_first_message_in_a_group_of_another_comes_after_a_new_key_and_is_not_pushed),
        TEST(an_old_installation_sends_a_new_hmac_key_for_a_new_one_and_all_end_with_it),
        TEST(the_key_of_a_message_that_was_acknowledged_needs_no_reading),
        TEST(decisions_made_together_are_one_message_without_those_that_change_nothing),
        TEST(making_a_conversation_and_writing_in_one_say_yes_to_it),
        TEST(a_text_found_in_the_ledger_says_yes_too),
        TEST(a_decision_made_after_writing_stands),
        TEST(an_update_that_the_node_refuses_is_sent_again_later),
        TEST(what_is_said_after_a_revocation_is_said_where_the_revoked_does_not_hear_it),
        TEST(a_revocation_that_did_not_come_about_changes_nothing),
        TEST(a_revocation_cut_off_half_way_is_made_up_for_at_the_next_start),
        TEST(a_revocation_whose_answer_is_lost_counts_as_one),
        TEST(a_new_installation_is_brought_into_conversations_neither_denied_nor_long_silent),
        TEST(a_new_installation_is_brought_in_by_the_next_start_where_this_one_was_cut_off),
        TEST(a_group_and_its_texts_come_once_to_every_installation),
        TEST(preferences_sync_asks_little_and_leaves_messages_alone),
        TEST(preferences_sync_fails_where_a_group_could_not_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
