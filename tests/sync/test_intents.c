/* What becomes of a change or a text that cannot be made or sent: given up at once, tried again and counted, or
 * kept until the network is back. */
#include "tests/test.h"

#include "base/alloc.h"
#include "crypto/ed25519.h"
#include "identity/key_package.h"
#include "mls/mls.h"
#include "store/groups.h"
#include "store/messages.h"
#include "sync/commit_build.h"
#include "sync/content.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/inboxes.h"
#include "sync/intents.h"
#include "sync/membership.h"
#include "sync/receive.h"
#include "sync/receive_group.h"
#include "sync/send.h"
#include "tests/sync/shorthand.h"

#include <stdio.h>

/* ---- a group, and looking at it ---- */

/* Alix made it and is its super admin; Bo is a member, whom the group's rules allow little. */
struct stage {
    struct world *w;
    struct peer *alix, *bo;
    uint8_t id[16];
    char texts[200]; /* sent by assert_usable() and others so far */
};

static size_t ledger_size(struct world *w)
{
    struct fake_message *ledger;

    return fake_node_messages(w->node, &ledger);
}

/* Nobody has anything in hand, and what is counted starts from here. */
static void set_up_stage(struct world *w, struct stage *s)
{
    *s = (struct stage){.w = w, .alix = world_installation(w, 1), .bo = world_installation(w, 2)};
    const char *bo_id = s->bo->core.self.inbox_id;
    const struct group_options options = {.name = "old", .permissions = PRESET_ADMIN_ONLY};

    OK(group_create(&s->alix->core, &options, &bo_id, 1, s->id, &err));
    peer_sync(s->bo);
    OK(group_update_key(&s->bo->core, s->id, &err)); /* which goes in front of the first text otherwise */
    peer_sync(s->alix);
    s->bo->api.sends = s->alix->api.sends = 0;
}

static const char *name_of(struct peer *p, const uint8_t id[16])
{
    static char name[200];
    struct group *g;

    OK(group_open(&p->core, id, &g, &err));
    OK(group_read_extensions(&p->core, g, &err));
    snprintf(name, sizeof name, "%s", group_attr_get(&g->ext.mutable_, ATTR_NAME));
    group_close(&p->core, g);
    return name;
}

/* Both write and both change the group, everybody has everything, and nothing waits. */
static void assert_usable(struct stage *s)
{
    struct peer *both[] = {s->alix, s->bo};
    size_t waiting;

    for (size_t i = 0; i < 2; i++) {
        peer_send(both[i], s->id, "on");
        snprintf(s->texts + strlen(s->texts), sizeof s->texts - strlen(s->texts), "%son", s->texts[0] ? "|" : "");
        OK(group_update_key(&both[i]->core, s->id, &err));
        peer_sync(both[1 - i]);
    }
    OK(group_update_attribute(&s->alix->core, s->id, ATTR_DESCRIPTION, s->texts, &err));
    for (size_t i = 0; i < 2; i++) {
        peer_sync(both[i]);
        assert_string_equal(peer_texts(both[i], s->id), s->texts);
        OK(outbox_size(&both[i]->core, &waiting, &err));
        assert_int_equal(waiting, 0);
    }
    assert_same_epoch(s->alix, s->bo, s->id);
}

/* The intents of the group that are not done. */
struct seen {
    enum store_intent_kind kind;
    enum store_intent_state state;
    unsigned attempts;
};

struct seen_list {
    struct seen at[8];
    size_t n;
};

static int see(void *ctx, const struct store_intent *row)
{
    struct seen_list *list = ctx;

    assert_true(list->n < 8);
    list->at[list->n++] = (struct seen){row->kind, row->state, row->attempts};
    return 0;
}

static void assert_intents(struct peer *p, const uint8_t id[16], const struct seen *want, size_t n)
{
    struct seen_list list = {.n = 0};

    OK(store_intents_each(p->core.store, slice_of(id, 16), ~0u, see, &list, &err));
    assert_int_equal(list.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(list.at[i].kind, want[i].kind);
        assert_int_equal(list.at[i].state, want[i].state);
        assert_int_equal(list.at[i].attempts, want[i].attempts);
    }
}

static void assert_intent(struct peer *p, const uint8_t id[16], enum store_intent_kind kind,
                          enum store_intent_state state, unsigned attempts)
{
    assert_intents(p, id, &(struct seen){kind, state, attempts}, 1);
}

/* What was given up stays as a row; the next part of a test begins without it. */
static int64_t first_id;

static int keep_id(void *ctx, const struct store_intent *row)
{
    (void)ctx;
    first_id = row->id;
    return 1;
}

static void forget_given_up(struct peer *p, const uint8_t id[16])
{
    while (store_intents_each(p->core.store, slice_of(id, 16), STORE_INTENT_BIT(STORE_INTENT_ERROR), keep_id, NULL,
                              NULL) == 1)
        OK(store_intent_delete(p->core.store, first_id, &err));
}

