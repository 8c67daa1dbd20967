/* Whole flows between installations of our own, through a node in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hex.h"
#include "crypto/ed25519.h"
#include "identity/key_package.h"
#include "identity/state.h"
#include "mls/mls.h"
#include "mls/protect.h"
#include "mls/send.h"
#include "store/groups.h"
#include "store/messages.h"
#include "sync/commit_build.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/hmac.h"
#include "sync/inboxes.h"
#include "sync/membership.h"
#include "sync/membership_locked.h"
#include "sync/receive.h"
#include "sync/send.h"
#include "sync/sync_all.h"
#include "sync/taken.h"
#include "sync/welcome_receive.h"
#include "tests/sync/shorthand.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void dm_both_ways(struct world *w)
{
    struct peer *alix = world_installation(w, 1), *bo = world_installation(w, 2);
    uint8_t id[16];

    OK(dm_find_or_create(&alix->core, bo->core.self.inbox_id, id, NULL, &err));
    peer_send(alix, id, "hi");
    peer_sync(bo);
    assert_string_equal(peer_texts(bo, id), "hi");
    peer_send(bo, id, "hello");
    peer_sync(alix);
    peer_sync(bo);
    assert_string_equal(peer_texts(alix, id), "hi|hello");
    assert_string_equal(peer_texts(bo, id), "hi|hello");
    assert_same_epoch(alix, bo, id);
}

static void two_people_chat_in_a_dm(void **state)
{
    world_run(*state, dm_both_ways);
}


/* ---- a group that wants a newer program ---- */

static size_t waiting_at(struct peer *p)
{
    size_t n = 0;

    OK(outbox_size(&p->core, &n, &err));
    return n;
}

static struct group_debug debug_of(struct peer *p, const uint8_t id[16])
{
    struct group_debug debug;
    struct group *g;

    OK(group_get(&p->core, id, &g, &err));
    OK(group_debug(&p->core, g, &debug, &err));
    group_put(&p->core, g);
    return debug;
}

static bool is_paused_for(struct peer *p, const uint8_t id[16], const char *version)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    bool is;

    OK(store_group_get(p->core.store, slice_of(id, 16), &mem, &row, &err));
    is = version ? row.paused_for_version && strcmp(row.paused_for_version, version) == 0 : !row.paused_for_version;
    store_mem_free(&mem);
    return is;
}

/* What conversation.debug tells of it. */
static void assert_debug_says(struct peer *p, const uint8_t id[16], const char *version, uint64_t epoch)
{
    char hex[33], params[64];
    json_t *debug, *paused;

    hex_encode(id, 16, hex);
    snprintf(params, sizeof params, "{\"id\":\"%s\"}", hex);
    debug = peer_call(p, "conversation.debug", params);
    paused = json_object_get(debug, "pausedForVersion");
    if (version)
        assert_string_equal(json_string_value(paused), version);
    else
        assert_true(json_is_null(paused));
    assert_int_equal(json_integer_value(json_object_get(debug, "epoch")), epoch);
    json_decref(debug);
}

static void sends(struct peer *p, const uint8_t id[16], int result)
{
    struct bytes content = {0};
    enum send_status status;
    uint8_t message[32];

    OK(content_text("no", &content, &err));
    assert_int_equal(group_send(&p->core, id, bytes_slice(&content), NULL, message, &status, &err), result);
    bytes_free(&content);
}

static void newer_version(struct world *w)
{
    struct peer *bo = world_installation(w, 2), *alix = world_installation(w, 1);
    const char *others[] = {alix->core.self.inbox_id};
    const struct group_options options = {.name = "newer"};
    struct fake_message *ledger;
    size_t published;
    uint8_t id[16];
    uint64_t cursor;

    bo->core.protocol_version = "99.0.0";
    OK(group_create(&bo->core, &options, others, 1, id, &err));
    peer_send(bo, id, "before");
    peer_sync(alix);
    assert_string_equal(peer_texts(alix, id), "before");
    cursor = debug_of(alix, id).cursor;

    OK(group_update_attribute(&bo->core, id, ATTR_MIN_VERSION, "99.0.0", &err));
    peer_send(bo, id, "after");
    peer_send(bo, id, "long after");
    for (int i = 0; i < 2; i++) { /* the second time as after a crash */
        peer_sync(alix);
        assert_string_equal(peer_texts(alix, id), "before");
        assert_true(is_paused_for(alix, id, "99.0.0"));
        assert_int_equal(debug_of(alix, id).cursor, cursor);
        assert_int_equal(debug_of(alix, id).epoch + 1, debug_of(bo, id).epoch);
        assert_debug_says(alix, id, "99.0.0", debug_of(alix, id).epoch);
        sends(alix, id, ERR_PAUSED);
        published = fake_node_messages(w->node, &ledger);
        assert_int_equal(group_update_attribute(&alix->core, id, ATTR_NAME, "no", &err), ERR_PAUSED);
        assert_int_equal(group_leave(&alix->core, id, &err), ERR_PAUSED);
        assert_int_equal(fake_node_messages(w->node, &ledger), published);
        assert_int_equal(waiting_at(alix), 0);
        if (i == 0)
            peer_restart(w, alix);
    }

    /* The program is updated: nothing was lost. */
    alix->core.protocol_version = "99.0.1";
    peer_sync(alix);
    assert_true(is_paused_for(alix, id, NULL));
    assert_string_equal(peer_texts(alix, id), "before|after|long after");
    peer_send(alix, id, "here again");
    peer_sync(bo);
    assert_string_equal(peer_texts(bo, id), "before|after|long after|here again");
    assert_same_epoch(alix, bo, id);
}

static void a_group_that_wants_a_newer_program_waits_for_it_and_loses_nothing(void **state)
{
    world_run(*state, newer_version);
}

/* The group was too new when we were asked in; after the update nobody has written, so there is nothing to fetch. */
static void newer_from_the_start(struct world *w)
{
    struct peer *bo = world_installation(w, 2), *alix = world_installation(w, 1);
    const char *alix_id = alix->core.self.inbox_id;
    const struct group_options options = {.name = "newer"};
    struct sync_all_result all;
    uint64_t epoch;
    uint8_t id[16];

    bo->core.protocol_version = "99.0.0";
    OK(group_create(&bo->core, &options, NULL, 0, id, &err));
    OK(group_update_attribute(&bo->core, id, ATTR_MIN_VERSION, "99.0.0", &err));
    OK(group_add_members(&bo->core, id, &alix_id, 1, &err));
    peer_send(bo, id, "welcome");
    peer_sync(alix);
    assert_int_equal(alix->events[CORE_CONVERSATION], 1);
    epoch = debug_of(alix, id).epoch;
    assert_int_equal(epoch, debug_of(bo, id).epoch);
    for (int i = 0; i < 2; i++) {
        peer_sync(alix);
        assert_string_equal(peer_texts(alix, id), "");
        assert_debug_says(alix, id, "99.0.0", epoch);
        sends(alix, id, ERR_PAUSED);
        assert_int_equal(waiting_at(alix), 0);
        if (i == 0)
            peer_restart(w, alix);
    }
    alix->core.protocol_version = "99.0.1";
    peer_sync(alix);
    assert_debug_says(alix, id, NULL, epoch);
    assert_string_equal(peer_texts(alix, id), "welcome");

    /* The same once more, by syncAll, where nobody has written. */
    peer_make_whole(alix);
    alix->core.protocol_version = NULL;
    OK(group_create(&bo->core, &options, NULL, 0, id, &err));
    OK(group_update_attribute(&bo->core, id, ATTR_MIN_VERSION, "99.0.0", &err));
    OK(group_add_members(&bo->core, id, &alix_id, 1, &err));
    peer_sync(alix);
    epoch = debug_of(alix, id).epoch;
    assert_debug_says(alix, id, "99.0.0", epoch);
    OK(sync_all(&alix->core, 0, &all, &err));
    assert_debug_says(alix, id, "99.0.0", epoch);
    alix->core.protocol_version = "99.0.0";
    OK(sync_all(&alix->core, 0, &all, &err));
    assert_debug_says(alix, id, NULL, epoch);
    sends(alix, id, 0);
}

