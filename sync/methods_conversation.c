/* conversation.*: reading and writing one conversation. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "store/groups.h"
#include "sync/content.h"
#include "sync/conversation_json.h"
#include "sync/core.h"
#include "sync/messages.h"
#include "sync/params.h"
#include "sync/rpc.h"
#include "sync/send.h"
#include "sync/sync_all.h"
#include "sync/worker.h"

#include <inttypes.h>
#include <string.h>

#define PAGE_MAX 10000

/* ---- get, messages ---- */

static int get(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_conversation row;
    uint8_t id[16];
    int r;

    if ((r = params_conversation(rpc, id)) != 0)
        return r;
    r = store_conversation_get(rpc->store, slice_of(id, GROUP_ID_LEN), &mem, &row, &rpc->err);
    if (r == 0)
        r = conversation_to_json(rpc->store, &row, &rpc->result, &rpc->err);
    store_mem_free(&mem);
    return r;
}

static int read_page_query(struct rpc *rpc, struct store_page_query *query)
{
    const char *direction;
    int64_t limit;
    int r;

    if ((r = rpc_int(rpc, "limit", PAGE_MAX, &limit)) != 0 ||
        (r = rpc_int(rpc, "beforeNs", 0, &query->before_ns)) != 0 ||
        (r = rpc_int(rpc, "afterNs", 0, &query->after_ns)) != 0 ||
        (r = rpc_string(rpc, "direction", false, &direction)) != 0)
        return r;
    if (limit < 1 || limit > PAGE_MAX)
        return err_set(&rpc->err, ERR_INVALID, _("\"limit\" must be 1 to %d"), PAGE_MAX);
    if (direction && strcmp(direction, "ascending") != 0 && strcmp(direction, "descending") != 0)
        return err_set(&rpc->err, ERR_INVALID, _("\"direction\" is ascending or descending"));
    query->limit = (size_t)limit;
    query->ascending = direction ? strcmp(direction, "ascending") == 0 : query->after_ns && !query->before_ns;
    query->shows_at_least = STORE_SHOWS_NOT; /* reactions, receipts and deletions too: screens work with them */
    query->no_payloads = true; /* a short page is the last one to whoever reads on, so none is shortened later */
    query->now_ns = clock_now_ns(&clock_system);
    return 0;
}

/* Oldest first in the answer, whichever end was read from: that is how people read. */
static int page_to_json(struct rpc *rpc, const struct store_message *rows, size_t n, bool reversed)
{
    json_t *array = json_array(), *object;
    int r;

    for (size_t i = 0; i < n; i++) {
        const struct store_message *row = &rows[reversed ? n - 1 - i : i];

        if ((r = message_to_json(rpc->store, row, &object, &rpc->err)) != 0) {
            json_decref(array);
            return r;
        }
        json_array_append_new(array, object);
    }
    rpc->result = array;
    return 0;
}

static int messages(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_page_query query = {0};
    struct store_message *rows;
    struct store_group group;
    uint8_t id[16];
    size_t n;
    int r;

    if ((r = read_page_query(rpc, &query)) != 0 || (r = params_conversation(rpc, id)) != 0)
        return r;
    if ((r = store_group_get(rpc->store, slice_of(id, GROUP_ID_LEN), &mem, &group, &rpc->err)) != 0)
        goto done;
    query.conversation = group.conversation;
    if ((r = store_messages_page(rpc->store, &query, &mem, &rows, &n, &rpc->err)) == 0)
        r = page_to_json(rpc, rows, n, !query.ascending);
done:
    store_mem_free(&mem);
    return r;
}

/* ---- sending ---- */

struct quoted {
    char inbox_id[65];
    char *text;
    int64_t conversation; /* 0: not known */
    uint8_t group_id[GROUP_ID_LEN];
};

/* What a reply, reaction or deletion refers to; not knowing the message is fine. */
static void find_quoted(struct rpc *rpc, const json_t *content, struct quoted *out)
{
    const char *reference = json_string_value(json_object_get(content, "reference"));
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    uint8_t id[MESSAGE_ID_LEN];

    if (!reference || !hex_decode(reference, strlen(reference), id, sizeof id) ||
        store_message_get(rpc->store, slice_of(id, sizeof id), &mem, &row, NULL) != 0)
        goto done;
    if (row.sender_inbox_id)
        strncpy(out->inbox_id, row.sender_inbox_id, sizeof out->inbox_id - 1);
    out->text = content_preview(row.body, 200);
    out->conversation = row.conversation;
    memcpy(out->group_id, row.group_id.data, GROUP_ID_LEN);
done:
    store_mem_free(&mem);
}

