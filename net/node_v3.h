/* The node API over XMTP's V3 gRPC services (MlsApi, IdentityApi).
 *
 * Source: xmtp-node-go pkg/mls/api/v1 and pkg/identity/api/v1 for the server's rules, libxmtp
 * xmtp_api for the client's.  Thread: the loop's. */
#pragma once
#include "net/node_api.h"

struct node_v3_config {
    struct grpc_client_config client;
    uint64_t call_timeout_ms; /* a unary call with all its attempts [30,000] */
};

/* As grpc_client_open().  Ended by node_api_close(). */
int node_v3_open(uv_loop_t *loop, const struct node_v3_config *config, struct node_api **out, struct err *err);

/* The client below, for counters and tests. */
struct grpc_client *node_v3_client(struct node_api *api);