static void a_group_that_was_too_new_when_it_came_is_open_after_the_update(void **state)
{
    world_run(*state, newer_from_the_start);
}

/* ---- the answer first, the rows afterwards ---- */

static enum store_message_status status_of(struct peer *p, const uint8_t message_id[32])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    enum store_message_status status;

    OK(store_message_get(p->core.store, slice_of(message_id, 32), &mem, &row, &err));
    status = row.status;
    store_mem_free(&mem);
    return status;
}

static void noted_later(struct world *w)
{
    struct peer *alix = world_installation(w, 1), *bo = world_installation(w, 2);
    const struct send_options options = {.note_later = true};
    struct bytes content = {0};
    enum send_status status;
    uint8_t id[16], message[32], second[32];

    OK(dm_find_or_create(&alix->core, bo->core.self.inbox_id, id, NULL, &err));
    OK(content_text("hi", &content, &err));
    OK(group_send(&alix->core, id, bytes_slice(&content), &options, message, &status, &err));
    assert_int_equal(status, SEND_PUBLISHED);
    assert_int_equal(status_of(alix, message), STORE_UNPUBLISHED);
    assert_int_equal(waiting_at(alix), 1);
    /* The next one takes the note along. */
    OK(group_send(&alix->core, id, bytes_slice(&content), &options, second, &status, &err));
    assert_int_equal(status_of(alix, message), STORE_PUBLISHED);
    assert_int_equal(status_of(alix, second), STORE_UNPUBLISHED);
    assert_int_equal(waiting_at(alix), 1);
    /* The last of a row has its own: a sleeper who came later wakes later. */
    OK(core_sleep(&alix->core, TAKEN_WAIT_MS, &err));
    assert_int_equal(status_of(alix, second), STORE_PUBLISHED);
    assert_int_equal(waiting_at(alix), 0);
    /* Whoever is about to read the rows does not wait for that. */
    OK(group_send(&alix->core, id, bytes_slice(&content), &options, message, &status, &err));
    OK(taken_write(&alix->core, &err));
    assert_int_equal(status_of(alix, message), STORE_PUBLISHED);
    /* The echo may also be faster than the note; nothing is sent twice. */
    OK(group_send(&alix->core, id, bytes_slice(&content), &options, message, &status, &err));
    peer_sync(alix);
    assert_int_equal(status_of(alix, message), STORE_PUBLISHED);
    OK(core_sleep(&alix->core, TAKEN_WAIT_MS, &err));
    peer_sync(bo);
    assert_int_equal(status_of(alix, message), STORE_PUBLISHED);
    assert_string_equal(peer_texts(bo, id), "hi|hi|hi|hi");
    /* Many in a row: more than are kept. */
    for (int i = 0; i < 2 * CORE_TAKEN_MAX + 1; i++)
        OK(taken_add(&alix->core, id, 1000000 + i, message, &err));
    OK(core_sleep(&alix->core, TAKEN_WAIT_MS, &err));
    assert_int_equal(alix->core.n_taken, 0);
    bytes_free(&content);
}

static void a_sender_is_answered_before_its_rows_say_so(void **state)
{
    world_run(*state, noted_later);
}

/* ---- writing lets somebody in ---- */

struct decision {
    struct peer *by;
    uint8_t group_id[16];
    enum consent_state state;
};

static void decide(void *ctx)
{
    struct decision *d = ctx;
    struct consent_choice choice = {.type = CONSENT_CONVERSATION, .state = d->state};

    hex_encode(d->group_id, 16, choice.entity);
    OK(core_begin(&d->by->core, true, &err));
    OK(consent_set(&d->by->core, &choice, 1, CONSENT_SHARE, NULL, &err));
    OK(core_commit(&d->by->core, &err));
}

static enum consent_state decided(struct peer *p, const uint8_t group_id[16])
{
    enum consent_state state;

    OK(consent_of_group(&p->core, group_id, &state, &err));
    return state;
}

static void letting_in(struct world *w)
{
    struct peer *alix = world_installation(w, 1), *bo = world_installation(w, 2);
    struct decision block = {.by = bo, .state = CONSENT_DENIED};

    OK(dm_find_or_create(&alix->core, bo->core.self.inbox_id, block.group_id, NULL, &err));
    peer_send(alix, block.group_id, "hi");
    peer_sync(bo);
    assert_int_equal(decided(bo, block.group_id), CONSENT_UNKNOWN);
    OK(group_update_key(&bo->core, block.group_id, &err)); /* so that the text alone is sent */
    /* The block comes while the answer is on its way. */
    bo->api.before_send = decide;
    bo->api.before_send_ctx = &block;
    peer_send(bo, block.group_id, "who are you?");
    assert_int_equal(decided(bo, block.group_id), CONSENT_DENIED);
    /* Writing to somebody who is blocked lets them in again. */
    peer_send(bo, block.group_id, "well then");
    assert_int_equal(decided(bo, block.group_id), CONSENT_ALLOWED);
}

static void who_writes_lets_the_other_in_unless_they_decide_otherwise_meanwhile(void **state)
{
    world_run(*state, letting_in);
}

/* ---- a group of three people with five installations ---- */

static void five_installations(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *c = world_installation(w, 3);
    struct peer *a2 = world_installation(w, 1), *b2 = world_installation(w, 2);
    struct peer *all[] = {a, b, c, a2, b2};
    const char *others[] = {b->core.self.inbox_id, c->core.self.inbox_id};
    const struct group_options options = {.name = "five"};
    uint8_t id[16];
    char text[32];

    OK(group_create(&a->core, &options, others, 2, id, &err));
    for (int i = 1; i < 5; i++)
        peer_sync(all[i]);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "from %d", i);
        for (int k = 0; k < 5; k++)
            peer_sync(all[k]);
        peer_send(all[i], id, text);
    }
    for (int k = 0; k < 5; k++)
        peer_sync(all[k]);
    for (int k = 0; k < 5; k++) {
        assert_string_equal(peer_texts(all[k], id), "from 0|from 1|from 2|from 3|from 4");
        assert_same_epoch(a, all[k], id);
    }
}

static void a_group_of_five_installations_reads_everybody(void **state)
{
    world_run(*state, five_installations);
}

/* ---- everything that can be changed ---- */

static const char *attribute(struct peer *p, const uint8_t id[16], const char *key)
{
    static char value[256];
    struct group *g;

    OK(group_get(&p->core, id, &g, &err));
    OK(group_load_mls(&p->core, g, &err));
    OK(group_read_extensions(&p->core, g, &err));
    snprintf(value, sizeof value, "%s", group_attr_get(&g->ext.mutable_, key) ?: "(none)");
    group_put(&p->core, g);
    return value;
}

