/* The hands on the terminal: ncurses, modes, keys, title.  Everything undone by terminal_leave().
 *
 * One at a time, ncurses being global.  Thread: UI. */
#pragma once
#include "ui/canvas.h"
#include "ui/key.h"

#include <stdbool.h>

struct terminal;

/* NULL with a sentence in `why` where standard input or output is no terminal, or an unknown one. */
struct terminal *terminal_open(char *why, unsigned why_size);
/* NULL is fine. */
void terminal_close(struct terminal *t);

/* Into the alternate screen with our modes, and out of it. */
void terminal_enter(struct terminal *t);
void terminal_leave(struct terminal *t);
/* Asks the kernel; false if the size is as before. */
bool terminal_size(struct terminal *t, int *rows, int *cols);
/* Shows the canvas; only cells that changed are given to ncurses.  `all`: everything is written anew. */
void terminal_show(struct terminal *t, const struct canvas *c, bool colour, bool all);
/* `title` is clean.  Written only when it changed and where the terminal has titles. */
void terminal_title(struct terminal *t, const char *title);
/* Gives the terminal a text for its clipboard (OSC 52), where it is of a kind that may have one. */
void terminal_copy(struct terminal *t, const char *text);
/* The next thing typed; false when nothing waits.  *gone: the terminal is no more. */
bool terminal_key(struct terminal *t, struct key *out, bool *gone);
/* For signals_rescue(). */
const char *terminal_restore_sequence(const struct terminal *t);