/* Queues without trying, as what was wanted while the network was away. */
static void queue(struct peer *p, const uint8_t id[16], enum store_intent_kind kind, struct slice data)
{
    struct group *g;
    int64_t row;

    OK(group_open(&p->core, id, &g, &err));
    OK(core_begin(&p->core, true, &err));
    OK(intent_queue(&p->core, g, kind, data, &row, &err));
    OK(core_commit(&p->core, &err));
    group_close(&p->core, g);
}

static void queue_attribute(struct peer *p, const uint8_t id[16], const char *field, const char *value)
{
    struct buf data = BUF_INIT;

    metadata_intent_write(field, value, &data);
    queue(p, id, STORE_INTENT_METADATA_UPDATE, buf_slice(&data));
    buf_free(&data);
}

static void queue_text(struct peer *p, const uint8_t id[16], const char *text, uint8_t message[32])
{
    const struct send_options later = {.optimistic = true};
    struct bytes content = {0};
    enum send_status status = SEND_FAILED;

    OK(content_text(text, &content, &err));
    OK(group_send(&p->core, id, bytes_slice(&content), &later, message, &status, &err));
    bytes_free(&content);
    assert_int_equal(status, SEND_UNPUBLISHED);
}

static enum store_message_status status_of(struct peer *p, const uint8_t message[32])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    enum store_message_status status;

    OK(store_message_get(p->core.store, slice_of(message, 32), &mem, &row, &err));
    status = row.status;
    store_mem_free(&mem);
    return status;
}

/* The call fails so, and the person is told this. */
#define FAILS(call, with, sentence)                                                                                 \
    do {                                                                                                            \
        err = (struct err){0};                                                                                      \
        assert_int_equal(call, with);                                                                               \
        assert_int_equal(err.code, with);                                                                           \
        assert_string_equal(err.text, sentence);                                                                    \
    } while (0)

/* ---- what others would refuse ---- */

/* Given up at once, with the reason, and nothing of it has left. */
static void assert_refused(struct stage *s, struct peer *by, enum store_intent_kind kind, size_t ledger)
{
    assert_int_equal(by->api.sends, 0);
    assert_int_equal(ledger_size(s->w), ledger);
    assert_intent(by, s->id, kind, STORE_INTENT_ERROR, 0);
    forget_given_up(by, s->id);
}

static void not_permitted(struct world *w)
{
    struct stage s;
    struct core *alix, *bo;
    const char *alix_id, *bo_id;
    size_t ledger;

    set_up_stage(w, &s);
    alix = &s.alix->core, bo = &s.bo->core;
    alix_id = alix->self.inbox_id, bo_id = bo->self.inbox_id;
    ledger = ledger_size(w);
#define REFUSED(by, kind, call, sentence)                                                                           \
    do {                                                                                                            \
        FAILS(call, ERR_DENIED, sentence);                                                                          \
        assert_refused(&s, by, kind, ledger);                                                                       \
    } while (0)
    REFUSED(s.bo, STORE_INTENT_METADATA_UPDATE, group_update_attribute(bo, s.id, ATTR_NAME, "no", &err),
            "changing the attribute group_name is not permitted");
    REFUSED(s.bo, STORE_INTENT_UPDATE_ADMIN_LIST, group_update_admin(bo, s.id, ADMIN_ADD, bo_id, &err),
            "adding admins is not permitted");
    REFUSED(s.bo, STORE_INTENT_UPDATE_ADMIN_LIST, group_update_admin(bo, s.id, SUPER_ADMIN_ADD, bo_id, &err),
            "adding super admins is not permitted");
    REFUSED(s.bo, STORE_INTENT_UPDATE_PERMISSION,
            group_update_permission(bo, s.id, PERMIT_ADD_MEMBER, NULL, POLICY_ALLOW, &err),
            "changing permissions is not permitted");
    REFUSED(s.bo, STORE_INTENT_UPDATE_MEMBERSHIP, group_remove_members(bo, s.id, &alix_id, 1, &err),
            "removing members is not permitted");
    REFUSED(s.alix, STORE_INTENT_UPDATE_ADMIN_LIST,
            group_update_admin(alix, s.id, SUPER_ADMIN_REMOVE, alix_id, &err),
            "removing super admins, or the last one, is not permitted");
#undef REFUSED
    assert_string_equal(name_of(s.bo, s.id), "old");
    assert_usable(&s);
}

static void a_change_that_others_would_refuse_is_not_sent_and_the_person_hears_why(void **state)
{
    world_run(*state, not_permitted);
}

/* Who is added without being permitted to is not invited either. */
static void not_invited(struct world *w)
{
    struct peer *caro = world_installation(w, 3);
    const char *caro_id = caro->core.self.inbox_id;
    struct stage s;
    size_t ledger, welcomes;

    set_up_stage(w, &s);
    ledger = ledger_size(w);
    welcomes = fake_node_welcomes(w->node);
    FAILS(group_add_members(&s.bo->core, s.id, &caro_id, 1, &err), ERR_DENIED,
          "adding members is not permitted");
    assert_refused(&s, s.bo, STORE_INTENT_UPDATE_MEMBERSHIP, ledger);
    assert_int_equal(fake_node_welcomes(w->node), welcomes);
    assert_usable(&s);
    /* Alix may. */
    OK(group_add_members(&s.alix->core, s.id, &caro_id, 1, &err));
    peer_sync(caro);
    peer_sync(s.bo);
    assert_same_epoch(s.bo, caro, s.id);
}

