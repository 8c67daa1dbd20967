/* Methods of MlsApi that only read: they answer at once, from the reader. */
#include "node/service.h"

#include "base/err.h"
#include "net/grpc_server.h"
#include "node/commit_log.h"
#include "node/key_packages.h"
#include "node/messages.h"
#include "node/welcomes.h"
#include "proto/wire.h"
#include "proto/xmtp_mls_api.pb-c.h"

#define TYPE(name) &xmtp__mls__api__v1__##name##__descriptor

/* ---- Paging ---- */

struct page {
    bool ascending;
    uint32_t limit;
    int64_t cursor;
    /* filled in while reading */
    uint32_t count;
    int64_t last;
    bool cut; /* the reply was full before the page was */
};

/* Anything but ascending is descending, no paging info included. */
static struct page page_of(const Xmtp__Mls__Api__V1__PagingInfo *info)
{
    struct page page = {.limit = NODE_PAGE};

    if (info == NULL)
        return page;
    page.ascending = info->direction == XMTP__MLS__API__V1__SORT_DIRECTION__SORT_DIRECTION_ASCENDING;
    if (info->limit >= 1 && info->limit <= NODE_PAGE)
        page.limit = info->limit;
    page.cursor = info->id_cursor > INT64_MAX ? INT64_MAX : (int64_t)info->id_cursor;
    return page;
}

/* The cursor is 0 unless there may be more. */
static void put_paging(struct buf *out, uint32_t number, const struct page *page)
{
    uint64_t direction = page->ascending ? 1 : 2;
    uint64_t cursor = page->count == page->limit || page->cut ? (uint64_t)page->last : 0;

    wire_put_head(out, number,
                  wire_size_u64(1, direction) + wire_size_u64(2, page->limit) + wire_size_u64(3, cursor));
    wire_put_u64(out, 1, direction);
    wire_put_u64(out, 2, page->limit);
    wire_put_u64(out, 3, cursor);
}

/* For what surrounds the rows of a page.  What is stored left NODE_REPLY_SLACK, more than a row and this need: so
 * each row fits an answer of its own. */
#define PAGE_SLACK (NODE_REPLY_SLACK / 2)

/* Whether a row of `size` bytes still fits an answer of `reply_len`.  A page cut short makes the reference client
 * stop early and come back later; an answer over its limit it could never read. */
static bool page_takes(struct page *page, size_t reply_len, size_t size, int64_t id)
{
    if (reply_len + size + PAGE_SLACK > NODE_MESSAGE_MAX) {
        page->cut = true;
        return false;
    }
    page->count++;
    page->last = id;
    return true;
}

