#include "sync/worker.h"

#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "net/node_api.h"
#include "store/messages.h"
#include "sync/core.h"
#include "sync/group_update.h"
#include "sync/key_packages.h"
#include "sync/local_node.h"
#include "sync/pref_tasks.h"
#include "sync/prefs.h"
#include "sync/registration.h"
#include "sync/send.h"
#include "sync/sync_all.h"
#include "sync/welcome_receive.h"

/* Floors under the live stream (sync.md 7.6). */
#define PREFS_EVERY_MS (60 * 1000)
#define ALL_EVERY_MS (5 * 60 * 1000)
/* A key package is renewed 5 s after a welcome; nothing else is in a greater hurry. */
#define UPKEEP_EVERY_MS 5000
#define EXPIRE_AT_ONCE 500
/* Who asked to leave is taken out at once; where that failed, every so many rounds. */
#define LEAVERS_ROUNDS 12

static void complain(const char *what, int r, const struct err *err)
{
    if (r != 0 && r != ERR_CANCELED)
        log_warn("worker", "%s: %s", what, err->text);
}

/* ---- regular work ---- */

static int note_expired(void *ctx, struct slice id, struct slice group_id)
{
    struct core *core = ctx;
    struct core_event event = {.kind = CORE_CONVERSATION_CHANGED};

    (void)id;
    for (size_t i = 0; i < GROUP_ID_LEN && i < group_id.len; i++)
        event.group_id[i] = group_id.data[i];
    return core_note(core, &event, NULL);
}

/* Reading leaves expired messages out anyway; this takes them off the disk. */
static int expire(struct core *core, struct err *err)
{
    int64_t next = 0, now = core_now_ns(core);
    int r = store_messages_next_expiry(core->store, &next, err);

    if (r != 0 || !next || next > now)
        return r;
    if ((r = core_begin(core, false, err)) != 0)
        return r;
    if ((r = store_messages_expire(core->store, now, EXPIRE_AT_ONCE, note_expired, core, err)) != 0) {
        core_rollback(core);
        return r;
    }
    return core_commit(core, err);
}

static int send_waiting(struct core *core, struct err *err)
{
    return outbox_flush(core, NULL, err);
}

static int keep_key_packages(struct core *core, struct err *err)
{
    return key_package_maintain(core, NULL, err);
}

static int flush_prefs(struct core *core, struct err *err)
{
    return prefs_flush(core, err);
}

static int serve_leavers(struct core *core, struct err *err)
{
    return core->upkeep_rounds++ % LEAVERS_ROUNDS == 0 ? groups_remove_leavers(core, err) : 0;
}

/* One wake-up for everything that is due. */
static void upkeep_fiber(struct core *core, void *ctx)
{
    static const struct {
        const char *what;
        int (*run)(struct core *core, struct err *err);
    } jobs[] = {{"disappearing messages", expire},
                {"outbox", send_waiting},
                {"installations", pref_tasks_run},
                {"preferences outbox", flush_prefs},
                {"members who leave", serve_leavers},
                {"key packages", keep_key_packages}};

    (void)ctx;
    do {
        for (size_t i = 0; i < sizeof jobs / sizeof jobs[0] && !core->closing; i++) {
            struct err err = {0};

            complain(jobs[i].what, jobs[i].run(core, &err), &err);
        }
    } while (core_sleep(core, UPKEEP_EVERY_MS, NULL) == 0);
}

static void floor_fiber(struct core *core, void *ctx)
{
    struct sync_all_result result;
    uint64_t waited = 0;

    (void)ctx;
    while (core_sleep(core, PREFS_EVERY_MS, NULL) == 0) {
        struct err err = {0};
        int r;

        waited += PREFS_EVERY_MS;
        if (waited >= ALL_EVERY_MS) {
            waited = 0;
            r = sync_all(core, 0, &result, &err);
        } else {
            r = prefs_sync(core, NULL, &err);
        }
        complain("regular sync", r, &err);
    }
}

/* ---- start ---- */

void worker_registered(struct core *core)
{
    if (core->offline)
        return;
    prefs_start(core);
    core_spawn(core, upkeep_fiber, NULL, NULL);
    if (!core->quiet)
        core_spawn(core, floor_fiber, NULL, NULL);
}

int worker_online(struct core *core, struct err *err)
{
    if (core->offline)
        return err_set(err, ERR_OFFLINE, "%s", _("this needs the network, and offline was asked for"));
    return local_node_ensure(core, err);
}

static void start_fiber(struct core *core, void *ctx)
{
    struct err err = {0};
    bool registered = core->self.registered;
    int r;

    (void)ctx;
    r = sync_unpause(core, &err);
    complain("groups that waited for an update", r, &err);
    if (core->offline)
        return;
    r = worker_online(core, &err);
    if (r == 0 && !registered)
        r = registration_resume(core, &registered, &err);
    complain("start", r, &err);
    if (registered)
        worker_registered(core);
}

void worker_start(struct core *core)
{
    core_spawn(core, start_fiber, NULL, NULL);
}
