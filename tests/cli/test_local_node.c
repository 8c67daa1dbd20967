/* The node that xmtui starts where none listens: one for all clients, nobody's child, ending by itself.
 *
 * It listens on the one port that --env local stands for, so this test has a network of its own (a namespace, with
 * nothing but loopback).  Where that cannot be had, the port of the machine is used, and must be free.
 *
 * Beside the copy of xmtui stands a script for xmtui-node, which notes how it was started and has the real one end
 * after a second without clients. */
#include "tests/cli/run.h"
#include "tests/programs.h"
#include "tests/test.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODES_MAX 16
#define WAIT_MS 60000

static const char *const nowhere[] = {"XMTUI_NO=1", NULL}; /* no XMTUI_NODE: the default of --env local */

/* ---- a network of our own ---- */

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    if (fd >= 0) {
        (void)!write(fd, text, strlen(text));
        close(fd);
    }
}

static void loopback_up(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    ioctl(fd, SIOCSIFFLAGS, &lo);
    close(fd);
}

static void leave_the_machines_network(void)
{
    char map[40];

    snprintf(map, sizeof map, "%d %d 1", (int)getuid(), (int)getuid());
    if (unshare(CLONE_NEWNET) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            return;
        put("/proc/self/setgroups", "deny");
        put("/proc/self/uid_map", map);
    }
    loopback_up();
}

static bool somebody_listens(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(5556), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool yes = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;

    close(fd);
    return yes;
}

/* ---- programs of our own ---- */

static int begin(void **state)
{
    static char bin[200];
    char command[3000], node[1024];

    (void)state;
    leave_the_machines_network();
    if (programs_begin() != 0)
        return -1;
    if (somebody_listens()) {
        fprintf(stderr, "port 5556 is in use, and no network namespace can be made\n");
        return -1;
    }
    snprintf(node, sizeof node, "%s", program_path("xmtui-node"));
    snprintf(bin, sizeof bin, "%s/bin", programs_folder());
    snprintf(command, sizeof command,
             "mkdir %s && cp %s %s/xmtui && printf '#!/bin/sh\\necho $$ \"$@\" >>%s/starts\\n"
             "exec %s --idle-exit 1\\n' >%s/xmtui-node && chmod +x %s/xmtui-node",
             bin, program_path("xmtui"), bin, programs_folder(), node, bin, bin);
    if (system(command) != 0)
        return -1;
    return setenv("XM_BUILDDIR", bin, 1);
}

static int finish(void **state)
{
    (void)state;
    return programs_finish();
}

/* ---- the nodes that were started ---- */

struct start {
    int pid;
    char args[100];
};

static size_t starts(struct start out[NODES_MAX])
{
    char path[200];
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/starts", programs_folder());
    if (!(f = fopen(path, "r")))
        return 0;
    while (n < NODES_MAX && fscanf(f, "%d %99[^\n]", &out[n].pid, out[n].args) == 2)
        n++;
    fclose(f);
    return n;
}

/* Runs, as nobody's child: its parent; 0 when it has ended. */
static int parent_of(int pid)
{
    char path[60], what = 'Z';
    int parent = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (!(f = fopen(path, "r")))
        return 0;
    if (fscanf(f, "%*d (%*[^)]) %c %d", &what, &parent) != 2 || what == 'Z')
        parent = 0;
    fclose(f);
    return parent;
}

static unsigned running(int *pid)
{
    struct start all[NODES_MAX];
    size_t n = starts(all);
    unsigned running = 0;

    for (size_t i = 0; i < n; i++) {
        if (parent_of(all[i].pid)) {
            running++;
            *pid = all[i].pid;
        }
    }
    return running;
}

/* Until so many of them run. */
static void await_running(unsigned want)
{
    int pid;

    for (int waited = 0; running(&pid) != want; waited += 50) {
        if (waited > WAIT_MS)
            fail_msg("%u nodes run, not %u", running(&pid), want);
        usleep(50000);
    }
}

/* ---- tests ---- */

static void works(const char *command)
{
    struct outcome o;

    run_in(nowhere, NULL, command, &o);
    if (o.status != 0)
        fail_msg("%s: status %d: %s", command, o.status, o.err);
    outcome_free(&o);
}

static void fails(const char *const *env, const char *command, int status)
{
    struct outcome o;

    run_in(env, NULL, command, &o);
    if (o.status != status)
        fail_msg("%s: status %d, not %d: %s", command, o.status, status, o.err);
    outcome_free(&o);
}

static void none_is_started_where_it_is_forbidden_or_another_was_named(void **state)
{
    struct start all[NODES_MAX];
    const char *named[] = {"XMTUI_NODE=http://127.0.0.1:5556", NULL}, *dev[] = {"XMTP_ENV=dev", NULL};

    (void)state;
    fails(nowhere, "@alix init --new --no-node", 4);
    fails(named, "@alix init --new", 4);
    fails(dev, "@alix2 init --new", 4);
    fails(nowhere, "@alix conversations sync --offline", 3);
    assert_int_equal(starts(all), 0);
}

