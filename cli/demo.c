/* `xmtui demo`: three terminals side by side in tmux: one person on two installations, and a friend.
 *
 * Throw-away homes and a node of its own, all in one temporary folder.  A second process plays a
 * block and an allow by typing into the panes, as a person would, waiting for what the screens
 * show; captions stand in tmux's status line.  Then the keys are the person's.  When tmux ends,
 * everything goes: node, folder, player. */
#include "cli/special.h"

#include "base/i18n.h"
#include "cli/exit.h"
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WIDE 182           /* three screens side by side, of sixty columns each: narrower ones show one pane at a time */
#define READ_MS 4500       /* time to read a caption */
#define GIVE_UP_MS 20000   /* a screen that does not show what it should */
#define ARGS_MAX 24
#define DIR_SIZE 80 /* with the name of a socket in it, within what a socket's path may have */

enum pane { LAPTOP, PHONE, FRIEND, PANES };

struct demo {
    char dir[DIR_SIZE];   /* of everything */
    char self[PATH_MAX], node_program[PATH_MAX];
    char url[64];
    char socket[96];  /* of the tmux server */
    pid_t node, player;
    bool wide;
};

/* ---- programs ---- */

/* Runs a program to its end; up to size - 1 bytes of its standard output go to `out` (may be NULL). */
static int run(char *out, size_t size, const char *const argv[])
{
    int fds[2], status;
    size_t n = 0;
    ssize_t got;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, STDIN_FILENO);
        dup2(out ? fds[1] : null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        unsetenv("TMUX");
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(fds[1]);
    while (pid > 0 && out && n + 1 < size && (got = read(fds[0], out + n, size - 1 - n)) > 0)
        n += (size_t)got;
    if (out)
        out[n] = 0;
    close(fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Collects the arguments up to NULL behind `first`. */
static void gather(const char *argv[ARGS_MAX], size_t n, va_list ap)
{
    const char *arg;

    while (n + 1 < ARGS_MAX && (arg = va_arg(ap, const char *)))
        argv[n++] = arg;
    argv[n] = NULL;
}

/* xmtui on one of the demo's homes. */
static int xmtui(struct demo *d, const char *home, char *out, size_t size, ...)
{
    const char *argv[ARGS_MAX] = {d->self, "--home", NULL, "--node", d->url};
    char path[PATH_MAX];
    va_list ap;

    snprintf(path, sizeof path, "%s/%s", d->dir, home);
    argv[2] = path;
    va_start(ap, size);
    gather(argv, 5, ap);
    va_end(ap);
    return run(out, size, argv);
}

static int tmux(struct demo *d, char *out, size_t size, ...)
{
    const char *argv[ARGS_MAX] = {"tmux", "-S", d->socket, "-f", "/dev/null"};
    va_list ap;

    va_start(ap, size);
    gather(argv, 5, ap);
    va_end(ap);
    return run(out, size, argv);
}

/* ---- the stage ---- */

static int fail(const char *what)
{
    fprintf(stderr, "xmtui: demo: %s\n", what);
    return EXIT_FAILED;
}

static bool find_programs(struct demo *d)
{
    ssize_t n = readlink("/proc/self/exe", d->self, sizeof d->self - 1);
    char *slash;

    if (n <= 0)
        return false;
    d->self[n] = 0;
    slash = strrchr(d->self, '/');
    if ((size_t)snprintf(d->node_program, sizeof d->node_program, "%.*sxmtui-node", (int)(slash + 1 - d->self),
                         d->self) >= sizeof d->node_program)
        return false;
    if (access(d->node_program, X_OK) != 0)
        snprintf(d->node_program, sizeof d->node_program, "xmtui-node");
    return true;
}

/* A node on a port of its own; it says which on its first line. */
static bool start_node(struct demo *d)
{
    char db[PATH_MAX], line[128] = "", *colon;
    int fds[2];
    FILE *out;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    snprintf(db, sizeof db, "%s/node.db", d->dir);
    d->node = fork();
    if (d->node == 0) {
        dup2(fds[1], STDOUT_FILENO);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        setsid();
        execlp(d->node_program, d->node_program, "--listen", "127.0.0.1:0", "--db", db, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    out = fdopen(fds[0], "r");
    if (d->node < 0 || !out || !fgets(line, sizeof line, out))
        return false;
    fclose(out);
    line[strcspn(line, "\r\n")] = 0;
    colon = strrchr(line, ':');
    if (!colon)
        return false;
    snprintf(d->url, sizeof d->url, "http://127.0.0.1:%s", colon + 1);
    return true;
}

static bool address_of(struct demo *d, const char *home, char out[64])
{
    char text[2048];
    json_t *info;
    bool found;

    if (xmtui(d, home, text, sizeof text, "--json", "client", "info", NULL) != 0)
        return false;
    info = json_loads(text, 0, NULL);
    found = json_is_string(json_object_get(info, "address"));
    if (found)
        snprintf(out, 64, "%s", json_string_value(json_object_get(info, "address")));
    json_decref(info);
    return found;
}

/* Alix on a laptop and a phone, and Bo; each knows the other by name. */
static bool make_people(struct demo *d)
{
    char laptop[PATH_MAX], alix[64], bo[64];

    snprintf(laptop, sizeof laptop, "%s/laptop", d->dir);
    return xmtui(d, "laptop", NULL, 0, "init", "--new", "--label", "laptop", NULL) == 0 &&
           xmtui(d, "phone", NULL, 0, "init", "--same-as", laptop, "--label", "phone", NULL) == 0 &&
           xmtui(d, "friend", NULL, 0, "init", "--new", NULL) == 0 && xmtui(d, "laptop", NULL, 0, "sync", NULL) == 0 &&
           address_of(d, "laptop", alix) && address_of(d, "friend", bo) &&
           xmtui(d, "laptop", NULL, 0, "nick", bo, "bo", NULL) == 0 &&
           xmtui(d, "phone", NULL, 0, "nick", bo, "bo", NULL) == 0 &&
           xmtui(d, "friend", NULL, 0, "nick", alix, "alix", NULL) == 0 &&
           xmtui(d, "friend", NULL, 0, "dm", alix, _("Hello Alix, it is me, Bo."), NULL) == 0;
}

static void open_pane(struct demo *d, enum pane pane, const char *home, const char *title)
{
    char command[3 * PATH_MAX], target[16];

    snprintf(command, sizeof command, "exec '%s' --home '%s/%s' --node %s", d->self, d->dir, home, d->url);
    if (pane == LAPTOP)
        tmux(d, NULL, 0, "new-session", "-d", "-s", "demo", "-x", d->wide ? "180" : "80", "-y", "40", command, NULL);
    else
        tmux(d, NULL, 0, "split-window", "-t", "demo", d->wide ? "-h" : "-v", command, NULL);
    tmux(d, NULL, 0, "select-layout", "-t", "demo", d->wide ? "even-horizontal" : "tiled", NULL);
    snprintf(target, sizeof target, "demo:0.%d", (int)pane);
    tmux(d, NULL, 0, "set-option", "-p", "-t", target, "@who", title, NULL);
}

static void set_stage(struct demo *d)
{
    static const char *const options[][2] = {{"status-position", "top"},
                                             {"status-left-length", "300"},
                                             {"status-right", ""},
                                             {"status-style", "bold,reverse"},
                                             {"window-status-format", ""},
                                             {"window-status-current-format", ""},
                                             {"mouse", "on"},
                                             {"escape-time", "25"},
                                             {"pane-border-status", "top"},
                                             {"pane-border-format", " #{@who} "}};

    open_pane(d, LAPTOP, "laptop", _("Alix, on her laptop"));
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        tmux(d, NULL, 0, "set-option", "-g", options[i][0], options[i][1], NULL);
    open_pane(d, PHONE, "phone", _("Alix, on her phone"));
    open_pane(d, FRIEND, "friend", _("Bo"));
    tmux(d, NULL, 0, "select-pane", "-t", "demo:0.0", NULL);
}

/* ---- the play ---- */

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

static void caption(struct demo *d, const char *text)
{
    char line[400];

    snprintf(line, sizeof line, " %s ", text);
    tmux(d, NULL, 0, "set-option", "-g", "status-left", line, NULL);
    pause_ms(READ_MS);
}

static void type(struct demo *d, enum pane pane, const char *key, bool literal)
{
    char target[16];

    snprintf(target, sizeof target, "demo:0.%d", (int)pane);
    if (literal)
        tmux(d, NULL, 0, "send-keys", "-t", target, "-l", key, NULL);
    else
        tmux(d, NULL, 0, "send-keys", "-t", target, key, NULL);
}

/* Until the pane shows `text`; false when it never does, and the play goes on all the same. */
static bool wait_for(struct demo *d, enum pane pane, const char *text)
{
    char target[16], screen[65536];

    snprintf(target, sizeof target, "demo:0.%d", (int)pane);
    for (int waited = 0; waited < GIVE_UP_MS; waited += 100) {
        if (tmux(d, screen, sizeof screen, "capture-pane", "-p", "-t", target, NULL) != 0)
            return false;
        if (strstr(screen, text))
            return true;
        pause_ms(100);
    }
    return false;
}

static void play(struct demo *d)
{
    for (int waited = 0; waited < GIVE_UP_MS; waited += 100) {
        char clients[64];

        if (tmux(d, clients, sizeof clients, "list-clients", NULL) == 0 && clients[0])
            break;
        pause_ms(100);
    }
    wait_for(d, LAPTOP, "req 1"); /* the names of requests are not seen at every size */
    wait_for(d, PHONE, "req 1");
    caption(d, _("Alix has xmtui on two installations. Bo has written to her: a request on both."));
    caption(d, _("She blocks him on the laptop: Alt-c goes to the requests, b blocks."));
    type(d, LAPTOP, "M-c", false);
    pause_ms(700);
    type(d, LAPTOP, "b", false);
    if (!d->wide)
        type(d, PHONE, "M-s", false);
    wait_for(d, PHONE, "denied");
    caption(d, _("The phone has heard of it: the chat is gone, its sync log says who decided it and when."));
    caption(d, _("Now she allows him again, on the phone: /allow bo"));
    type(d, PHONE, "Escape", false);
    pause_ms(300);
    type(d, PHONE, "/allow bo", true);
    type(d, PHONE, "Enter", false);
    if (!d->wide)
        type(d, LAPTOP, "M-s", false);
    wait_for(d, LAPTOP, "allowed");
    type(d, LAPTOP, "Escape", false);
    caption(d, _("And the laptop follows. Nobody told Bo anything."));
    caption(d, _("The keys are yours. Ctrl-b and an arrow: another pane. Ctrl-b d: the end."));
}

/* ---- the whole ---- */

/* Whoever watches; on their terminal's end or ours by a signal, the stage is still struck. */
static volatile pid_t viewer;
static volatile sig_atomic_t ended;

static void on_end(int signal)
{
    (void)signal;
    ended = 1;
    if (viewer > 0)
        kill(viewer, SIGTERM);
}

static void catch_ends(void)
{
    struct sigaction action = {.sa_handler = on_end, .sa_flags = SA_RESTART};

    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN);
}

static int show(struct demo *d)
{
    const char *const attach[] = {"tmux", "-S", d->socket, "attach-session", "-t", "demo", NULL};
    int status = 0;

    set_stage(d);
    d->player = fork();
    if (d->player == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_IGN); /* strike() ends it */
        play(d);
        _exit(0);
    }
    viewer = fork();
    if (viewer == 0) {
        unsetenv("TMUX");
        execvp("tmux", (char *const *)attach);
        _exit(127);
    }
    if (ended && viewer > 0)
        kill(viewer, SIGTERM);
    while (viewer > 0 && waitpid(viewer, &status, 0) < 0 && errno == EINTR)
        ;
    return ended ? EXIT_DONE : viewer > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_DONE : fail(_("tmux ended badly"));
}

static void strike(struct demo *d)
{
    const char *const remove[] = {"rm", "-rf", d->dir, NULL};

    tmux(d, NULL, 0, "kill-server", NULL);
    if (d->player > 0) {
        kill(d->player, SIGTERM);
        waitpid(d->player, NULL, 0);
    }
    if (d->node > 0) {
        kill(d->node, SIGTERM);
        waitpid(d->node, NULL, 0);
    }
    run(NULL, 0, remove);
}

/* TMPDIR, where a socket's path has room for it and a shell takes it between quotes; else /tmp. */
static bool make_folder(char out[DIR_SIZE])
{
    static const char name[] = "/xmtui-demo-XXXXXX";
    const char *tmp = getenv("TMPDIR");

    if (!tmp || *tmp != '/' || strlen(tmp) + sizeof name > DIR_SIZE || strchr(tmp, '\''))
        tmp = "/tmp";
    snprintf(out, DIR_SIZE, "%s%s", tmp, name);
    return mkdtemp(out);
}

int cli_demo(struct cli_options *o)
{
    const char *const has_tmux[] = {"tmux", "-V", NULL};
    struct demo d = {0};
    struct winsize size = {0};
    int status;

    (void)o;
    if (!isatty(STDIN_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return fail(_("a terminal is needed to show it in"));
    if (run(NULL, 0, has_tmux) != 0)
        return fail(_("tmux is needed: apt-get install tmux"));
    if (!find_programs(&d) || !make_folder(d.dir))
        return fail(strerror(errno));
    d.wide = size.ws_col >= WIDE;
    snprintf(d.socket, sizeof d.socket, "%s/tmux", d.dir);
    catch_ends();
    printf("%s\n", _("Setting the stage: a node, two installations of Alix, and Bo..."));
    if (!start_node(&d))
        status = fail(_("xmtui-node did not start"));
    else if (!make_people(&d))
        status = fail(_("the three could not be registered"));
    else
        status = show(&d);
    strike(&d);
    return status;
}
