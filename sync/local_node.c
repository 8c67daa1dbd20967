#include "sync/local_node.h"

#include "base/i18n.h"
#include "base/log.h"
#include "sync/config.h"
#include "sync/core.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCAL_PORT 5556
#define IDLE_EXIT_S "600"
#define TRY_EVERY_MS 20
#define GIVE_UP_MS 10000

/* On loopback connect() succeeds or is refused at once; it does not wait. */
static bool somebody_listens(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(LOCAL_PORT)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    yes = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return yes;
}

/* Beside this program, else on PATH; false when neither has it. */
static bool find_program(const struct core_config *config, char out[PATH_MAX])
{
    const char *path = getenv("PATH"), *end;
    char self[PATH_MAX], *slash;
    ssize_t n;

    if (config->node_program) {
        snprintf(out, PATH_MAX, "%s", config->node_program);
        return access(out, X_OK) == 0;
    }
    n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0) {
        self[n] = 0;
        if ((slash = strrchr(self, '/')))
            slash[1] = 0;
        if ((size_t)snprintf(out, PATH_MAX, "%sxmtui-node", self) < PATH_MAX && access(out, X_OK) == 0)
            return true;
    }
    for (; path && *path; path = *end ? end + 1 : end) {
        end = strchrnul(path, ':');
        if ((size_t)snprintf(out, PATH_MAX, "%.*s/xmtui-node", (int)(end - path), path) < PATH_MAX &&
            access(out, X_OK) == 0)
            return true;
    }
    return false;
}

/* Two forks: the node's parent ends at once, so that init adopts it and nobody has to wait for it. */
static int launch(const char *program, struct err *err)
{
    const char *const argv[] = {program, "--idle-exit", IDLE_EXIT_S, NULL};
    pid_t pid = fork();

    if (pid < 0)
        return err_set(err, ERR_IO, _("starting %s: %s"), program, strerror(errno));
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        setsid();
        if (fork() != 0)
            _exit(0);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        if (chdir("/") == 0)
            execv(program, (char *const *)argv);
        _exit(127);
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

static int start_and_wait(struct core *core, struct err *err)
{
    char program[PATH_MAX];
    int r;

    if (somebody_listens())
        return 0;
    if (!find_program(core->config, program))
        return err_set(err, ERR_OFFLINE, _("no node on 127.0.0.1:%d and no program xmtui-node to start one"),
                       LOCAL_PORT);
    log_info("net", "starting %s", program);
    if ((r = launch(program, err)) != 0)
        return r;
    for (int waited = 0; waited < GIVE_UP_MS; waited += TRY_EVERY_MS) {
        if (somebody_listens())
            return 0;
        if ((r = core_sleep(core, TRY_EVERY_MS, err)) != 0)
            return r;
    }
    return err_set(err, ERR_OFFLINE, _("%s was started but does not answer"), program);
}

static void start_fiber(struct core *core, void *ctx)
{
    (void)ctx;
    core->node_start = (struct err){0};
    if (start_and_wait(core, &core->node_start) == 0)
        core->node_start = (struct err){0};
    core->node_starts = false;
    fiber_line_go(&core->node_line);
}

/* Who comes while others wait lines up behind them, though the node may answer already: requests keep their
 * order. */
int local_node_ensure(struct core *core, struct err *err)
{
    int r;

    if (!core->config->own_node || (!core->node_starts && somebody_listens()))
        return 0;
    if (!core->node_starts) {
        core->node_starts = true;
        if ((r = core_spawn(core, start_fiber, NULL, err)) != 0) {
            core->node_starts = false;
            return r;
        }
    }
    if (core->node_starts)
        fiber_line_wait(&core->node_line);
    if (core->node_start.code != 0 && err)
        *err = core->node_start;
    return core->node_start.code;
}