static void somebody_who_may_not_be_added_is_not_invited(void **state)
{
    world_run(*state, not_invited);
}

/* ---- what cannot be built ---- */

static void no_key_package(struct world *w)
{
    struct peer *caro = world_installation(w, 3);
    const char *caro_id = caro->core.self.inbox_id;
    struct mls_key_package_bundle expired = {0};
    struct ed25519_key key;
    struct stage s;
    size_t ledger;

    ed25519_from_seed(caro->core.self.seed, &key);
    OK(key_package_create(&key, caro_id, 1000, caro->core.rand, &expired, &err));
    OK(node_upload_key_package(caro->core.api, bytes_slice(&expired.data), &err));
    set_up_stage(w, &s);
    ledger = ledger_size(w);
    FAILS(group_add_members(&s.alix->core, s.id, &caro_id, 1, &err), ERR_NOTFOUND,
          "adding members: building a commit: none of the installations to be added can be reached: "
          "their key packages are missing or bad");
    assert_refused(&s, s.alix, STORE_INTENT_UPDATE_MEMBERSHIP, ledger);
    assert_int_equal(s.alix->api.sends, 0);
    assert_usable(&s);
    mls_key_package_bundle_wipe(&expired);
    ed25519_wipe(&key);
}

static void somebody_who_cannot_be_reached_is_not_added_and_not_tried_again(void **state)
{
    world_run(*state, no_key_package);
}

/* A name that is longer than others let pass, as another program of this home might have queued it. */
static void too_long(struct world *w)
{
    char name[200] = {0};
    struct stage s;
    size_t ledger;

    memset(name, 'x', 101);
    set_up_stage(w, &s);
    ledger = ledger_size(w);
    queue_attribute(s.alix, s.id, ATTR_NAME, name);
    FAILS(group_sync(&s.alix->core, s.id, NULL, &err), ERR_TOOBIG,
          "attribute group_name has 101 bytes, the limit is 100");
    assert_refused(&s, s.alix, STORE_INTENT_METADATA_UPDATE, ledger);
    assert_usable(&s);
}

static void what_is_longer_than_others_let_pass_is_given_up_at_once(void **state)
{
    world_run(*state, too_long);
}

/* Of these nobody knows whether a later try would do better: three tries. */
static void three_tries(struct world *w)
{
    struct buf nonsense = BUF_INIT, version = BUF_INIT;
    struct stage s;
    size_t ledger;

    set_up_stage(w, &s);
    metadata_intent_write(ATTR_MIN_VERSION, "soon", &nonsense);
    metadata_intent_write(ATTR_MIN_VERSION, "99.0.0", &version);
    const struct {
        enum store_intent_kind kind;
        struct slice data;
        int with;
        const char *sentence;
    } cases[] = {
        {STORE_INTENT_METADATA_UPDATE, slice_str("\x05?"), ERR_CORRUPT,
         "building a commit: a queued change of metadata does not decode"},
        {STORE_INTENT_UPDATE_MEMBERSHIP, slice_str("??"), ERR_CORRUPT,
         "building a commit: a queued membership change does not decode"},
        {STORE_INTENT_READD_INSTALLATIONS, slice_str("?"), ERR_UNSUPPORTED,
         "building a commit: intents of kind 7 are not for us"},
        {STORE_INTENT_METADATA_UPDATE, buf_slice(&nonsense), ERR_MALFORMED, "the minimum version does not parse"},
        {STORE_INTENT_METADATA_UPDATE, buf_slice(&version), ERR_PAUSED, "the group wants version 99.0.0"},
    };

    ledger = ledger_size(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        queue(s.alix, s.id, cases[i].kind, cases[i].data);
        for (unsigned attempt = 1; attempt <= 3; attempt++) {
            FAILS(group_sync(&s.alix->core, s.id, NULL, &err), cases[i].with, cases[i].sentence);
            assert_intent(s.alix, s.id, cases[i].kind, attempt < 3 ? STORE_INTENT_TO_PUBLISH : STORE_INTENT_ERROR,
                          attempt < 3 ? attempt : 2);
        }
        OK(group_sync(&s.alix->core, s.id, NULL, &err));
        forget_given_up(s.alix, s.id);
    }
    assert_int_equal(s.alix->api.sends, 0);
    assert_int_equal(ledger_size(w), ledger);
    assert_usable(&s);
    buf_free(&nonsense);
    buf_free(&version);
}

static void what_cannot_be_built_is_given_up_after_three_tries(void **state)
{
    world_run(*state, three_tries);
}

/* ---- what the node refuses ---- */

