#include "ui/layout.h"

#include <stdbool.h>

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* The lines at the bottom, from the last one up; a low terminal leaves some out. */
static void place_bottom(struct layout *l, int rows, int cols, int input_rows)
{
    bool roomy = rows >= 18, middling = rows >= 12;
    int at = rows, wanted = min(max(input_rows, 1), roomy ? 6 : middling ? 3 : 1);

    if (middling)
        l->hints = (struct rect){--at, 0, 1, cols};
    if (roomy)
        l->info = (struct rect){--at, 0, 1, cols};
    at -= wanted;
    l->input = (struct rect){at, 0, wanted, cols};
    l->status = (struct rect){--at, 0, 1, cols};
    if (roomy)
        l->separator = (struct rect){--at, 0, 1, cols};
    l->body = (struct rect){1, 0, at - 1, cols};
}

static void place_one(struct layout *l, enum pane focus)
{
    struct rect body = l->body;
    enum pane shown = focus == PANE_INPUT ? PANE_TALK : focus;

    if (body.rows >= 2) { /* the lowest window has a row for what is said alone */
        l->tabs = (struct rect){body.row, 0, 1, body.cols};
        body.row++;
        body.rows--;
    }
    l->panes[shown] = body;
}

static void place_two(struct layout *l, enum pane focus)
{
    struct rect b = l->body;
    int left = 20, right = left + 1, right_cols = b.cols - right;
    int installs = 4, consent = max(7, b.rows / 3), log = 3;

    l->bar1 = left;
    if (focus == PANE_CONSENT)
        consent = max(consent, b.rows - installs - 5);
    if (focus == PANE_INSTALLATIONS)
        installs = max(installs, min(b.rows / 2, 8));
    if (focus == PANE_LOG)
        log = max(log, b.rows / 2);
    if (b.rows < 16) { /* low: the left column shows one pane, the log takes the place of the talk */
        enum pane side = focus == PANE_CONSENT || focus == PANE_INSTALLATIONS ? focus : PANE_CHATS;

        l->panes[side] = (struct rect){b.row, 0, b.rows, left};
        l->panes[focus == PANE_LOG ? PANE_LOG : PANE_TALK] = (struct rect){b.row, right, b.rows, right_cols};
        return;
    }
    l->panes[PANE_CHATS] = (struct rect){b.row, 0, b.rows - installs - consent, left};
    l->panes[PANE_CONSENT] = (struct rect){b.row + b.rows - installs - consent, 0, consent, left};
    l->panes[PANE_INSTALLATIONS] = (struct rect){b.row + b.rows - installs, 0, installs, left};
    l->panes[PANE_TALK] = (struct rect){b.row, right, b.rows - log, right_cols};
    l->panes[PANE_LOG] = (struct rect){b.row + b.rows - log, right, log, right_cols};
}

static void place_three(struct layout *l)
{
    struct rect b = l->body;
    /* of what is over 120 columns the sides get a part: names and decisions have a use for it */
    int over = max(0, b.cols - 120), left = min(40, 24 + over / 8), side = min(60, 36 + over / 4);
    int middle = b.cols - left - side - 2;
    int consent = b.rows * 2 / 5, installs = 6, at = left + 1 + middle + 1;

    l->bar1 = left;
    l->bar2 = left + 1 + middle;
    l->panes[PANE_CHATS] = (struct rect){b.row, 0, b.rows, left};
    l->panes[PANE_TALK] = (struct rect){b.row, left + 1, b.rows, middle};
    l->panes[PANE_CONSENT] = (struct rect){b.row, at, consent, side};
    l->panes[PANE_INSTALLATIONS] = (struct rect){b.row + consent, at, installs, side};
    l->panes[PANE_LOG] = (struct rect){b.row + consent + installs, at, b.rows - consent - installs, side};
}

struct layout layout_make(int rows, int cols, enum pane focus, int input_rows)
{
    struct layout l = {.bar1 = -1, .bar2 = -1};

    if (rows < 4 || cols < 20) {
        l.kind = LAYOUT_TINY;
        return l;
    }
    l.title = (struct rect){0, 0, 1, cols};
    place_bottom(&l, rows, cols, input_rows);
    if (cols >= 110 && rows >= 24) {
        l.kind = LAYOUT_THREE;
        place_three(&l);
    } else if (cols >= 60 && l.body.rows >= 5) {
        l.kind = LAYOUT_TWO;
        place_two(&l, focus);
    } else {
        l.kind = LAYOUT_ONE;
        place_one(&l, focus);
    }
    return l;
}
