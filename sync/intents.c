/* Publishing. */
#include "sync/intents.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "store/groups.h"
#include "store/messages.h"
#include "store/preferences.h"
#include "sync/commit_build.h"
#include "sync/commit_check.h"
#include "sync/consent.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/hmac.h"
#include "sync/receive_group.h"
#include "sync/taken.h"
#include "sync/welcome_send.h"

#include <string.h>

/* Messages handed over in one request: the node takes 25 MiB, and one bad message spoils its batch. */
#define BATCH_MAX 50
/* Building or sending that fails this often is given up (libxmtp). */
#define ATTEMPTS_MAX 3
/* Rounds of publishing and reading for one intent: others may win several epochs in a row. */
#define ROUNDS_MAX 6

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

/* ---- a list of what there is to do ---- */

struct todo {
    struct {
        int64_t id;
        enum store_intent_kind kind;
        enum store_intent_state state;
    } *at;
    size_t n, cap;
};

static int list_todo(void *ctx, const struct store_intent *row)
{
    struct todo *t = ctx;

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

static int read_todo(struct core *core, const struct group *g, unsigned states, struct todo *out, struct err *err)
{
    *out = (struct todo){0};
    return store_intents_each(core->store, slice_of(g->id, 16), states, list_todo, out, err);
}

/* ---- the wire ---- */

int intent_send(struct core *core, const struct group *g, const struct wire_message *messages, size_t n,
                struct err *err)
{
    struct node_group_send send[BATCH_MAX];
    uint8_t hmac[BATCH_MAX][32];
    int r;

    if (!core->api || core->offline)
        return err_set(err, ERR_OFFLINE, "%s", _("offline: kept to be sent later"));
    for (size_t i = 0; i < n; i++) {
        if ((r = hmac_sender(core, g->id, messages[i].data, hmac[i], err)) != 0)
            return r;
        send[i] = (struct node_group_send){.data = messages[i].data,
                                           .sender_hmac = slice_of(hmac[i], 32),
                                           .should_push = messages[i].should_push};
    }
    return node_send_group_messages(core->api, send, n, err);
}

int intent_seal_message(struct core *core, struct group *g, struct slice envelope, struct bytes *wire, uint8_t hash[32],
                        struct err *err)
{
    struct mls_signer signer = {core->self.seed, core->self.installation_id};
    int r = mls_group_encrypt(g->mls, &signer, slice_of(NULL, 0), envelope, core->rand, wire, err);

    if (r == 0)
        hash_sha256(bytes_slice(wire), hash);
    return r;
}

int intent_acknowledge_in(struct core *core, const struct group *g, int64_t id, const uint8_t message_id[32],
                          struct err *err)
{
    struct core_event event = {.kind = CORE_MESSAGE_STATUS};
    struct slice message = slice_of(message_id, 32);
    int r = store_intent_set_committed(core->store, id, 0, 0, err);

    if (r == ERR_STATE || r == ERR_NOTFOUND)
        return 0; /* the echo was faster */
    if (r != 0 || (r = store_message_set_status(core->store, message, STORE_PUBLISHED, err)) != 0)
        return r;
    if (g->type == CONVERSATION_SYNC) {
        if ((r = store_preference_sent(core->store, message, NULL, err)) != 0)
            return r;
        event.kind = CORE_SYNC_MESSAGE;
    }
    memcpy(event.group_id, g->id, 16);
    memcpy(event.message_id, message_id, 32);
    return core_note(core, &event, err);
}

int intent_acknowledge(struct core *core, struct group *g, const int64_t *ids, const uint8_t (*message_ids)[32],
                       size_t n, struct err *err)
{
    int r = core_begin(core, false, err);

    if (r != 0)
        return r;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = intent_acknowledge_in(core, g, ids[i], message_ids[i], err);
    if (r == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}

static bool is_given_up(const struct store_intent *intent, bool final)
{
    return final || intent->attempts + 1 >= ATTEMPTS_MAX;
}

/* The node, or building, said no: counted, and at last given up. */
static int note_failure(struct core *core, const struct group *g, const struct store_intent *intent, bool final,
                        struct err *err)
{
    struct core_event event = {.kind = CORE_MESSAGE_STATUS};
    int r = core_begin(core, false, err);

    if (r != 0)
        return r;
    if (!is_given_up(intent, final)) {
        r = store_intent_set_to_publish(core->store, intent->id, true, 0, err);
    } else {
        r = store_intent_set_error(core->store, intent->id, err);
        if (r == 0 && intent->kind == STORE_INTENT_SEND_MESSAGE && intent->message_id.len == 32) {
            r = store_message_set_status(core->store, intent->message_id, STORE_FAILED, err);
            memcpy(event.group_id, g->id, 16);
            memcpy(event.message_id, intent->message_id.data, 32);
            if (r == 0)
                r = core_note(core, &event, err);
        }
    }
    if (r == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}

/* ---- messages ---- */

struct batch {
    struct store_mem mem;
    struct store_intent intents[BATCH_MAX];
    struct bytes wire[BATCH_MAX];
    int64_t ids[BATCH_MAX];
    uint8_t message_ids[BATCH_MAX][32];
    size_t n;
    size_t taken;      /* by the node */
    int64_t newest_ns; /* when the last of these was written */
};

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        bytes_free(&b->wire[i]);
    store_mem_free(&b->mem);
    xm_free(b);
}

static int seal_one(struct core *core, struct group *g, struct batch *b, size_t i, struct err *err)
{
    uint8_t hash[32];
    int r = intent_seal_message(core, g, b->intents[i].data, &b->wire[i], hash, err);

    if (r != 0)
        return r;
    return store_intent_set_published(core->store, b->ids[i], slice_of(hash, 32), slice_of(NULL, 0),
                                      slice_of(NULL, 0), mls_group_epoch(g->mls), err);
}

static int seal_batch(struct core *core, struct group *g, struct batch *b, struct err *err)
{
    int r = core_begin(core, true, err);

    if (r != 0)
        return r;
    for (size_t i = 0; r == 0 && i < b->n; i++)
        r = seal_one(core, g, b, i, err);
    if (r == 0)
        r = group_save_mls(core, g, err);
    if (r == 0)
        r = core_commit(core, err);
    else
        core_rollback(core);
    if (r != 0)
        group_evict(core, g); /* the ratchet in memory is ahead of the disk */
    return r;
}

static void note_taken(struct batch *b, size_t n, size_t newest)
{
    b->taken += n;
    b->newest_ns = b->intents[newest].created_at_ns;
}

static int send_batch(struct core *core, struct group *g, struct batch *b, struct err *err)
{
    struct wire_message messages[BATCH_MAX];
    int r, r2;

    for (size_t i = 0; i < b->n; i++)
        messages[i] = (struct wire_message){bytes_slice(&b->wire[i]), b->intents[i].should_push};
    r = intent_send(core, g, messages, b->n, err);
    if (r == 0) {
        note_taken(b, b->n, b->n - 1);
        return intent_acknowledge(core, g, b->ids, (const uint8_t(*)[32])b->message_ids, b->n, err);
    }
    if (r != ERR_REMOTE && r != ERR_TOOBIG)
        return r;
    /* Refused as a whole: who is to blame shows when each goes alone. */
    for (size_t i = 0; i < b->n; i++) {
        r = b->n == 1 ? r : intent_send(core, g, &messages[i], 1, err);
        if (r == 0) {
            note_taken(b, 1, i);
            r2 = intent_acknowledge(core, g, &b->ids[i], (const uint8_t(*)[32])&b->message_ids[i], 1, err);
        } else if (r == ERR_REMOTE || r == ERR_TOOBIG) {
            r2 = note_failure(core, g, &b->intents[i], false, NULL);
        } else {
            return r;
        }
        if (r2 != 0)
            return r2;
    }
    return r;
}

/* Messages from `t->at[from]` on, as many as stand together. */
static int publish_messages(struct core *core, struct group *g, const struct todo *t, size_t from, size_t *used,
                            size_t *published, struct err *err)
{
    struct batch *b = xm_alloc(sizeof *b);
    int r = 0;

    if (!b)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = from; r == 0 && i < t->n && b->n < BATCH_MAX && t->at[i].kind == STORE_INTENT_SEND_MESSAGE; i++) {
        struct store_intent *in = &b->intents[b->n];
        if ((r = store_intent_get(core->store, t->at[i].id, &b->mem, in, err)) != 0)
            break;
        b->ids[b->n] = in->id;
        if (in->message_id.len == 32)
            memcpy(b->message_ids[b->n], in->message_id.data, 32);
        b->n++;
    }
    *used = b->n;
    if (r == 0 && (r = seal_batch(core, g, b, err)) == 0)
        r = group_load_mls(core, g, err);
    if (r == 0)
        r = send_batch(core, g, b, err);
    if (published)
        *published += b->taken;
    /* Who writes to somebody lets them in. */
    if (b->taken > 0 && (g->type == CONVERSATION_GROUP || g->type == CONVERSATION_DM)) {
        int allowed = consent_allow_sent(core, g->id, b->newest_ns, r == 0 ? err : NULL);

        r = r == 0 ? allowed : r;
    }
    batch_free(b);
    return r;
}

/* ---- commits ---- */

static int store_built(struct core *core, struct group *g, const struct store_intent *intent,
                       const struct built_commit *built, struct err *err)
{
    struct bytes staged = {0};
    uint8_t hash[32];
    int r = mls_staged_commit_write(built->mls.staged, g->mls, &staged, err);

    if (r != 0)
        return r;
    hash_sha256(bytes_slice(&built->mls.message), hash);
    if ((r = core_begin(core, true, err)) == 0) {
        if ((r = store_intent_set_published(core->store, intent->id, slice_of(hash, 32), bytes_slice(&staged),
                                            bytes_slice(&built->welcomes), mls_group_epoch(g->mls), err)) == 0)
            r = core_commit(core, err);
        else
            core_rollback(core);
    }
    bytes_wipe(&staged);
    return r;
}

/* Would the others accept it?  Asked before it is sent, so that the person hears why not. */
static int check_built(struct core *core, struct group *g, const struct built_commit *built, struct err *err)
{
    struct commit_outcome outcome = {0};
    int r = commit_load_logs(core, g, built->mls.staged, err);

    if (r == 0)
        r = commit_check(core, g, built->mls.staged, mls_group_own_leaf_index(g->mls), &outcome, NULL, err);
    commit_outcome_free(&outcome);
    return r;
}

static int make_commit(struct core *core, struct group *g, const struct store_intent *intent,
                       struct built_commit *out, struct err *err)
{
    int r = commit_build(core, g, intent, out, err);

    if (r != 0 || out->nothing)
        return r;
    if ((r = check_built(core, g, out, err)) == 0)
        r = store_built(core, g, intent, out, err);
    return r;
}

static bool is_refusal(int code)
{
    return code == ERR_DENIED || code == ERR_NOTFOUND || code == ERR_TOOBIG;
}

/* A refusal holds for the newest epoch alone: in one that we had not read, we may have been given the right
 * (libxmtp sends without asking, loses the epoch and builds again).  *refused: it is final. */
static int make_commit_up_to_date(struct core *core, struct group *g, const struct store_intent *intent,
                                  struct built_commit *out, bool *refused, struct err *err)
{
    uint64_t epoch = mls_group_epoch(g->mls);
    struct err why = {0};
    int r = make_commit(core, g, intent, out, err), read;

    *refused = false;
    if (!is_refusal(r))
        return r;
    if ((read = group_receive(core, g, NULL, &why)) != 0 || (read = group_load_mls(core, g, &why)) != 0)
        return err_set(err, read, "%s", why.text);
    *refused = true;
    if (!mls_group_is_active(g->mls))
        return err_set(err, ERR_STATE, "%s", _("you are not in this conversation any more"));
    if (mls_group_epoch(g->mls) == epoch)
        return r;
    built_commit_free(out);
    *out = (struct built_commit){0};
    r = make_commit(core, g, intent, out, err);
    *refused = is_refusal(r);
    return r;
}

enum commit_fate {
    COMMIT_KEPT, /* or there was nothing to do */
    COMMIT_SENT,
    COMMIT_GIVEN_UP,
};

static int publish_commit(struct core *core, struct group *g, int64_t id, enum commit_fate *fate, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_intent intent;
    struct built_commit built = {0};
    struct wire_message message;
    bool refused = false, counts;
    int r;

    *fate = COMMIT_KEPT;
    if ((r = store_intent_get(core->store, id, &mem, &intent, err)) != 0)
        goto done;
    if ((r = make_commit_up_to_date(core, g, &intent, &built, &refused, err)) == 0 && built.nothing) {
        r = store_intent_delete(core->store, id, err);
        goto done;
    }
    /* What the node refuses counts, be it what a commit needs: else it would be in the way for ever. */
    counts = r == ERR_REMOTE || !err_is_transient(r);
    if (r == 0) {
        message = (struct wire_message){bytes_slice(&built.mls.message), intent.should_push};
        r = intent_send(core, g, &message, 1, err);
        counts = r == ERR_REMOTE || r == ERR_TOOBIG;
    }
    if (r == 0)
        *fate = COMMIT_SENT;
    else if (counts && note_failure(core, g, &intent, refused, NULL) == 0 && is_given_up(&intent, refused))
        *fate = COMMIT_GIVEN_UP;
done:
    built_commit_free(&built);
    store_mem_free(&mem);
    return r;
}

/* In order, until something fails or a commit of ours is out.  *gave_up: what failed is in the way no more. */
static int publish_todo(struct core *core, struct group *g, const struct todo *t, int64_t only, size_t *published,
                        bool *gave_up, struct err *err)
{
    enum commit_fate fate = COMMIT_KEPT;
    int r = 0;

    for (size_t i = 0, used; r == 0 && i < t->n && fate != COMMIT_SENT; i += used) {
        used = 1;
        if (only && t->at[i].id != only)
            continue;
        if (t->at[i].kind == STORE_INTENT_SEND_MESSAGE)
            r = publish_messages(core, g, t, i, &used, published, err);
        else
            r = publish_commit(core, g, t->at[i].id, &fate, err);
    }
    *gave_up = fate == COMMIT_GIVEN_UP;
    return r;
}

/* `only`: this one and nothing else; 0: all. */
static int publish(struct core *core, struct group *g, int64_t only, size_t *published, bool *gave_up,
                   struct err *err)
{
    struct todo t = {0};
    int r;

    *gave_up = false;
    if (g->nothing_queued)
        return 0;
    /* What the node is known to have taken is not unseen. */
    if ((r = taken_write(core, err)) != 0 ||
        (r = read_todo(core, g, STORE_INTENT_BIT(STORE_INTENT_TO_PUBLISH) | STORE_INTENT_BIT(STORE_INTENT_PUBLISHED),
                       &t, err)) != 0 ||
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
        r = publish(core, g, 0, published, &gave_up, &why);
        if (first == 0 && (first = r) != 0 && err)
            *err = why;
    }
    return first;
}

/* ---- afterwards ---- */

int intents_waiting(struct core *core, struct group *g, size_t *n, struct err *err)
{
    struct todo t = {0};
    int r = read_todo(core, g, STORE_INTENT_BIT(STORE_INTENT_TO_PUBLISH), &t, err);

    *n = t.n;
    xm_free(t.at);
    return r;
}

int intents_outstanding(struct core *core, struct group *g, size_t *n, struct err *err)
{
    struct todo t = {0};
    int r = read_todo(core, g, STORE_INTENT_BIT(STORE_INTENT_TO_PUBLISH) | STORE_INTENT_BIT(STORE_INTENT_PUBLISHED),
                      &t, err);

    if (r == 0)
        g->nothing_queued = t.n == 0;
    *n = t.n;
    xm_free(t.at);
    return r;
}

int intents_release_unseen(struct core *core, struct group *g, struct err *err)
{
    struct todo t = {0};
    int r = 0;

    if (!g->nothing_queued)
        r = read_todo(core, g, STORE_INTENT_BIT(STORE_INTENT_PUBLISHED), &t, err);
    for (size_t i = 0; r == 0 && i < t.n; i++)
        r = store_intent_set_to_publish(core->store, t.at[i].id, false, 0, err);
    xm_free(t.at);
    return r;
}

int intents_give_up_commits(struct core *core, const struct group *g, struct err *err)
{
    struct todo t = {0};
    int r = read_todo(core, g, STORE_INTENT_BIT(STORE_INTENT_TO_PUBLISH) | STORE_INTENT_BIT(STORE_INTENT_PUBLISHED),
                      &t, err);

    for (size_t i = 0; r == 0 && i < t.n; i++)
        if (t.at[i].kind != STORE_INTENT_SEND_MESSAGE)
            r = store_intent_set_error(core->store, t.at[i].id, err);
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
    struct todo t = {0};
    bool done;
    int r = read_todo(core, g, STORE_INTENT_BIT(STORE_INTENT_COMMITTED), &t, err);

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

/* Why an intent was given up: what publishing said in this round, else what was found in the ledger. */
static int reason(const struct group *g, int sent, struct err *why)
{
    if (g->mls && !mls_group_is_active(g->mls))
        return err_set(why, ERR_STATE, "%s", _("you are not in this conversation any more"));
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
    int sent = publish(core, g, turn == INTENT_AHEAD ? id : 0, NULL, &gave_up, err), got, r;

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
    struct store_group row;
    int r = store_group_get(core->store, slice_of(g->id, 16), &mem, &row, err);

    if (r == 0)
        r = group_check_version(&row, err);
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
