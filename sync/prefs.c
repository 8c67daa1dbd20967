#include "sync/prefs.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "store/consent.h"
#include "store/groups.h"
#include "store/preferences.h"
#include "sync/content.h"
#include "sync/core.h"
#include "sync/group_create.h"
#include "sync/group_ids.h"
#include "sync/hmac.h"
#include "sync/pref_payload.h"
#include "sync/pref_tasks.h"
#include "sync/receive.h"
#include "sync/send.h"
#include "sync/sync_all.h"
#include "sync/welcome_receive.h"

#include <string.h>

/* An update that the node has refused is sent again after this, then twice, thrice, ... this. */
#define RETRY_NS (5 * NS_PER_S)
#define RETRY_MAX 60
/* Welcomes older than this are fetched before an update is sent, so that it goes to the newest group. */
#define WELCOMES_FRESH_NS (3 * NS_PER_S)

struct prefs {
    struct fiber_lock flush_lock, apply_lock, group_lock;
    bool flush_again;         /* something came while a flush ran */
    bool all_applied;         /* but for what is told of from now on; looking for the rest reads all there is */
    unsigned applied;         /* records applied since the last prefs_sync() asked */
    int64_t welcomes_read_ns; /* last time that a flush fetched welcomes */
};

/* ---- applying what arrived ---- */

struct arrived {
    uint8_t message_id[MESSAGE_ID_LEN];
    uint8_t origin[INSTALLATION_ID_LEN];
    bool from_our_inbox, own_installation;
    struct bytes payload; /* DeviceSyncContent; empty where there is none */
    struct arrived *next;
};

struct arrived_list {
    struct core *core;
    struct arrived *first, **end;
};

/* Copies the row: applying it writes, and that must not happen under an open statement. */
static int collect(void *ctx, const struct store_message *row)
{
    struct arrived_list *list = ctx;
    struct arrived *item = xm_alloc(sizeof *item);

    if (!item)
        return ERR_NOMEM;
    memcpy(item->message_id, row->id.data, MESSAGE_ID_LEN);
    if (row->sender_installation_id.len == INSTALLATION_ID_LEN)
        memcpy(item->origin, row->sender_installation_id.data, INSTALLATION_ID_LEN);
    item->from_our_inbox = strcmp(row->sender_inbox_id, list->core->self.inbox_id) == 0;
    item->own_installation = memcmp(item->origin, list->core->self.installation_id, INSTALLATION_ID_LEN) == 0;
    if (content_device_sync_payload(row->body, &item->payload, NULL) == ERR_NOMEM) {
        xm_free(item);
        return ERR_NOMEM;
    }
    *list->end = item;
    list->end = &item->next;
    return 0;
}

struct applying {
    struct core *core;
    const struct arrived *item;
    int64_t batch;
    size_t count;
    struct err *err;
};

static int apply_update(void *ctx, const struct pref_update *update)
{
    struct applying *a = ctx;
    int r;

    a->count++;
    if (update->kind == PREF_HMAC)
        return hmac_receive_root(a->core, update->hmac_key, update->at_ns, a->err);
    /* Our own decision was written when it was made. */
    if (a->item->own_installation)
        return 0;
    if (!a->batch && (r = store_consent_batch(a->core->store, &a->batch, a->err)) != 0)
        return r;
    return consent_receive(a->core, &update->choice, update->at_ns, a->item->origin, a->item->message_id, a->batch,
                           a->err);
}

