/* Fuzz target: HTTP/2 bytes from a peer, through memory instead of a socket.  The first byte chooses whether
 * our server or our client reads them, and whether good headers of stream 1 come first; the server gets the
 * preface for free. */
#include "base/alloc.h"
#include "base/err.h"
#include "net/client_internal.h"
#include "net/server_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* POST, http, path /t/A, application/grpc; and 200, application/grpc (HPACK, RFC 7541). */
static const uint8_t good_request[] = "\0\0\x1f\1\4\0\0\0\1"
                                      "\x83\x86\x04\4/t/A\x41\1x\x0f\x10\x10" "application/grpc";
static const uint8_t good_answer[] = "\0\0\0\4\0\0\0\0\0"
                                     "\0\0\x14\1\4\0\0\0\1"
                                     "\x88\x0f\x10\x10" "application/grpc";

static void drain(nghttp2_session *session)
{
    const uint8_t *out;

    while (nghttp2_session_mem_send(session, &out) > 0)
        ;
}

/* ---- server ---- */

static void on_request(void *ctx, struct grpc_request *req)
{
    (void)ctx;
    switch (grpc_request_body(req).len % 4) {
    case 0:
        grpc_reply(req, grpc_request_body(req));
        break;
    case 1:
        grpc_fail(req, GRPC_INTERNAL, "%s", grpc_request_path(req));
        break;
    case 2:
        grpc_start(req);
        grpc_send(req, slice_str("item"));
        break;
    default: /* answers never */
        break;
    }
}

static void on_cancel(void *ctx, struct grpc_request *req)
{
    (void)ctx;
    (void)req;
}

static void serve(const uint8_t *data, size_t size, bool headers)
{
    static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct grpc_server server = {.loop = uv_default_loop(),
                                 .config = {.max_message = 4096,
                                            .max_header_list = 4096,
                                            .max_streams = 100,
                                            .max_connections = 2,
                                            .max_bytes = 65536,
                                            .max_connection_bytes = 2000,
                                            .max_discard = 300,
                                            .body_timeout_ms = 1,
                                            .max_queue_messages = 4,
                                            .max_queue_bytes = 1000,
                                            .handler = {.on_request = on_request, .on_cancel = on_cancel}}};
    struct server_conn conn = {.server = &server, .handles = 1};
    struct grpc_request *req, *next;

    if (server_conn_callbacks(&server, NULL) != 0 ||
        nghttp2_session_server_new2(&conn.session, server.callbacks, &conn, server.option) != 0)
        abort();
    nghttp2_submit_settings(conn.session, NGHTTP2_FLAG_NONE, NULL, 0);
    nghttp2_session_mem_recv(conn.session, preface, sizeof preface - 1);
    if (headers) {
        nghttp2_session_mem_recv(conn.session, good_request, sizeof good_request - 1);
        if (!conn.requests || strcmp(conn.requests->path, "/t/A") != 0 || !conn.requests->is_grpc)
            abort();
    }
    if (nghttp2_session_mem_recv(conn.session, data, size) >= 0)
        drain(conn.session);
    request_run_work(&server);
    drain(conn.session);
    requests_feed(&conn);
    requests_expire(&conn, uv_now(server.loop) + server.config.body_timeout_ms);
    if (conn.reading != 0)
        abort();
    drain(conn.session);
    request_run_work(&server);
    for (req = conn.requests; req; req = next) {
        next = req->next;
        request_gone(req);
    }
    request_run_work(&server);
    if (conn.requests || conn.reading != 0 || conn.bytes != 0 || server.bytes != 0)
        abort();
    nghttp2_session_del(conn.session);
    request_pool_free(&server);
    nghttp2_session_callbacks_del(server.callbacks);
    nghttp2_option_del(server.option);
}

/* ---- client ---- */

static unsigned ends;

static void on_message(void *ctx, struct slice message)
{
    (void)ctx;
    if (message.len > 4096)
        abort();
}

static void on_end(void *ctx, const struct grpc_outcome *outcome)
{
    (void)ctx;
    if (outcome->body.len > 4096)
        abort();
    ends++;
}

static void call(const uint8_t *data, size_t size, bool headers)
{
    static const struct grpc_stream_events events = {.on_message = on_message, .on_end = on_end};
    struct grpc_client client = {.max_message = 4096, .state = CLIENT_UP, .url = {.authority = "x"}};
    struct client_conn conn = {.client = &client};
    struct grpc_call *c;
    struct err err;

    client.loop = uv_default_loop(); /* for its clock */
    client.user_agent = (char *)(uintptr_t) "fuzz";
    ends = 0;
    if (client_conn_callbacks(&client, &err) != 0 ||
        nghttp2_session_client_new2(&conn.session, client.callbacks, &conn, client.option) != 0)
        abort();
    nghttp2_submit_settings(conn.session, NGHTTP2_FLAG_NONE, NULL, 0);
    if (grpc_unary(&client, "/t/A", slice_str("a"), 0, on_end, NULL, NULL, &err) != 0 ||
        grpc_stream_open(&client, "/t/B", slice_str("b"), 0, &events, NULL, NULL, &err) != 0)
        abort();
    while ((c = client.pending.first) != NULL)
        client_conn_submit(&conn, c);
    drain(conn.session);
    if (headers) {
        nghttp2_session_mem_recv(conn.session, good_answer, sizeof good_answer - 1);
        if (!conn.calls.first || !conn.calls.first->headers_done)
            abort();
    }
    if (nghttp2_session_mem_recv(conn.session, data, size) >= 0)
        drain(conn.session);
    conn.closing = true;
    while ((c = conn.calls.first) != NULL)
        call_end(c, GRPC_UNAVAILABLE, true, "over");
    while ((c = client.pending.first) != NULL) /* asked to be sent again */
        call_end(c, GRPC_UNAVAILABLE, true, "over");
    call_run_work(&client);
    if (ends != 2 || client.open_calls != 0)
        abort();
    nghttp2_session_del(conn.session);
    call_pool_free(&client);
    nghttp2_session_callbacks_del(client.callbacks);
    nghttp2_option_del(client.option);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        call(data + 1, size - 1, data[0] & 2);
    else
        serve(data + 1, size - 1, data[0] & 2);
    return 0;
}