static void changes(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *c = world_installation(w, 3);
    const char *b_id = b->core.self.inbox_id, *c_id = c->core.self.inbox_id;
    const struct group_options options = {.name = "old"};
    uint8_t id[16];

    OK(group_create(&a->core, &options, &b_id, 1, id, &err));
    peer_sync(b);
    OK(group_update_attribute(&b->core, id, ATTR_NAME, "new", &err));
    peer_sync(a);
    assert_string_equal(attribute(a, id, ATTR_NAME), "new");
    /* What is not permitted is refused before it is sent. */
    assert_int_equal(group_update_admin(&b->core, id, ADMIN_ADD, b_id, &err), ERR_DENIED);
    assert_int_equal(group_update_disappearing(&b->core, id, 1, 2, &err), ERR_DENIED);
    OK(group_update_admin(&a->core, id, ADMIN_ADD, b_id, &err));
    peer_sync(b);
    OK(group_update_disappearing(&b->core, id, 1, 5000000000, &err));
    OK(group_add_members(&b->core, id, &c_id, 1, &err));
    peer_sync(c);
    peer_sync(a);
    assert_same_epoch(a, c, id);
    assert_string_equal(attribute(c, id, ATTR_DISAPPEAR_IN), "5000000000");
    OK(group_update_permission(&a->core, id, PERMIT_ADD_MEMBER, NULL, POLICY_SUPER_ADMIN, &err));
    OK(group_remove_members(&a->core, id, &c_id, 1, &err));
    peer_sync(b);
    assert_same_epoch(a, b, id);
    OK(welcomes_sync(&c->core, NULL, &err));
    OK(group_sync(&c->core, id, NULL, &err));
    assert_int_equal(group_sync(&c->core, id, NULL, &err), ERR_STATE); /* out */
    assert_int_equal(group_add_members(&b->core, id, &c_id, 1, &err), ERR_DENIED);
    /* Back again: the new welcome replaces the old state. */
    OK(group_add_members(&a->core, id, &c_id, 1, &err));
    peer_sync(c);
    peer_sync(b);
    assert_same_epoch(a, c, id);
    peer_send(c, id, "back");
    peer_sync(a);
    assert_string_equal(peer_texts(a, id), "back");
}

static void members_change_the_group_as_permitted(void **state)
{
    world_run(*state, changes);
}

/* ---- two commits for one epoch ---- */

static struct {
    struct peer *peer;
    uint8_t id[16];
} rival;

static void rival_renames(void *ctx)
{
    (void)ctx;
    OK(group_update_attribute(&rival.peer->core, rival.id, ATTR_NAME, "rival", &err));
}

static void conflict(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *b_id = b->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    uint8_t id[16];

    OK(group_create(&a->core, &options, &b_id, 1, id, &err));
    peer_sync(b);
    rival.peer = b;
    memcpy(rival.id, id, 16);
    a->api.before_send = rival_renames;
    OK(group_update_attribute(&a->core, id, ATTR_DESCRIPTION, "mine", &err));
    peer_sync(b);
    assert_string_equal(attribute(a, id, ATTR_NAME), "rival");
    assert_string_equal(attribute(b, id, ATTR_NAME), "rival");
    assert_string_equal(attribute(b, id, ATTR_DESCRIPTION), "mine");
    assert_same_epoch(a, b, id);
}

static void the_loser_of_an_epoch_commits_again(void **state)
{
    world_run(*state, conflict);
}

/* Three commits come between the sealing of a text and its arrival: members who have read those cannot open it. */
static void rival_goes_on(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 3; i++)
        OK(group_update_key(&rival.peer->core, rival.id, &err));
}

static void too_old(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *b_id = b->core.self.inbox_id;
    struct fake_message *ledger;
    size_t before, n, texts = 0;
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, &b_id, 1, id, &err));
    peer_sync(b);
    rival.peer = b;
    memcpy(rival.id, id, 16);
    a->api.before_send = rival_goes_on;
    before = fake_node_messages(w->node, &ledger);
    peer_send(a, id, "late");
    peer_sync(a);
    peer_sync(a);
    peer_sync(b);
    n = fake_node_messages(w->node, &ledger);
    for (size_t i = before; i < n; i++)
        texts += !ledger[i].is_commit;
    assert_int_equal(texts, 2);
    assert_string_equal(peer_texts(a, id), "late");
    assert_string_equal(peer_texts(b, id), "late");
    assert_int_equal(waiting_at(a), 0);
    assert_same_epoch(a, b, id);
}

static void a_text_that_comes_too_late_to_be_opened_goes_out_again_and_is_there_once(void **state)
{
    world_run(*state, too_old);
}

/* ---- without a network ---- */

static void send_offline(struct peer *p, const uint8_t id[16], const char *text, uint8_t message[32])
{
    struct bytes content = {0};
    enum send_status status = 0;

    OK(content_text(text, &content, &err));
    OK(group_send(&p->core, id, bytes_slice(&content), NULL, message, &status, &err));
    bytes_free(&content);
    assert_int_equal(status, SEND_UNPUBLISHED);
}

static void offline(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    uint8_t id[16], m[32];
    size_t n;

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_sync(b);
    a->api.offline = true;
    send_offline(a, id, "one", m);
    send_offline(a, id, "two", m);
    OK(outbox_size(&a->core, &n, &err));
    assert_int_equal(n, 2);
    peer_restart(w, a);
    a->api.offline = false;
    OK(outbox_flush(&a->core, &n, &err));
    assert_int_equal(n, 2);
    OK(outbox_size(&a->core, &n, &err));
    assert_int_equal(n, 0);
    peer_sync(b);
    peer_sync(a);
    assert_string_equal(peer_texts(b, id), "one|two");
    assert_string_equal(peer_texts(a, id), "one|two");
}

static void messages_written_offline_arrive_later_in_order(void **state)
{
    world_run(*state, offline);
}

static void lost_answer(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct fake_message *ledger;
    size_t before, n;
    uint8_t id[16], m[32];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    before = fake_node_messages(w->node, &ledger);
    a->api.lose_answers = true;
    send_offline(a, id, "once", m);
    peer_restart(w, a);
    a->api.lose_answers = false;
    OK(outbox_flush(&a->core, &n, &err));
    peer_sync(b);
    peer_sync(a);
    assert_string_equal(peer_texts(b, id), "once");
    assert_string_equal(peer_texts(a, id), "once");
    /* It was found in the ledger, not sent again. */
    assert_int_equal(fake_node_messages(w->node, &ledger), before + 1);
}

static void a_message_whose_answer_was_lost_is_there_once(void **state)
{
    world_run(*state, lost_answer);
}

/* The network goes away after each of the calls that adding somebody takes. */
static void uninvited(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *b_id = b->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    bool added = false;

    for (unsigned calls = 1; calls < 12; calls++) {
        struct group_member *members = NULL;
        uint8_t id[16];
        struct group *g;
        size_t n = 0;

        OK(group_create(&a->core, &options, NULL, 0, id, &err));
        a->api.away_after = calls;
        group_add_members(&a->core, id, &b_id, 1, NULL);
        a->api.away_after = 0;
        a->api.offline = false;
        OK(outbox_flush(&a->core, NULL, &err));
        OK(group_get(&a->core, id, &g, &err));
        OK(group_members(&a->core, g, &members, &n, &err));
        group_members_free(members, n);
        group_put(&a->core, g);
        b->events[CORE_CONVERSATION] = 0;
        OK(welcomes_sync(&b->core, NULL, &err));
        assert_int_equal(b->events[CORE_CONVERSATION], n == 2);
        added |= n == 2;
    }
    assert_true(added);
}

static void who_was_added_is_invited_wherever_the_network_went_meanwhile(void **state)
{
    world_run(*state, uninvited);
}

