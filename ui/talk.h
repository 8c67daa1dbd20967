/* One conversation on the screen: a window of messages around what is being read.
 *
 * Only the window is in memory; older and newer pages come from the reader as the person scrolls.
 * Messages are kept oldest first, with clean texts.  Thread: UI. */
#pragma once
#include "ui/canvas.h"
#include "ui/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALK_PAGE 60       /* messages a page read from the store */
#define TALK_WINDOW 300    /* messages kept; the far end is dropped */
#define TALK_BODY_MAX 8192 /* bytes of a text shown; the rest is counted */

struct screen;

enum message_status { MESSAGE_SENDING, MESSAGE_UNPUBLISHED, MESSAGE_PUBLISHED, MESSAGE_FAILED };

struct message {
    char *id;
    char *sender, *nick; /* inbox; its name as the core gave it, "" */
    char *body;          /* clean; a group change in words */
    char *reply_to;      /* id, "" */
    char *quote;         /* beginning of what it answers, clean, "" where not known */
    char *reactions;     /* "[+1 2] [x 1]", "" */
    char *type;          /* "text", "reply", ...: the middle of the content type */
    int64_t sent_ns;
    enum message_status status;
    bool own, system, receipt; /* receipt: somebody has read up to here */
    int rows, rows_cols;       /* laid out height at that width, 0 not known */
    unsigned rows_gen;
};

struct talk {
    char *chat; /* id; NULL: none is open */
    struct message *messages;
    size_t n, cap;
    bool has_older, has_newer; /* the store may have more beyond the window's ends */
    int scroll;                /* rows between the window's end and the bottom of the pane */
    unsigned newer;            /* messages that came while scrolled up */
    int64_t marker_ns;         /* the "new since" line stands before the first message after this; 0 none */
    unsigned marker_count;
    int selected;              /* index, -1 none */
    bool show_hidden;          /* messages of denied members */
    bool peek;                 /* nothing is marked read */
    unsigned gen;              /* raised when heights change for a reason of no single message */
    int page_rows, draw_cols;  /* of the pane when last drawn; 0 before */
    int64_t opened_ns;
};

/* Opens a chat at its end; `unread` messages stand below the marker.  peek: leaves no trace. */
void talk_open(struct screen *s, const char *chat, bool peek);
void talk_close(struct screen *s);
/* The newest page once more, after something changed; keeps the place of a scrolled reader. */
void talk_refresh(struct screen *s);
/* The open chat has another id from now on; what is on the screen stays. */
void talk_follow(struct screen *s, const char *id);
/* A message as notified.  False if it is of another chat or known already. */
bool talk_add(struct screen *s, const json_t *message);
/* A text of ours that the core has not confirmed, shown at once; id is a local one. */
void talk_add_own(struct screen *s, const char *id, const char *text, const char *reply_to);
/* What became of it: the real id, or a failure. */
void talk_own_sent(struct screen *s, const char *local_id, const char *id, enum message_status status);

/* The core tells later what became of a message of ours. */
void talk_status(struct screen *s, const char *id, const char *status);

void talk_scroll(struct screen *s, int rows); /* > 0 towards older */
void talk_top(struct screen *s);
void talk_end(struct screen *s);
void talk_to_marker(struct screen *s);
void talk_select(struct screen *s, int by);
/* Selects the newest message in view, where none is selected. */
void talk_select_shown(struct screen *s);
/* Selects a message of this chat, with the window around it. */
void talk_show(struct screen *s, const char *id, int64_t sent_ns);
/* The selected message, else the last one of somebody else; NULL where there is none. */
const struct message *talk_target(struct screen *s);
/* True when the newest message stood on the screen at the last drawing. */
bool talk_at_end(const struct screen *s);

/* One more page of older messages; false where there is none. */
bool talk_load_older(struct screen *s);

/* ---- talk_draw.c ---- */
/* A denied person's words in a group, unless opened. */
bool message_is_hidden(struct screen *s, const struct message *m);
/* Rows that message `i` takes at `cols` columns, day and marker lines included. */
int talk_rows(struct screen *s, size_t i, int cols);
void talk_draw(struct screen *s, struct canvas *c, struct rect r, bool focused);
