#include "sync/pref_tasks.h"

#include "base/err.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "store/consent.h"
#include "store/groups.h"
#include "store/preferences.h"
#include "store/tasks.h"
#include "sync/commit_validate.h"
#include "sync/core.h"
#include "sync/group_create.h"
#include "sync/group_ids.h"
#include "sync/hmac.h"
#include "sync/membership.h"
#include "sync/pref_payload.h"

#include <sodium.h>
#include <string.h>

/* Conversations silent for longer are not offered to a new installation (sync.md 5.3). */
#define RECONCILE_ACTIVE_NS (90 * 24 * 3600 * NS_PER_S)
#define RECONCILE_WIDTH 4
/* A revocation whose answer never came is looked after when it must be over. */
#define REVOCATION_NS (60 * NS_PER_S)
#define EXPIRES_NS (30 * 24 * 3600 * NS_PER_S)

/* The numbers are in homes. */
enum kind { NEW_KEY = 1, BRING_IN = 2, FRESH_GROUP = 3 };

/* ---- writing them down ---- */

static void hash_of(enum kind kind, struct slice about, uint8_t hash[32])
{
    uint8_t number = (uint8_t)kind;
    struct slice parts[] = {slice_of(&number, 1), about};

    hash_sha256_parts(parts, 2, hash);
}

static int put(struct core *core, enum kind kind, struct slice about, int64_t due_ns, struct err *err)
{
    int64_t now = core_now_ns(core);
    uint8_t hash[32];

    hash_of(kind, about, hash);
    return store_task_put(core->store,
                          &(struct store_task){.kind = kind,
                                               .hash = slice_of(hash, 32),
                                               .data = about,
                                               .max_attempts = 20,
                                               .backoff_ms = 2000,
                                               .max_backoff_ms = 60000,
                                               .backoff_percent = 150,
                                               .created_at_ns = now,
                                               .next_attempt_ns = due_ns,
                                               .expires_at_ns = now + EXPIRES_NS},
                          NULL, err);
}

int pref_tasks_for_newcomer(struct core *core, const uint8_t group_id[16], struct err *err)
{
    struct slice about = slice_of(group_id, GROUP_ID_LEN);
    int r = put(core, NEW_KEY, about, core_now_ns(core), err);

    return r == 0 ? put(core, BRING_IN, about, core_now_ns(core), err) : r;
}

int pref_tasks_before_revocation(struct core *core, int64_t *revocation, struct err *err)
{
    int64_t now = core_now_ns(core);
    int r = core_begin(core, true, err);

    if (r != 0)
        return r;
    if ((r = put(core, FRESH_GROUP, slice_of(&now, sizeof now), now + REVOCATION_NS, err)) != 0) {
        core_rollback(core);
        return r;
    }
    *revocation = now;
    return core_commit(core, err);
}

void pref_tasks_after_revocation(struct core *core, int64_t revocation, int result)
{
    struct err err = {0};
    uint8_t hash[32];
    int r = 0;

    hash_of(FRESH_GROUP, slice_of(&revocation, sizeof revocation), hash);
    if (result == 0)
        r = store_task_pull_in(core->store, slice_of(hash, 32), core_now_ns(core), &err);
    else if (!err_is_transient(result) || result == ERR_REMOTE)
        r = store_task_drop(core->store, slice_of(hash, 32), &err); /* certainly not published */
    if (r != 0)
        log_warn("prefs", "after a revocation: %s", err.text);
    else if (result == 0)
        pref_tasks_kick(core);
}

/* ---- doing them ---- */

/* A new random root key on its way to our other installations, in one transaction with the end of the task;
 * it becomes ours when the node has it. */
static int send_new_key(struct core *core, const struct store_task *task, struct err *err)
{
    struct buf updates = BUF_SECRET, payload = BUF_SECRET;
    uint8_t key[HMAC_ROOT_LEN];
    int64_t now = core_now_ns(core), id;
    int r;

    rand_fill(core->rand, key, sizeof key);
    pref_payload_add_hmac(&updates, slice_of(key, sizeof key), now);
    pref_payload_finish(&updates, &payload);
    sodium_memzero(key, sizeof key);
    if (!buf_ok(&payload)) {
        r = err_set(err, ERR_NOMEM, "out of memory");
    } else if ((r = core_begin(core, true, err)) == 0) {
        if ((r = store_preference_put(core->store, 0, buf_slice(&payload), now, &id, err)) == 0 &&
            (r = store_task_done(core->store, task->id, err)) == 0 &&
            (task->kind != FRESH_GROUP || (r = put(core, BRING_IN, task->data, now, err)) == 0) &&
            (r = core_note(core, &(struct core_event){.kind = CORE_OUTBOX}, err)) == 0)
            r = core_commit(core, err);
        else
            core_rollback(core);
    }
    buf_free(&updates);
    buf_free(&payload);
    return r;
}