static void refused_commit(struct world *w)
{
    struct stage s;
    size_t ledger;

    set_up_stage(w, &s);
    ledger = ledger_size(w);
    s.alix->api.refuse_messages = true;
    FAILS(group_update_attribute(&s.alix->core, s.id, ATTR_NAME, "no", &err), ERR_REMOTE, "the node refuses");
    assert_int_equal(s.alix->api.sends, 3);
    assert_intent(s.alix, s.id, STORE_INTENT_METADATA_UPDATE, STORE_INTENT_ERROR, 2);
    assert_int_equal(ledger_size(w), ledger);
    s.alix->api.refuse_messages = false;
    assert_string_equal(name_of(s.alix, s.id), "old");
    forget_given_up(s.alix, s.id);
    assert_usable(&s);
}

static void a_change_that_the_node_refuses_three_times_is_given_up(void **state)
{
    world_run(*state, refused_commit);
}

/* Refused twice, be it the node or the size of the request, and then taken: it was worth the third try. */
static void refused_for_a_while(struct world *w)
{
    struct stage s;
    size_t ledger;

    set_up_stage(w, &s);
    for (unsigned i = 0; i < 2; i++) {
        char name[] = {"ab"[i], 0};
        const char *sentence = i == 0 ? "the node refuses" : NULL;

        ledger = ledger_size(w);
        queue_attribute(s.alix, s.id, ATTR_NAME, name);
        for (unsigned attempt = 1; attempt <= 2; attempt++) {
            s.alix->api.refuse_messages = i == 0;
            s.alix->api.request_max = i == 1;
            if (sentence)
                FAILS(group_sync(&s.alix->core, s.id, NULL, &err), ERR_REMOTE, sentence);
            else
                assert_int_equal(group_sync(&s.alix->core, s.id, NULL, &err), ERR_TOOBIG);
            assert_intent(s.alix, s.id, STORE_INTENT_METADATA_UPDATE, STORE_INTENT_TO_PUBLISH, attempt);
        }
        assert_int_equal(ledger_size(w), ledger);
        s.alix->api.refuse_messages = false;
        s.alix->api.request_max = 0;
        OK(group_sync(&s.alix->core, s.id, NULL, &err));
        assert_intents(s.alix, s.id, NULL, 0);
        assert_int_equal(ledger_size(w), ledger + 1);
        peer_sync(s.bo);
        assert_string_equal(name_of(s.bo, s.id), name);
    }
    assert_usable(&s);
}

static void a_change_that_the_node_refuses_twice_is_made_with_the_third_try(void **state)
{
    world_run(*state, refused_for_a_while);
}

/* One who is to be added needs key packages, and the node gives none out. */
static void refused_packages(struct world *w)
{
    struct peer *caro = world_installation(w, 3);
    const char *caro_id = caro->core.self.inbox_id;
    struct stage s;
    size_t ledger;

    set_up_stage(w, &s);
    ledger = ledger_size(w);
    s.alix->api.refuse_packages = true;
    FAILS(group_add_members(&s.alix->core, s.id, &caro_id, 1, &err), ERR_REMOTE,
          "adding members: building a commit: no key packages for you");
    assert_intent(s.alix, s.id, STORE_INTENT_UPDATE_MEMBERSHIP, STORE_INTENT_ERROR, 2);
    assert_int_equal(s.alix->api.sends, 0);
    assert_int_equal(ledger_size(w), ledger);
    forget_given_up(s.alix, s.id);
    assert_usable(&s); /* though the node gives out none still */
    s.alix->api.refuse_packages = false;
    OK(group_add_members(&s.alix->core, s.id, &caro_id, 1, &err));
    peer_sync(caro);
    assert_same_epoch(s.alix, caro, s.id);
}

static void somebody_whose_key_packages_the_node_refuses_keeps_no_texts_waiting(void **state)
{
    world_run(*state, refused_packages);
}

/* The same with a new device of somebody who is in: it has no part in the text, and the others have. */
static void refused_device(struct world *w)
{
    struct peer *bo2;
    struct stage s;

    set_up_stage(w, &s);
    bo2 = world_installation(w, 2);
    peer_advance(s.alix, 10);
    s.alix->api.refuse_packages = true;
    peer_send(s.alix, s.id, "first");
    peer_sync(s.alix);
    assert_intent(s.alix, s.id, STORE_INTENT_UPDATE_MEMBERSHIP, STORE_INTENT_ERROR, 2);
    forget_given_up(s.alix, s.id);
    s.alix->api.refuse_packages = false;
    peer_advance(s.alix, 10);
    peer_send(s.alix, s.id, "second");
    peer_sync(s.bo);
    peer_sync(bo2);
    assert_string_equal(peer_texts(s.bo, s.id), "first|second");
    assert_string_equal(peer_texts(bo2, s.id), "second");
    assert_same_epoch(s.bo, bo2, s.id);
}

static void a_device_whose_key_package_the_node_refuses_keeps_no_texts_waiting(void **state)
{
    world_run(*state, refused_device);
}

