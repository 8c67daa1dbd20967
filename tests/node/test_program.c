/* The program: options, lock, signals, TLS, and what is on the disk after a kill. */
#define ERR_STATE openssl_err_state /* a type there, an error code here */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/err.h"
#include "mls/mls.h"
#include "net/status.h"
#include "node/options.h"
#include "proto/xmtp_mls_api.pb-c.h"
#include "tests/node/world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

struct program {
    pid_t pid;
    int out, err;
    char first_line[128];
};

static void dir_make(char dir[64])
{
    snprintf(dir, 64, "/tmp/test-node-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static void dir_remove(const char *dir)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}

static const char *program_path(void)
{
    static char path[4096];
    const char *dir = getenv("XM_BUILDDIR");

    snprintf(path, sizeof path, "%s/xmtui-node", dir != NULL ? dir : ".");
    return path;
}

/* `file_limit`: bytes that a file may grow to, 0 for no limit; it stands for a full disk. */
static void spawn_limited(struct program *p, const char *const *args, rlim_t file_limit)
{
    struct rlimit limit = {file_limit, file_limit};
    int out[2], err[2];

    *p = (struct program){0};
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        if (file_limit > 0) {
            signal(SIGXFSZ, SIG_IGN);
            setrlimit(RLIMIT_FSIZE, &limit);
        }
        dup2(out[1], 1);
        dup2(err[1], 2);
        close(out[0]);
        close(err[0]);
        execv(program_path(), (char *const *)(uintptr_t)args);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    p->out = out[0];
    p->err = err[0];
}

static void spawn(struct program *p, const char *const *args)
{
    spawn_limited(p, args, 0);
}

/* Up to a newline or the end. */
static void read_line(int fd, char *line, size_t room)
{
    size_t n = 0;
    char c;

    while (n + 1 < room && read(fd, &c, 1) == 1 && c != '\n')
        line[n++] = c;
    line[n] = 0;
}

/* Waits for the end; the exit status, or 256 + signal. */
static int wait_end(struct program *p)
{
    int status = 0;
    pid_t pid;

    do
        pid = waitpid(p->pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    assert_int_equal(pid, p->pid);
    close(p->out);
    close(p->err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* A node on `dir`/node.db and a free port; returns the port. */
static unsigned start_node_limited(struct program *p, const char *dir, rlim_t file_limit)
{
    char db[96];
    const char *const args[] = {"xmtui-node", "--listen", "127.0.0.1:0", "--db", db, NULL};
    unsigned port = 0;

    snprintf(db, sizeof db, "%s/node.db", dir);
    spawn_limited(p, args, file_limit);
    read_line(p->out, p->first_line, sizeof p->first_line);
    assert_int_equal(sscanf(p->first_line, "listening on 127.0.0.1:%u", &port), 1);
    assert_true(port > 0);
    return port;
}

static unsigned start_node(struct program *p, const char *dir)
{
    return start_node_limited(p, dir, 0);
}

/* A client without a node of its own; `ca_file` is for https alone. */
static void connect_at(struct world *w, const char *url, const char *ca_file)
{
    struct grpc_client_config config = {
        .url = url, .ca_file = ca_file, .backoff_min_ms = 10, .backoff_max_ms = 50};

    *w = (struct world){0};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    assert_int_equal(grpc_client_open(&w->loop, &config, &w->client, NULL), 0);
}

static void connect_to(struct world *w, unsigned port)
{
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    connect_at(w, url, NULL);
}

static void disconnect(struct world *w)
{
    grpc_client_close(w->client, NULL, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    proto_arena_free(&w->arena);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

static void it_listens_says_so_and_ends_cleanly_on_sigterm(void **state)
{
    struct program p;
    char dir[64];

    (void)state;
    dir_make(dir);
    start_node(&p, dir);
    assert_int_equal(kill(p.pid, SIGTERM), 0);
    assert_int_equal(wait_end(&p), 0);
    dir_remove(dir);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;

    if (fd >= 0)
        close(fd);
    return has;
}

/* As by default, but for the port. */
static void both_loopbacks_are_listened_on_and_told(void **state)
{
    struct program p;
    char dir[64], db[96], line[128], expected[128];
    const char *const args[] = {"xmtui-node", "--listen", "localhost:0", "--listen", "127.0.0.2:0", "--db", db, NULL};
    unsigned port = 0;

    (void)state;
    dir_make(dir);
    snprintf(db, sizeof db, "%s/node.db", dir);
    spawn(&p, args);
    read_line(p.out, line, sizeof line);
    assert_int_equal(sscanf(line, "listening on 127.0.0.1:%u", &port), 1);
    snprintf(expected, sizeof expected, "listening on 127.0.0.1:%u", port);
    assert_string_equal(line, expected);
    if (has_ipv6()) {
        read_line(p.out, line, sizeof line);
        snprintf(expected, sizeof expected, "listening on [::1]:%u", port);
        assert_string_equal(line, expected);
    }
    read_line(p.out, line, sizeof line);
    snprintf(expected, sizeof expected, "listening on 127.0.0.2:%u", port); /* port 0 is the same one again */
    assert_string_equal(line, expected);
    assert_int_equal(kill(p.pid, SIGINT), 0);
    assert_int_equal(wait_end(&p), 0);
    dir_remove(dir);
}

static void a_second_node_on_the_database_is_refused_and_told_the_process(void **state)
{
    struct program first, second;
    char dir[64], db[96], line[512], pid[32];
    const char *const args[] = {"xmtui-node", "--listen", "127.0.0.1:0", "--db", db, NULL};

    (void)state;
    dir_make(dir);
    start_node(&first, dir);
    snprintf(db, sizeof db, "%s/node.db", dir);
    snprintf(pid, sizeof pid, "process %ld", (long)first.pid);
    spawn(&second, args);
    read_line(second.err, line, sizeof line);
    assert_int_equal(wait_end(&second), 5);
    assert_non_null(strstr(line, pid));
    assert_non_null(strstr(line, "--db"));
    kill(first.pid, SIGTERM);
    assert_int_equal(wait_end(&first), 0);
    dir_remove(dir);
}

static void what_was_answered_is_there_after_sigkill(void **state)
{
    enum { ROUNDS = 10, EACH = 20 };
    static const char group[] = "gggggggggggggggg";
    Xmtp__Mls__Api__V1__QueryGroupMessagesRequest request = XMTP__MLS__API__V1__QUERY_GROUP_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__PagingInfo paging = XMTP__MLS__API__V1__PAGING_INFO__INIT;
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply;
    struct program p;
    struct world w;
    char dir[64], mark[32];
    int round, i;

    (void)state;
    dir_make(dir);
    paging.direction = XMTP__MLS__API__V1__SORT_DIRECTION__SORT_DIRECTION_DESCENDING;
    request.group_id = proto_bytes(slice_str(group));
    request.paging_info = &paging;
    for (round = 0; round < ROUNDS; round++) {
        connect_to(&w, start_node(&p, dir));
        for (i = 0; i < EACH; i++) {
            snprintf(mark, sizeof mark, "%d/%d", round, i);
            assert_int_equal(send_message(&w, group, MLS_CONTENT_APPLICATION, mark), GRPC_OK);
        }
        assert_int_equal(kill(p.pid, SIGKILL), 0);
        assert_int_equal(wait_end(&p), 256 + SIGKILL);
        disconnect(&w);

        connect_to(&w, start_node(&p, dir));
        assert_int_equal(world_call(&w, PROTO_MLS_QUERY_GROUP_MESSAGES, &request, &reply), GRPC_OK);
        assert_int_equal(reply->messages[0]->v1->id, 1 + (round + 1) * EACH);
        disconnect(&w);
        kill(p.pid, SIGTERM);
        assert_int_equal(wait_end(&p), 0);
    }
    dir_remove(dir);
}

static void a_full_disk_refuses_what_is_new_and_keeps_what_is_there(void **state)
{
    static const char group[] = "gggggggggggggggg";
    Xmtp__Mls__Api__V1__QueryGroupMessagesRequest request = XMTP__MLS__API__V1__QUERY_GROUP_MESSAGES_REQUEST__INIT;
    Xmtp__Mls__Api__V1__QueryGroupMessagesResponse *reply;
    Xmtp__Mls__Api__V1__SubscribeGroupMessagesRequest__Filter filter =
        XMTP__MLS__API__V1__SUBSCRIBE_GROUP_MESSAGES_REQUEST__FILTER__INIT, *filters[] = {&filter};
    Xmtp__Mls__Api__V1__SubscribeGroupMessagesRequest subscribe =
        XMTP__MLS__API__V1__SUBSCRIBE_GROUP_MESSAGES_REQUEST__INIT;
    struct world_stream stream = {0};
    struct program p;
    struct world w;
    char dir[64], *mark = malloc(100 * 1000 + 1);
    uint64_t stored = 0;
    int i, refused = 0;

    (void)state;
    assert_non_null(mark);
    memset(mark, 'x', 100 * 1000);
    mark[100 * 1000] = 0;
    dir_make(dir);
    connect_to(&w, start_node_limited(&p, dir, 2 * 1000 * 1000));
    filter.group_id = proto_bytes(slice_str(group));
    subscribe.filters = filters;
    subscribe.n_filters = 1;
    world_stream_open(&stream, &w, PROTO_MLS_SUBSCRIBE_GROUP_MESSAGES, &subscribe);
    for (i = 0; i < 60; i++) {
        mark[0] = (char)('0' + i);
        if (send_message(&w, group, MLS_CONTENT_APPLICATION, mark) == GRPC_OK) {
            stored++;
            continue;
        }
        assert_int_equal(w.status, GRPC_UNAVAILABLE);
        assert_non_null(strstr(w.text, "cannot write its database"));
        refused++;
    }
    assert_true(stored > 5 && refused > 5);
    request.group_id = proto_bytes(slice_str(group));
    assert_int_equal(world_call(&w, PROTO_MLS_QUERY_GROUP_MESSAGES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_messages, stored);
    assert_int_equal(stream.n, stored); /* nobody was told of what is not there */
    world_stream_close(&stream);
    disconnect(&w);
    kill(p.pid, SIGTERM);
    assert_int_equal(wait_end(&p), 0);

    /* With room again it goes on where it was. */
    connect_to(&w, start_node(&p, dir));
    mark[0] = '!';
    assert_int_equal(send_message(&w, group, MLS_CONTENT_APPLICATION, mark), GRPC_OK);
    assert_int_equal(world_call(&w, PROTO_MLS_QUERY_GROUP_MESSAGES, &request, &reply), GRPC_OK);
    assert_int_equal(reply->n_messages, stored + 1);
    disconnect(&w);
    kill(p.pid, SIGTERM);
    assert_int_equal(wait_end(&p), 0);
    free(mark);
    dir_remove(dir);
}

static void without_clients_it_ends_by_itself(void **state)
{
    struct program p;
    char dir[64], db[96];
    const char *const args[] = {"xmtui-node", "--listen", "127.0.0.1:0", "--db", db, "--idle-exit", "1", NULL};

    (void)state;
    dir_make(dir);
    snprintf(db, sizeof db, "%s/node.db", dir);
    spawn(&p, args);
    assert_int_equal(wait_end(&p), 0);
    dir_remove(dir);
}

static void mistakes_are_told_in_one_line(void **state)
{
    static const struct {
        const char *args[6];
        int status;
        const char *text;
    } cases[] = {
        {{"xmtui-node", "--listen", "here"}, 2, "--listen here"},
        {{"xmtui-node", "--listen", "127.0.0.1:99999"}, 2, "ADDR:PORT"},
        {{"xmtui-node", "--idle-exit", "soon"}, 2, "seconds"},
        {{"xmtui-node", "--log-level", "loud"}, 2, "debug"},
        {{"xmtui-node", "--max-streams", "0"}, 2, "--max-streams 0"},
        {{"xmtui-node", "--tls-cert", "x"}, 2, "--tls-key"},
        {{"xmtui-node", "--nothing"}, 2, "xmtui-node: --nothing: not an option; see xmtui-node --help"},
        {{"xmtui-node", "--db"}, 2, "xmtui-node: --db needs a value; see xmtui-node --help"},
        {{"xmtui-node", "more"}, 2, "more"},
        {{"xmtui-node", "--db", "/dev/null/x", "--listen", "127.0.0.1:0"}, 1, "/dev/null"},
    };
    char line[512], rest[8];
    struct program p;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        spawn(&p, cases[i].args);
        read_line(p.err, line, sizeof line);
        read_line(p.err, rest, sizeof rest);
        assert_int_equal(wait_end(&p), cases[i].status);
        assert_non_null(strstr(line, cases[i].text));
        assert_string_equal(rest, "");
    }
}

/* Each option and where it goes; the defaults are for node_open() to fill in. */
static void every_limit_is_an_option(void **state)
{
    const char *args[] = {"xmtui-node", "--max-message", "11", "--max-calls", "12", "--max-connections", "13",
                    "--max-streams", "14", "--max-filters", "15", "--max-pending", "16", "--max-requests", "17",
                    "--max-publishes", "18", "--idle-exit", "19", "--db", "/x/y", "--log-level", "debug",
                    "--tls-cert", "c", "--tls-key", "k", "--listen", "127.0.0.1:1", "--listen", "[::1]:2", NULL};
    static struct node_options o;

    (void)state;
    assert_int_equal(node_options_read(sizeof args / sizeof *args - 1, (char **)(uintptr_t)args, &o), NODE_OPTIONS_RUN);
    assert_int_equal(o.config.limits.max_message, 11);
    assert_int_equal(o.config.limits.max_calls, 12);
    assert_int_equal(o.config.limits.max_connections, 13);
    assert_int_equal(o.config.limits.max_streams, 14);
    assert_int_equal(o.config.limits.max_filters, 15);
    assert_int_equal(o.config.limits.max_pending_bytes, 16);
    assert_int_equal(o.config.limits.requests_per_s, 17);
    assert_int_equal(o.config.limits.publishes_per_s, 18);
    assert_int_equal(o.config.idle_exit_ms, 19000);
    assert_string_equal(o.config.db_path, "/x/y");
    assert_int_equal(o.log_level, LOG_DEBUG);
    assert_string_equal(o.config.tls_cert, "c");
    assert_string_equal(o.config.tls_key, "k");
    assert_int_equal(o.config.listen_n, 2);
    assert_string_equal(o.config.listen[0], "127.0.0.1:1");
    assert_string_equal(o.config.listen[1], "[::1]:2");
}

static void without_options_it_is_the_database_of_this_person_on_both_loopbacks(void **state)
{
    const char *args[] = {"xmtui-node", NULL}, *before = getenv("XDG_DATA_HOME");
    char kept[4096] = "";
    static struct node_options o;

    (void)state;
    if (before != NULL)
        snprintf(kept, sizeof kept, "%s", before);
    setenv("XDG_DATA_HOME", "/some/where", 1);
    assert_int_equal(node_options_read(1, (char **)(uintptr_t)args, &o), NODE_OPTIONS_RUN);
    assert_string_equal(o.config.db_path, "/some/where/xmtui/node/node.db");
    assert_int_equal(o.config.listen_n, 1);
    assert_string_equal(o.config.listen[0], "localhost:5556");
    assert_int_equal(o.log_level, LOG_WARN);
    assert_int_equal(o.config.idle_exit_ms, 0);
    if (before != NULL)
        setenv("XDG_DATA_HOME", kept, 1);
    else
        unsetenv("XDG_DATA_HOME");
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    assert_non_null(extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* A certificate for loopback that vouches for itself: whoever trusts it, trusts it alone. */
static void make_certificate(const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    FILE *f;

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"node", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    extend(cert, NID_basic_constraints, "critical,CA:TRUE");
    extend(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    assert_int_not_equal(X509_sign(cert, key, EVP_sha256()), 0);
    assert_non_null(f = fopen(cert_path, "w"));
    assert_int_equal(PEM_write_X509(f, cert), 1);
    fclose(f);
    assert_non_null(f = fopen(key_path, "w"));
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* The exit status of xmtui making an installation there, with the system's roots, or those of the file alone. */
static int init_at(const char *url, const char *dir, const char *roots)
{
    char command[5000];
    int status;

    snprintf(command, sizeof command,
             "%s%s '%.*s/xmtui' --home '%s/home' --node '%s' init --new >/dev/null 2>'%s/said'",
             roots ? "SSL_CERT_FILE=" : "", roots ? roots : "",
             (int)(strrchr(program_path(), '/') - program_path()), program_path(), dir, url, dir);
    status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void with_a_certificate_it_is_reached_over_tls_alone(void **state)
{
    static const char group[] = "gggggggggggggggg";
    char dir[64], db[96], cert[96], key[96], line[128], url[64];
    const char *const args[] = {"xmtui-node", "--listen", "127.0.0.1:0", "--db", db, "--tls-cert", cert,
                                "--tls-key", key, NULL};
    struct program p;
    struct world w;
    unsigned port;

    (void)state;
    dir_make(dir);
    snprintf(db, sizeof db, "%s/node.db", dir);
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    make_certificate(cert, key);
    spawn(&p, args);
    read_line(p.out, line, sizeof line);
    assert_int_equal(sscanf(line, "listening on 127.0.0.1:%u", &port), 1);
    snprintf(url, sizeof url, "https://127.0.0.1:%u", port);

    connect_at(&w, url, cert);
    assert_int_equal(send_message(&w, group, MLS_CONTENT_APPLICATION, "sealed twice"), GRPC_OK);
    disconnect(&w);
    connect_at(&w, url, NULL); /* the system's roots do not know it */
    assert_int_equal(send_message(&w, group, MLS_CONTENT_APPLICATION, "to whom?"), GRPC_UNAVAILABLE);
    assert_non_null(strstr(w.text, "not trusted"));
    disconnect(&w);
    connect_to(&w, port);
    assert_int_equal(send_message(&w, group, MLS_CONTENT_APPLICATION, "in the open"), GRPC_UNAVAILABLE);
    disconnect(&w);

    assert_int_equal(init_at(url, dir, NULL), 4);
    assert_int_equal(init_at(url, dir, cert), 0);
    assert_int_equal(kill(p.pid, SIGTERM), 0);
    assert_int_equal(wait_end(&p), 0);
    dir_remove(dir);
}

static void a_certificate_that_is_not_there_is_named(void **state)
{
    struct program p;
    char dir[64], db[96], line[512];
    const char *const args[] = {"xmtui-node", "--listen", "127.0.0.1:0", "--db", db, "--tls-cert", "/nowhere/cert",
                                "--tls-key", "/nowhere/key", NULL};

    (void)state;
    dir_make(dir);
    snprintf(db, sizeof db, "%s/node.db", dir);
    spawn(&p, args);
    read_line(p.err, line, sizeof line);
    assert_int_equal(wait_end(&p), 1);
    assert_string_equal(line, "xmtui-node: cannot start: /nowhere/cert: No such file or directory");
    dir_remove(dir);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    struct program p;
    char dir[64], db[96], line[512];
    const char *const args[] = {"xmtui-node", "--listen", "127.0.0.1:0", "--db", db, NULL};
    FILE *f;

    (void)state;
    dir_make(dir);
    snprintf(db, sizeof db, "%s/node.db", dir);
    f = fopen(db, "w");
    assert_non_null(f);
    fprintf(f, "%s", "Dear diary, this is a text and no database, however long it goes on and on and on.\n");
    fclose(f);
    spawn(&p, args);
    read_line(p.err, line, sizeof line);
    assert_int_equal(wait_end(&p), 1);
    assert_non_null(strstr(line, "cannot start"));
    dir_remove(dir);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_listens_says_so_and_ends_cleanly_on_sigterm),
        cmocka_unit_test(both_loopbacks_are_listened_on_and_told),
        cmocka_unit_test(a_second_node_on_the_database_is_refused_and_told_the_process),
        cmocka_unit_test(what_was_answered_is_there_after_sigkill),
        cmocka_unit_test(a_full_disk_refuses_what_is_new_and_keeps_what_is_there),
        cmocka_unit_test(without_clients_it_ends_by_itself),
        cmocka_unit_test(mistakes_are_told_in_one_line),
        cmocka_unit_test(every_limit_is_an_option),
        cmocka_unit_test(without_options_it_is_the_database_of_this_person_on_both_loopbacks),
        cmocka_unit_test(with_a_certificate_it_is_reached_over_tls_alone),
        cmocka_unit_test(a_certificate_that_is_not_there_is_named),
        cmocka_unit_test(a_file_that_is_no_database_is_refused),
    };

    signal(SIGPIPE, SIG_IGN);
    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
