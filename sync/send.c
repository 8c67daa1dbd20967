/* From a content to a message on its way.
 *
 * The usual case, nothing else waiting in the group, is one durable transaction (row, intent,
 * ciphertext, ratchet), one request, one small transaction.  Everything else goes through the queue.
 *
 * The order of the calls is the order in the ledger: intents are numbered as they are stored, and who comes while
 * an earlier message waits for the network before it is stored puts that one in front of its own. */
#include "sync/send.h"

#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "store/groups.h"
#include "store/intents.h"
#include "store/messages.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/core.h"
#include "sync/deletion_note.h"
#include "sync/group.h"
#include "sync/group_ids.h"
#include "sync/intents.h"
#include "sync/membership_locked.h"
#include "sync/pb.h"
#include "sync/receive_group.h"
#include "sync/taken.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROTATE_AFTER_NS (INT64_C(30) * 86400 * NS_PER_S)

void message_id(const uint8_t group_id[16], struct slice idempotency_key, struct slice content, uint8_t out[32])
{
    struct slice parts[] = {slice_of(group_id, 16), slice_str("\t"), idempotency_key, slice_str("\t"), content};

    hash_sha256_parts(parts, sizeof parts / sizeof parts[0], out);
}

/* ---- before sending ---- */

/* What the group's row says about sending. */
struct standing {
    bool may_check; /* nobody has looked for new installations within five seconds */
    bool rotate;    /* our leaf key is old, or was made by whoever added us */
};

static int read_standing(struct core *core, struct group *g, struct standing *out, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_standing row;
    int r = store_group_standing(core->store, slice_of(g->id, 16), &mem, &row, err);

    if (r == 0 && (!row.active || row.membership == STORE_MEMBER_RESTORED))
        r = err_set(err, ERR_STATE, "%s", _("you are not in this conversation any more"));
    if (r == 0)
        r = group_check_version(row.paused_for_version, err);
    if (r == 0) {
        out->may_check = g->type != CONVERSATION_SYNC && g->type != CONVERSATION_ONESHOT &&
                         core_is_past(core, row.installations_checked_ns, CHECK_BEFORE_SEND_NS);
        out->rotate = core_is_past(core, row.rotated_at_ns, ROTATE_AFTER_NS);
    }
    store_mem_free(&mem);
    return r;
}

/* Our own trouble, which sending would meet as well. */
static bool is_ours(int code)
{
    return code == ERR_NOMEM || code == ERR_IO || code == ERR_CANCELED || code == ERR_CORRUPT;
}

/* Brings the group into the state in which a message reaches every device of every member.  Trouble
 * with the network, or with somebody's identity log, keeps no message back. */
static int prepare(struct core *core, struct group *g, struct err *err)
{
    struct standing standing;
    struct err why = {0};
    int r;

    /* A link that is known to be down: the message alone tries it once more, and then waits. */
    if ((r = read_standing(core, g, &standing, err)) != 0 || !core->api || core->offline ||
        node_link(core->api) == GRPC_LINK_OFFLINE)
        return r;
    if (standing.may_check)
        r = check_installations_locked(core, g, &why);
    if (r == 0 && standing.rotate)
        r = intent_run(core, g, STORE_INTENT_KEY_UPDATE, slice_of(NULL, 0), INTENT_AHEAD, &why);
    if (is_ours(r)) {
        if (err)
            *err = why;
        return r;
    }
    if (r != 0)
        log_warn("send", "before sending: %s", why.text);
    if ((r = group_load_mls(core, g, err)) == 0)
        r = group_check_active(g, err);
    return r;
}

/* ---- storing ---- */

struct outgoing {
    struct slice content;
    struct content_facts facts;
    bool should_push;
    const struct send_options *options;
    char key[24];
    uint8_t id[32];
    struct buf envelope;
    int64_t now_ns;
    int64_t intent_id;
    enum consent_state consent; /* of the conversation when the message was stored */
    bool stored;
    struct bytes wire;     /* sealed; empty while it only waits */
    uint8_t wire_hash[32];
    uint64_t epoch; /* it was sealed in */
};

static int compose(struct core *core, struct group *g, struct slice content, const struct send_options *options,
                   struct outgoing *out, struct err *err)
{
    struct buf v1 = BUF_SECRET;