static void refused_text(struct world *w)
{
    uint8_t message[32];
    struct stage s;
    size_t ledger;

    set_up_stage(w, &s);
    for (unsigned i = 0; i < 2; i++) { /* by the node; as too big for any request */
        ledger = ledger_size(w);
        queue_text(s.alix, s.id, "never", message);
        s.alix->api.refuse_messages = i == 0;
        s.alix->api.request_max = i == 1;
        for (unsigned attempt = 1; attempt <= 3; attempt++) {
            s.alix->events[CORE_MESSAGE_STATUS] = 0;
            assert_int_equal(group_sync(&s.alix->core, s.id, NULL, &err), i == 0 ? ERR_REMOTE : ERR_TOOBIG);
            assert_intent(s.alix, s.id, STORE_INTENT_SEND_MESSAGE,
                          attempt < 3 ? STORE_INTENT_TO_PUBLISH : STORE_INTENT_ERROR, attempt < 3 ? attempt : 2);
            assert_int_equal(status_of(s.alix, message), attempt < 3 ? STORE_UNPUBLISHED : STORE_FAILED);
            assert_int_equal(s.alix->events[CORE_MESSAGE_STATUS], attempt < 3 ? 0 : 1);
        }
        assert_int_equal(ledger_size(w), ledger);
        forget_given_up(s.alix, s.id);
        s.alix->api.refuse_messages = false;
        s.alix->api.request_max = 0;
        snprintf(s.texts, sizeof s.texts, "%s", peer_texts(s.bo, s.id));
    }
    peer_send(s.alix, s.id, "on");
    peer_sync(s.bo);
    assert_string_equal(peer_texts(s.bo, s.id), "on");
}

static void a_text_that_the_node_refuses_three_times_has_failed_and_its_writer_sees_it(void **state)
{
    world_run(*state, refused_text);
}

/* ---- what passes ---- */

/* Every call of a change fails once, before or after its work, over and over: none counts. */
static void away(struct world *w)
{
    struct peer *caro = world_installation(w, 3);
    const char *caro_id = caro->core.self.inbox_id;
    struct stage s;
    size_t waiting;
    int r = ERR_OFFLINE;

    set_up_stage(w, &s);
    s.alix->api.away_after = 2; /* the logs were read; key packages are not */
    FAILS(group_add_members(&s.alix->core, s.id, &caro_id, 1, &err), ERR_OFFLINE,
          "adding members: building a commit: the node is away");
    for (unsigned i = 0; i < 5; i++) {
        assert_intent(s.alix, s.id, STORE_INTENT_UPDATE_MEMBERSHIP, STORE_INTENT_TO_PUBLISH, 0);
        OK(outbox_size(&s.alix->core, &waiting, &err));
        assert_int_equal(waiting, 1);
        FAILS(group_sync(&s.alix->core, s.id, NULL, &err), ERR_OFFLINE, "building a commit: the node is away");
    }
    s.alix->api.offline = false;
    for (unsigned i = 0; i < 20 && r != 0; i++) {
        s.alix->api.fail_call = 1 + i / 2;
        s.alix->api.fail_after = i % 2;
        r = group_sync(&s.alix->core, s.id, NULL, &err);
        assert_true(r == 0 || r == ERR_OFFLINE);
        s.alix->api.fail_call = 0;
    }
    OK(group_sync(&s.alix->core, s.id, NULL, &err));
    assert_intents(s.alix, s.id, NULL, 0);
    peer_sync(caro);
    peer_sync(s.bo);
    assert_same_epoch(s.alix, caro, s.id);
    assert_usable(&s);
}

static void a_change_waits_for_the_network_as_long_as_it_takes(void **state)
{
    world_run(*state, away);
}

static void away_with_a_text(struct world *w)
{
    uint8_t message[32];
    struct stage s;

    set_up_stage(w, &s);
    queue_text(s.alix, s.id, "at last", message);
    for (unsigned i = 0; i < 5; i++) {
        s.alix->api.fail_call = 1; /* sending fails, reading works */
        assert_int_equal(group_sync(&s.alix->core, s.id, NULL, &err), ERR_OFFLINE);
        assert_intent(s.alix, s.id, STORE_INTENT_SEND_MESSAGE, STORE_INTENT_TO_PUBLISH, 0);
        assert_int_equal(status_of(s.alix, message), STORE_UNPUBLISHED);
    }
    OK(group_sync(&s.alix->core, s.id, NULL, &err));
    snprintf(s.texts, sizeof s.texts, "at last");
    assert_usable(&s);
}

static void a_text_waits_for_the_network_as_long_as_it_takes(void **state)
{
    world_run(*state, away_with_a_text);
}

/* Publishes with memory that runs out a little later each time, until it lasts. */
static void publish_without_memory(struct peer *p, const uint8_t id[16], enum store_intent_kind kind)
{
    struct group *g;
    int r = ERR_NOMEM;

    for (unsigned n = 1; r != 0; n++) {
        OK(group_open(&p->core, id, &g, &err));
        alloc_fail_after(n);
        r = intents_publish(&p->core, g, NULL, &err);
        alloc_fail_after(0);
        if (r != 0) {
            if (r != ERR_NOMEM)
                fail_msg("allocation %u: %s: %s", n, err_name(r), err.text);
            OK(group_receive(&p->core, g, NULL, &err));
            assert_intent(p, id, kind, STORE_INTENT_TO_PUBLISH, 0);
        }
        group_close(&p->core, g);
    }
}