/* The commit is in the ledger, the invitation is refused: the next sync sends it again. */
static void refused_welcome(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *b_id = b->core.self.inbox_id;
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, NULL, 0, id, &err));
    a->api.refuse_welcomes = true;
    group_add_members(&a->core, id, &b_id, 1, NULL);
    assert_int_equal(debug_of(a, id).leaves, 2);
    assert_int_equal(fake_node_welcomes(w->node), 0);
    a->api.refuse_welcomes = false;
    peer_restart(w, a);
    peer_send(a, id, "come in");
    OK(group_sync(&a->core, id, NULL, &err));
    assert_int_equal(fake_node_welcomes(w->node), 1);
    OK(group_sync(&a->core, id, NULL, &err));
    assert_int_equal(fake_node_welcomes(w->node), 1);
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "come in");
    assert_same_epoch(a, b, id);
}

static void an_invitation_that_is_refused_goes_out_with_the_next_sync(void **state)
{
    world_run(*state, refused_welcome);
}

static void refused(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    uint8_t id[16], m[32];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    a->api.refuse_messages = true;
    send_offline(a, id, "never", m);
    for (int i = 0; i < 4; i++)
        group_publish(&a->core, id, NULL, NULL);
    OK(store_message_get(a->core.store, slice_of(m, 32), &mem, &row, &err));
    assert_int_equal(row.status, STORE_FAILED);
    store_mem_free(&mem);
    a->api.refuse_messages = false;
    peer_send(a, id, "next");
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "next");
}

static void what_the_node_refuses_fails_and_holds_up_nothing(void **state)
{
    world_run(*state, refused);
}

static void assert_status(struct peer *p, const uint8_t message[32], enum store_message_status status)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;

    OK(store_message_get(p->core.store, slice_of(message, 32), &mem, &row, &err));
    assert_int_equal(row.status, status);
    store_mem_free(&mem);
}

/* A 1:1 chat of the two, and texts in it that the writer could not send yet. */
static void write_offline(struct peer *a, struct peer *b, uint8_t id[16], const char *const *texts, size_t n,
                          uint8_t (*m)[32])
{
    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_sync(b);
    a->api.offline = true;
    for (size_t i = 0; i < n; i++)
        send_offline(a, id, texts[i], m[i]);
    a->api.offline = false;
    a->api.sends = 0;
}

/* One of a batch is refused, and the batch with it: each goes alone then, and the one gets three tries in all. */
static void one_refused(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    char text[3000] = {0};
    uint8_t id[16], m[3][32];
    size_t taken;

    memset(text, 'x', sizeof text - 1);
    write_offline(a, b, id, (const char *[]){"one", text, "three"}, 3, m);
    a->api.message_max = 2000;
    group_publish(&a->core, id, &taken, NULL);
    assert_int_equal(a->api.sends, 5); /* together, each, and that one again */
    assert_int_equal(taken, 2);
    assert_status(a, m[0], STORE_PUBLISHED);
    assert_status(a, m[1], STORE_UNPUBLISHED);
    assert_status(a, m[2], STORE_PUBLISHED);
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "one|three");
    for (unsigned again = 0; again < 2; again++) {
        a->api.sends = 0;
        group_publish(&a->core, id, NULL, NULL);
        assert_int_equal(a->api.sends, again == 0 ? 1 : 0);
        assert_status(a, m[1], STORE_FAILED);
    }
    peer_sync(a);
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "one|three");
}

static void one_message_that_is_refused_takes_no_others_with_it(void **state)
{
    world_run(*state, one_refused);
}

/* Messages that are too many bytes for one request are not too many for several. */
static void too_big_together(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    uint8_t id[16], m[3][32];

    write_offline(a, b, id, (const char *[]){"one", "two", "three"}, 3, m);
    a->api.request_max = 500;
    OK(group_publish(&a->core, id, NULL, &err));
    assert_int_equal(a->api.sends, 4);
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "one|two|three");
    /* One that is too big alone is given up in the end. */
    a->api.request_max = 10;
    send_offline(a, id, "never", m[0]);
    for (int i = 0; i < 3; i++)
        group_publish(&a->core, id, NULL, NULL);
    assert_status(a, m[0], STORE_FAILED);
}

static void what_is_too_big_for_one_request_goes_in_several(void **state)
{
    world_run(*state, too_big_together);
}

static void second_goes(void *ctx)
{
    ((struct peer *)ctx)->api.fail_call = 1;
}

static void first_goes(void *ctx)
{
    ((struct peer *)ctx)->api.before_send = second_goes;
}

static void all_go(void *ctx)
{
    ((struct peer *)ctx)->api.before_send = first_goes;
}

/* The node goes away between the single messages: what it has is not sent again, what it has not is kept. */
static void away_between(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    uint8_t id[16], m[4][32];
    size_t n;

    write_offline(a, b, id, (const char *[]){"one", "two", "three", "four"}, 4, m);
    a->api.request_max = 500;
    a->api.before_send = all_go;
    a->api.before_send_ctx = a;
    assert_int_equal(group_publish(&a->core, id, &n, NULL), ERR_OFFLINE);
    assert_int_equal(a->api.sends, 3);
    assert_int_equal(n, 2);
    for (int i = 0; i < 4; i++)
        assert_status(a, m[i], i < 2 ? STORE_PUBLISHED : STORE_UNPUBLISHED);
    OK(outbox_size(&a->core, &n, &err));
    assert_int_equal(n, 2);
    peer_sync(a);
    OK(group_publish(&a->core, id, NULL, &err));
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "one|two|three|four");
}

static void who_is_cut_off_between_single_messages_goes_on_with_the_next(void **state)
{
    world_run(*state, away_between);
}

/* What the node sees of each message beside its bytes. */
static void each_its_own(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct send_options quiet = {.no_push = true};
    struct bytes content = {0};
    struct fake_message *sent;
    uint8_t id[16], m[32], hmac[32];
    enum send_status status;
    size_t n;

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    a->api.offline = true;
    send_offline(a, id, "one", m);
    OK(content_text("quiet", &content, &err));
    OK(group_send(&a->core, id, bytes_slice(&content), &quiet, m, &status, &err));
    bytes_free(&content);
    send_offline(a, id, "three", m);
    a->api.offline = false;
    a->api.sends = 0;
    OK(group_publish(&a->core, id, NULL, &err));
    assert_int_equal(a->api.sends, 1);
    n = fake_node_messages(w->node, &sent);
    for (size_t i = 0; i < 3; i++) {
        const struct fake_message *message = &sent[n - 3 + i];

        assert_int_equal(message->should_push, i != 1);
        OK(hmac_sender(&a->core, id, bytes_slice(&message->data), hmac, &err));
        assert_true(message->has_hmac);
        assert_memory_equal(message->hmac, hmac, 32);
    }
}

static void each_message_of_a_batch_has_its_own_push_and_hmac(void **state)
{
    world_run(*state, each_its_own);
}

/* Fifty in one request; the next request has the rest. */
static void fifty(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    char expected[600] = "0", text[8];
    uint8_t id[16], m[32];
    size_t n;

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_sync(b);
    for (unsigned round = 0, i = 0; round < 2; round++) { /* fifty, and one more than a hundred */
        unsigned end = round == 0 ? 50 : 151, begin = i;

        a->api.offline = true;
        for (; i < end; i++) {
            snprintf(text, sizeof text, "%u", i);
            if (i > 0)
                snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "|%s", text);
            send_offline(a, id, text, m);
        }
        a->api.offline = false;
        a->api.sends = 0;
        OK(group_publish(&a->core, id, &n, &err));
        assert_int_equal(n, end - begin);
        assert_int_equal(a->api.sends, round == 0 ? 1 : 3);
        peer_sync(a);
        peer_sync(b);
        assert_string_equal(peer_texts(b, id), expected);
    }
}

static void fifty_messages_are_one_request(void **state)
{
    world_run(*state, fifty);
}

