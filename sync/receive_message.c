/* Application messages: others' as they come, ours when they come back. */
#include "base/err.h"
#include "base/log.h"
#include "identity/credential.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "proto/wire.h"
#include "store/groups.h"
#include "store/intents.h"
#include "store/messages.h"
#include "store/preferences.h"
#include "store/removals.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/core.h"
#include "sync/deletion_note.h"
#include "sync/group.h"
#include "sync/group_update.h"
#include "sync/receive_group.h"
#include "sync/send.h"

#include <stdio.h>
#include <string.h>

/* Idempotency keys are decimal times; libxmtp lets applications choose. */
#define KEY_MAX 1024

/* PlaintextEnvelope (package xmtp.mls.message_contents). */
struct envelope {
    bool old_device_sync; /* v2: read by nobody any more */
    struct slice content, key;
};

static int read_envelope(struct slice plaintext, struct envelope *out)
{
    struct slice v1;

    *out = (struct envelope){0};
    if (!wire_find(plaintext, 1, &v1)) {
        out->old_device_sync = wire_find(plaintext, 2, &v1);
        return out->old_device_sync ? 0 : ERR_MALFORMED;
    }
    wire_find(v1, 1, &out->content);
    wire_find(v1, 2, &out->key);
    return out->key.len <= KEY_MAX ? 0 : ERR_TOOBIG;
}

/* Local time of disappearance, 0 for never (sync.md 10.1). */
static int expiry(struct core *core, struct group *g, int64_t *out, struct err *err)
{
    int64_t from_ns, in_ns;
    int r;

    *out = 0;
    if ((r = group_read_extensions(core, g, err)) != 0)
        return r;
    from_ns = group_attr_number(&g->ext.mutable_, ATTR_DISAPPEAR_FROM);
    in_ns = group_attr_number(&g->ext.mutable_, ATTR_DISAPPEAR_IN);
    if (from_ns > 0 && in_ns > 0)
        *out = core_now_ns(core) > INT64_MAX - in_ns ? INT64_MAX : core_now_ns(core) + in_ns;
    return 0;
}

/* ---- contents with effects of their own ---- */

static int note_leave(struct core *core, struct group *g, const struct store_message *m, struct err *err)
{
    int r = store_leave_put(core->store, m->group_id, m->sender_inbox_id, m->id, core_now_ns(core), err);

    if (r == 0 && m->own)
        r = store_group_set_membership(core->store, m->group_id, STORE_MEMBER_PENDING_REMOVE, err);
    g->has_leaver = true;
    return r;
}

/* Inside the transaction, the row is in.  Own messages come here when they are confirmed. */
static int note_effects(struct core *core, struct group *g, const struct store_message *m, bool first,
                        struct err *err)
{
    struct core_event event = {.kind = first ? CORE_MESSAGE : CORE_MESSAGE_STATUS};
    int r = 0;

    if (m->content_type == CONTENT_LEAVE_REQUEST && g->type == CONVERSATION_GROUP)
        r = note_leave(core, g, m, err);
    else if (m->content_type == CONTENT_DELETE && g->type != CONVERSATION_SYNC)
        r = deletion_note(core, g, m, err);
    if (r != 0 || g->type == CONVERSATION_ONESHOT)
        return r;
    if (g->type == CONVERSATION_SYNC)
        event.kind = CORE_SYNC_MESSAGE;
    memcpy(event.group_id, g->id, 16);
    memcpy(event.message_id, m->id.data, 32);
    return core_note(core, &event, err);
}

/* ---- others' messages ---- */

/* The sender has to be a member still, with the credential that it wrote under. */
static bool sender_is_member(const struct group *g, const struct mls_message_info *info)
{
    const struct mls_leaf *leaf;

    if (info->sender_type != MLS_SENDER_MEMBER || !(leaf = mls_group_leaf(g->mls, info->sender_leaf)))
        return false;
    return slice_eq(leaf->credential, info->sender_credential);
}

static int store_message_of(struct core *core, struct group *g, const struct node_group_message *message,
                            const struct mls_message_info *info, const char *inbox, const struct envelope *env,
                            enum envelope_fate *fate, struct err *err)
{
    struct content_facts facts;
    struct store_message row;
    char key[KEY_MAX + 1];
    uint8_t id[32];
    int64_t expire_at;
    bool added = false;
    int r;