static void no_memory(struct world *w)
{
    struct peer *caro = world_installation(w, 3);
    const char *caro_id = caro->core.self.inbox_id;
    struct membership_intent adding = {0};
    uint64_t latest;
    struct buf data[5] = {BUF_INIT};
    struct stage s;

    set_up_stage(w, &s);
    OK(inbox_load(&s.alix->core, &caro_id, 1, &err));
    OK(inbox_latest(&s.alix->core, caro_id, &latest, &err));
    OK(group_membership_set(&adding.updates, caro_id, latest));
    metadata_intent_write(ATTR_NAME, "new", &data[0]);
    membership_intent_write(&adding, &data[1]);
    admin_intent_write(ADMIN_ADD, s.bo->core.self.inbox_id, &data[2]);
    permission_intent_write(PERMIT_METADATA, "fresh", POLICY_ALLOW, &data[3]);
    static const enum store_intent_kind kinds[] = {STORE_INTENT_METADATA_UPDATE, STORE_INTENT_UPDATE_MEMBERSHIP,
                                                   STORE_INTENT_UPDATE_ADMIN_LIST, STORE_INTENT_UPDATE_PERMISSION,
                                                   STORE_INTENT_KEY_UPDATE};
    for (size_t i = 0; i < 5; i++) {
        size_t ledger = ledger_size(w);

        queue(s.alix, s.id, kinds[i], buf_slice(&data[i]));
        publish_without_memory(s.alix, s.id, kinds[i]);
        assert_int_equal(ledger_size(w), ledger + 1);
        peer_sync(s.alix);
        assert_intents(s.alix, s.id, NULL, 0);
        buf_free(&data[i]);
    }
    peer_sync(caro);
    assert_usable(&s);
    peer_sync(caro);
    assert_same_epoch(s.alix, caro, s.id);
    group_membership_free(&adding.updates);
}

static void memory_that_runs_out_counts_as_no_try(void **state)
{
    world_run(*state, no_memory);
}

/* ---- others behind it, and others before ---- */

static void behind(struct world *w)
{
    uint8_t message[32];
    struct stage s;

    set_up_stage(w, &s);
    queue_attribute(s.bo, s.id, ATTR_NAME, "no");
    queue_text(s.bo, s.id, "yes", message);
    FAILS(group_sync(&s.bo->core, s.id, NULL, &err), ERR_DENIED,
          "changing the attribute group_name is not permitted");
    assert_int_equal(status_of(s.bo, message), STORE_PUBLISHED);
    assert_int_equal(s.bo->api.sends, 1);
    forget_given_up(s.bo, s.id);
    /* The same where the person writes the text just now. */
    queue_attribute(s.bo, s.id, ATTR_NAME, "no");
    peer_send(s.bo, s.id, "at once");
    snprintf(s.texts, sizeof s.texts, "yes|at once");
    assert_usable(&s);
}

static void a_change_that_is_given_up_keeps_no_text_waiting(void **state)
{
    world_run(*state, behind);
}

/* Two changes that waited: the second is made for the epoch that the first leads to. */
static void one_by_one(struct world *w)
{
    struct stage s;
    size_t ledger;

    set_up_stage(w, &s);
    ledger = ledger_size(w);
    queue_attribute(s.alix, s.id, ATTR_NAME, "first");
    queue_attribute(s.alix, s.id, ATTR_NAME, "second");
    OK(group_sync(&s.alix->core, s.id, NULL, &err));
    assert_int_equal(ledger_size(w), ledger + 2);
    assert_intents(s.alix, s.id, NULL, 0);
    assert_usable(&s);
    assert_string_equal(name_of(s.bo, s.id), "second");
}

static void a_second_change_waits_for_the_first(void **state)
{
    world_run(*state, one_by_one);
}

/* The node refuses the first try, and Bo is faster with all the others. */
static void bo_is_faster(void *ctx)
{
    struct stage *s = ctx;

    s->alix->api.refuse_messages = s->alix->api.sends == 1;
    s->alix->api.before_send = bo_is_faster;
    OK(group_update_key(&s->bo->core, s->id, &err));
}

static bool no_waiting;

static void let_waits_end(void *ctx)
{
    while (no_waiting)
        world_let_timers_end(ctx);
}

static void always_late(struct world *w)
{
    struct stage s;
    int r;

    set_up_stage(w, &s);
    no_waiting = true;
    OK(fiber_start(let_waits_end, w, &err));
    s.alix->api.before_send = bo_is_faster;
    s.alix->api.before_send_ctx = &s;
    r = group_update_attribute(&s.alix->core, s.id, ATTR_NAME, "new", &err);
    no_waiting = false;
    assert_int_equal(r, ERR_CONFLICT);
    assert_string_equal(err.text, "others keep changing this conversation: try again");
    s.alix->api.before_send = NULL;
    assert_intent(s.alix, s.id, STORE_INTENT_METADATA_UPDATE, STORE_INTENT_TO_PUBLISH, 1);
    peer_sync(s.alix);
    assert_usable(&s);
    assert_string_equal(name_of(s.bo, s.id), "new");
}