static void two_clients_that_start_at_once_share_one_and_it_outlives_them(void **state)
{
    struct running alix, bo;
    struct outcome a, b;
    struct start all[NODES_MAX];
    char command[200], path[200];
    struct stat st;
    json_t *info;
    int pid = 0;
    size_t n;

    (void)state;
    run_start_in(nowhere, "@alix init --new --json", &alix);
    run_start_in(nowhere, "@bo init --new --json", &bo);
    run_rest(&alix, &a);
    run_rest(&bo, &b);
    if (a.status != 0 || b.status != 0)
        fail_msg("%s%s", a.err, b.err);
    n = starts(all);
    assert_true(n == 1 || n == 2);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(all[i].args, "--idle-exit 600");
    await_running(1);
    running(&pid);
    assert_int_not_equal(parent_of(pid), getpid());
    info = json_loads(b.out, 0, NULL);
    snprintf(command, sizeof command, "@alix dm %s hello", member(info, "inboxId"));
    works(command);
    snprintf(path, sizeof path, "%s/data/xmtui/node/node.db", programs_folder());
    assert_int_equal(stat(path, &st), 0);
    json_decref(info);
    outcome_free(&a);
    outcome_free(&b);
}

static void it_ends_by_itself_and_the_next_one_has_its_data(void **state)
{
    struct start all[NODES_MAX];
    struct outcome o;
    size_t before;

    (void)state;
    await_running(0);
    assert_false(somebody_listens());
    before = starts(all);
    works("@bo sync");
    assert_int_equal(starts(all), before + 1);
    run_in(nowhere, NULL, "@bo list", &o);
    assert_non_null(strstr(o.out, "hello"));
    outcome_free(&o);
}

/* The requests come while the node is being started, and one waits for it in each. */
static void what_is_sent_before_it_answers_keeps_its_order(void **state)
{
    char input[4000] = "", command[200], id[33], expected[200] = "", got[200] = "";
    struct outcome o;
    json_t *list, *text;
    size_t at = 0, n = 0, i;

    (void)state;
    run_in(nowhere, NULL, "@bo list --json --offline", &o);
    list = json_loads(o.out, 0, NULL);
    snprintf(id, sizeof id, "%s", member(json_is_array(list) ? json_array_get(list, 0) : list, "id"));
    json_decref(list);
    outcome_free(&o);
    await_running(0);
    for (int k = 0; k < 9; k++) {
        at += (size_t)snprintf(input + at, sizeof input - at,
                               "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"conversation.send\","
                               "\"params\":{\"id\":\"%s\",\"text\":\"%d\"}}\n",
                               k, id, k);
        n += (size_t)snprintf(expected + n, sizeof expected - n, "%d ", k);
    }
    run_in(nowhere, input, "@bo rpc", &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    works("@alix sync");
    snprintf(command, sizeof command, "@alix messages %s --json", id);
    run_in(nowhere, NULL, command, &o);
    list = json_loads(o.out, 0, NULL);
    n = 0;
    json_array_foreach(list, i, text) {
        const char *said = json_string_value(json_object_get(json_object_get(text, "content"), "text"));

        if (said && strlen(said) == 1)
            n += (size_t)snprintf(got + n, sizeof got - n, "%s ", said);
    }
    assert_string_equal(got, expected);
    json_decref(list);
    outcome_free(&o);
}

static void one_that_a_client_still_uses_stays(void **state)
{
    struct running stream;
    int pid, first;

    (void)state;
    await_running(0);
    run_start_in(nowhere, "@bo rpc", &stream);
    run_write(&stream, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stream.start\"}\n");
    free(run_line(&stream));
    assert_int_equal(running(&first), 1);
    usleep(3000000); /* three times what it waits for clients */
    assert_int_equal(running(&pid), 1);
    assert_int_equal(pid, first);
    assert_int_equal(run_end(&stream), 0);
    await_running(0);
}

static void it_is_found_on_the_path_too(void **state)
{
    char path[300], command[600];
    const char *env[] = {path, NULL};
    struct outcome o;

    (void)state;
    snprintf(command, sizeof command, "mkdir %s/elsewhere && mv %s/bin/xmtui-node %s/elsewhere", programs_folder(),
             programs_folder(), programs_folder());
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "PATH=%s/elsewhere:/usr/bin:/bin", programs_folder());
    run_in(env, NULL, "@bo sync", &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    await_running(0);
    snprintf(path, sizeof path, "PATH=/usr/bin:/bin");
    run_in(env, NULL, "@bo sync", &o);
    assert_int_equal(o.status, 4);
    assert_string_equal(o.err, "xmtui: no node on 127.0.0.1:5556 and no program xmtui-node to start one\n");
    outcome_free(&o);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_started_where_it_is_forbidden_or_another_was_named),
        cmocka_unit_test(two_clients_that_start_at_once_share_one_and_it_outlives_them),
        cmocka_unit_test(it_ends_by_itself_and_the_next_one_has_its_data),
        cmocka_unit_test(what_is_sent_before_it_answers_keeps_its_order),
        cmocka_unit_test(one_that_a_client_still_uses_stays),
        cmocka_unit_test(it_is_found_on_the_path_too),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