/* One message, one transaction.  What cannot be read is done with, too: reading it again would not help. */
static int apply_one(struct core *core, const struct arrived *item, size_t *count, struct err *err)
{
    struct applying a = {.core = core, .item = item, .err = err};
    size_t refused = 0;
    int r;

    if ((r = core_begin(core, false, err)) != 0)
        return r;
    if (item->from_our_inbox && item->payload.len) {
        r = pref_payload_each(bytes_slice(&item->payload), apply_update, &a, &refused, err);
        if (r == ERR_MALFORMED || r == ERR_TOOBIG) {
            log_warn("prefs", "a preference message does not decode and is passed over");
            r = 0;
        }
        if (refused)
            log_warn("prefs", "%zu updates of a preference message make no sense and are passed over", refused);
    } else if (!item->from_our_inbox) {
        log_warn("prefs", "a preference message from a foreign inbox is ignored");
    }
    if (r == 0)
        r = store_device_sync_done(core->store, slice_of(item->message_id, MESSAGE_ID_LEN), core_now_ns(core), err);
    if (r != 0) {
        core_rollback(core);
        hmac_forget(core);
        return r;
    }
    *count += a.count;
    return core_commit(core, err);
}

/* What `message_id` carries, all that is there where it is empty. */
static int apply(struct core *core, struct slice message_id, size_t *updates, struct err *err)
{
    struct arrived_list list = {core, NULL, &list.first};
    size_t count = 0;
    int r = 0;

    fiber_lock_take(&core->prefs->apply_lock);
    if (message_id.len || !core->prefs->all_applied)
        r = store_device_sync_pending(core->store, message_id, collect, &list, err);
    core->prefs->all_applied |= !message_id.len; /* unless it fails, or something is told of meanwhile */
    while (list.first) {
        struct arrived *item = list.first;

        if (r == 0)
            r = apply_one(core, item, &count, err);
        list.first = item->next;
        bytes_wipe(&item->payload);
        xm_free(item);
    }
    if (r != 0)
        core->prefs->all_applied = false;
    fiber_lock_drop(&core->prefs->apply_lock);
    core->prefs->applied += count;
    if (updates)
        *updates = count;
    return r < 0 ? err_wrap(err, r, "applying preferences") : 0;
}

int prefs_apply_stored(struct core *core, size_t *updates, struct err *err)
{
    return apply(core, (struct slice){0}, updates, err);
}

/* ---- the preferences group ---- */

/* The group to write to; made where there is none.  Waits. */
static int primary_group(struct core *core, uint8_t id[GROUP_ID_LEN], struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group group;
    bool unfinished = false;
    int r;

    fiber_lock_take(&core->prefs->group_lock);
    r = store_group_primary_sync(core->store, &mem, &group, err);
    if (r == 0)
        memcpy(id, group.id.data, GROUP_ID_LEN);
    store_mem_free(&mem);
    if (r == ERR_NOTFOUND) {
        r = sync_group_create(core, id, err);
    } else if (r == 0 && (r = sync_group_is_unfinished(core, id, &unfinished, err)) == 0 && unfinished) {
        r = sync_group_finish(core, id, err);
    }
    fiber_lock_drop(&core->prefs->group_lock);
    return r < 0 ? err_wrap(err, r, "preferences group") : 0;
}

/* ---- sending ---- */

struct outgoing {
    int64_t id;
    struct bytes payload;
    unsigned attempts;
    bool queued; /* an intent carries it already, as this message: */
    uint8_t message_id[MESSAGE_ID_LEN];
    struct outgoing *next;
};

struct outgoing_list {
    struct core *core;
    struct outgoing *first, **end;
};

static int collect_outgoing(void *ctx, const struct store_preference *row)
{
    struct outgoing_list *list = ctx;
    struct outgoing *item;

    if (row->next_attempt_ns > core_now_ns(list->core))
        return 0;
    item = xm_alloc(sizeof *item);
    if (!item || bytes_dup(row->payload, &item->payload) != 0) {
        xm_free(item);
        return ERR_NOMEM;
    }
    item->id = row->id;
    item->attempts = row->attempts;
    item->queued = row->message_id.len == MESSAGE_ID_LEN;
    if (item->queued)
        memcpy(item->message_id, row->message_id.data, MESSAGE_ID_LEN);
    *list->end = item;
    list->end = &item->next;
    return 0;
}

static int link_message(struct core *core, void *ctx, const uint8_t message_id[32], struct err *err)
{
    const struct outgoing *item = ctx;

    return store_preference_set_message(core->store, item->id, slice_of(message_id, MESSAGE_ID_LEN), err);
}

