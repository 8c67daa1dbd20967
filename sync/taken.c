#include "sync/taken.h"

#include "base/err.h"
#include "base/log.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/intents.h"

#include <string.h>

int taken_write_in(struct core *core, struct err *err)
{
    unsigned n = core->n_taken;
    int r = 0;

    core->n_taken = 0;
    for (unsigned i = 0; r == 0 && i < n; i++) {
        const struct core_taken *t = &core->taken[i];
        struct group *g = NULL;

        r = group_get(core, t->group_id, &g, err);
        if (r == 0)
            r = intent_acknowledge_in(core, g, t->intent_id, t->message_id, err);
        else if (r == ERR_NOTFOUND)
            r = 0; /* removed here meanwhile */
        group_put(core, g);
    }
    return r;
}

int taken_write(struct core *core, struct err *err)
{
    int r;

    if (core->n_taken == 0)
        return 0;
    if ((r = core_begin(core, false, err)) != 0)
        return r;
    if ((r = taken_write_in(core, err)) == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}

static void write_later(struct core *core, void *ctx)
{
    struct err err = {0};

    (void)ctx;
    (void)core_sleep(core, TAKEN_WAIT_MS, NULL); /* a closing core only wakes it */
    core->taken_waits = false;
    if (taken_write(core, &err) != 0)
        log_warn("send", "noting that messages were sent: %s", err.text);
}

int taken_add(struct core *core, const uint8_t group_id[16], int64_t intent_id, const uint8_t message_id[32],
              struct err *err)
{
    struct core_taken *t;
    int r;

    if (core->n_taken == CORE_TAKEN_MAX && (r = taken_write(core, err)) != 0)
        return r;
    t = &core->taken[core->n_taken++];
    memcpy(t->group_id, group_id, sizeof t->group_id);
    memcpy(t->message_id, message_id, sizeof t->message_id);
    t->intent_id = intent_id;
    if (core->taken_waits)
        return 0;
    core->taken_waits = true;
    if (core_spawn(core, write_later, NULL, NULL) == 0)
        return 0;
    core->taken_waits = false;
    return taken_write(core, err);
}