/* ---- duplicates ---- */

static void duplicates(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    uint8_t from_a[16], from_b[16], again[16];
    bool created;

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, from_a, NULL, &err));
    OK(dm_find_or_create(&b->core, a->core.self.inbox_id, from_b, NULL, &err));
    peer_send(a, from_a, "from a");
    peer_send(b, from_b, "from b");
    peer_sync(a);
    peer_sync(b);
    assert_string_equal(peer_texts(a, from_a), "from a|from b");
    assert_string_equal(peer_texts(b, from_a), "from a|from b");
    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, again, &created, &err));
    assert_false(created);
}

static void duplicate_dms_read_as_one(void **state)
{
    world_run(*state, duplicates);
}

/* ---- our own preferences group, and somebody else's ---- */

static void sync_groups(struct world *w)
{
    struct peer *a = world_installation(w, 1), *mallory = world_installation(w, 9), *a2 = world_installation(w, 1);
    const char *a_id = a->core.self.inbox_id;
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    uint8_t own[16], evil[16];
    struct group *g;

    OK(sync_group_create(&a2->core, own, &err));
    OK(sync_group_create(&mallory->core, evil, &err));
    OK(group_open(&mallory->core, evil, &g, &err));
    OK(add_members_locked(&mallory->core, g, &a_id, 1, &err));
    group_close(&mallory->core, g);
    memset(a->events, 0, sizeof a->events);
    peer_sync(a);
    assert_int_equal(a->events[CORE_SYNC_WELCOME], 1);
    assert_int_equal(a->events[CORE_CONVERSATION], 0);
    OK(store_group_get(a->core.store, slice_of(own, 16), &mem, &row, &err));
    assert_true(row.trusted);
    OK(store_group_get(a->core.store, slice_of(evil, 16), &mem, &row, &err));
    assert_false(row.trusted);
    OK(store_group_primary_sync(a->core.store, &mem, &row, &err));
    assert_memory_equal(row.id.data, own, 16);
    store_mem_free(&mem);
    assert_same_epoch(a, a2, own);
}

static void a_foreign_preferences_group_is_not_trusted(void **state)
{
    world_run(*state, sync_groups);
}

/* ---- a new device ---- */

static void new_device(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *a2;
    uint8_t id[16];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_send(a, id, "before");
    peer_sync(b);
    a2 = world_installation(w, 1);
    peer_advance(b, 10);
    peer_send(b, id, "after"); /* finds the new device, adds it, then writes */
    peer_sync(a2);
    peer_sync(a);
    assert_string_equal(peer_texts(a2, id), "after");
    assert_string_equal(peer_texts(a, id), "before|after");
    assert_same_epoch(a2, b, id);
}

static void a_message_reaches_a_device_that_was_new(void **state)
{
    world_run(*state, new_device);
}

/* It came while we had no network: what waited is sealed after it was let in. */
static void new_meanwhile(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *a2;
    struct peer *c = world_installation(w, 3);
    const char *a_id = a->core.self.inbox_id, *c_id = c->core.self.inbox_id;
    const struct send_options queue = {.optimistic = true};
    struct bytes content = {0};
    enum send_status status;
    uint8_t id[16], m[32];
    size_t n;

    OK(group_create(&b->core, &(struct group_options){.name = "x"}, &a_id, 1, id, &err));
    peer_sync(a);
    b->api.offline = true;
    send_offline(b, id, "one", m);
    send_offline(b, id, "two", m);
    a2 = world_installation(w, 1);
    peer_advance(b, 10);
    peer_restart(w, b);
    b->api.offline = false;
    OK(group_publish(&b->core, id, &n, &err));
    assert_int_equal(n, 2);
    peer_sync(a2);
    peer_sync(a);
    assert_string_equal(peer_texts(a2, id), "one|two");
    assert_string_equal(peer_texts(a, id), "one|two");
    assert_same_epoch(a2, b, id);
    /* A person who is asked in comes after what was written before. */
    OK(content_text("not for them", &content, &err));
    OK(group_send(&b->core, id, bytes_slice(&content), &queue, m, &status, &err));
    OK(group_add_members(&b->core, id, &c_id, 1, &err));
    peer_sync(c);
    assert_string_equal(peer_texts(c, id), "");
    peer_sync(a);
    bytes_free(&content);
    assert_string_equal(peer_texts(a, id), "one|two|not for them");
}

static void a_message_that_waited_reaches_a_device_that_came_meanwhile(void **state)
{
    world_run(*state, new_meanwhile);
}

static size_t leaves_at(struct peer *p, const uint8_t id[16])
{
    return debug_of(p, id).leaves;
}

/* Not with every message, nor with every sync; nor in groups that are not for people. */
static void looked_lately(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct fake_message *ledger;
    uint8_t id[16], own[16];
    size_t n;

    OK(sync_group_create(&a->core, own, &err));
    OK(dm_find_or_create(&b->core, a->core.self.inbox_id, id, NULL, &err));
    OK(group_check_installations(&b->core, id, 0, &err));
    world_installation(w, 1);
    peer_advance(b, 4);
    peer_send(b, id, "no look yet");
    assert_int_equal(leaves_at(b, id), 2);
    peer_advance(b, 2);
    peer_send(b, id, "now");
    assert_int_equal(leaves_at(b, id), 3);
    world_installation(w, 1);
    peer_advance(b, 29 * 60);
    OK(group_sync_full(&b->core, id, NULL, &err));
    assert_int_equal(leaves_at(b, id), 3);
    peer_advance(b, 2 * 60);
    OK(group_sync_full(&b->core, id, NULL, &err));
    assert_int_equal(leaves_at(b, id), 4);
    world_installation(w, 1);
    OK(group_check_installations(&b->core, id, 0, &err));
    assert_int_equal(leaves_at(b, id), 5);
    n = fake_node_messages(w->node, &ledger);
    OK(group_check_installations(&a->core, own, 0, &err));
    assert_int_equal(fake_node_messages(w->node, &ledger), n);
    assert_int_equal(leaves_at(a, own), 1);
}

static void new_devices_are_looked_for_every_five_seconds_of_writing_and_thirty_minutes_of_reading(void **state)
{
    world_run(*state, looked_lately);
}

/* A clock that was ahead for a while and is put right. */
static void clock_put_right(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *a2;
    uint8_t id[16];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_sync(b);
    peer_advance(b, 365 * 86400);
    peer_send(b, id, "next year"); /* looks for new devices, and notes when */
    peer_advance(b, -365 * 86400);
    a2 = world_installation(w, 1);
    peer_send(b, id, "now");
    peer_sync(a2);
    assert_string_equal(peer_texts(a2, id), "now");
}

static void a_new_device_is_found_though_the_clock_was_ahead(void **state)
{
    world_run(*state, clock_put_right);
}

/* ---- a node that lies ---- */

static void address_of(struct peer *p, char out[43])
{
    const struct identity_state *state;

    OK(inbox_state_at(&p->core, p->core.self.inbox_id, 0, &state, &err));
    snprintf(out, 43, "%.42s", (const char *)identity_state_nth(state, IDENT_ETHEREUM, 0)->id.value.data);
}

static void wrong_inbox(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *mallory = world_installation(w, 3);
    char address[43], inbox[65] = "";

    address_of(b, address);
    a->api.names_inbox = mallory->core.self.inbox_id;
    assert_int_equal(inbox_resolve_address(&a->core, address, inbox, &err), ERR_REMOTE);
    assert_non_null(strstr(err.text, "does not have this address"));
    a->api.names_inbox = NULL;
    a->api.offline = true; /* nor was it remembered */
    assert_int_equal(inbox_resolve_address(&a->core, address, inbox, &err), ERR_OFFLINE);
    a->api.offline = false;
    OK(inbox_resolve_address(&a->core, address, inbox, &err));
    assert_string_equal(inbox, b->core.self.inbox_id);
}

