/* The screen as a machine: events go in, requests go out through the backend, a canvas is drawn.
 *
 * Knows neither ncurses nor clocks nor signals: the terminal (ui/terminal.h) and the loop
 * (ui/run.h) are its hands, and a test has none.  Thread: UI. */
#pragma once
#include "ui/backend.h"
#include "ui/canvas.h"
#include "ui/key.h"

#include <stdbool.h>
#include <stdint.h>

struct screen;

struct screen_options {
    const char *home;       /* for the words of the set-up and config.ini; NULL: no file */
    const char *other_home; /* the home to propose for "one more installation"; NULL none */
    const char *env;        /* "local" */
    const char *wallet_key; /* given by option or environment; NULL none */
    bool offline;
};

/* The backend is borrowed and not yet open.  NULL when out of memory. */
struct screen *screen_new(struct ui_backend *backend, const struct screen_options *options);
void screen_free(struct screen *s);

/* Events.  Each begins with the time: nanoseconds since 1970 and monotonic milliseconds. */
void screen_time(struct screen *s, int64_t now_ns, uint64_t now_ms);
void screen_start(struct screen *s);
void screen_resize(struct screen *s, int rows, int cols);
void screen_key(struct screen *s, struct key key);
void screen_paste(struct screen *s, const char *text, size_t len);
void screen_event(struct screen *s, const struct xm_event *event);
void screen_interrupt(struct screen *s); /* SIGINT from outside: as Ctrl-C */
/* SIGTERM, SIGHUP, /quit: saves what is typed; the loop ends once screen_may_end(). */
void screen_end(struct screen *s);

/* Work.  True: the canvas has to be drawn again. */
bool screen_is_dirty(const struct screen *s);
void screen_draw(struct screen *s, struct canvas *c);
/* What takes long enough that the screen is drawn first: opening the home, a step of a search.  Call
 * after drawing. */
void screen_work(struct screen *s);
/* Milliseconds until screen_time() wants to be called, -1 never. */
int screen_wait_ms(const struct screen *s);
bool screen_has_ended(const struct screen *s);
bool screen_may_end(const struct screen *s); /* ended, and nothing is left to be written */
bool screen_take_suspend(struct screen *s);  /* Ctrl-Z */
bool screen_take_repaint(struct screen *s);  /* Ctrl-L */
/* A clean text for the clipboard, asked for by a key or command; xm_free().  NULL: none. */
char *screen_take_copy(struct screen *s);
/* The terminal's title, clean. */
const char *screen_title(struct screen *s);
/* False where colours are switched off by /set. */
bool screen_wants_colour(const struct screen *s);