static int send_one(struct core *core, const uint8_t group_id[16], struct outgoing *item, struct err *err)
{
    struct send_options options = {
        .no_push = true, .no_consent = true, .also = link_message, .also_ctx = item};
    uint8_t message_id[MESSAGE_ID_LEN];
    enum send_status status = SEND_UNPUBLISHED;
    struct bytes content = {0};
    int r;

    if ((r = content_device_sync(bytes_slice(&item->payload), &content, err)) != 0)
        return r;
    r = group_send(core, group_id, bytes_slice(&content), &options, message_id, &status, err);
    bytes_wipe(&content);
    /* Delivered, it leaves the outbox with the acknowledgement, and comes back as CORE_SYNC_MESSAGE. */
    return r != 0 || status == SEND_PUBLISHED ? r : err_set(err, ERR_OFFLINE, "kept for later");
}

/* An intent carries the update already: does that one still lead to the group that is written to now?  Where it
 * was given up, or waits in an older group, which somebody new may not be in, the update starts again;
 * readers count it once. */
static int look_after(struct core *core, const uint8_t group_id[16], struct outgoing *item, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    int64_t due = 0;
    int r = store_message_get(core->store, slice_of(item->message_id, MESSAGE_ID_LEN), &mem, &row, err);

    if (r != 0 && r != ERR_NOTFOUND)
        goto done;
    if (r == 0 && row.status != STORE_FAILED && slice_eq(row.group_id, slice_of(group_id, GROUP_ID_LEN))) {
        r = group_publish(core, group_id, NULL, err);
        goto done;
    }
    if (r == 0 && row.status == STORE_FAILED)
        due = core_now_ns(core) + (item->attempts < RETRY_MAX ? item->attempts + 1 : RETRY_MAX) * RETRY_NS;
    if ((r = store_preference_retry(core->store, item->id, due, err)) == 0 && !due)
        r = send_one(core, group_id, item, err);
done:
    store_mem_free(&mem);
    return r;
}

static int flush_once(struct core *core, struct err *err)
{
    struct outgoing_list list = {core, NULL, &list.first};
    uint8_t group_id[GROUP_ID_LEN];
    bool have_group = false;
    int r = store_preferences_each(core->store, collect_outgoing, &list, err);

    while (list.first) {
        struct outgoing *item = list.first;

        if (r == 0 && !have_group) {
            r = primary_group(core, group_id, err);
            have_group = r == 0;
        }
        if (r == 0 && item->queued)
            r = look_after(core, group_id, item, err);
        else if (r == 0)
            r = send_one(core, group_id, item, err);
        list.first = item->next;
        bytes_wipe(&item->payload);
        xm_free(item);
    }
    return r;
}

/* The newest group is the one that a newly registered installation of ours made. */
static void refresh_welcomes(struct core *core)
{
    int64_t began = core_now_ns(core);

    if (!core_is_past(core, core->prefs->welcomes_read_ns, WELCOMES_FRESH_NS))
        return;
    if (welcomes_sync(core, NULL, NULL) == 0)
        core->prefs->welcomes_read_ns = began;
}

int prefs_flush(struct core *core, struct err *err)
{
    struct prefs *prefs = core->prefs;
    int64_t waiting = 0;
    int r;

    if (core->offline || !core->self.registered)
        return err_set(err, ERR_OFFLINE, "no network");
    fiber_lock_take(&prefs->flush_lock);
    do {
        prefs->flush_again = false;
        r = store_preferences_count(core->store, &waiting, err);
        if (r == 0 && waiting) {
            refresh_welcomes(core);
            r = flush_once(core, err);
        }
    } while (r == 0 && prefs->flush_again && !core->closing);
    fiber_lock_drop(&prefs->flush_lock);
    return r < 0 ? err_wrap(err, r, "sending preferences") : 0;
}

static void flush_fiber(struct core *core, void *ctx)
{
    struct err err = {0};

    (void)ctx;
    if (prefs_flush(core, &err) != 0)
        log_warn("prefs", "%s", err.text);
}