    if ((r = expiry(core, g, &expire_at, err)) != 0)
        return r;
    content_facts(env->content, &facts);
    message_id(g->id, env->key, env->content, id);
    snprintf(key, sizeof key, "%.*s", (int)env->key.len, env->key.data ? (const char *)env->key.data : "");
    row = (struct store_message){.id = slice_of(id, 32),
                                 .group_id = slice_of(g->id, 16),
                                 .sender_inbox_id = inbox,
                                 .sender_installation_id = info->sender_signature_key,
                                 .sent_at_ns = (int64_t)message->created_ns,
                                 .inserted_at_ns = core_now_ns(core),
                                 .kind = STORE_MESSAGE_APPLICATION,
                                 .status = STORE_PUBLISHED,
                                 .content_type = (int)facts.kind,
                                 .shows = g->type == CONVERSATION_SYNC ? STORE_SHOWS_NOT : facts.shows,
                                 .own = strcmp(inbox, core->self.inbox_id) == 0,
                                 .should_push = message->should_push,
                                 .body = env->content.data ? env->content : slice_str(""),
                                 .originator = message->cursor.originator,
                                 .sequence_id = (int64_t)message->cursor.sequence_id,
                                 .expire_at_ns = expire_at,
                                 .idempotency_key = key};
    if (facts.has_reference)
        row.reference = slice_of(facts.reference, 32);
    if ((r = store_message_put(core->store, &row, &added, err)) != 0 || !added ||
        (r = deletion_mark(core, &row, err)) != 0)
        return r;
    if (g->type != CONVERSATION_SYNC && facts.kind == CONTENT_UNKNOWN && facts.shows == STORE_SHOWS_NOT)
        return 0; /* a preference payload in a chat: kept, nothing to tell anybody */
    if (g->type == CONVERSATION_GROUP || g->type == CONVERSATION_DM)
        *fate = ENVELOPE_STORED;
    return note_effects(core, g, &row, true, err);
}

int receive_application(struct core *core, struct group *g, const struct node_group_message *message,
                        struct mls_processed *processed, bool move_cursor, enum envelope_fate *fate,
                        struct err *err)
{
    const struct mls_message_info *info = mls_processed_info(processed);
    char inbox[INBOX_ID_LEN + 1];
    struct envelope env;
    uint64_t epoch = info->epoch;
    bool bad;
    int r;

    *fate = ENVELOPE_DONE;
    bad = credential_read(info->sender_credential, inbox, NULL) != 0 || !sender_is_member(g, info) ||
          read_envelope(info->plaintext, &env) != 0;
    if (bad && !move_cursor) {
        *fate = ENVELOPE_REFUSED;
        r = 0;
        goto done;
    }
    if (bad) {
        r = receive_pass_over(core, g, message, STORE_COMMIT_INVALID, epoch,
                              "no content, or its sender is no member", err);
        goto done;
    }
    if ((r = core_begin(core, false, err)) != 0)
        goto done;
    if (!env.old_device_sync)
        r = store_message_of(core, g, message, info, inbox, &env, fate, err);
    if (r == 0) {
        r = mls_group_accept(g->mls, processed, err);
        processed = NULL;
    }
    if (r == 0)
        r = group_save_mls(core, g, err);
    if (r == 0 && move_cursor)
        r = receive_move_cursor(core, g, message, err);
    if (r == 0)
        r = core_commit(core, err);
    else
        core_rollback(core);
    if (r != 0)
        group_evict(core, g);
done:
    mls_processed_free(processed);
    return r;
}

/* ---- our own ---- */

static int confirm(struct core *core, struct group *g, const struct node_group_message *message,
                   const struct store_intent *intent, enum envelope_fate *fate, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    int64_t expire_at;
    bool new_to_us;
    int r;

    if ((r = store_message_get(core->store, intent->message_id, &mem, &row, err)) != 0)
        goto done;
    new_to_us = row.status == STORE_UNPUBLISHED;
    store_mem_reset(&mem);
    if ((r = expiry(core, g, &expire_at, err)) != 0 ||
        (r = store_message_set_published(core->store, intent->message_id, (int64_t)message->created_ns,
                                         message->cursor.originator, (int64_t)message->cursor.sequence_id, expire_at,
                                         err)) != 0 ||
        (r = store_intent_delete(core->store, intent->id, err)) != 0 ||
        (r = store_message_get(core->store, intent->message_id, &mem, &row, err)) != 0)
        goto done;
    if (g->type == CONVERSATION_SYNC)
        r = store_preference_sent(core->store, intent->message_id, NULL, err);
    else if (g->type != CONVERSATION_ONESHOT)
        *fate = ENVELOPE_STORED;
    /* The answer to the send was lost, and with it what writing says about a conversation. */
    if (r == 0 && new_to_us && (g->type == CONVERSATION_GROUP || g->type == CONVERSATION_DM))
        r = consent_allow_written(core, g->id, row.inserted_at_ns, err);
    if (r == 0)
        r = note_effects(core, g, &row, false, err);
done:
    store_mem_free(&mem);
    return r;
}

int receive_own_message(struct core *core, struct group *g, const struct node_group_message *message,
                        const struct store_intent *intent, uint64_t epoch, bool move_cursor,
                        enum envelope_fate *fate, struct err *err)
{
    uint64_t now = mls_group_epoch(g->mls);
    int r;

    *fate = ENVELOPE_DONE;
    if ((r = core_begin(core, false, err)) != 0)
        return r;
    if (epoch <= now && epoch + 3 > now) {
        r = confirm(core, g, message, intent, fate, err);
    } else {
        /* Others have forgotten that epoch: the same message goes out again under its same id. */
        r = store_intent_set_to_publish(core->store, intent->id, false, 0, err);
        g->nothing_queued = false;
    }
    if (r == 0 && move_cursor)
        r = receive_move_cursor(core, g, message, err);
    if (r == 0)
        return core_commit(core, err);
    core_rollback(core);
    return r;
}
