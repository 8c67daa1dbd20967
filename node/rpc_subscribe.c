/* SubscribeGroupMessages and SubscribeWelcomeMessages: from the request's filters to a stream. */
#include "node/service.h"

#include "base/alloc.h"
#include "base/err.h"
#include "net/grpc_server.h"
#include "proto/xmtp_mls_api.pb-c.h"

static void subscribe(struct node *node, struct grpc_request *req, enum topic_kind kind,
                      const struct stream_filter *filters, size_t n)
{
    struct err err = {0};

    if (streams_add(node->streams, req, kind, filters, n, &err) != 0)
        node_fail(req, &err);
}

/* No filter at all is a legal, silent stream: a fresh client streams "all messages" of no group. */
void rpc_subscribe_group_messages(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Mls__Api__V1__SubscribeGroupMessagesRequest *msg;
    struct stream_filter *filters = NULL;
    struct err err = {0};
    size_t i;

    if (proto_unpack(&xmtp__mls__api__v1__subscribe_group_messages_request__descriptor, body, &node->arena, &msg,
                     &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (msg->n_filters > 0 && (filters = xm_calloc(msg->n_filters, sizeof *filters)) == NULL) {
        grpc_fail(req, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    for (i = 0; i < msg->n_filters; i++) {
        filters[i] = (struct stream_filter){proto_slice(msg->filters[i]->group_id), msg->filters[i]->id_cursor};
        if (filters[i].name.len == 0) {
            grpc_fail(req, GRPC_UNKNOWN, "group is required");
            goto done;
        }
    }
    subscribe(node, req, TOPIC_GROUP, filters, msg->n_filters);
done:
    xm_free(filters);
}

void rpc_subscribe_welcome_messages(struct node *node, struct grpc_request *req, struct slice body)
{
    Xmtp__Mls__Api__V1__SubscribeWelcomeMessagesRequest *msg;
    struct stream_filter *filters = NULL;
    struct err err = {0};
    size_t i;

    if (proto_unpack(&xmtp__mls__api__v1__subscribe_welcome_messages_request__descriptor, body, &node->arena, &msg,
                     &err) != 0) {
        node_fail(req, &err);
        return;
    }
    if (msg->n_filters == 0) {
        grpc_fail(req, GRPC_INVALID_ARGUMENT, "no valid filters provided");
        return;
    }
    if ((filters = xm_calloc(msg->n_filters, sizeof *filters)) == NULL) {
        grpc_fail(req, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    for (i = 0; i < msg->n_filters; i++) {
        filters[i] = (struct stream_filter){proto_slice(msg->filters[i]->installation_key), msg->filters[i]->id_cursor};
        if (filters[i].name.len == 0) {
            grpc_fail(req, GRPC_INVALID_ARGUMENT, "a filter is nil or installation key is empty");
            goto done;
        }
    }
    subscribe(node, req, TOPIC_INSTALLATION, filters, msg->n_filters);
done:
    xm_free(filters);
}