/* Shorter beginnings of a message's id fit too much to be meant. */
#define REFERENCE_MIN 4

static int match_reference(const struct store_message *rows, size_t n, const char *begin, char out[65], struct err *err)
{
    unsigned found = 0;

    for (size_t i = 0; i < n; i++) {
        char hex[2 * MESSAGE_ID_LEN + 1];

        hex_encode(rows[i].id.data, MESSAGE_ID_LEN, hex);
        if (strncmp(hex, begin, strlen(begin)) != 0)
            continue;
        memcpy(out, hex, sizeof hex);
        found++;
    }
    if (found == 1)
        return 0;
    return found ? err_set(err, ERR_INVALID, _("\"%s\" fits %u messages: give more of it"), begin, found)
                 : err_set(err, ERR_NOTFOUND, _("no message %s in this conversation"), begin);
}

/* A unique beginning of an id becomes the whole one, as it does for conversations. */
static int complete_reference(struct rpc *rpc, json_t *content)
{
    const char *begin = json_string_value(json_object_get(content, "reference"));
    size_t len = begin ? strlen(begin) : 0;
    struct store_page_query query = {.limit = STORE_PAGE_MAX, .shows_at_least = STORE_SHOWS_NOT};
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message *rows;
    struct store_group group;
    uint8_t id[16];
    char whole[65];
    size_t n;
    int r;

    if (len < REFERENCE_MIN || len >= 2 * MESSAGE_ID_LEN || strspn(begin, "0123456789abcdef") != len)
        return 0; /* whole, or wrong, which is told where it is read */
    if ((r = params_conversation(rpc, id)) != 0 ||
        (r = store_group_get(rpc->store, slice_of(id, GROUP_ID_LEN), &mem, &group, &rpc->err)) != 0)
        goto done;
    query.conversation = group.conversation;
    if ((r = store_messages_page(rpc->store, &query, &mem, &rows, &n, &rpc->err)) == 0 &&
        (r = match_reference(rows, n, begin, whole, &rpc->err)) == 0)
        json_object_set_new(content, "reference", json_string(whole));
done:
    store_mem_free(&mem);
    return r;
}

static const char *status_name(enum send_status status)
{
    return status == SEND_PUBLISHED ? "published" : status == SEND_FAILED ? "failed" : "unpublished";
}

static int build_content(struct rpc *rpc, struct quoted *quoted, enum content_kind *kind, struct bytes *out)
{
    json_t *content = json_object_get(rpc->params, "content"), *made = NULL;
    const char *text;
    int r;

    if ((r = rpc_string(rpc, "text", !content, &text)) != 0)
        return r;
    if (text && content)
        return err_set(&rpc->err, ERR_INVALID, _("give \"text\" or \"content\", not both"));
    if (text)
        content = made = json_pack("{s:s,s:s}", "type", "text", "text", text);
    if ((r = complete_reference(rpc, content)) != 0)
        return r;
    find_quoted(rpc, content, quoted);
    r = content_from_json(content, quoted->inbox_id[0] ? quoted->inbox_id : NULL, quoted->text, out, kind, &rpc->err);
    json_decref(made);
    return r;
}

/* A deletion counts only in the group of its message, which of the chats of a pair may be another one. */
static int group_of_deletion(struct rpc *rpc, const struct quoted *quoted, uint8_t id[16])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group group;
    int r = store_group_get(rpc->store, slice_of(id, GROUP_ID_LEN), &mem, &group, &rpc->err);

    if (r == 0 && group.conversation == quoted->conversation)
        memcpy(id, quoted->group_id, GROUP_ID_LEN);
    store_mem_free(&mem);
    return r;
}

static int send_content(struct rpc *rpc, struct slice content, enum content_kind kind, const struct quoted *quoted)
{
    struct send_options options;
    uint8_t id[16], message_id[MESSAGE_ID_LEN];
    enum send_status status;
    bool optimistic;
    int r;

    if ((r = params_conversation(rpc, id)) != 0 || (r = rpc_bool(rpc, "optimistic", false, &optimistic)) != 0 ||
        (kind == CONTENT_DELETE && (r = group_of_deletion(rpc, quoted, id)) != 0))
        return r;
    options = (struct send_options){.optimistic = optimistic || rpc->core->offline, .note_later = true};
    if ((r = group_send(rpc->core, id, content, &options, message_id, &status, &rpc->err)) != 0)
        return r;
    rpc->result = json_pack("{s:o,s:s}", "messageId", rpc_hex_json(message_id, sizeof message_id), "status",
                            status_name(status));
    return 0;
}

