/* A core without network or store: a small world in memory that answers the screen's requests, and
 * writes down what was asked.  The world is plain data; tests change it between keys. */
#pragma once
#include "ui/backend.h"
#include "ui/canvas.h"
#include "ui/screen.h"

#include <jansson.h>

struct fake {
    struct ui_backend base;
    enum xm_home_state home;
    const char *passphrase;  /* that opens the home; NULL: any */
    bool is_open;
    const char *locked;      /* says who has the home open; NULL: nobody */
    json_t *world; /* info, conversations, messages{id:[]}, members{id:[]}, records, log, installations, drafts, nicks */
    json_t *trace; /* ["method params", ...] of every call() */
    json_t *queue; /* events to come: [{kind, id, json}] */
    int64_t next_id;
    int64_t now_ns;
    int outbox;    /* what client.network tells */
    bool hold;     /* answers wait until fake_release() */
    json_t *held;
    const char *fail_method, *fail_code, *fail_text; /* the next such call fails */
    int fail_number;         /* the error's number, 0: -32000 */
    const char *result_method; /* the next such call is answered with result */
    json_t *result;
    size_t pages, lists;     /* pages of messages read; lists of conversations */
    int wake[2];   /* a pipe: readable while events wait */
};

/* The world of most tests: maria (1:1, unread), #ops, an unknown stranger, a denied one. */
struct fake *fake_new(void);
struct fake *fake_new_home(void); /* nothing there yet */
void fake_free(struct fake *f);
/* A stream.event for the screen. */
void fake_notify(struct fake *f, const char *kind, json_t *data);
/* A text from `sender` in `chat`, stored and notified. */
void fake_text(struct fake *f, const char *chat, const char *id, const char *sender, const char *text);
/* A decision made on another installation: record, log row and notification. */
void fake_remote_consent(struct fake *f, const char *entity_type, const char *entity, const char *state, const char *origin);
void fake_release(struct fake *f);
/* The last call whose method this is, "method params", or "". */
const char *fake_last(struct fake *f, const char *method);
size_t fake_count(struct fake *f, const char *method);

/* ---- driving a screen ---- */

struct driver {
    struct fake *fake;
    struct screen *screen;
    struct canvas canvas;
    int64_t now_ns;
    int outbox;    /* what client.network tells */
    uint64_t now_ms;
    char *text; /* the last drawing */
};

void driver_start(struct driver *d, struct fake *f, int rows, int cols);
void driver_end(struct driver *d);
/* Keys in words: "hello<Enter><A-c><C-a><Up><Esc>"; then events, drawing, work. */
void driver_type(struct driver *d, const char *keys);
void driver_settle(struct driver *d);
void driver_wait(struct driver *d, int ms);
/* The drawing as text. */
const char *driver_screen(struct driver *d);
/* One row of it, borrowed until the next call. */
const char *driver_row(struct driver *d, int row);
bool driver_shows(struct driver *d, const char *text);

#define MARIA "11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa"
#define DANA "22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb22bb"
#define STRANGER "33cc33cc33cc33cc33cc33cc33cc33cc33cc33cc33cc33cc33cc33cc33cc33cc"
#define MALLORY "44dd44dd44dd44dd44dd44dd44dd44dd44dd44dd44dd44dd44dd44dd44dd44dd"
#define ME "00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee00ee"
#define THIS_INSTALLATION "7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e7c1e"
#define PHONE "b02fb02fb02fb02fb02fb02fb02fb02fb02fb02fb02fb02fb02fb02fb02fb02f"
#define START_NS INT64_C(1795255440000000000) /* Sat 21 Nov 2026 10:04:00 UTC */
