#include "tests/ui/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <utmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utf8proc.h>

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int on_property(VTermProp prop, VTermValue *value, void *user)
{
    struct pty *p = user;

    if (prop == VTERM_PROP_ALTSCREEN)
        p->alternate = value->boolean;
    else if (prop == VTERM_PROP_CURSORVISIBLE)
        p->cursor = value->boolean;
    else if (prop == VTERM_PROP_TITLE)
        snprintf(p->title, sizeof p->title, "%s", value->string);
    return 1;
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_property};

static void set_environment(const char *const *env)
{
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TZ", "UTC", 1);
    unsetenv("NO_COLOR");
    unsetenv("LINES");
    unsetenv("COLUMNS");
    for (; env && *env; env++)
        putenv((char *)(uintptr_t)*env);
}

struct pty *pty_start(const char *const *argv, const char *const *env, int rows, int cols)
{
    struct pty *p = calloc(1, sizeof *p);
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    int terminal;

    p->rows = rows;
    p->cols = cols;
    p->cursor = true;
    if (openpty(&p->fd, &terminal, NULL, NULL, &size) != 0) {
        free(p);
        return NULL;
    }
    tcgetattr(terminal, &p->before); /* before the program can have changed anything */
    p->pid = fork();
    if (p->pid == 0) {
        login_tty(terminal);
        close(p->fd);
        for (int number = 1; number < NSIG; number++) /* as on a terminal, whatever started the tests ignores */
            signal(number, SIG_DFL);
        set_environment(env);
        execvp(argv[0], (char **)(uintptr_t)argv);
        _exit(127);
    }
    close(terminal);
    fcntl(p->fd, F_SETFL, O_NONBLOCK);
    fcntl(p->fd, F_SETFD, FD_CLOEXEC);
    p->vt = vterm_new(rows, cols);
    vterm_set_utf8(p->vt, 1);
    p->screen = vterm_obtain_screen(p->vt);
    vterm_screen_set_callbacks(p->screen, &callbacks, p);
    vterm_screen_enable_altscreen(p->screen, 1);
    vterm_screen_reset(p->screen, 1);
    return p;
}

/* Takes what waits, at most for so long; bytes taken, -1 at the end. */
static ssize_t take(struct pty *p, int ms)
{
    struct pollfd fd = {.fd = p->fd, .events = POLLIN};
    char data[16384];
    ssize_t n;

    if (poll(&fd, 1, ms) <= 0)
        return 0;
    n = read(p->fd, data, sizeof data);
    if (n <= 0)
        return n < 0 && errno == EAGAIN ? 0 : -1;
    buf_put(&p->raw, data, (size_t)n);
    vterm_input_write(p->vt, data, (size_t)n);
    return n;
}

void pty_type(struct pty *p, const char *keys)
{
    size_t len = strlen(keys);

    while (len > 0) {
        ssize_t n = write(p->fd, keys, len);

        if (n > 0) {
            keys += n;
            len -= (size_t)n;
        }
        if (take(p, 0) < 0)
            return;
    }
}

bool pty_wait_until(struct pty *p, bool (*holds)(void *ctx, const char *screen), void *ctx)
{
    int64_t until = now_ms() + PTY_WAIT_MS;

    while (!holds(ctx, pty_text(p)))
        if (take(p, 50) < 0 || now_ms() > until)
            return false;
    return true;
}

struct shown {
    const char *text;
    bool there;
};

static bool is_shown(void *ctx, const char *screen)
{
    const struct shown *shown = ctx;

    return (strstr(screen, shown->text) != NULL) == shown->there;
}

static bool wait_for(struct pty *p, const char *text, bool there)
{
    if (pty_wait_until(p, is_shown, &(struct shown){text, there}))
        return true;
    fprintf(stderr, "---- %s: %s\n%s----\n", there ? "never shown" : "never gone", text, pty_text(p));
    return false;
}

bool pty_wait(struct pty *p, const char *text)
{
    return wait_for(p, text, true);
}

bool pty_wait_gone(struct pty *p, const char *text)
{
    return wait_for(p, text, false);
}

void pty_quiet(struct pty *p, int ms)
{
    int64_t until = now_ms() + PTY_WAIT_MS;

    while (take(p, ms) > 0 && now_ms() < until)
        ;
}

