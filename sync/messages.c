/* The Message objects of doc/rpc.md. */
#include "sync/messages.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "store/messages.h"
#include "store/settings.h"
#include "sync/content.h"
#include "sync/deletion.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Quotes under a reply; the whole text is one scroll away. */
#define QUOTE_MAX 200

static json_t *hex_json(struct slice s)
{
    char *hex = s.data ? hex_dup(s) : NULL;
    json_t *j = hex ? json_string(hex) : json_null();

    xm_free(hex);
    return j;
}

static json_t *ns_json(int64_t ns)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, ns);
    return json_string(text);
}

/* ---- reactions ---- */

static json_t *reaction_json(const struct store_message *row, const char *emoji)
{
    json_t *j = json_object();

    json_object_set_new(j, "emoji", json_string(emoji));
    json_object_set_new(j, "senderInboxId", json_string(row->sender_inbox_id ? row->sender_inbox_id : ""));
    json_object_set_new(j, "messageId", hex_json(row->id));
    return j;
}

struct reactions {
    int64_t conversation; /* where they count: whoever knows an id can name it anywhere */
    json_t *list;
};

/* In order: a removal takes back the same person's same emoji. */
static int add_reaction(void *ctx, const struct store_message *row)
{
    const struct reactions *reactions = ctx;
    json_t *list = reactions->list;
    struct content_reaction_parts parts;

    if (row->conversation != reactions->conversation)
        return 0;
    if (row->content_type != CONTENT_REACTION || row->damaged || !content_read_reaction(row->body, &parts))
        return 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *at = json_array_get(list, i);
        const char *who = json_string_value(json_object_get(at, "senderInboxId"));
        if (who && row->sender_inbox_id && strcmp(who, row->sender_inbox_id) == 0 &&
            strcmp(json_string_value(json_object_get(at, "emoji")), parts.emoji) == 0) {
            if (parts.removed)
                json_array_remove(list, i);
            return 0;
        }
    }
    if (!parts.removed && json_array_append_new(list, reaction_json(row, parts.emoji)) != 0)
        return ERR_NOMEM;
    return 0;
}

/* ---- what a reply answers ---- */

static int add_quote(struct store *store, const struct store_message *row, json_t *object, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message target;
    char *text = NULL;
    int r;

    if (row->content_type != CONTENT_REPLY || row->reference.len != 32) {
        json_object_set_new(object, "replyTo", json_null());
        return 0;
    }
    json_object_set_new(object, "replyTo", hex_json(row->reference));
    r = store_message_get(store, row->reference, &mem, &target, err);
    if (r == 0 && target.conversation == row->conversation) { /* in either chat of a pair */
        text = content_preview(target.body, QUOTE_MAX);
        json_object_set_new(object, "replyToText", text ? json_string(text) : json_null());
        json_object_set_new(object, "replyToSenderInboxId",
                            json_string(target.sender_inbox_id ? target.sender_inbox_id : ""));
    }
    xm_free(text);
    store_mem_free(&mem);
    return r == ERR_NOTFOUND || r == ERR_CORRUPT ? 0 : r;
}

/* ---- deletions ---- */

static int apply_deletion(struct store *store, const struct store_message *row, json_t *object, struct err *err)
{
    const char *by;
    json_t *content;
    int r = deletion_find(store, row, &by, err);

    if (r != 0 || !by)
        return r;
    content = json_object();
    json_object_set_new(content, "fallback", json_null());
    json_object_set_new(content, "deletedBy", json_string(by));
    json_object_set_new(object, "content", content);
    json_object_set_new(object, "deletedBy", json_string(by));
    return 0;
}

/* ---- the whole ---- */

static const char *status_name(enum store_message_status status)
{
    return status == STORE_UNPUBLISHED ? "unpublished" : status == STORE_FAILED ? "failed" : "published";
}

static int add_nick(struct store *store, const char *inbox_id, json_t *object, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    const char *name;
    int r = inbox_id ? store_nickname_get(store, STORE_NICKNAME_INBOX, inbox_id, &mem, &name, err) : ERR_NOTFOUND;

    if (r == 0)
        json_object_set_new(object, "senderNick", json_string(name));
    store_mem_free(&mem);
    return r == ERR_NOTFOUND ? 0 : r;
}

static void add_plain(const struct store_message *row, json_t *object)
{
    json_object_set_new(object, "id", hex_json(row->id));
    json_object_set_new(object, "conversationId", hex_json(row->group_id));
    json_object_set_new(object, "senderInboxId", json_string(row->sender_inbox_id ? row->sender_inbox_id : ""));
    json_object_set_new(object, "senderInstallationId", hex_json(row->sender_installation_id));
    json_object_set_new(object, "sentAtNs", ns_json(row->sent_at_ns));
    json_object_set_new(object, "insertedAtNs", ns_json(row->inserted_at_ns));
    json_object_set_new(object, "kind",
                        json_string(row->kind == STORE_MESSAGE_MEMBERSHIP ? "membershipChange" : "application"));
    json_object_set_new(object, "status", json_string(status_name(row->status)));
    json_object_set_new(object, "own", json_boolean(row->own));
}

static int add_content(struct store *store, const struct store_message *row, json_t *object, struct err *err)
{
    struct content_view view;
    struct reactions reactions = {row->conversation, json_array()};
    int r = content_view(row->body, &view, err);

    if (r != 0)
        goto done;
    json_object_set(object, "contentType", view.content_type);
    json_object_set(object, "content", view.content);
    json_object_set(object, "fallback", view.fallback);
    content_view_free(&view);
    if (row->damaged)
        json_object_set_new(object, "damaged", json_true());
    if ((r = store_messages_about(store, row->id, add_reaction, &reactions, err)) != 0)
        goto done;
    json_object_set(object, "reactions", reactions.list);
done:
    json_decref(reactions.list);
    return r;
}

int message_to_json(struct store *store, const struct store_message *row, json_t **out, struct err *err)
{
    json_t *object = json_object();
    int r;

    if (!object)
        return err_set(err, ERR_NOMEM, "out of memory");
    add_plain(row, object);
    if ((r = add_content(store, row, object, err)) != 0 || (r = add_quote(store, row, object, err)) != 0 ||
        (r = apply_deletion(store, row, object, err)) != 0 ||
        (r = add_nick(store, row->sender_inbox_id, object, err)) != 0) {
        json_decref(object);
        return r;
    }
    *out = object;
    return 0;
}
