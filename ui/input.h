/* The input line: text under edit, with the keys that readline taught people.
 *
 * The text is raw UTF-8 as typed or pasted; it passes the sanitiser when drawn.  The cursor moves
 * and deletes whole grapheme clusters.  Several lines by Alt-Enter or Ctrl-J.  Pure; no drawing
 * here except the lay-out of lines.  Thread: UI. */
#pragma once
#include "ui/canvas.h"
#include "ui/key.h"

#define INPUT_MAX 16000     /* bytes: a message longer than that is a file */
#define INPUT_HISTORY 200   /* sent lines kept in memory */

struct input {
    struct buf text;  /* no NUL */
    size_t at;        /* cursor, a byte offset at a cluster boundary */
    bool masked;      /* keys and passphrases: drawn as stars, wiped, no history */
    bool single;      /* no newlines */
    struct buf killed; /* Ctrl-Y gives it back */
    bool killing;     /* the last key killed: the next one adds to it */
    char *history[INPUT_HISTORY];
    int history_len, history_at; /* history_at == history_len: the line being written */
    char *unsent;     /* that line, while an older one is shown */
    int want_col;     /* column that Up and Down try to keep, -1 none */
    int cols;         /* columns the text is laid out in, for Up and Down */
};

enum input_result {
    INPUT_IGNORED, /* not an editing key */
    INPUT_MOVED,   /* taken, text as before */
    INPUT_CHANGED, /* text changed */
    INPUT_SUBMIT   /* Enter */
};

void input_init(struct input *in);
void input_free(struct input *in);

enum input_result input_key(struct input *in, struct key key);
/* Inserts at the cursor; line ends are made \n (a space where single); false if it does not fit. */
bool input_insert(struct input *in, const char *text, size_t len);
void input_set(struct input *in, const char *text);
/* The text with a NUL, borrowed until the next call. */
const char *input_text(struct input *in);
void input_clear(struct input *in);
/* Drops spaces and line ends at the end. */
void input_trim(struct input *in);
/* Remembers the text in the history and clears it. */
void input_done(struct input *in);
/* Replaces the bytes from `from` to the cursor: completion. */
void input_replace(struct input *in, size_t from, const char *text);

/* Rows needed at `cols` columns. */
int input_rows(struct input *in, int cols);
/* Logical line of the cursor and their number, from 1. */
void input_lines(struct input *in, int *line, int *lines);
/* Draws into the rectangle, cursor row always visible, and places the canvas cursor. */
void input_draw(struct input *in, struct canvas *c, struct rect r, bool with_cursor);