void rpc_query_group_messages(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Mls__Api__V1__QueryGroupMessagesRequest *msg;
    struct group_rows rows;
    struct group_row row;
    struct err err = {0};
    struct page page;
    int r;

    if (proto_unpack(TYPE(query_group_messages_request), body, &node->arena, &msg, &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (msg->group_id.len == 0) {
        grpc_fail(req, GRPC_UNKNOWN, "group is required");
        return;
    }
    page = page_of(msg->paging_info);
    group_rows_start(&rows, node->data.reader, proto_slice(msg->group_id), page.ascending, page.cursor, page.limit);
    while ((r = group_rows_next(&rows, &row, &err)) == DB_ROW) {
        size_t size = group_row_size(&row);

        if (!page_takes(&page, node->reply.len, size, row.id))
            break;
        wire_put_head(&node->reply, 1, size);
        group_row_put(&node->reply, &row);
    }
    group_rows_end(&rows);
    if (r < 0) {
        node_fail(req, &err);
        return;
    }
    put_paging(&node->reply, 2, &page);
    node_reply(node, req);
}

void rpc_query_welcome_messages(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Mls__Api__V1__QueryWelcomeMessagesRequest *msg;
    struct welcome_rows rows;
    struct welcome_row row;
    struct err err = {0};
    struct page page;
    int r;

    if (proto_unpack(TYPE(query_welcome_messages_request), body, &node->arena, &msg, &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (msg->installation_key.len == 0) {
        grpc_fail(req, GRPC_UNKNOWN, "installation is required");
        return;
    }
    page = page_of(msg->paging_info);
    welcome_rows_start(&rows, node->data.reader, proto_slice(msg->installation_key), page.ascending, page.cursor,
                       page.limit);
    while ((r = welcome_rows_next(&rows, &row, &err)) == DB_ROW) {
        size_t size = welcome_row_size(&row);

        if (!page_takes(&page, node->reply.len, size, row.id))
            break;
        wire_put_head(&node->reply, 1, size);
        welcome_row_put(&node->reply, &row);
    }
    welcome_rows_end(&rows);
    if (r < 0) {
        node_fail(req, &err);
        return;
    }
    put_paging(&node->reply, 2, &page);
    node_reply(node, req);
}

/* One element a key, in the order of the request; an installation without a package gets an empty one. */
void rpc_fetch_key_packages(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Mls__Api__V1__FetchKeyPackagesRequest *msg;
    struct err err = {0};
    size_t i;

    if (proto_unpack(TYPE(fetch_key_packages_request), body, &node->arena, &msg, &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (msg->n_installation_keys > NODE_MAX_LIST) {
        grpc_fail(req, GRPC_RESOURCE_EXHAUSTED, "%zu installations in one request, at most %d",
                  msg->n_installation_keys, NODE_MAX_LIST);
        return;
    }
    for (i = 0; i < msg->n_installation_keys; i++) {
        buf_reset(&node->part);
        if (key_packages_get(node->data.reader, proto_slice(msg->installation_keys[i]), &node->part, &err) != 0) {
            node_fail(req, &err);
            return;
        }
        wire_put_head(&node->reply, 1, wire_size_bytes(1, node->part.len));
        wire_put_bytes(&node->reply, 1, buf_slice(&node->part));
        if (node->part.bad || node->reply.len > NODE_MESSAGE_MAX)
            break;
    }
    node->reply.bad |= node->part.bad;
    node_reply(node, req);
}

static int newest(struct node *node, struct slice group_id, bool with_content, struct err *err)
{
    struct group_rows rows;
    struct group_row row;
    size_t size;
    int r;

    if (!with_content) {
        r = group_messages_newest(node->data.reader, group_id, &row, err);
    } else {
        group_rows_start(&rows, node->data.reader, group_id, false, 0, 1);
        r = group_rows_next(&rows, &row, err);
    }
    if (r == DB_ROW) {
        size = group_row_size(&row);
        wire_put_head(&node->reply, 1, wire_size_message(1, size));
        wire_put_head(&node->reply, 1, size);
        group_row_put(&node->reply, &row);
    } else if (r == DB_DONE) {
        wire_put_head(&node->reply, 1, 0);
    }
    if (with_content)
        group_rows_end(&rows);
    return r < 0 ? r : 0;
}

void rpc_get_newest_group_message(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Mls__Api__V1__GetNewestGroupMessageRequest *msg;
    struct err err = {0};
    size_t i;

    if (proto_unpack(TYPE(get_newest_group_message_request), body, &node->arena, &msg, &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (msg->n_group_ids == 0) {
        grpc_fail(req, GRPC_INVALID_ARGUMENT, "no group ids provided");
        return;
    }
    if (msg->n_group_ids > NODE_MAX_LIST) {
        grpc_fail(req, GRPC_RESOURCE_EXHAUSTED, "%zu groups in one request, at most %d", msg->n_group_ids,
                  NODE_MAX_LIST);
        return;
    }
    for (i = 0; i < msg->n_group_ids && node->reply.len <= NODE_MESSAGE_MAX; i++) {
        if (newest(node, proto_slice(msg->group_ids[i]), msg->include_content, &err) != 0) {
            node_fail(req, &err);
            return;
        }
    }
    node_reply(node, req);
}

/* ---- Commit log ---- */

enum { MAX_COMMIT_LOG_QUERIES = 20 };

/* What does not fit the answer any more is left for the next time: clients come back with their cursors. */
static int put_commit_log(struct node *node, const Xmtp__Mls__Api__V1__QueryCommitLogRequest *query, struct err *err)
{
    struct page page = page_of(query->paging_info);
    struct slice group_id = proto_slice(query->group_id);
    struct commit_log_rows rows;
    struct commit_log_row row;
    int r;

    page.ascending = true;
    page.last = page.cursor;
    buf_reset(&node->part);
    wire_put_bytes(&node->part, 1, group_id);
    commit_log_rows_start(&rows, node->data.reader, group_id, page.cursor, page.limit);
    while ((r = commit_log_rows_next(&rows, &row, err)) == DB_ROW) {
        size_t size = commit_log_row_size(&row);

        if (!page_takes(&page, node->reply.len + node->part.len, size, row.id))
            break;
        wire_put_head(&node->part, 2, size);
        commit_log_row_put(&node->part, &row);
    }
    commit_log_rows_end(&rows);
    if (r < 0)
        return r;
    put_paging(&node->part, 3, &page);
    node->reply.bad |= node->part.bad;
    wire_put_message(&node->reply, 1, buf_slice(&node->part));
    return 0;
}

void rpc_batch_query_commit_log(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Mls__Api__V1__BatchQueryCommitLogRequest *msg;
    struct err err = {0};
    size_t i;

    if (proto_unpack(TYPE(batch_query_commit_log_request), body, &node->arena, &msg, &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (msg->n_requests == 0) {
        grpc_fail(req, GRPC_INVALID_ARGUMENT, "no requests to query");
        return;
    }
    if (msg->n_requests > MAX_COMMIT_LOG_QUERIES) {
        grpc_fail(req, GRPC_INVALID_ARGUMENT, "cannot exceed %d queries in single batch", MAX_COMMIT_LOG_QUERIES);
        return;
    }
    for (i = 0; i < msg->n_requests; i++) {
        const Xmtp__Mls__Api__V1__QueryCommitLogRequest *query = msg->requests[i];

        if (query->group_id.len == 0) {
            grpc_fail(req, GRPC_INVALID_ARGUMENT, "invalid request");
            return;
        }
        if (query->paging_info != NULL &&
            query->paging_info->direction == XMTP__MLS__API__V1__SORT_DIRECTION__SORT_DIRECTION_DESCENDING) {
            grpc_fail(req, GRPC_INTERNAL, "the commit log is read in ascending order only");
            return;
        }
    }
    for (i = 0; i < msg->n_requests; i++) {
        if (put_commit_log(node, msg->requests[i], &err) != 0) {
            node_fail(req, &err);
            return;
        }
    }
    node_reply(node, req);
}
