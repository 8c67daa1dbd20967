/* One object a line each way.  Requests overlap: each becomes a call of the core, and its answer is
 * written when it comes, with the request's id.  End of input ends the process after the work in
 * hand; a reader that goes away ends it too.  A line may carry a wallet key: what was read is wiped.
 *
 * The client has no thread of its own here: there is no screen to keep alive, and two changes of threads were
 * a tenth of the time that sending a text takes.  So nothing may block: input is read when there is some, and
 * output is written in pieces that a pipe takes at once.  A reader that does not read holds up its answers, not
 * the client. */
#include "cli/rpc.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/options.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line holds at most an attachment in hex; more is no request. */
#define LINE_MAX_BYTES (64u * 1024 * 1024)
/* When this many requests wait, reading stops until some are answered. */
#define PENDING_MAX 512
/* Who is ready for writing takes this much (POSIX: PIPE_BUF is at least 512; Linux has 4096). */
#define WRITE_MAX PIPE_BUF
/* Events wait in the client while this much of their text has not been read. */
#define OUT_ENOUGH 262144
/* A buffer that has grown over this is given back. */
#define OUT_KEPT 16384

struct pending {
    int64_t call;
    json_t *id;
    struct pending *next;
};

struct session {
    struct xm_client *client;
    struct pending *pending;
    size_t n_pending;
    char *line;
    size_t len, cap;
    struct buf out;
    size_t written; /* of `out` */
    bool ended, broken;
};

static void write_line(struct session *s, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY);

    if (text) {
        buf_put_str(&s->out, text);
        buf_put_str(&s->out, "\n");
    } else {
        s->broken = true;
    }
    free(text);
    json_decref(object);
}

static void write_error(struct session *s, json_t *id, int code, const char *message)
{
    write_line(s, json_pack("{s:s,s:O,s:{s:i,s:s}}", "jsonrpc", "2.0", "id", id ? id : json_null(), "error", "code",
                            code, "message", message));
}

/* ---- in ---- */

static void call(struct session *s, json_t *request)
{
    const char *method = json_string_value(json_object_get(request, "method"));
    json_t *id = json_object_get(request, "id"), *params = json_object_get(request, "params");
    struct pending *p = xm_alloc(sizeof *p);
    struct xm_error error = {0};
    char *text;

    if (id && !json_is_string(id) && !json_is_number(id) && !json_is_null(id)) {
        write_error(s, NULL, -32600, "an id is a text, a number or null");
        xm_free(p);
        return;
    }
    if (!p || !method || (params && !json_is_object(params))) {
        write_error(s, id, params && method ? -32602 : -32600,
                    params && method ? "params must be an object" : "not a JSON-RPC 2.0 request");
        xm_free(p);
        return;
    }
    text = params ? json_dumps(params, JSON_COMPACT) : NULL;
    p->call = xm_client_call(s->client, method, text, &error);
    if (text)
        xm_free_secret(text, strlen(text));
    if (p->call < 0) {
        write_error(s, id, -32603, error.text);
        xm_free(p);
        return;
    }
    p->id = id ? json_incref(id) : NULL; /* a notification gets no answer */
    p->next = s->pending;
    s->pending = p;
    s->n_pending++;
}

static void take_line(struct session *s, const char *line, size_t len)
{
    json_error_t why;
    json_t *request;

    if (len == strspn(line, " \t\r"))
        return;
    request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!request)
        write_error(s, NULL, -32700, why.text);
    else if (!json_is_object(request))
        write_error(s, NULL, -32600, "not a JSON-RPC 2.0 request");
    else
        call(s, request);
    json_decref(request);
}

static void take_lines(struct session *s)
{
    char *from = s->line, *newline;
    size_t taken;

    while ((newline = memchr(from, '\n', s->len - (size_t)(from - s->line)))) {
        *newline = 0;
        take_line(s, from, (size_t)(newline - from));
        from = newline + 1;
    }
    taken = (size_t)(from - s->line);
    s->len -= taken;
    memmove(s->line, from, s->len);
    explicit_bzero(s->line + s->len, taken);
}

/* Room for more; false when the line is too long or there is no memory. */
static bool grow_line(struct session *s)
{
    size_t cap = s->cap ? 2 * s->cap : 262144;
    char *grown = cap <= LINE_MAX_BYTES ? xm_alloc(cap) : NULL;

    if (!grown)
        return false;
    if (s->len)
        memcpy(grown, s->line, s->len);
    xm_free_secret(s->line, s->cap);
    s->line = grown;
    s->cap = cap;
    return true;
}

