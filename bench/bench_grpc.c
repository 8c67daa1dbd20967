/* How fast the gRPC client and server are on this machine, over loopback, each in a process of its own.
 *
 * bench-grpc [SECONDS_A_ROW]: one line a shape of traffic. */
#include "base/err.h"
#include "net/grpc_client.h"
#include "net/grpc_server.h"
#include "net/tune.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STREAM_BATCH 1000

/* ---- the server's process ---- */

struct streaming {
    unsigned left;
};

static void send_batch(struct grpc_request *req)
{
    struct streaming *s = grpc_request_data(req);
    char message[100] = {0};

    while (s->left > 0 && grpc_send(req, slice_of(message, sizeof message)) == 0)
        s->left--;
    if (s->left == 0) {
        free(s);
        grpc_end(req, GRPC_OK, NULL);
    }
}

static void on_request(void *ctx, struct grpc_request *req)
{
    struct streaming *s;

    (void)ctx;
    if (strcmp(grpc_request_path(req), "/b/Stream") != 0) {
        grpc_reply(req, grpc_request_body(req));
        return;
    }
    s = calloc(1, sizeof *s);
    s->left = STREAM_BATCH;
    grpc_request_set_data(req, s);
    grpc_start(req);
    send_batch(req);
}

static void on_cancel(void *ctx, struct grpc_request *req)
{
    (void)ctx;
    free(grpc_request_data(req));
}

static void on_drain(void *ctx, struct grpc_request *req)
{
    (void)ctx;
    send_batch(req);
}

static void serve(int port_pipe)
{
    struct grpc_server_config config = {.handler = {.on_request = on_request, .on_cancel = on_cancel,
                                                    .on_drain = on_drain}};
    struct grpc_server *server = NULL;
    struct err err = {0};
    uv_loop_t *loop = uv_default_loop();
    uint16_t port;

    if (grpc_server_open(loop, &config, &server, &err) != 0 ||
        grpc_server_listen(server, "127.0.0.1:0", &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        _exit(1);
    }
    port = grpc_server_port(server);
    if (write(port_pipe, &port, sizeof port) != sizeof port)
        _exit(1);
    uv_run(loop, UV_RUN_DEFAULT);
}

/* ---- the client's process ---- */

struct row {
    const char *name;
    bool stream;
    size_t size;
    unsigned in_flight;
};

static uv_loop_t *loop;
static struct grpc_client *client;
static const struct row *row;
static uint8_t body[1 << 20];
static uint64_t started_ns, end_ns, done, failed, messages;
static unsigned running;
static double *latencies_us;
static size_t latency_count;
#define LATENCIES_MAX 2000000

struct lane {
    uint64_t begun_ns;
};
static struct lane lanes[64];

static void begin(struct lane *lane);

static void ended(struct lane *lane, const struct grpc_outcome *outcome)
{
    uint64_t now = uv_hrtime();

    done++;
    failed += outcome->status != GRPC_OK;
    if (latency_count < LATENCIES_MAX)
        latencies_us[latency_count++] = (double)(now - lane->begun_ns) / 1000;
    running--;
    if (now < end_ns)
        begin(lane);
}

static void on_done(void *ctx, const struct grpc_outcome *outcome)
{
    ended(ctx, outcome);
}

static void on_message(void *ctx, struct slice message)
{
    (void)ctx;
    (void)message;
    messages++;
}

static void begin(struct lane *lane)
{
    static const struct grpc_stream_events events = {.on_message = on_message, .on_end = on_done};
    struct err err;
    int r;

    lane->begun_ns = uv_hrtime();
    running++;
    if (row->stream)
        r = grpc_stream_open(client, "/b/Stream", slice_of(NULL, 0), 0, &events, lane, NULL, &err);
    else
        r = grpc_unary(client, "/b/Echo", slice_of(body, row->size), 0, on_done, lane, NULL, &err);
    if (r != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void measure(const struct row *what, double seconds)
{
    double took;

    row = what;
    done = failed = messages = 0;
    latency_count = 0;
    started_ns = uv_hrtime();
    end_ns = started_ns + (uint64_t)(seconds * 1e9);
    for (unsigned i = 0; i < row->in_flight; i++)
        begin(&lanes[i]);
    while (running > 0)
        uv_run(loop, UV_RUN_ONCE);
    took = (double)(uv_hrtime() - started_ns) / 1e9;
    qsort(latencies_us, latency_count, sizeof *latencies_us, by_value);
    printf("%-34s %10.0f calls/s  p50 %8.0f us  p95 %8.0f us", row->name, (double)done / took,
           latencies_us[latency_count / 2], latencies_us[latency_count * 95 / 100]);
    if (row->stream)
        printf("  %.2f M messages/s", (double)messages / took / 1e6);
    else if (row->size >= 16384)
        printf("  %.0f MB/s each way", (double)done * (double)row->size / took / 1e6);
    printf("%s\n", failed ? "  FAILURES" : "");
}

int main(int argc, char **argv)
{
    static const struct row rows[] = {
        {"unary 100 B, 1 in flight", false, 100, 1},       {"unary 100 B, 32 in flight", false, 100, 32},
        {"unary 16 KiB, 8 in flight", false, 16384, 8},    {"unary 1 MiB, 2 in flight", false, 1 << 20, 2},
        {"stream of 1000 x 100 B, 1 in flight", true, 0, 1},
    };
    struct grpc_client_config config = {0};
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    int ports[2];
    char url[64];
    struct err err;
    uint16_t port;
    pid_t server;

    net_tune_malloc();
    if (pipe(ports) != 0 || (server = fork()) < 0)
        return 1;
    if (server == 0) {
        serve(ports[1]);
        _exit(0);
    }
    if (read(ports[0], &port, sizeof port) != sizeof port)
        return 1;
    loop = uv_default_loop();
    latencies_us = calloc(LATENCIES_MAX, sizeof *latencies_us);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    config.url = url;
    if (grpc_client_open(loop, &config, &client, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        measure(&rows[i], seconds);
    grpc_client_close(client, NULL, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    free(latencies_us);
    return 0;
}