    *out = (struct outgoing){
        .content = content, .now_ns = core_now_ns(core), .options = options, .envelope = BUF_SECRET};
    content_facts(content, &out->facts);
    out->should_push = out->facts.should_push && !options->no_push;
    snprintf(out->key, sizeof out->key, "%" PRId64, out->now_ns);
    message_id(g->id, slice_str(out->key), content, out->id);
    wire_put_bytes(&v1, 1, content);
    pb_put_string(&v1, 2, out->key);
    pb_put_part(&out->envelope, 1, &v1);
    buf_free(&v1);
    return buf_ok(&out->envelope) ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

static int store_row(struct core *core, struct group *g, struct outgoing *o, struct err *err)
{
    struct store_message row = {.id = slice_of(o->id, 32),
                                .group_id = slice_of(g->id, 16),
                                .sender_inbox_id = core->self.inbox_id,
                                .sender_installation_id = slice_of(core->self.installation_id, 32),
                                .sent_at_ns = o->now_ns,
                                .inserted_at_ns = o->now_ns,
                                .kind = STORE_MESSAGE_APPLICATION,
                                .status = STORE_UNPUBLISHED,
                                .content_type = (int)o->facts.kind,
                                .shows = g->type == CONVERSATION_SYNC ? STORE_SHOWS_NOT : o->facts.shows,
                                .own = true,
                                .should_push = o->should_push,
                                .body = o->content,
                                .idempotency_key = o->key};
    struct store_intent intent = {.kind = STORE_INTENT_SEND_MESSAGE,
                                  .group_id = slice_of(g->id, 16),
                                  .data = buf_slice(&o->envelope),
                                  .message_id = slice_of(o->id, 32),
                                  .should_push = o->should_push,
                                  .created_at_ns = o->now_ns};
    struct core_event event = {.kind = CORE_MESSAGE};
    int r;

    if (o->facts.has_reference)
        row.reference = slice_of(o->facts.reference, 32);
    if (o->wire.len > 0) {
        intent.payload_hash = slice_of(o->wire_hash, 32);
        intent.published_epoch = o->epoch;
    }
    if ((r = store_message_put(core->store, &row, NULL, err)) != 0 ||
        (r = store_intent_put(core->store, &intent, &o->intent_id, err)) != 0)
        return r;
    if (g->type != CONVERSATION_GROUP && g->type != CONVERSATION_DM)
        return 0;
    memcpy(event.group_id, g->id, 16);
    memcpy(event.message_id, o->id, 32);
    return core_note(core, &event, err);
}

static int seal(struct core *core, struct group *g, struct outgoing *o, struct err *err)
{
    int r = intent_seal_message(core, g, buf_slice(&o->envelope), &o->wire, o->wire_hash, err);

    o->epoch = mls_group_epoch(g->mls);
    return r == 0 ? group_save_mls(core, g, err) : r;
}

/* One durable transaction; where the message is to leave at once it is also sealed in it. */
static int store_outgoing(struct core *core, struct group *g, struct outgoing *o, bool now, struct err *err)
{
    int r = core_begin(core, true, err);

    if (r != 0)
        return r;
    if (now)
        r = seal(core, g, o, err);
    if (r == 0)
        r = store_row(core, g, o, err);
    if (r == 0)
        r = consent_of_group(core, g->id, &o->consent, err);
    if (r == 0 && o->options->also)
        r = o->options->also(core, o->options->also_ctx, o->id, err);
    if (r == 0)
        r = taken_write_in(core, err);
    if (r == 0)
        r = core_commit(core, err);
    else
        core_rollback(core);
    if (r != 0 && now)
        group_evict(core, g); /* the ratchet in memory is ahead of the disk */
    o->stored = r == 0;
    return r;
}

/* ---- sending ---- */

/* Who writes to somebody lets them in (sync.md 2.3), unless a decision was made while the message was on its way. */
static int allow(struct core *core, const struct group *g, const struct outgoing *o, struct err *err)
{
    return o->consent == CONSENT_ALLOWED ? 0 : consent_allow_sent(core, g->id, o->now_ns, err);
}

static void tell_outbox(struct core *core)
{
    core_emit(core, &(struct core_event){.kind = CORE_OUTBOX});
}

static int acknowledge(struct core *core, struct group *g, const struct outgoing *o, struct err *err)
{
    if (o->options->note_later)
        return taken_add(core, g->id, o->intent_id, o->id, err);
    return intent_acknowledge(core, g, &o->intent_id, (const uint8_t(*)[32])o->id, 1, err);
}

/* What was taken back is so at once for whoever did it, and not when its echo has come. */
static int note_deletion(struct core *core, struct group *g, const struct outgoing *o, struct err *err)
{
    struct store_message row = {.id = slice_of(o->id, 32),
                                .group_id = slice_of(g->id, 16),
                                .sender_inbox_id = core->self.inbox_id,
                                .sent_at_ns = o->now_ns,
                                .reference = slice_of(o->facts.reference, 32)};
    int r = core_begin(core, false, err);

    if (r != 0)
        return r;
    if ((r = deletion_note(core, g, &row, err)) == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}

/* The quick way: this message alone. */
static int send_now(struct core *core, struct group *g, struct outgoing *o, enum send_status *status, struct err *err)
{
    struct wire_message message;
    struct err why = {0};
    int r;

    if ((r = store_outgoing(core, g, o, true, err)) != 0)
        return r;
    message = (struct wire_message){bytes_slice(&o->wire), o->should_push};
    if ((r = intent_send(core, g, &message, 1, &why)) == 0) {
        r = acknowledge(core, g, o, err);
        *status = SEND_PUBLISHED;
        if (r == 0 && o->facts.kind == CONTENT_DELETE && o->facts.has_reference)
            r = note_deletion(core, g, o, err);
    } else {
        /* It may have reached the node or not: the next reading of the ledger tells. */
        g->nothing_queued = false;
        *status = SEND_UNPUBLISHED;
        tell_outbox(core);
        r = r == ERR_NOMEM || r == ERR_IO ? err_set(err, r, "%s", why.text) : 0;
    }
    return r;
}

/* Puts the message behind what waits already, and behind the one that was to be stored later. */
static int enqueue(struct core *core, struct group *g, struct outgoing *o, struct err *err)
{
    struct outgoing *earlier = g->unstored;
    int r;

    g->nothing_queued = false;
    g->unstored = NULL; /* whoever hears of either may send at once */
    if (earlier && (r = store_outgoing(core, g, earlier, false, err)) != 0) {
        g->unstored = earlier;
        return r;
    }
    return store_outgoing(core, g, o, false, err);
}

/* Publishes what is queued, this message with it; tells what became of it. */
static int publish_queue(struct core *core, struct group *g, const struct outgoing *o, enum send_status *status,
                         struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    struct err why = {0};
    int r = 0;

    if (core->api && !core->offline)
        r = intent_resolve_messages(core, g, &why);
    *status = SEND_UNPUBLISHED;
    if (store_message_get(core->store, slice_of(o->id, 32), &mem, &row, NULL) == 0)
        *status = (enum send_status)row.status;
    store_mem_free(&mem);
    if (*status == SEND_UNPUBLISHED)
        tell_outbox(core);
    return is_ours(r) ? err_set(err, r, "%s", why.text) : 0;
}

static int send_open(struct core *core, struct group *g, struct outgoing *o, enum send_status *status,
                     struct err *err)
{
    size_t waiting = 0;
    int r;

    g->unstored = o;
    r = prepare(core, g, err);
    g->unstored = NULL;
    if (r != 0 || (r = group_load_mls(core, g, err)) != 0)
        return r;
    if (o->stored)
        return publish_queue(core, g, o, status, err);
    if (!g->nothing_queued && (r = intents_outstanding(core, g, &waiting, err)) != 0)
        return r;
    if (waiting == 0 && core->api && !core->offline)
        return send_now(core, g, o, status, err);
    if ((r = enqueue(core, g, o, err)) != 0)
        return r;
    return publish_queue(core, g, o, status, err);
}

/* Somebody else is busy with this group, perhaps waiting for a node that does not answer.  The message is
 * on the disk and on the screen first; whoever has the group next sends all that wait in one request. */
static int send_behind(struct core *core, struct group *g, struct outgoing *o, enum send_status *status,
                       struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    int r;

    *status = SEND_UNPUBLISHED;
    if (o->options->optimistic)
        return 0;
    fiber_lock_take(&g->lock);
    r = store_message_get(core->store, slice_of(o->id, 32), &mem, &row, err);
    if (r == 0 && row.status != STORE_UNPUBLISHED)
        *status = (enum send_status)row.status;
    else if (r == 0 && (r = group_load_mls(core, g, err)) == 0 && (r = prepare(core, g, err)) == 0)
        r = publish_queue(core, g, o, status, err);
    fiber_lock_drop(&g->lock);
    store_mem_free(&mem);
    return r;
}

static int send_pinned(struct core *core, struct group *g, struct outgoing *o, enum send_status *status,
                       struct err *err)
{
    struct standing standing;
    int r;

    if (g->lock.held || o->options->optimistic) {
        if ((r = read_standing(core, g, &standing, err)) != 0 || (r = enqueue(core, g, o, err)) != 0)
            return r;
        return send_behind(core, g, o, status, err);
    }
    fiber_lock_take(&g->lock);
    if ((r = group_load_mls(core, g, err)) == 0)
        r = send_open(core, g, o, status, err);
    fiber_lock_drop(&g->lock);
    return r;
}

int group_send(struct core *core, const uint8_t id[16], struct slice content, const struct send_options *options,
               uint8_t message_id_out[32], enum send_status *status, struct err *err)
{
    static const struct send_options plain;
    struct outgoing o = {0};
    struct group *g = NULL;
    int r;

    options = options ? options : &plain;
    if ((r = group_get(core, id, &g, err)) != 0 || (r = compose(core, g, content, options, &o, err)) != 0 ||
        (r = send_pinned(core, g, &o, status, err)) != 0)
        goto done;
    memcpy(message_id_out, o.id, 32);
    if (*status == SEND_PUBLISHED && !options->no_consent &&
        (g->type == CONVERSATION_GROUP || g->type == CONVERSATION_DM))
        r = allow(core, g, &o, err);
done:
    buf_free(&o.envelope);
    bytes_free(&o.wire);
    group_put(core, g);
    /* What keeps us from sending at all is a sentence of its own. */
    return r == 0 || r == ERR_STATE || r == ERR_PAUSED ? r : err_wrap(err, r, "sending");
}

/* ---- the outbox ---- */

static int publish_open(struct core *core, struct group *g, size_t *published, struct err *err)
{
    struct standing standing;
    size_t queued = 0;
    int r;

    if ((r = read_standing(core, g, &standing, err)) != 0)
        return r;
    if (!core->api || core->offline)
        return err_set(err, ERR_OFFLINE, "%s", _("offline: kept to be sent later"));
    /* Reading first tells what of it has arrived already. */
    if ((r = group_receive(core, g, NULL, err)) != 0 || (r = intents_waiting(core, g, &queued, err)) != 0 ||
        (queued > 0 && (r = prepare(core, g, err)) != 0))
        return r;
    for (int round = 0; round < 3 && r == 0; round++) {
        size_t waiting = 0;
        if ((r = intents_publish(core, g, published, err)) != 0 ||
            (r = intents_outstanding(core, g, &waiting, err)) != 0 || waiting == 0)
            break;
        if ((r = group_receive(core, g, NULL, err)) == 0)
            r = intents_send_welcomes(core, g, err);
    }
    if (r == 0)
        r = intents_send_welcomes(core, g, err);
    return r;
}

int group_publish(struct core *core, const uint8_t id[16], size_t *published, struct err *err)
{
    struct group *g;
    int r;

    if (published)
        *published = 0;
    if ((r = group_open(core, id, &g, err)) != 0)
        return r;
    r = publish_open(core, g, published, err);
    group_close(core, g);
    return r;
}

static int list_group(void *ctx, struct slice group_id)
{
    return group_id.len == 16 ? group_ids_add(ctx, group_id) : 0;
}

int outbox_flush(struct core *core, size_t *published, struct err *err)
{
    struct group_ids list = {0};
    /* Invitations to what we have committed count as well, though nobody sees them wait. */
    int r = store_intents_groups(core->store, INTENTS_WAITING | STORE_INTENT_BIT(STORE_INTENT_COMMITTED), list_group, &list, err);
    struct err why = {0};
    size_t n;

    if (published)
        *published = 0;
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        n = 0;
        int one = group_publish(core, list.at[i], &n, &why);
        if (published)
            *published += n;
        if (one == ERR_OFFLINE || one == ERR_CANCELED || one == ERR_NOMEM || one == ERR_IO) {
            r = one;
            if (err)
                *err = why;
        }
    }
    group_ids_free(&list);
    return r;
}

int outbox_size(struct core *core, size_t *n, struct err *err)
{
    int64_t count = 0;
    int r = store_intents_count(core->store, INTENTS_WAITING, &count, err);

    if (r == 0)
        *n = (size_t)count;
    return r;
}