static void nobody_is_put_in_the_place_of_the_person_with_an_address(void **state)
{
    world_run(*state, wrong_inbox);
}

/* ---- hostile bytes ---- */

static void hostile(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct fake_message *ledger;
    struct bytes good = {0};
    uint8_t id[16];
    size_t n;

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_send(a, id, "good");
    n = fake_node_messages(w->node, &ledger);
    assert_int_equal(bytes_dup(bytes_slice(&ledger[n - 1].data), &good), 0);
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "good");
    for (size_t cut = 0; cut < good.len; cut++)
        fake_node_inject(w->node, id, slice_of(good.data, cut), cut % 2);
    for (size_t at = 0; at < good.len; at++) {
        good.data[at] ^= 0x41;
        fake_node_inject(w->node, id, bytes_slice(&good), at % 2);
        good.data[at] ^= 0x41;
    }
    peer_send(a, id, "still here");
    peer_sync(b);
    peer_sync(a);
    assert_string_equal(peer_texts(b, id), "good|still here");
    assert_string_equal(peer_texts(a, id), "good|still here");
    assert_same_epoch(a, b, id);
    bytes_free(&good);
}

static void damaged_envelopes_are_passed_over_and_change_nothing(void **state)
{
    world_run(*state, hostile);
}

/* The same with a commit, in the epoch it is for, and with a welcome: then the real one comes. */
static void hostile_commit(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct bytes good = {0};
    uint8_t id[16];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_sync(b);
    OK(group_update_key(&a->core, id, &err));
    fake_node_pop(w->node, id, &good);
    for (size_t cut = 0; cut < good.len; cut += 7)
        fake_node_inject(w->node, id, slice_of(good.data, cut), true);
    for (size_t at = 0; at < good.len; at++) {
        good.data[at] ^= 0x41;
        fake_node_inject(w->node, id, bytes_slice(&good), true);
        good.data[at] ^= 0x41;
    }
    peer_sync(b);
    fake_node_inject(w->node, id, bytes_slice(&good), true);
    peer_sync(b);
    assert_same_epoch(a, b, id);
    peer_send(a, id, "agreed");
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "agreed");
    bytes_free(&good);
}

static void a_damaged_commit_leaves_the_way_for_the_real_one(void **state)
{
    world_run(*state, hostile_commit);
}

/* A member's commit that MLS and the rules of the group let pass, with other group extensions than a program of ours
 * would write; the member follows it itself. */
static void commit_extensions(struct world *w, struct peer *by, const uint8_t id[16], struct slice extensions)
{
    struct mls_commit_params params = {.signer = {by->core.self.seed, by->core.self.installation_id},
                                       .extensions = &extensions};
    struct mls_commit_result result;
    struct group *g;

    OK(group_open(&by->core, id, &g, &err));
    OK(mls_commit_create(g->mls, &params, by->core.rand, &result, &err));
    fake_node_inject(w->node, id, bytes_slice(&result.message), true);
    OK(mls_group_merge(g->mls, result.staged, &err));
    result.staged = NULL;
    OK(group_save_mls(&by->core, g, &err));
    mls_commit_result_free(&result);
    group_close(&by->core, g);
}

/* Nobody protects the immutable metadata of a group, neither MLS nor libxmtp: members follow a commit that takes it
 * away, and no later one. */
static void immutable_taken_away(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct slice list, data, broken[2] = {{0}, slice_of("\x05\x01", 2)};
    uint16_t type;

    for (size_t i = 0; i < 2; i++) { /* away, and made nonsense of */
        const char *others[] = {b->core.self.inbox_id};
        struct buf left = BUF_INIT;
        struct group *g;
        uint8_t id[16];

        OK(group_create(&a->core, &(struct group_options){.name = "ours"}, others, 1, id, &err));
        peer_sync(b);
        OK(group_open(&a->core, id, &g, &err));
        for (list = mls_group_extensions(g->mls); mls_extension_next(&list, &type, &data);)
            if (type != EXT_IMMUTABLE_METADATA)
                mls_extension_put(&left, type, data);
        if (broken[i].len)
            mls_extension_put(&left, EXT_IMMUTABLE_METADATA, broken[i]);
        group_close(&a->core, g);
        commit_extensions(w, a, id, buf_slice(&left));
        peer_send(a, id, "still here");
        peer_sync(b);
        assert_same_epoch(a, b, id);
        assert_string_equal(peer_texts(b, id), "still here");
        peer_restart(w, b);
        peer_send(b, id, "me too");
        peer_sync(a);
        assert_string_equal(peer_texts(a, id), "still here|me too");
        /* We do not make what everybody would refuse. */
        assert_int_equal(group_update_key(&b->core, id, &err), ERR_DENIED);
        commit_extensions(w, a, id, buf_slice(&left));
        peer_sync(b);
        assert_int_equal(debug_of(b, id).epoch + 1, debug_of(a, id).epoch);
        buf_free(&left);
    }
}

static void a_group_without_its_immutable_metadata_is_read_on(void **state)
{
    world_run(*state, immutable_taken_away);
}

/* The list of members as another program may leave it: with this installation among those that could not be added. */
static void commit_failed(struct world *w, struct peer *by, const uint8_t id[16], const uint8_t installation[32])
{
    struct group_membership changed = {0};
    struct buf ext = BUF_INIT, list = BUF_INIT;
    struct group *g;

    OK(group_open(&by->core, id, &g, &err));
    OK(group_read_extensions(&by->core, g, &err));
    OK(group_membership_dup(&g->ext.membership, &changed));
    OK(group_membership_add_failed(&changed, installation));
    group_membership_encode(&changed, &ext);
    extensions_replace(mls_group_extensions(g->mls), EXT_GROUP_MEMBERSHIP, buf_slice(&ext), &list);
    group_close(&by->core, g);
    commit_extensions(w, by, id, buf_slice(&list));
    group_membership_free(&changed);
    buf_free(&ext);
    buf_free(&list);
}

static bool is_failed(struct peer *p, const uint8_t id[16], const uint8_t installation[32])
{
    struct group *g;
    bool is;

    OK(group_open(&p->core, id, &g, &err));
    OK(group_read_extensions(&p->core, g, &err));
    is = group_membership_failed(&g->ext.membership, installation);
    group_close(&p->core, g);
    return is;
}

/* libxmtp takes nobody off the list of the failed, neither when they go nor when they come. */
static void failed_once(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *c = world_installation(w, 3);
    const char *b_id = b->core.self.inbox_id, *c_id = c->core.self.inbox_id;
    const uint8_t *b_key = b->core.self.installation_id;
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, &c_id, 1, id, &err));
    peer_sync(c);
    commit_failed(w, a, id, b_key);
    OK(group_add_members(&a->core, id, &b_id, 1, &err));
    peer_sync(b);
    peer_sync(c);
    assert_same_epoch(a, b, id);
    assert_same_epoch(a, c, id);
    assert_false(is_failed(c, id, b_key));
    /* Listed, and with a leaf all the same: who is taken out loses it. */
    commit_failed(w, a, id, b_key);
    peer_sync(c);
    assert_true(is_failed(c, id, b_key));
    OK(group_remove_members(&a->core, id, &b_id, 1, &err));
    peer_sync(c);
    assert_same_epoch(a, c, id);
    assert_int_equal(debug_of(c, id).leaves, 2);
    assert_false(is_failed(c, id, b_key));
}