/* Without a network this is no error: the message waits in the outbox. */
static int send_message(struct rpc *rpc)
{
    enum content_kind kind = CONTENT_UNKNOWN;
    struct quoted quoted = {"", NULL, 0, {0}};
    struct bytes content = {0};
    int r = build_content(rpc, &quoted, &kind, &content);

    if (r == 0) {
        if (!rpc->core->offline)
            (void)worker_online(rpc->core, NULL);
        r = send_content(rpc, bytes_slice(&content), kind, &quoted);
    }
    xm_free(quoted.text);
    bytes_wipe(&content);
    return r;
}

static int publish(struct rpc *rpc)
{
    size_t published = 0;
    uint8_t id[16];
    int r;

    if ((r = params_conversation(rpc, id)) != 0 || (r = worker_online(rpc->core, &rpc->err)) != 0 ||
        (r = group_publish(rpc->core, id, &published, &rpc->err)) != 0)
        return r;
    rpc->result = json_pack("{s:I}", "published", (json_int_t)published);
    return 0;
}

static int sync_one(struct rpc *rpc)
{
    size_t stored = 0;
    uint8_t id[16];
    int r;

    if ((r = params_conversation(rpc, id)) != 0 || (r = worker_online(rpc->core, &rpc->err)) != 0 ||
        (r = sync_conversation(rpc->core, id, &stored, &rpc->err)) != 0)
        return r;
    rpc->result = json_pack("{s:I}", "messages", (json_int_t)stored);
    return 0;
}

/* ---- what stays here: read marker and draft ---- */

static int in_conversation(struct rpc *rpc, struct store_mem *mem, struct store_group *group)
{
    uint8_t id[16];
    int r;

    if ((r = params_conversation(rpc, id)) != 0)
        return r;
    return store_group_get(rpc->store, slice_of(id, GROUP_ID_LEN), mem, group, &rpc->err);
}

static int finish(struct rpc *rpc, int r)
{
    if (r == 0)
        return core_commit(rpc->core, &rpc->err);
    core_rollback(rpc->core);
    return r;
}

static int mark_read(struct rpc *rpc)
{
    struct core_event changed = {.kind = CORE_CONVERSATION_CHANGED};
    struct store_mem mem = STORE_MEM_INIT;
    int64_t up_to, unread = 0;
    struct store_group group;
    int r;

    if ((r = rpc_int(rpc, "upToNs", core_now_ns(rpc->core), &up_to)) != 0 ||
        (r = in_conversation(rpc, &mem, &group)) != 0 || (r = core_begin(rpc->core, false, &rpc->err)) != 0)
        goto done;
    memcpy(changed.group_id, group.id.data, GROUP_ID_LEN);
    r = store_conversation_mark_read(rpc->store, group.conversation, up_to, &unread, &rpc->err);
    if (r == 0)
        r = core_note(rpc->core, &changed, &rpc->err);
    r = finish(rpc, r);
    if (r == 0)
        rpc->result = json_pack("{s:I}", "unread", (json_int_t)unread);
done:
    store_mem_free(&mem);
    return r;
}

static int keep_draft(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group group;
    const char *text;
    int r;

    if ((r = rpc_string(rpc, "text", true, &text)) != 0 || (r = in_conversation(rpc, &mem, &group)) != 0 ||
        (r = core_begin(rpc->core, false, &rpc->err)) != 0)
        goto done;
    r = finish(rpc, store_draft_put(rpc->store, group.conversation, slice_str(text), &rpc->err));
done:
    store_mem_free(&mem);
    return r;
}

static int get_draft(struct rpc *rpc)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct slice text = {0};
    struct store_group group;
    int r;

    if ((r = in_conversation(rpc, &mem, &group)) != 0)
        goto done;
    r = store_draft_get(rpc->store, group.conversation, &mem, &text, &rpc->err);
    if (r == 0 || r == ERR_NOTFOUND) {
        rpc->result = json_pack("{s:s%}", "text", text.data ? (const char *)text.data : "", text.len);
        r = 0;
    }
done:
    store_mem_free(&mem);
    return r;
}

const struct rpc_method conversation_methods[] = {
    {"conversation.get", NULL, get, 0},
    {"conversations.get", NULL, get, 0},
    {"conversation.messages", NULL, messages, 0},
    {"conversation.send", send_message, NULL, RPC_MAY_OVERTAKE},
    {"conversation.publish", publish, NULL, 0},
    {"conversation.publishMessages", publish, NULL, 0},
    {"conversation.sync", sync_one, NULL, 0},
    {"conversation.markRead", mark_read, NULL, 0},
    {"conversation.draft", keep_draft, NULL, 0},
    {"drafts.get", NULL, get_draft, 0},
    {NULL, NULL, NULL, 0},
};
