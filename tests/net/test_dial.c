/* Dialling a host with several addresses.  This program says what they are: its getaddrinfo() is the one that
 * libuv calls.  A silent address is a socket of ours whose queue is full: a connection to it is neither taken
 * nor refused. */
#include "tests/test.h"

#include "base/alloc.h"
#include "base/err.h"
#include "net/dial.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STAGGER_MS 250
#define LONG_MS 20000

/* ---- names ---- */

static const char *const *answers; /* addresses of whatever is asked for, NULL at the end */

/* Else libuv does not find it. */
#define EXPORTED __attribute__((visibility("default")))

EXPORTED int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                         struct addrinfo **out)
{
    struct addrinfo **at = out;

    (void)node;
    *out = NULL;
    for (const char *const *text = answers; *text; text++) {
        struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in6));

        info->ai_addr = (struct sockaddr *)(info + 1);
        info->ai_socktype = hints->ai_socktype;
        if (uv_ip4_addr(*text, atoi(service), (struct sockaddr_in *)info->ai_addr) == 0) {
            info->ai_family = AF_INET;
            info->ai_addrlen = sizeof(struct sockaddr_in);
        } else {
            assert_int_equal(uv_ip6_addr(*text, atoi(service), (struct sockaddr_in6 *)info->ai_addr), 0);
            info->ai_family = AF_INET6;
            info->ai_addrlen = sizeof(struct sockaddr_in6);
        }
        *at = info;
        at = &info->ai_next;
    }
    return *out ? 0 : EAI_NONAME;
}

EXPORTED void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}

/* ---- addresses ---- */

static struct sockaddr_storage address(const char *text, unsigned port, socklen_t *len)
{
    struct sockaddr_storage at = {0};

    *len = sizeof(struct sockaddr_in);
    if (uv_ip4_addr(text, (int)port, (struct sockaddr_in *)&at) != 0) {
        assert_int_equal(uv_ip6_addr(text, (int)port, (struct sockaddr_in6 *)&at), 0);
        *len = sizeof(struct sockaddr_in6);
    }
    return at;
}

/* Takes connections; *port 0: any, which is told.  -1 where the machine has no such address. */
static int listener(const char *text, unsigned *port, int backlog)
{
    socklen_t len;
    struct sockaddr_storage at = address(text, *port, &len);
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&at, len) != 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(((struct sockaddr_in *)&at)->sin_port);
    return fd;
}

/* Silent from the moment that its queue is full; fds[0] listens, the others fill it. */
#define SILENT_FDS 4
static void silent_start(const char *text, unsigned *port, int fds[SILENT_FDS])
{
    struct sockaddr_storage at;
    socklen_t len;

    fds[0] = listener(text, port, 0);
    assert_true(fds[0] >= 0);
    at = address(text, *port, &len);
    for (int i = 1; i < SILENT_FDS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fds[i], (struct sockaddr *)&at, len);
    }
}

static void silent_stop(int fds[SILENT_FDS])
{
    for (int i = 0; i < SILENT_FDS; i++)
        close(fds[i]);
}

/* ---- dialling ---- */

struct result {
    unsigned done, gone;
    uint64_t after_ms;
    char peer[INET6_ADDRSTRLEN]; /* whose connection it was; empty: none */
    struct err err;
};

struct dialled {
    uv_loop_t loop;
    uint64_t began_ms;
    struct dial *dial;
    struct result result;
};

static void free_tcp(uv_handle_t *handle)
{
    xm_free(handle);
}

static void on_done(void *ctx, uv_tcp_t *tcp, const struct err *err)
{
    struct dialled *d = ctx;
    struct sockaddr_storage at;
    int len = sizeof at;

    assert_int_equal(d->result.gone, 0);
    d->result.done++;
    d->result.after_ms = uv_hrtime() / 1000000 - d->began_ms;
    if (!tcp) {
        d->result.err = *err;
        return;
    }
    assert_int_equal(uv_tcp_getpeername(tcp, (struct sockaddr *)&at, &len), 0);
    uv_ip_name((struct sockaddr *)&at, d->result.peer, sizeof d->result.peer);
    uv_close((uv_handle_t *)tcp, free_tcp);
}

static void on_gone(void *ctx)
{
    struct dialled *d = ctx;

    assert_int_equal(d->result.done, 1);
    d->result.gone++;
}

static void begin(struct dialled *d, const char *const *addresses, unsigned port, uint64_t timeout_ms)
{
    answers = addresses;
    *d = (struct dialled){.began_ms = uv_hrtime() / 1000000};
    assert_int_equal(uv_loop_init(&d->loop), 0);
    assert_int_equal(
        dial_start(&d->loop, "several.test", (uint16_t)port, timeout_ms, on_done, on_gone, d, &d->dial, NULL), 0);
}

/* Everything that was open has closed by then. */
static void end(struct dialled *d)
{
    uv_run(&d->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&d->loop), 0);
    assert_int_equal(d->result.done, 1);
    assert_int_equal(d->result.gone, 1);
}

static void assert_reached(const char *const *addresses, unsigned port, const char *peer, uint64_t at_least_ms)
{
    struct dialled d;

    begin(&d, addresses, port, LONG_MS);
    end(&d);
    if (strcmp(d.result.peer, peer) != 0)
        fail_msg("\"%s\", not %s: %s", d.result.peer, peer, d.result.err.text);
    if (d.result.after_ms < at_least_ms || d.result.after_ms >= LONG_MS)
        fail_msg("after %llu ms", (unsigned long long)d.result.after_ms);
}