static void who_could_not_be_added_once_comes_and_goes_as_others_do(void **state)
{
    world_run(*state, failed_once);
}

/* A key update of `by` whose new leaf is signed by another installation of the same inbox: a commit that our library
 * does not make. */
static void update_to_key_of(struct world *w, struct peer *by, struct peer *other, const uint8_t id[16])
{
    struct mls_signer old_key = {by->core.self.seed, by->core.self.installation_id},
                      new_key = {other->core.self.seed, other->core.self.installation_id};
    uint8_t signature[MLS_SIGNATURE_LEN], joiner[MLS_HASH_LEN];
    struct mls_content_auth auth = {.signature = slice_of(signature, sizeof signature)};
    struct buf path = BUF_INIT, body = BUF_INIT;
    struct mls_secret_change change = {0};
    struct bytes context, message;
    struct mls_framed_content content;
    struct mls_staged_commit *s;
    struct mls_path_keys keys;
    struct group *g;
    uint32_t own;

    OK(group_open(&by->core, id, &g, &err));
    own = g->mls->own_leaf;
    OK(mls_staged_new(g->mls, &s));
    OK(mls_path_generate(&s->tree, own, mls_tree_leaf(&g->mls->tree, own), g->mls->ctx.group_id, &new_key,
                         by->core.rand, &keys, &err));
    s->info.committer_leaf = own;
    s->priv = keys.priv;
    OK(mls_staged_provisional(g->mls, s, &context));
    OK(mls_path_encrypt(&s->tree, own, &keys, g->mls->ctx.suite, bytes_slice(&context), &s->added, by->core.rand, &path,
                        &err));
    buf_put_vec(&body, slice_of(NULL, 0));
    buf_put_u8(&body, 1);
    buf_put_slice(&body, buf_slice(&path));
    mls_send_content(g->mls, MLS_CONTENT_COMMIT, slice_of(NULL, 0), buf_slice(&body), &content);
    OK(mls_content_sign(MLS_WIRE_PRIVATE_MESSAGE, &content, bytes_slice(&g->mls->context), &old_key, signature));
    OK(mls_staged_finish(g->mls, s, MLS_WIRE_PRIVATE_MESSAGE, &content, auth.signature, keys.commit_secret, joiner,
                         &err));
    auth.confirmation_tag = slice_of(s->confirmation_tag, MLS_HASH_LEN);
    OK(mls_send_private(g->mls, &content, &auth, by->core.rand, &change, &message, &err));
    fake_node_inject(w->node, id, bytes_slice(&message), true);
    OK(mls_group_merge(g->mls, s, &err));
    OK(group_save_mls(&by->core, g, &err));
    group_close(&by->core, g);
    mls_secret_change_wipe(&change);
    mls_path_keys_wipe(&keys);
    bytes_free(&context);
    bytes_free(&message);
    buf_free(&path);
    buf_free(&body);
}

/* Without a proposal there is no sender for libxmtp to compare the new key with: that it belongs to the inbox is
 * enough. */
static void key_of_its_own_inbox(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *a2 = world_installation(w, 1);
    const char *others[] = {b->core.self.inbox_id};
    struct mls_key_package_bundle expired = {0};
    struct ed25519_key key;
    uint8_t id[16];

    /* Its key package is too old: it is a device of the inbox without a leaf. */
    ed25519_from_seed(a2->core.self.seed, &key);
    OK(key_package_create(&key, a2->core.self.inbox_id, 1000, a2->core.rand, &expired, &err));
    OK(node_upload_key_package(a2->core.api, bytes_slice(&expired.data), &err));
    OK(group_create(&a->core, &(struct group_options){.name = "ours"}, others, 1, id, &err));
    peer_sync(b);
    update_to_key_of(w, a, a2, id);
    peer_sync(b);
    assert_same_epoch(a, b, id);
    mls_key_package_bundle_wipe(&expired);
    ed25519_wipe(&key);
}

static void somebody_elses_key(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *mallory = world_installation(w, 3);
    const char *others[] = {b->core.self.inbox_id};
    uint8_t id[16];

    OK(group_create(&a->core, &(struct group_options){.name = "ours"}, others, 1, id, &err));
    peer_sync(b);
    update_to_key_of(w, a, mallory, id);
    peer_sync(b);
    assert_int_equal(debug_of(b, id).epoch + 1, debug_of(a, id).epoch);
}

static void a_member_may_go_over_to_another_key_of_its_inbox(void **state)
{
    world_run(*state, key_of_its_own_inbox);
}

static void a_member_may_not_go_over_to_somebody_elses_key(void **state)
{
    world_run(*state, somebody_elses_key);
}

static void hostile_welcome(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct node_welcome_message like;
    struct bytes data = {0}, hpke = {0}, metadata = {0};
    uint8_t id[16];
    const uint8_t *key = b->core.self.installation_id;

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_send(a, id, "come in");
    fake_node_pop_welcome(w->node, &like, &data, &hpke, &metadata);
    for (size_t cut = 0; cut < data.len; cut += 13)
        fake_node_inject_welcome(w->node, key, slice_of(data.data, cut), bytes_slice(&hpke), bytes_slice(&metadata));
    for (size_t at = 0; at < data.len; at += 3) {
        data.data[at] ^= 0x41;
        fake_node_inject_welcome(w->node, key, bytes_slice(&data), bytes_slice(&hpke), bytes_slice(&metadata));
        data.data[at] ^= 0x41;
    }
    peer_sync(b);
    assert_int_equal(b->events[CORE_CONVERSATION], 0);
    fake_node_inject_welcome(w->node, key, bytes_slice(&data), bytes_slice(&hpke), bytes_slice(&metadata));
    peer_sync(b);
    assert_int_equal(b->events[CORE_CONVERSATION], 1);
    assert_string_equal(peer_texts(b, id), "come in");
    bytes_free(&data);
    bytes_free(&hpke);
    bytes_free(&metadata);
}

static void a_damaged_welcome_leaves_the_way_for_the_real_one(void **state)
{
    world_run(*state, hostile_welcome);
}

/* ---- the live path ---- */

static void live(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    struct node_group_message last;
    uint64_t cursor, after;
    uint8_t id[16];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_sync(b);
    peer_send(a, id, "live");
    fake_node_last(w->node, &last);
    OK(group_cursor(&b->core, id, &cursor, &err));
    OK(group_from_stream(&b->core, &last, &err));
    OK(group_cursor(&b->core, id, &after, &err));
    assert_int_equal(after, cursor); /* only reading in order moves it */
    assert_string_equal(peer_texts(b, id), "live");
    OK(group_from_stream(&b->core, &last, &err));
    OK(group_from_stream(&a->core, &last, &err)); /* our own echo */
    peer_sync(b);
    peer_sync(a);
    assert_string_equal(peer_texts(b, id), "live");
    assert_string_equal(peer_texts(a, id), "live");
    /* A commit on the stream leads to reading the ledger. */
    OK(group_update_key(&a->core, id, &err));
    fake_node_last(w->node, &last);
    OK(group_from_stream(&b->core, &last, &err));
    assert_same_epoch(a, b, id);
}

static void streamed_messages_are_stored_once_without_moving_the_cursor(void **state)
{
    world_run(*state, live);
}

/* ---- leaving ---- */

static void leaving(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *b_id = b->core.self.inbox_id;
    const struct group_options options = {.name = "x"};
    uint8_t id[16];

    OK(group_create(&a->core, &options, &b_id, 1, id, &err));
    peer_sync(b);
    assert_int_equal(group_leave(&a->core, id, &err), ERR_INVALID); /* the only super admin */
    OK(group_leave(&b->core, id, &err));
    peer_sync(a);
    OK(group_sync(&b->core, id, NULL, &err));
    assert_int_equal(group_sync(&b->core, id, NULL, &err), ERR_STATE);
}