static void who_is_always_late_hears_that_and_not_what_was_wrong_before(void **state)
{
    world_run(*state, always_late);
}

/* Bo was made an admin and has not heard of it. */
static void promoted(struct world *w)
{
    const char *bo_id;
    struct stage s;

    set_up_stage(w, &s);
    bo_id = s.bo->core.self.inbox_id;
    OK(group_update_admin(&s.alix->core, s.id, ADMIN_ADD, bo_id, &err));
    OK(group_update_attribute(&s.bo->core, s.id, ATTR_NAME, "new", &err));
    assert_int_equal(s.bo->api.sends, 1);
    peer_sync(s.alix);
    assert_string_equal(name_of(s.alix, s.id), "new");
    assert_usable(&s);
    /* What he may not do any more is no reason to think so either. */
    OK(group_update_admin(&s.alix->core, s.id, ADMIN_REMOVE, bo_id, &err));
    FAILS(group_update_attribute(&s.bo->core, s.id, ATTR_NAME, "no", &err), ERR_DENIED,
          "changing the attribute group_name is not permitted");
    assert_intent(s.bo, s.id, STORE_INTENT_METADATA_UPDATE, STORE_INTENT_ERROR, 0);
    forget_given_up(s.bo, s.id);
    assert_string_equal(name_of(s.alix, s.id), "new");
    assert_usable(&s);
    /* Something else has happened that he has not heard of. */
    OK(group_update_key(&s.alix->core, s.id, &err));
    s.bo->api.sends = 0;
    FAILS(group_update_attribute(&s.bo->core, s.id, ATTR_NAME, "no", &err), ERR_DENIED,
          "changing the attribute group_name is not permitted");
    assert_refused(&s, s.bo, STORE_INTENT_METADATA_UPDATE, ledger_size(w));
    assert_usable(&s);
}

static void somebody_who_may_do_it_by_now_is_not_refused_for_what_was(void **state)
{
    world_run(*state, promoted);
}

/* The ledger cannot be read just then: nobody knows whether it is refused. */
static void promoted_and_away(struct world *w)
{
    struct stage s;

    set_up_stage(w, &s);
    OK(group_update_admin(&s.alix->core, s.id, ADMIN_ADD, s.bo->core.self.inbox_id, &err));
    queue_attribute(s.bo, s.id, ATTR_NAME, "new");
    s.bo->api.fail_call = 1;
    assert_int_equal(group_sync(&s.bo->core, s.id, NULL, &err), ERR_OFFLINE);
    assert_intent(s.bo, s.id, STORE_INTENT_METADATA_UPDATE, STORE_INTENT_TO_PUBLISH, 0);
    OK(group_sync(&s.bo->core, s.id, NULL, &err));
    assert_usable(&s);
    assert_string_equal(name_of(s.alix, s.id), "new");
}

static void nobody_is_refused_before_the_ledger_was_read(void **state)
{
    world_run(*state, promoted_and_away);
}

/* Bo was taken out and has not heard of it, when he asks for something that he might, or might not, have done. */
static void taken_out(struct world *w)
{
    enum send_status status;
    uint8_t message[32];
    const char *bo_id;
    struct stage s;
    size_t waiting;

    set_up_stage(w, &s);
    bo_id = s.bo->core.self.inbox_id;
    for (unsigned i = 0; i < 4; i++) {
        bool was_admin = i % 2, queued = i / 2;

        if (was_admin)
            OK(group_update_admin(&s.alix->core, s.id, ADMIN_ADD, bo_id, &err));
        peer_sync(s.bo);
        OK(group_remove_members(&s.alix->core, s.id, &bo_id, 1, &err));
        if (queued)
            queue_attribute(s.bo, s.id, ATTR_NAME, "no");
        if (!queued || !was_admin)
            FAILS(queued ? group_sync(&s.bo->core, s.id, NULL, &err)
                         : group_update_attribute(&s.bo->core, s.id, ATTR_NAME, "no", &err),
                  ERR_STATE, "you are not in this conversation any more");
        else
            OK(group_sync(&s.bo->core, s.id, NULL, &err)); /* he reads it after he has sent */
        assert_intent(s.bo, s.id, STORE_INTENT_METADATA_UPDATE, STORE_INTENT_ERROR, 0);
        OK(outbox_size(&s.bo->core, &waiting, &err));
        assert_int_equal(waiting, 0);
        forget_given_up(s.bo, s.id);
        FAILS(group_send(&s.bo->core, s.id, slice_str("x"), NULL, message, &status, &err), ERR_STATE,
              "you are not in this conversation any more");
        peer_sync(s.alix);
        assert_string_equal(name_of(s.alix, s.id), "old");
        /* Asked in again, and everything goes on. */
        OK(group_add_members(&s.alix->core, s.id, &bo_id, 1, &err));
        peer_sync(s.bo);
        assert_usable(&s);
        if (was_admin)
            OK(group_update_admin(&s.alix->core, s.id, ADMIN_REMOVE, bo_id, &err));
    }
}

