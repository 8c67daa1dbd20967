#include "tests/programs.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 20000

static char folder[64], node_url[64];
static pid_t node;

const char *program_path(const char *name)
{
    static char path[1024];
    const char *top = getenv("XM_BUILDDIR");

    snprintf(path, sizeof path, "%s/%s", top ? top : ".", name);
    return path;
}

/* The node's first line names its port. */
static int read_port(int fd)
{
    char line[200] = "", *port;
    size_t len = 0;

    while (len + 1 < sizeof line && !strchr(line, '\n')) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};

        if (poll(&wait, 1, START_MS) <= 0 || read(fd, line + len, 1) != 1)
            return -1;
        line[++len] = 0;
    }
    port = strrchr(line, ':');
    return port ? atoi(port + 1) : -1;
}

/* Sanitizers of the programs write into the folder: on a terminal or a standard error that is compared, even their
 * warnings would be in the way.  What they found is looked at in the end. */
static void send_reports_to_folder(const char *variable)
{
    const char *before = getenv(variable);
    char options[600];

    snprintf(options, sizeof options, "%s:log_path=%s/report", before ? before : "", folder);
    setenv(variable, options, 1);
}

static bool reported(void)
{
    char look[200];

    snprintf(look, sizeof look, "cat %s/report* 2>/dev/null | grep -E -A40 'ERROR|runtime error' >&2", folder);
    return system(look) == 0;
}

static int node_port; /* 0: not chosen yet */

int programs_node_start(void)
{
    char db[100], listen[40];
    int out[2];

    if (pipe(out) != 0)
        return -1;
    snprintf(db, sizeof db, "%s/node.db", folder);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", node_port);
    node = fork();
    if (node == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        for (int fd = 3; fd < 64; fd++)
            close(fd); /* the other ends of other programs' pipes */
        execl(program_path("xmtui-node"), "xmtui-node", "--listen", listen, "--db", db, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    node_port = read_port(out[0]);
    snprintf(node_url, sizeof node_url, "http://127.0.0.1:%d", node_port);
    return node_port > 0 ? 0 : -1;
}

int programs_node_stop(void)
{
    return kill(node, SIGTERM) == 0 && waitpid(node, NULL, 0) == node ? 0 : -1;
}

int programs_begin(void)
{
    strcpy(folder, "/tmp/xmtui-programs-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    send_reports_to_folder("ASAN_OPTIONS");
    send_reports_to_folder("UBSAN_OPTIONS");
    return programs_node_start();
}

int programs_finish(void)
{
    char remove[100];
    bool bad;

    programs_node_stop();
    bad = reported();
    snprintf(remove, sizeof remove, "rm -rf %s", folder);
    return system(remove) == 0 && !bad ? 0 : -1;
}

const char *programs_folder(void)
{
    return folder;
}

const char *programs_node_url(void)
{
    return node_url;
}