static void somebody_who_asks_is_taken_out(void **state)
{
    world_run(*state, leaving);
}

/* ---- requests a text ---- */

static void one_request(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    uint8_t id[16];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_send(a, id, "first");
    a->api.calls = 0;
    for (int i = 0; i < 10; i++)
        peer_send(a, id, "x");
    assert_int_equal(a->api.calls, 10);
}

static void a_text_is_one_request(void **state)
{
    world_run(*state, one_request);
}

/* ---- many at once ---- */

static struct {
    struct peer *peer;
    uint8_t id[16];
    unsigned done;
} crowd;

static void one_of_a_crowd(void *ctx)
{
    peer_send(crowd.peer, crowd.id, ctx);
    crowd.done++;
}

static void crowd_comes(void *ctx)
{
    static char texts[3][8] = {"two", "three", "four"};

    (void)ctx;
    for (int i = 0; i < 3; i++)
        OK(fiber_start(one_of_a_crowd, texts[i], &err));
    /* On the screen already, though the first is still under way. */
    assert_int_equal(crowd.peer->events[CORE_MESSAGE], 4);
}

static void at_once(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, crowd.id, NULL, &err));
    peer_send(a, crowd.id, "zero");
    crowd.peer = a;
    crowd.done = 0;
    a->events[CORE_MESSAGE] = 0;
    a->api.sends = 0;
    a->api.before_send = crowd_comes;
    peer_send(a, crowd.id, "one");
    while (crowd.done < 3)
        core_sleep(&a->core, 1, NULL);
    assert_int_equal(a->api.sends, 2);
    peer_sync(b);
    assert_string_equal(peer_texts(b, crowd.id), "zero|one|two|three|four");
}

static void texts_that_come_while_one_is_sent_go_together_afterwards(void **state)
{
    world_run(*state, at_once);
}

static void crowd_comes_early(void)
{
    static char texts[2][8] = {"two", "three"};

    for (int i = 0; i < 2; i++)
        OK(fiber_start(one_of_a_crowd, texts[i], &err));
}

static void while_looking(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2), *b2 = NULL;

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, crowd.id, NULL, &err));
    peer_send(a, crowd.id, "zero");
    crowd.peer = a;
    for (int round = 0; round < 2; round++) {
        crowd.done = 0;
        peer_advance(a, 60);
        a->api.before_updates = crowd_comes_early;
        peer_send(a, crowd.id, "one");
        while (crowd.done < 2)
            core_sleep(&a->core, 1, NULL);
        /* In the second round there is somebody to be let in first. */
        b2 = world_installation(w, 2);
    }
    peer_sync(b);
    peer_sync(b2);
    assert_string_equal(peer_texts(b, crowd.id), "zero|one|two|three|one|two|three");
}

static void a_text_that_waits_for_a_look_at_the_members_is_overtaken_by_none(void **state)
{
    world_run(*state, while_looking);
}

static void after_a_lost_one(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    uint8_t id[16], m[32];

    OK(dm_find_or_create(&a->core, b->core.self.inbox_id, id, NULL, &err));
    peer_send(a, id, "zero");
    a->api.fail_call = 1;
    send_offline(a, id, "one", m);
    peer_send(a, id, "two");
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "zero|one|two");
    /* Others that wait behind it as well. */
    a->api.offline = true;
    send_offline(a, id, "three", m);
    send_offline(a, id, "four", m);
    a->api.offline = false;
    peer_send(a, id, "five");
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "zero|one|two|three|four|five");
}

static void a_text_waits_for_an_earlier_one_of_which_nobody_knows_whether_it_arrived(void **state)
{
    world_run(*state, after_a_lost_one);
}

/* SQLite's wait for the disk, counted. */
static unsigned disk_waits;
__attribute__((visibility("default"))) int fdatasync(int fd)
{
    disk_waits++;
    return fsync(fd);
}

static void creating(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *other = b->core.self.inbox_id;
    struct group_options options = {0};
    uint8_t id[16];

    OK(group_create(&a->core, &options, &other, 1, id, &err)); /* a new file's first waits are over */
    disk_waits = 0;
    OK(group_create(&a->core, &options, &other, 1, id, &err));
    assert_int_equal(disk_waits, 3); /* what is wanted, the commit before it is sent, and after it was taken */
    disk_waits = 0;
    OK(group_create(&a->core, &options, NULL, 0, id, &err));
    assert_true(disk_waits > 0);
}

static void creating_a_group_waits_for_the_disk_no_more_than_it_must(void **state)
{
    world_run(*state, creating);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(two_people_chat_in_a_dm),
        TEST(a_group_that_wants_a_newer_program_waits_for_it_and_loses_nothing),
        TEST(a_group_that_was_too_new_when_it_came_is_open_after_the_update),
        TEST(a_sender_is_answered_before_its_rows_say_so),
        TEST(who_writes_lets_the_other_in_unless_they_decide_otherwise_meanwhile),
        TEST(a_group_of_five_installations_reads_everybody),
        TEST(members_change_the_group_as_permitted),
        TEST(the_loser_of_an_epoch_commits_again),
        TEST(a_text_that_comes_too_late_to_be_opened_goes_out_again_and_is_there_once),
        TEST(messages_written_offline_arrive_later_in_order),
        TEST(a_message_whose_answer_was_lost_is_there_once),
        TEST(who_was_added_is_invited_wherever_the_network_went_meanwhile),
        TEST(an_invitation_that_is_refused_goes_out_with_the_next_sync),
        TEST(what_the_node_refuses_fails_and_holds_up_nothing),
        TEST(one_message_that_is_refused_takes_no_others_with_it),
        TEST(what_is_too_big_for_one_request_goes_in_several),
        TEST(who_is_cut_off_between_single_messages_goes_on_with_the_next),
        TEST(each_message_of_a_batch_has_its_own_push_and_hmac),
        TEST(fifty_messages_are_one_request),
        TEST(duplicate_dms_read_as_one),
        TEST(a_foreign_preferences_group_is_not_trusted),
        TEST(a_message_reaches_a_device_that_was_new),
        TEST(a_message_that_waited_reaches_a_device_that_came_meanwhile),
        TEST(nobody_is_put_in_the_place_of_the_person_with_an_address),
        TEST(new_devices_are_looked_for_every_five_seconds_of_writing_and_thirty_minutes_of_reading),
        TEST(a_new_device_is_found_though_the_clock_was_ahead),
        TEST(damaged_envelopes_are_passed_over_and_change_nothing),
        TEST(a_damaged_commit_leaves_the_way_for_the_real_one),
        TEST(a_group_without_its_immutable_metadata_is_read_on),
        TEST(who_could_not_be_added_once_comes_and_goes_as_others_do),
        TEST(a_member_may_go_over_to_another_key_of_its_inbox),
        TEST(a_member_may_not_go_over_to_somebody_elses_key),
        TEST(a_damaged_welcome_leaves_the_way_for_the_real_one),
        TEST(streamed_messages_are_stored_once_without_moving_the_cursor),
        TEST(somebody_who_asks_is_taken_out),
        TEST(a_text_is_one_request),
        TEST(texts_that_come_while_one_is_sent_go_together_afterwards),
        TEST(a_text_that_waits_for_a_look_at_the_members_is_overtaken_by_none),
        TEST(a_text_waits_for_an_earlier_one_of_which_nobody_knows_whether_it_arrived),
        TEST(creating_a_group_waits_for_the_disk_no_more_than_it_must),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