static void a_silent_address_costs_one_stagger(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", NULL};
    unsigned port = 0;
    int silent[SILENT_FDS], open_fd;

    (void)state;
    silent_start("127.0.0.2", &port, silent);
    open_fd = listener("127.0.0.3", &port, 10);
    assert_true(open_fd >= 0);
    assert_reached(addresses, port, "127.0.0.3", STAGGER_MS);
    close(open_fd);
    silent_stop(silent);
}

static void each_silent_address_costs_one(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.4", "127.0.0.3", NULL};
    unsigned port = 0;
    int first[SILENT_FDS], second[SILENT_FDS], open_fd;

    (void)state;
    silent_start("127.0.0.2", &port, first);
    silent_start("127.0.0.4", &port, second);
    open_fd = listener("127.0.0.3", &port, 10);
    assert_true(open_fd >= 0);
    assert_reached(addresses, port, "127.0.0.3", 2 * STAGGER_MS);
    close(open_fd);
    silent_stop(first);
    silent_stop(second);
}

/* It gets its stagger to answer in, and is still heard while the next one is tried. */
static void an_address_that_answers_late_wins_over_a_silent_one(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.4", NULL};
    unsigned port = 0;
    int late[SILENT_FDS], silent[SILENT_FDS], fd;
    struct dialled d;

    (void)state;
    silent_start("127.0.0.2", &port, late);
    silent_start("127.0.0.4", &port, silent);
    begin(&d, addresses, port, LONG_MS);
    while (uv_hrtime() / 1000000 - d.began_ms < STAGGER_MS + 50)
        uv_run(&d.loop, UV_RUN_NOWAIT);
    assert_int_equal(d.result.done, 0);
    for (int i = 1; i < SILENT_FDS; i++) { /* those who wait for a place would get the one that is made now */
        close(late[i]);
        late[i] = -1;
    }
    while ((fd = accept4(late[0], NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        close(fd); /* there is room in its queue: the kernel tries again */
        fcntl(late[0], F_SETFL, O_NONBLOCK);
    }
    end(&d);
    assert_string_equal(d.result.peer, "127.0.0.2");
    silent_stop(late);
    silent_stop(silent);
}

static void a_refused_address_is_followed_by_the_next(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", NULL};
    unsigned port = 0;
    int open_fd = listener("127.0.0.3", &port, 10);

    (void)state;
    assert_true(open_fd >= 0);
    assert_reached(addresses, port, "127.0.0.3", 0);
    close(open_fd);
}

static void families_take_turns(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", "::1", NULL};
    unsigned port = 0;
    int silent[SILENT_FDS], v4, v6;

    (void)state;
    silent_start("127.0.0.2", &port, silent);
    v4 = listener("127.0.0.3", &port, 10);
    assert_true(v4 >= 0);
    if ((v6 = listener("::1", &port, 10)) >= 0)
        assert_reached(addresses, port, "::1", STAGGER_MS);
    else
        print_message("no IPv6 on loopback here: not looked at\n");
    close(v6);
    close(v4);
    silent_stop(silent);
}

static void with_none_left_the_last_reason_is_told(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", NULL}, *const none[] = {NULL};
    unsigned port = 0;
    struct dialled d;
    char says[80];

    (void)state;
    close(listener("127.0.0.3", &port, 10));
    begin(&d, addresses, port, LONG_MS);
    end(&d);
    assert_string_equal(d.result.peer, "");
    assert_int_equal(d.result.err.code, ERR_OFFLINE);
    snprintf(says, sizeof says, "connecting to 127.0.0.3:%u: connection refused", port);
    assert_string_equal(d.result.err.text, says);
    begin(&d, none, port, LONG_MS);
    end(&d);
    assert_int_equal(d.result.err.code, ERR_OFFLINE);
    assert_non_null(strstr(d.result.err.text, "looking up several.test: "));
}

static void silence_everywhere_ends_with_the_time(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.4", NULL};
    unsigned port = 0;
    int first[SILENT_FDS], second[SILENT_FDS];
    struct dialled d;

    (void)state;
    silent_start("127.0.0.2", &port, first);
    silent_start("127.0.0.4", &port, second);
    begin(&d, addresses, port, 400);
    end(&d);
    assert_true(d.result.after_ms >= 400);
    assert_int_equal(d.result.err.code, ERR_OFFLINE);
    assert_string_equal(d.result.err.text, "connecting to several.test: no answer in time");
    /* Or when it is called off, with both under way. */
    begin(&d, addresses, port, LONG_MS);
    while (uv_hrtime() / 1000000 - d.began_ms < STAGGER_MS + 50)
        uv_run(&d.loop, UV_RUN_NOWAIT);
    dial_cancel(d.dial);
    end(&d);
    assert_int_equal(d.result.err.code, ERR_CANCELED);
    silent_stop(first);
    silent_stop(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_address_costs_one_stagger),
        cmocka_unit_test(each_silent_address_costs_one),
        cmocka_unit_test(an_address_that_answers_late_wins_over_a_silent_one),
        cmocka_unit_test(a_refused_address_is_followed_by_the_next),
        cmocka_unit_test(families_take_turns),
        cmocka_unit_test(with_none_left_the_last_reason_is_told),
        cmocka_unit_test(silence_everywhere_ends_with_the_time),
    };

    return cmocka_run_group_tests_name("dial", tests, NULL, NULL);
}
