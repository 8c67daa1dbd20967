/* The screen as a grid of cells, drawn by the views and shown by the terminal; no ncurses here, so
 * that a test compares it as text.
 *
 * Every text put here passes the door of ui/sanitize.h once more cell by cell: a code point that may
 * not stand in a cell becomes a replacement, whoever put it.  Nothing is ever drawn outside the
 * grid.  Thread: UI. */
#pragma once
#include "ui/text.h"

enum style {
    STYLE_NORMAL = 0,
    STYLE_DIM,      /* day lines, hints, times */
    STYLE_BOLD,     /* unread, headers */
    STYLE_TITLE,    /* title and status bars */
    STYLE_SELECTED, /* the row that keys act on */
    STYLE_GOOD,     /* allowed, live */
    STYLE_WARN,     /* unknown, late */
    STYLE_BAD,      /* denied, failed */
    STYLE_OWN,      /* own name */
    STYLE_OTHER,    /* other people's names */
    STYLE_QUOTE,    /* quoted reply */
    STYLE_COUNT
};

struct cell {
    uint32_t cp[CLUSTER_CPS];
    uint8_t n;     /* code points; 0: the right half of a wide one */
    uint8_t width; /* 1, 2; 0 the right half */
    uint8_t style;
};

struct canvas {
    int rows, cols;
    struct cell *cells;
    int cursor_row, cursor_col; /* where the terminal's cursor rests, for screen readers too */
    bool cursor_shown;
};

struct rect {
    int row, col, rows, cols;
};

/* False when out of memory; the old grid then stays. */
bool canvas_resize(struct canvas *c, int rows, int cols);
void canvas_free(struct canvas *c);
void canvas_clear(struct canvas *c);

/* Draws one clean line, cut at `cols` columns; returns the columns used. */
int canvas_text(struct canvas *c, int row, int col, int cols, enum style style, const char *text);
int canvas_text_n(struct canvas *c, int row, int col, int cols, enum style style, const char *text, size_t len);
/* printf of our own words and clean texts. */
int canvas_printf(struct canvas *c, int row, int col, int cols, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* Ends at column col + cols - 1. */
void canvas_text_right(struct canvas *c, int row, int col, int cols, enum style style, const char *text);
void canvas_fill(struct canvas *c, int row, int col, int cols, enum style style, uint32_t cp);
void canvas_restyle(struct canvas *c, int row, int col, int cols, enum style style);
/* Lines: '-' and '|', or their UTF-8 forms where `utf8`. */
void canvas_hline(struct canvas *c, int row, int col, int cols, bool utf8);
void canvas_vline(struct canvas *c, int row, int col, int rows, bool utf8);
void canvas_cursor(struct canvas *c, int row, int col);

/* The grid as text, one line a row, trailing spaces cut; xm_free(). */
char *canvas_dump(const struct canvas *c);
