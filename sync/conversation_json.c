#include "sync/conversation_json.h"

#include "base/err.h"
#include "store/consent.h"
#include "store/groups.h"
#include "store/settings.h"
#include "sync/consent.h"
#include "sync/content.h"
#include "sync/messages.h"
#include "sync/rpc.h"

static const char *type_name(enum store_group_type type)
{
    switch (type) {
    case STORE_DM:
        return "dm";
    case STORE_SYNC:
        return "sync";
    case STORE_ONESHOT:
        return "oneshot";
    default:
        return "group";
    }
}

static json_t *string_or_null(const char *text)
{
    return text && *text ? content_clean_json(slice_str(text)) : json_null();
}

static int add_nick(struct store *store, json_t *object, const char *inbox_id, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    const char *name;
    int r = inbox_id ? store_nickname_get(store, STORE_NICKNAME_INBOX, inbox_id, &mem, &name, err) : ERR_NOTFOUND;

    if (r == 0)
        json_object_set_new(object, "peerNick", json_string(name));
    store_mem_free(&mem);
    return r == ERR_NOTFOUND ? 0 : r;
}

int conversation_to_json(struct store *store, const struct store_conversation *row, json_t **out, struct err *err)
{
    const struct store_group *g = &row->group;
    json_t *last = NULL, *object;
    int r;

    if (row->has_last && (r = message_to_json(store, &row->last, &last, err)) != 0)
        return r;
    object = json_pack("{s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:b,s:I,s:o,s:I,s:o}", "id",
                       rpc_hex_json(g->id.data, g->id.len), "type", type_name(g->type), "name",
                       content_clean_json(row->texts.name), "description", content_clean_json(row->texts.description),
                       "imageUrl", content_clean_json(row->texts.image_url), "peerInboxId",
                       string_or_null(g->peer_inbox_id), "createdAtNs", rpc_ns(g->created_at_ns), "addedByInboxId",
                       string_or_null(g->added_by_inbox_id), "consent",
                       consent_state_name((enum consent_state)row->consent), "active", (int)g->active, "epoch",
                       (json_int_t)g->epoch, "lastMessage", last ? last : json_null(), "unread",
                       (json_int_t)row->unread, "duplicateOf", json_null());
    if (!object)
        return err_set(err, ERR_NOMEM, "out of memory");
    json_object_set_new(object, "activeAtNs", rpc_ns(row->active_at_ns));
    json_object_set_new(object, "readUpToNs", rpc_ns(row->read_up_to_ns));
    if (row->has_draft)
        json_object_set_new(object, "draft", json_true());
    if (g->type == STORE_DM)
        json_object_set_new(object, "peerConsent", json_string(consent_state_name((enum consent_state)row->peer_consent)));
    if (g->paused_for_version)
        json_object_set_new(object, "pausedForVersion", string_or_null(g->paused_for_version));
    if ((r = add_nick(store, object, g->peer_inbox_id, err)) != 0) {
        json_decref(object);
        return r;
    }
    *out = object;
    return 0;
}