static void who_was_taken_out_meanwhile_hears_that_and_not_to_try_again(void **state)
{
    world_run(*state, taken_out);
}

/* What Bo wrote while he was away will reach nobody: he sees that, and it does not count as waiting for ever. */
static void taken_out_with_a_text(struct world *w)
{
    uint8_t message[32];
    const char *bo_id;
    struct stage s;
    size_t waiting;

    set_up_stage(w, &s);
    bo_id = s.bo->core.self.inbox_id;
    queue_text(s.bo, s.id, "too late", message);
    OK(group_remove_members(&s.alix->core, s.id, &bo_id, 1, &err));
    s.bo->events[CORE_MESSAGE_STATUS] = 0;
    OK(group_publish(&s.bo->core, s.id, NULL, &err)); /* as the outbox does: it reads first */
    assert_int_equal(status_of(s.bo, message), STORE_FAILED);
    assert_int_equal(s.bo->events[CORE_MESSAGE_STATUS], 1);
    assert_intent(s.bo, s.id, STORE_INTENT_SEND_MESSAGE, STORE_INTENT_ERROR, 0);
    OK(outbox_size(&s.bo->core, &waiting, &err));
    assert_int_equal(waiting, 0);
    /* Asked in again, he starts afresh. */
    OK(group_add_members(&s.alix->core, s.id, &bo_id, 1, &err));
    peer_sync(s.bo);
    assert_int_equal(status_of(s.bo, message), STORE_FAILED);
    peer_sync(s.alix);
    assert_string_equal(peer_texts(s.alix, s.id), "");
}

static void a_text_of_somebody_who_was_taken_out_has_failed(void **state)
{
    world_run(*state, taken_out_with_a_text);
}

/* What was sent is damaged on our disk before it comes back. */
static int damage(void *ctx, const struct store_intent *row)
{
    struct store *store = ((struct stage *)ctx)->alix->core.store;
    uint8_t hash[32];

    memcpy(hash, row->payload_hash.data, sizeof hash);
    OK(store_intent_set_to_publish(store, row->id, false, 0, &err));
    OK(store_intent_set_published(store, row->id, slice_of(hash, 32), slice_str("?"), slice_of(NULL, 0),
                                  row->published_epoch, &err));
    return 1;
}

static void damage_published(void *ctx)
{
    struct stage *s = ctx;

    assert_int_equal(store_intents_each(s->alix->core.store, slice_of(s->id, 16),
                                        STORE_INTENT_BIT(STORE_INTENT_PUBLISHED), damage, s, &err),
                     1);
}

static void damaged(struct world *w)
{
    struct stage s;

    set_up_stage(w, &s);
    s.alix->api.before_send = damage_published;
    s.alix->api.before_send_ctx = &s;
    FAILS(group_update_attribute(&s.alix->core, s.id, ATTR_NAME, "new", &err), ERR_DENIED,
          "this change was sent, but cannot be followed here");
    assert_int_equal(s.alix->api.sends, 1);
    assert_intent(s.alix, s.id, STORE_INTENT_METADATA_UPDATE, STORE_INTENT_ERROR, 0);
}

static void a_change_that_was_sent_and_cannot_be_followed_is_told_of(void **state)
{
    world_run(*state, damaged);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_change_that_others_would_refuse_is_not_sent_and_the_person_hears_why),
        TEST(somebody_who_may_not_be_added_is_not_invited),
        TEST(somebody_who_cannot_be_reached_is_not_added_and_not_tried_again),
        TEST(what_is_longer_than_others_let_pass_is_given_up_at_once),
        TEST(what_cannot_be_built_is_given_up_after_three_tries),
        TEST(a_change_that_the_node_refuses_three_times_is_given_up),
        TEST(a_change_that_the_node_refuses_twice_is_made_with_the_third_try),
        TEST(somebody_whose_key_packages_the_node_refuses_keeps_no_texts_waiting),
        TEST(a_device_whose_key_package_the_node_refuses_keeps_no_texts_waiting),
        TEST(a_text_that_the_node_refuses_three_times_has_failed_and_its_writer_sees_it),
        TEST(a_change_waits_for_the_network_as_long_as_it_takes),
        TEST(a_text_waits_for_the_network_as_long_as_it_takes),
        TEST(memory_that_runs_out_counts_as_no_try),
        TEST(a_change_that_is_given_up_keeps_no_text_waiting),
        TEST(a_second_change_waits_for_the_first),
        TEST(who_is_always_late_hears_that_and_not_what_was_wrong_before),
        TEST(somebody_who_may_do_it_by_now_is_not_refused_for_what_was),
        TEST(nobody_is_refused_before_the_ledger_was_read),
        TEST(who_was_taken_out_meanwhile_hears_that_and_not_to_try_again),
        TEST(a_text_of_somebody_who_was_taken_out_has_failed),
        TEST(a_change_that_was_sent_and_cannot_be_followed_is_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
