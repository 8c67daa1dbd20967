#include "cli/open.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "cli/exit.h"
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* How long a command waits for its decision to go out. */
#define PUBLISH_MS 15000

static volatile sig_atomic_t interrupted_by;

static void note_signal(int signal)
{
    interrupted_by = signal;
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define ENDING (sizeof ending / sizeof ending[0])

/* Waits for a line or for a signal that ends the program.  Such a signal is blocked but while this waits: one that
 * came just before would else be waited out. */
static ssize_t read_line(int fd, const sigset_t *waiting, char *out, size_t size)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};

    while (!interrupted_by) {
        if (ppoll(&input, 1, NULL, waiting) > 0)
            return read(fd, out, size - 1);
        if (errno != EINTR)
            break;
    }
    return -1;
}

/* Reads a line without echo.  A signal that ends the program does so after the terminal is as it was. */
static ssize_t read_silently(int fd, const char *prompt, const struct termios *before, char *out, size_t size)
{
    struct sigaction note = {.sa_handler = note_signal}, former[ENDING];
    struct termios silent = *before;
    sigset_t ends, mask;
    ssize_t n;

    interrupted_by = 0;
    sigemptyset(&ends);
    for (size_t i = 0; i < ENDING; i++)
        sigaddset(&ends, ending[i]);
    sigprocmask(SIG_BLOCK, &ends, &mask);
    for (size_t i = 0; i < ENDING; i++) {
        sigaction(ending[i], &note, &former[i]);
        if (former[i].sa_handler == SIG_IGN) /* as with nohup: it ends nothing */
            sigaction(ending[i], &former[i], NULL);
    }
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fd, TCSAFLUSH, &silent);
    dprintf(fd, "%s", prompt);
    n = read_line(fd, &mask, out, size);
    tcsetattr(fd, TCSAFLUSH, before);
    dprintf(fd, "\n");
    sigprocmask(SIG_SETMASK, &mask, NULL);
    for (size_t i = 0; i < ENDING; i++)
        sigaction(ending[i], &former[i], NULL);
    if (interrupted_by)
        raise(interrupted_by);
    return n;
}

static bool ask_secret(const char *prompt, char *out, size_t size)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios before;
    ssize_t n = -1;

    if (fd < 0)
        return false;
    if (tcgetattr(fd, &before) == 0)
        n = read_silently(fd, prompt, &before, out, size);
    close(fd);
    if (n <= 0)
        return false;
    out[n] = 0;
    out[strcspn(out, "\r\n")] = 0;
    return true;
}

bool cli_ask_passphrase(const char *home, const char *prompt, char *out, size_t size)
{
    if (ask_secret(prompt, out, size))
        return true;
    fprintf(stderr, "xmtui: ");
    fprintf(stderr, _("%s is protected by a passphrase, and there is no terminal to ask for it"), home);
    fputc('\n', stderr);
    return false;
}

json_t *cli_key_from_file(const char *path)
{
    char line[256] = "";
    struct stat st;
    FILE *f = fopen(path, "re");
    json_t *key = NULL;

    if (!f) {
        fprintf(stderr, "xmtui: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    setvbuf(f, NULL, _IONBF, 0); /* else a copy of the key stays in its buffer */
    if (fstat(fileno(f), &st) == 0 && (st.st_mode & 077)) {
        fprintf(stderr, "xmtui: ");
        fprintf(stderr, _("%s can be read by others: chmod 600 it first"), path);
        fputc('\n', stderr);
    } else if (fgets(line, sizeof line, f)) {
        line[strcspn(line, " \t\r\n")] = 0;
        key = json_string(line);
    } else {
        fprintf(stderr, "xmtui: %s: %s\n", path, _("no key in this file"));
    }
    explicit_bzero(line, sizeof line);
    fclose(f);
    return key;
}

int cli_open(struct cli_options *o, unsigned how, struct xm_client **out)
{
    struct xm_options options;
    struct xm_error error = {0};
    char secret[1024];

    if (!o->has_db_key && !o->passphrase && xm_home_inspect(o->home) == XM_HOME_NEEDS_PASSPHRASE) {
        if (!cli_ask_passphrase(o->home, _("Passphrase: "), secret, sizeof secret))
            return EXIT_BAD_KEY;
        o->passphrase = xm_strdup(secret);
        explicit_bzero(secret, sizeof secret);
    }
    options = cli_client_options(o, how & CLI_OPEN_QUIET);
    options.only_existing = !(how & CLI_OPEN_MAY_MAKE);
    options.no_thread = (how & CLI_OPEN_NO_THREAD) != 0;
    if (xm_client_open(&options, out, &error) != XM_OK)
        return exit_complain(&error);
    cli_options_forget_keys(o);
    return 0;
}

int cli_close(const struct cli_options *o, struct xm_client *client, int status, enum cli_decision decision)
{
    struct xm_error error = {0};
    int r = XM_OK;

    if (client && status == EXIT_DONE && decision != CLI_DECIDES_NOTHING && !o->offline)
        r = xm_client_request(client, "preferences.publish", NULL, PUBLISH_MS, NULL, &error);
    xm_client_close(client);
    if (r == XM_OK || decision != CLI_DECIDES)
        return status;
    if (r == XM_NOT_FOUND) /* no installation yet, and so nobody to tell */
        return exit_complain(&error);
    fprintf(stderr, "xmtui: %s\n", _("no network: decided here; your other installations hear of it later"));
    return EXIT_NO_NETWORK;
}
