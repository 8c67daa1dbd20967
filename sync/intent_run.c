/* Publishing and reading until something is done. */
#include "sync/intents_parts.h"

#include "base/err.h"
#include "base/i18n.h"
#include "store/groups.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/receive_group.h"

/* Rounds of publishing and reading for one intent: others may win several epochs in a row. */
#define ROUNDS_MAX 6

/* Why an intent was given up: what publishing said in this round, else what was found in the ledger. */
static int reason(const struct group *g, int sent, struct err *why)
{
    int out = g->mls ? group_check_active(g, why) : 0;

    if (out != 0)
        return out;
    return sent ? sent : err_set(why, ERR_DENIED, "%s", _("this change was sent, but cannot be followed here"));
}

/* One round.  *over: the intent is done or given up, or there is no sense in a further round; else the failure,
 * if any, is of this round alone. */
static int resolve_once(struct core *core, struct group *g, int64_t id, enum intent_turn turn, bool *over,
                        struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_intent intent;
    struct err unused;
    bool gave_up;
    int sent = intents_publish_turn(core, g, turn == INTENT_AHEAD ? id : 0, NULL, &gave_up, err), got, r;

    *over = sent == ERR_OFFLINE || sent == ERR_CANCELED;
    if (*over)
        return sent;
    got = group_receive(core, g, NULL, sent ? &unused : err);
    if (got == 0)
        got = intents_send_welcomes(core, g, sent ? &unused : err);
    r = store_intent_get(core->store, id, &mem, &intent, NULL);
    *over = true;
    if (r == ERR_NOTFOUND)
        r = 0;
    else if (r == 0 && intent.state == STORE_INTENT_ERROR)
        r = reason(g, sent, err);
    else {
        *over = got == ERR_OFFLINE || got == ERR_CANCELED;
        r = sent ? sent : got;
    }
    store_mem_free(&mem);
    return r;
}

/* Publishes and reads until this intent is done or given up (then with its reason), some rounds. */
static int resolve(struct core *core, struct group *g, int64_t id, enum intent_turn turn, struct err *err)
{
    struct err why = {0};
    bool over = false;
    int r = 0, slept = 0;

    for (unsigned round = 0, wait_ms = 50; round < ROUNDS_MAX && slept == 0; round++) {
        r = resolve_once(core, g, id, turn, &over, &why);
        if (over)
            break;
        slept = core_sleep(core, wait_ms + rand_below(core->rand, 25), r ? NULL : &why);
        wait_ms = wait_ms * 3 > 1500 ? 1500 : wait_ms * 3;
    }
    r = r ? r : slept;
    if (r != 0)
        return err_set(err, r, "%s", why.text);
    return over ? 0 : err_set(err, ERR_CONFLICT, "%s", _("others keep changing this conversation: try again"));
}

int intent_resolve_messages(struct core *core, struct group *g, struct err *err)
{
    size_t waiting = 1;
    int r = 0;

    for (int round = 0; round < ROUNDS_MAX && waiting > 0 && r == 0; round++) {
        if ((r = intents_publish(core, g, NULL, err)) != 0 || (r = intents_outstanding(core, g, &waiting, err)) != 0 ||
            waiting == 0)
            break;
        if ((r = group_receive(core, g, NULL, err)) == 0)
            r = intents_send_welcomes(core, g, err);
    }
    return r;
}

static int check_open(struct core *core, const struct group *g, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_standing row;
    int r = store_group_standing(core->store, slice_of(g->id, 16), &mem, &row, err);

    if (r == 0)
        r = group_check_version(row.paused_for_version, err);
    store_mem_free(&mem);
    return r;
}

int intent_run(struct core *core, struct group *g, enum store_intent_kind kind, struct slice data,
               enum intent_turn turn, struct err *err)
{
    int64_t id;
    int r;

    if ((r = check_open(core, g, err)) != 0 || (r = core_begin(core, true, err)) != 0)
        return r;
    if ((r = intent_queue(core, g, kind, data, &id, err)) != 0) {
        core_rollback(core);
        return r;
    }
    if ((r = core_commit(core, err)) != 0)
        return r;
    return resolve(core, g, id, turn, err);
}
