/* What is queued, and in which order it goes. */
#include "sync/intents_parts.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "net/node_api.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/taken.h"
#include "sync/welcome_send.h"

int intent_queue(struct core *core, struct group *g, enum store_intent_kind kind, struct slice data,
                 int64_t *id, struct err *err)
{
    struct store_intent in = {.kind = kind,
                              .group_id = slice_of(g->id, 16),
                              .data = data,
                              .created_at_ns = core_now_ns(core)};

    g->nothing_queued = false;
    return store_intent_put(core->store, &in, id, err);
}

static int list_todo(void *ctx, const struct store_intent *row)
{
    struct intents_todo *t = ctx;

    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        void *grown = xm_realloc(t->at, cap, sizeof *t->at);
        if (!grown)
            return ERR_NOMEM;
        t->at = grown;
        t->cap = cap;
    }
    t->at[t->n].id = row->id;
    t->at[t->n].kind = row->kind;
    t->at[t->n++].state = row->state;
    return 0;
}

int intents_list(struct core *core, const struct group *g, unsigned states, struct intents_todo *out, struct err *err)
{
    *out = (struct intents_todo){0};
    return store_intents_each(core->store, slice_of(g->id, 16), states, list_todo, out, err);
}

/* In order, until something fails or a commit of ours is out.  *gave_up: what failed is in the way no more. */
static int publish_todo(struct core *core, struct group *g, const struct intents_todo *t, int64_t only,
                        size_t *published, bool *gave_up, struct err *err)
{
    enum commit_fate fate = COMMIT_KEPT;
    int r = 0;

    for (size_t i = 0, used; r == 0 && i < t->n && fate != COMMIT_SENT; i += used) {
        used = 1;
        if (only && t->at[i].id != only)
            continue;
        if (t->at[i].kind == STORE_INTENT_SEND_MESSAGE)
            r = intents_publish_messages(core, g, t, i, &used, published, err);
        else
            r = intents_publish_commit(core, g, t->at[i].id, &fate, err);
    }
    *gave_up = fate == COMMIT_GIVEN_UP;
    return r;
}

int intents_publish_turn(struct core *core, struct group *g, int64_t only, size_t *published, bool *gave_up,
                         struct err *err)
{
    struct intents_todo t = {0};
    int r;

    *gave_up = false;
    if (g->nothing_queued)
        return 0;
    /* What the node is known to have taken is not unseen. */
    if ((r = taken_write(core, err)) != 0 ||
        (r = intents_list(core, g, INTENTS_WAITING, &t, err)) != 0 ||
        (r = group_load_mls(core, g, err)) != 0)
        goto done;
    g->nothing_queued = t.n == 0;
    /* Our commit has to be seen first, and a message that may have to go out again comes before later ones. */
    for (size_t i = 0; i < t.n; i++)
        if (t.at[i].state == STORE_INTENT_PUBLISHED)
            goto done;
    if (t.n > 0 && (!core->api || core->offline))
        r = err_set(err, ERR_OFFLINE, "%s", _("offline: kept to be sent later"));
    else
        r = publish_todo(core, g, &t, only, published, gave_up, err);
done:
    xm_free(t.at);
    return r;
}

/* What is given up holds up nothing behind it; the first such failure is told. */
int intents_publish(struct core *core, struct group *g, size_t *published, struct err *err)
{
    struct err why = {0};
    bool gave_up = true;
    int r = 0, first = 0;

    while (gave_up) {
        r = intents_publish_turn(core, g, 0, published, &gave_up, &why);
        if (first == 0 && (first = r) != 0 && err)
            *err = why;
    }
    return first;
}

/* ---- afterwards ---- */

int intents_waiting(struct core *core, struct group *g, size_t *n, struct err *err)
{
    struct intents_todo t = {0};
    int r = intents_list(core, g, STORE_INTENT_BIT(STORE_INTENT_TO_PUBLISH), &t, err);

    *n = t.n;
    xm_free(t.at);
    return r;
}

int intents_outstanding(struct core *core, struct group *g, size_t *n, struct err *err)
{
    struct intents_todo t = {0};
    int r = intents_list(core, g, INTENTS_WAITING, &t, err);

    if (r == 0)
        g->nothing_queued = t.n == 0;
    *n = t.n;
    xm_free(t.at);
    return r;
}

int intents_release_unseen(struct core *core, struct group *g, struct err *err)
{
    struct intents_todo t = {0};
    int r = 0;

    if (!g->nothing_queued)
        r = intents_list(core, g, STORE_INTENT_BIT(STORE_INTENT_PUBLISHED), &t, err);
    for (size_t i = 0; r == 0 && i < t.n; i++)
        r = store_intent_set_to_publish(core->store, t.at[i].id, false, 0, err);
    xm_free(t.at);
    return r;
}

static int give_up_one(struct core *core, const struct group *g, int64_t id, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_intent intent;
    int r = store_intent_get(core->store, id, &mem, &intent, err);

    if (r == 0)
        r = intent_give_up_in(core, g, &intent, err);
    store_mem_free(&mem);
    return r;
}

int intents_give_up(struct core *core, const struct group *g, struct err *err)
{
    struct intents_todo t = {0};
    int r = intents_list(core, g, INTENTS_WAITING, &t, err);

    for (size_t i = 0; r == 0 && i < t.n; i++)
        r = give_up_one(core, g, t.at[i].id, err);
    xm_free(t.at);
    return r;
}

/* A refusal by the node holds up nothing else; the next sync tries again. */
static int send_one_batch(struct core *core, const struct store_intent *intent, bool *done, struct err *err)
{
    struct err why = {0};
    int r = 0;

    if (intent->post_commit.len > 0)
        r = welcome_batch_send(core, intent->post_commit, (uint64_t)intent->sequence_id, &why);
    *done = r == 0 || r == ERR_CORRUPT;
    if (r == ERR_CORRUPT || r == ERR_REMOTE) {
        log_error("intents", "invitations of commit %lld: %s", (long long)intent->sequence_id, why.text);
        return 0;
    }
    if (r != 0 && err)
        *err = why;
    return r;
}

/* In a transaction for its not waiting for the disk: lost, the invitations go out again. */
static int note_welcomes(struct core *core, int64_t id, bool done, struct err *err)
{
    int r = core_begin(core, false, err);

    if (r != 0)
        return r;
    r = done ? store_intent_delete(core->store, id, err) : store_intent_refused(core->store, id, err);
    if (r == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}

int intents_send_welcomes(struct core *core, struct group *g, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_intent intent;
    struct intents_todo t = {0};
    bool done;
    int r = intents_list(core, g, STORE_INTENT_BIT(STORE_INTENT_COMMITTED), &t, err);

    for (size_t i = 0; r == 0 && i < t.n; i++) {
        if (t.at[i].kind == STORE_INTENT_SEND_MESSAGE)
            continue;
        store_mem_reset(&mem);
        if ((r = store_intent_get(core->store, t.at[i].id, &mem, &intent, err)) != 0)
            break;
        if ((r = send_one_batch(core, &intent, &done, err)) == 0)
            r = note_welcomes(core, intent.id, done, err);
    }
    store_mem_free(&mem);
    xm_free(t.at);
    return r;
}