static void kick_flush(struct core *core)
{
    if (core->prefs->flush_lock.held)
        core->prefs->flush_again = true;
    else if (!core->offline && core->self.registered)
        core_spawn(core, flush_fiber, NULL, NULL);
}

/* ---- calls ---- */

struct syncing {
    struct group_ids list;
    int failed;
    struct err *err;
};

static void sync_one(struct core *core, void *ctx, size_t i)
{
    struct syncing *s = ctx;
    struct err err = {0};
    int r = group_sync(core, s->list.at[i], NULL, &err);

    if (r == 0)
        return;
    log_warn("prefs", "reading a preferences group: %s", err.text);
    /* One of long ago that cannot be read any more does not make every later sync a failure. */
    if (s->failed || r == ERR_STATE || r == ERR_CORRUPT)
        return;
    s->failed = r;
    if (s->err)
        *s->err = err;
}

int prefs_sync(struct core *core, size_t *updates, struct err *err)
{
    struct syncing s = {.err = err};
    int r, applied;

    core->prefs->applied = 0;
    if ((r = welcomes_sync(core, NULL, err)) != 0)
        return r;
    core->prefs->welcomes_read_ns = core_now_ns(core);
    r = store_groups_each(core->store, STORE_TYPE_BIT(STORE_SYNC), group_ids_add_trusted, &s.list, err);
    if (r == 0)
        r = sync_groups_with_news(core, s.list.at, s.list.n, sync_one, &s, NULL, err);
    group_ids_free(&s.list);
    /* What the others brought counts, even where one group could not be read. */
    r = r ? r : s.failed;
    applied = prefs_apply_stored(core, NULL, r ? NULL : err);
    if (updates)
        *updates = core->prefs->applied;
    return r ? r : applied;
}

static void apply_fiber(struct core *core, void *ctx)
{
    const struct core_event *event = ctx; /* gone when this fiber has waited */
    uint8_t message_id[MESSAGE_ID_LEN];
    struct err err = {0};

    memcpy(message_id, event->message_id, sizeof message_id);
    if (apply(core, slice_of(message_id, sizeof message_id), NULL, &err) != 0)
        log_warn("prefs", "%s", err.text);
}

static void on_event(void *ctx, const struct core_event *event)
{
    struct core_event appeared, told;
    struct core *core = ctx;

    switch (event->kind) {
    case CORE_SYNC_WELCOME:
        core->prefs->all_applied = false; /* what it had while it was not trusted counts now */
        appeared = *event;
        appeared.kind = CORE_PREFERENCES;
        core_emit(core, &appeared);
        pref_tasks_kick(core);
        break;
    case CORE_SYNC_MESSAGE:
        told = *event;
        if (core_spawn(core, apply_fiber, &told, NULL) != 0)
            core->prefs->all_applied = false;
        break;
    case CORE_OUTBOX:
        kick_flush(core);
        break;
    default:
        break;
    }
}

static void start_fiber(struct core *core, void *ctx)
{
    uint8_t id[GROUP_ID_LEN];
    struct err err = {0};

    (void)ctx;
    if (primary_group(core, id, &err) != 0)
        log_warn("prefs", "%s", err.text);
    else if (prefs_apply_stored(core, NULL, &err) != 0 || pref_tasks_run(core, &err) != 0 ||
             prefs_flush(core, &err) != 0)
        log_warn("prefs", "%s", err.text);
}

void prefs_start(struct core *core)
{
    if (!core->offline && core->self.registered)
        core_spawn(core, start_fiber, NULL, NULL);
}

int prefs_new(struct core *core, struct err *err)
{
    core->prefs = xm_alloc(sizeof *core->prefs);
    if (!core->prefs)
        return err_set(err, ERR_NOMEM, "out of memory");
    core_listen(core, on_event, core);
    return 0;
}

void prefs_free(struct core *core)
{
    xm_free(core->prefs);
    core->prefs = NULL;
}