/* The group is begun on the disk first: whoever writes next writes there, and finishes it where the network
 * was away.  So the key does not go where the revoked still reads. */
static int make_fresh_group(struct core *core, const struct store_task *task, struct err *err)
{
    uint8_t id[GROUP_ID_LEN] = {0}, none[GROUP_ID_LEN] = {0};
    int r = sync_group_create(core, id, err);

    if (r != 0 && memcmp(id, none, sizeof none) == 0)
        return r;
    return send_new_key(core, task, err);
}

struct reconciling {
    struct group_ids list;
    int64_t min_age_ns;
    int failed; /* worth another try */
    struct err err;
};

static void reconcile_one(struct core *core, void *ctx, size_t i)
{
    struct reconciling *all = ctx;
    struct err err = {0};
    int r = group_check_installations(core, all->list.at[i], all->min_age_ns, &err);

    if (r == 0)
        return;
    log_warn("prefs", "bringing our installations into a conversation: %s", err.text);
    if (err_is_transient(r) && all->failed != ERR_OFFLINE) {
        all->failed = r;
        all->err = err;
    }
}

/* Adds the new installation to the conversations that it should have, and takes the revoked out of them: not
 * denied, not silent for 90 days, of duplicate 1:1 chats the one in use; and not those that somebody has
 * looked at since. */
static int bring_in(struct core *core, const struct store_task *task, struct err *err)
{
    struct store_conversations_query query = {
        .consent_states = STORE_CONSENT_BIT(STORE_CONSENT_UNKNOWN) | STORE_CONSENT_BIT(STORE_CONSENT_ALLOWED),
        .active_after_ns = core_now_ns(core) - RECONCILE_ACTIVE_NS,
        .bare = true};
    struct reconciling all = {.min_age_ns = core_now_ns(core) - task->created_at_ns};
    int r = store_conversations_each(core->store, &query, group_ids_add_conversation, &all.list, err);

    if (r == 0)
        core_each(core, all.list.n, RECONCILE_WIDTH, reconcile_one, &all);
    if (r == 0 && core->closing)
        r = err_set(err, ERR_CANCELED, "closing");
    if (r == 0 && (r = all.failed) != 0 && err)
        *err = all.err;
    group_ids_free(&all.list);
    return r == 0 ? store_task_done(core->store, task->id, err) : r;
}

static int run_one(struct core *core, const struct store_task *task, struct err *err)
{
    switch (task->kind) {
    case NEW_KEY:
        return send_new_key(core, task, err);
    case BRING_IN:
        return bring_in(core, task, err);
    case FRESH_GROUP:
        return make_fresh_group(core, task, err);
    default:
        return err_set(err, ERR_UNSUPPORTED, "a task of kind %d", task->kind);
    }
}

static int run_due(struct core *core, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_task task;
    struct err why = {0};
    int r;

    while ((r = store_task_next(core->store, core_now_ns(core), &mem, &task, err)) == 0) {
        if ((r = run_one(core, &task, &why)) == ERR_OFFLINE || r == ERR_CANCELED) {
            if (err)
                *err = why;
            break;
        }
        if (r != 0) {
            log_warn("prefs", "an installation has come or gone: %s", why.text);
            if ((r = store_task_retry(core->store, task.id, core_now_ns(core), NULL, err)) != 0)
                break;
        }
        store_mem_reset(&mem);
    }
    store_mem_free(&mem);
    return r == ERR_NOTFOUND ? 0 : r;
}

bool pref_tasks_due(struct core *core)
{
    int64_t due = 0;

    return !core->offline && core->self.registered && store_tasks_next_due(core->store, &due, NULL) == 0 && due &&
           due <= core_now_ns(core);
}

int pref_tasks_run(struct core *core, struct err *err)
{
    int r;

    if (!pref_tasks_due(core))
        return 0;
    fiber_lock_take(&core->task_lock);
    r = run_due(core, err);
    fiber_lock_drop(&core->task_lock);
    return r;
}

static void tasks_fiber(struct core *core, void *ctx)
{
    struct err err = {0};
    int r = pref_tasks_run(core, &err);

    (void)ctx;
    if (r != 0 && r != ERR_CANCELED)
        log_warn("prefs", "%s", err.text);
}

void pref_tasks_kick(struct core *core)
{
    if (!core->offline && core->self.registered)
        core_spawn(core, tasks_fiber, NULL, NULL);
}
