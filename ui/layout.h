/* Which pane stands where, for a size of the terminal and a focus.  Pure.  Thread: UI.
 *
 * 110 columns and 24 rows or more: three columns.  60 columns or more: two.  Below: one pane with
 * tabs.  Under 20x4: one line. */
#pragma once
#include "ui/canvas.h"

enum pane { PANE_INPUT, PANE_CHATS, PANE_TALK, PANE_CONSENT, PANE_INSTALLATIONS, PANE_LOG, PANE_COUNT };
enum layout_kind { LAYOUT_TINY, LAYOUT_ONE, LAYOUT_TWO, LAYOUT_THREE };

struct layout {
    enum layout_kind kind;
    struct rect title, tabs, separator, status, input, info, hints; /* rows == 0: not there */
    struct rect panes[PANE_COUNT];
    int bar1, bar2; /* columns of the vertical lines, -1 none */
    struct rect body;
};

/* `input_rows`: rows that the input line would like. */
struct layout layout_make(int rows, int cols, enum pane focus, int input_rows);
