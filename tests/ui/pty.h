/* A program on a pseudo-terminal with a terminal emulator (libvterm) at the other end.
 *
 * Waiting is always for something, with a deadline: a text on the screen, silence, the end. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>
#include <vterm.h>

#define PTY_WAIT_MS 20000 /* far beyond what anything takes, for slow machines under sanitizers */

struct pty {
    pid_t pid;
    int fd;
    int rows, cols;
    VTerm *vt;
    VTermScreen *screen;
    struct buf raw; /* every byte the program wrote */
    bool alternate, cursor;
    char title[512];
    struct termios before; /* the line as the program found it */
    char *text;
};

/* argv as for execvp(); env: more variables, "NAME=value", NULL-ended (may be NULL). */
struct pty *pty_start(const char *const *argv, const char *const *env, int rows, int cols);
void pty_free(struct pty *p); /* kills what still runs */

void pty_type(struct pty *p, const char *keys);
/* True once holds(ctx, screen) does; asked again whenever something was written. */
bool pty_wait_until(struct pty *p, bool (*holds)(void *ctx, const char *screen), void *ctx);
/* True once the text is on the screen (pty_wait) or no longer (pty_wait_gone). */
bool pty_wait(struct pty *p, const char *text);
bool pty_wait_gone(struct pty *p, const char *text);
/* Reads until nothing came for so long. */
void pty_quiet(struct pty *p, int ms);
/* Bytes written during so long. */
size_t pty_bytes_in(struct pty *p, int ms);
void pty_resize(struct pty *p, int rows, int cols);
/* Waits for the end; the status as from waitpid(), -1: it did not end. */
int pty_end(struct pty *p);
/* The screen, a line a row, trailing spaces cut; borrowed until the next call. */
const char *pty_text(struct pty *p);
/* True if everything the program changed about the terminal is as before. */
bool pty_is_restored(struct pty *p);
/* The last of "\033[?NUMh" and "\033[?NUMl" in what was written: was the mode switched on last? */
bool pty_mode(const struct pty *p, int mode);
bool pty_wrote(const struct pty *p, const char *bytes);
bool pty_wait_wrote(struct pty *p, const char *bytes);