size_t pty_bytes_in(struct pty *p, int ms)
{
    int64_t until = now_ms() + ms, left;
    size_t before = p->raw.len;

    while ((left = until - now_ms()) > 0 && take(p, (int)left) >= 0)
        ;
    return p->raw.len - before;
}

void pty_resize(struct pty *p, int rows, int cols)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

    pty_quiet(p, 30);
    p->rows = rows;
    p->cols = cols;
    vterm_set_size(p->vt, rows, cols);
    ioctl(p->fd, TIOCSWINSZ, &size);
}

int pty_end(struct pty *p)
{
    int64_t until = now_ms() + PTY_WAIT_MS;
    int status;

    while (now_ms() < until) {
        take(p, 20);
        if (waitpid(p->pid, &status, WNOHANG) == p->pid) {
            p->pid = 0;
            while (take(p, 0) > 0)
                ;
            return status;
        }
    }
    return -1;
}

static void put_cell(struct buf *out, const VTermScreenCell *cell)
{
    if (cell->chars[0] == 0 || cell->chars[0] == (uint32_t)-1) {
        if (cell->chars[0] == 0)
            buf_put_u8(out, ' ');
        return;
    }
    for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i]; i++) {
        utf8proc_uint8_t utf8[4];

        buf_put(out, utf8, (size_t)utf8proc_encode_char((utf8proc_int32_t)cell->chars[i], utf8));
    }
}

const char *pty_text(struct pty *p)
{
    struct buf out = BUF_INIT;

    for (int row = 0; row < p->rows; row++) {
        for (int col = 0; col < p->cols; col++) {
            VTermScreenCell cell;

            if (vterm_screen_get_cell(p->screen, (VTermPos){row, col}, &cell))
                put_cell(&out, &cell);
        }
        while (out.len > 0 && out.data[out.len - 1] == ' ')
            out.len--;
        buf_put_u8(&out, '\n');
    }
    buf_put_u8(&out, 0);
    free(p->text);
    p->text = strdup((const char *)out.data);
    buf_free(&out);
    return p->text;
}

static const char *last(const struct pty *p, const char *bytes)
{
    const char *found = NULL, *at = (const char *)p->raw.data;
    size_t len = strlen(bytes);

    for (size_t i = 0; at && i + len <= p->raw.len; i++)
        if (memcmp(at + i, bytes, len) == 0)
            found = at + i;
    return found;
}

bool pty_wrote(const struct pty *p, const char *bytes)
{
    return last(p, bytes) != NULL;
}

bool pty_wait_wrote(struct pty *p, const char *bytes)
{
    int64_t until = now_ms() + PTY_WAIT_MS;

    while (!pty_wrote(p, bytes) && now_ms() < until)
        take(p, 20);
    return pty_wrote(p, bytes);
}

bool pty_mode(const struct pty *p, int mode)
{
    char on[24], off[24];
    const char *h, *l;

    snprintf(on, sizeof on, "\033[?%dh", mode);
    snprintf(off, sizeof off, "\033[?%dl", mode);
    h = last(p, on);
    l = last(p, off);
    return h && (!l || h > l);
}

bool pty_is_restored(struct pty *p)
{
    struct termios now;

    while (take(p, 0) > 0)
        ;
    if (tcgetattr(p->fd, &now) == 0 &&
        (now.c_lflag != p->before.c_lflag || now.c_iflag != p->before.c_iflag || now.c_oflag != p->before.c_oflag)) {
        fprintf(stderr, "line settings differ\n");
        return false;
    }
    if (p->alternate || !p->cursor || pty_mode(p, 2004) || pty_mode(p, 1004) || pty_mode(p, 1049) || pty_mode(p, 1)) {
        fprintf(stderr, "alternate %d cursor %d 2004 %d 1004 %d keypad %d\n", p->alternate, p->cursor, pty_mode(p, 2004),
                pty_mode(p, 1004), pty_mode(p, 1));
        return false;
    }
    return true;
}

void pty_free(struct pty *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    close(p->fd);
    vterm_free(p->vt);
    buf_free(&p->raw);
    free(p->text);
    free(p);
}
