/* Messages on their way to the node. */
#include "sync/intents_parts.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "crypto/hash.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "store/messages.h"
#include "store/preferences.h"
#include "sync/consent.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/hmac.h"

#include <string.h>

/* Messages handed over in one request: the node takes 25 MiB, and one bad message spoils its batch. */
#define BATCH_MAX 50
/* Building or sending that fails this often is given up (libxmtp). */
#define ATTEMPTS_MAX 3

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

bool intent_is_given_up(const struct store_intent *intent, bool final)
{
    return final || intent->attempts + 1 >= ATTEMPTS_MAX;
}

int intent_give_up_in(struct core *core, const struct group *g, const struct store_intent *intent, struct err *err)
{
    struct core_event event = {.kind = CORE_MESSAGE_STATUS};
    int r = store_intent_set_error(core->store, intent->id, err);

    if (r != 0 || intent->kind != STORE_INTENT_SEND_MESSAGE || intent->message_id.len != 32)
        return r;
    if ((r = store_message_set_status(core->store, intent->message_id, STORE_FAILED, err)) != 0)
        return r;
    memcpy(event.group_id, g->id, 16);
    memcpy(event.message_id, intent->message_id.data, 32);
    return core_note(core, &event, err);
}

int intent_note_failure(struct core *core, const struct group *g, const struct store_intent *intent, bool final,
                        struct err *err)
{
    int r = core_begin(core, false, err);

    if (r != 0)
        return r;
    if (intent_is_given_up(intent, final))
        r = intent_give_up_in(core, g, intent, err);
    else
        r = store_intent_set_to_publish(core->store, intent->id, true, 0, err);
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
            r2 = intent_note_failure(core, g, &b->intents[i], false, NULL);
        } else {
            return r;
        }
        if (r2 != 0)
            return r2;
    }
    return r;
}

int intents_publish_messages(struct core *core, struct group *g, const struct intents_todo *t, size_t from,
                             size_t *used, size_t *published, struct err *err)
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