static void read_input(struct session *s)
{
    ssize_t n;

    if (s->cap - s->len < 65536 && !grow_line(s)) {
        write_error(s, NULL, -32600, "the line is too long");
        s->ended = true;
        return;
    }
    n = read(STDIN_FILENO, s->line + s->len, s->cap - s->len - 1);
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        s->ended = true;
        s->line[s->len] = 0;
        take_line(s, s->line, s->len);
        explicit_bzero(s->line, s->len);
        s->len = 0;
        return;
    }
    s->len += (size_t)n;
    take_lines(s);
}

/* ---- out ---- */

/* The answer's text goes out as it came up: it is compact JSON without a newline already. */
static void put_answer(struct session *s, const struct xm_event *event, json_t *id)
{
    char *text = json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY);

    if (!text) {
        s->broken = true;
        return;
    }
    buf_put_str(&s->out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_put_str(&s->out, text);
    buf_put_str(&s->out, event->kind == XM_EVENT_RESULT ? ",\"result\":" : ",\"error\":");
    buf_put_str(&s->out, event->json);
    buf_put_str(&s->out, "}\n");
    free(text);
}

static void put_notification(struct session *s, const struct xm_event *event)
{
    buf_put_str(&s->out, "{\"jsonrpc\":\"2.0\",\"method\":\"stream.event\",\"params\":");
    buf_put_str(&s->out, event->json);
    buf_put_str(&s->out, "}\n");
}

static void take_event(struct session *s, const struct xm_event *event)
{
    struct pending **at = &s->pending, *p;

    if (event->kind == XM_EVENT_NOTIFICATION) {
        put_notification(s, event);
        return;
    }
    while (*at && (*at)->call != event->id)
        at = &(*at)->next;
    if (!(p = *at))
        return;
    *at = p->next;
    s->n_pending--;
    if (p->id)
        put_answer(s, event, p->id);
    json_decref(p->id);
    xm_free(p);
}

/* For the text of more events. */
static bool has_room(const struct session *s)
{
    return s->out.len - s->written < OUT_ENOUGH;
}

static void take_events(struct session *s)
{
    struct xm_event *event;

    while (has_room(s) && (event = xm_client_next(s->client))) {
        take_event(s, event);
        xm_event_free(event);
    }
    s->broken |= !buf_ok(&s->out);
}

static bool reader_takes_more(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) > 0;
}

static void write_output(struct session *s)
{
    while (s->written < s->out.len && !s->broken && reader_takes_more()) {
        size_t left = s->out.len - s->written;
        ssize_t n = write(STDOUT_FILENO, s->out.data + s->written, left < WRITE_MAX ? left : WRITE_MAX);

        if (n > 0)
            s->written += (size_t)n;
        else if (n < 0 && errno != EINTR && errno != EAGAIN)
            s->broken = true;
    }
    if (s->written < s->out.len)
        return;
    s->written = 0;
    if (s->out.cap > OUT_KEPT)
        buf_free(&s->out);
    else
        buf_reset(&s->out);
}

/* ---- both ---- */

/* Waits for either side and for the client, and does what there is to do. */
static void turn(struct session *s)
{
    enum { IN, OUT };
    struct pollfd fds[] = {[IN] = {.fd = STDIN_FILENO, .events = POLLIN},
                           [OUT] = {.fd = STDOUT_FILENO, .events = POLLOUT}};
    bool room = has_room(s);

    if (s->ended || s->n_pending >= PENDING_MAX || !room)
        fds[IN].fd = -1;
    if (s->out.len == 0)
        fds[OUT].fd = -1;
    if (xm_client_poll(s->client, room, fds, 2, -1) < 0 && errno != EINTR) {
        s->broken = true;
        return;
    }
    if (fds[IN].fd >= 0 && fds[IN].revents)
        read_input(s);
    take_events(s);
    if (s->out.len > 0)
        write_output(s);
}

int cli_rpc(struct cli_options *options)
{
    struct session s = {.out = BUF_SECRET}; /* an exported key goes through it */
    int r = cli_open(options, CLI_OPEN_QUIET | CLI_OPEN_MAY_MAKE | CLI_OPEN_NO_THREAD, &s.client);

    if (r != 0)
        return r;
    while (!s.broken && (!s.ended || s.n_pending || s.out.len))
        turn(&s);
    xm_client_close(s.client);
    while (s.pending) {
        struct pending *p = s.pending;

        s.pending = p->next;
        json_decref(p->id);
        xm_free(p);
    }
    xm_free_secret(s.line, s.cap);
    buf_free(&s.out);
    return s.broken ? EXIT_FAILED : EXIT_DONE;
}
