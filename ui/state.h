/* The screen's own state, shared by the files of ui/ that make it up; nobody else includes this.
 * Thread: UI. */
#pragma once
#include "ui/backend.h"
#include "ui/canvas.h"
#include "ui/complete.h"
#include "ui/config.h"
#include "ui/first.h"
#include "ui/input.h"
#include "ui/layout.h"
#include "ui/model.h"
#include "ui/screen.h"
#include "ui/search.h"
#include "ui/talk.h"

/* A pane: draws from the state, turns keys into changes and commands. */
struct ui_view {
    const char *name; /* N_() */
    void (*draw)(struct screen *s, struct canvas *c, struct rect r, bool focused);
    bool (*key)(struct screen *s, struct key key); /* false: not mine */
    void (*resize)(struct screen *s, struct rect r); /* may be NULL */
    void (*close)(struct screen *s);                 /* the pane loses the focus; may be NULL */
    const char *hints; /* N_() keys shown at the bottom while it has the focus */
};

extern const struct ui_view view_chats, view_talk, view_consent, view_installations, view_log;

enum popup { POPUP_NONE, POPUP_HELP, POPUP_GO, POPUP_PASTE, POPUP_CONFIRM, POPUP_LIST, POPUP_SEARCH };
enum consent_tab { TAB_UNKNOWN, TAB_ALLOWED, TAB_DENIED, TAB_COUNT };

enum log_filter { LOG_ALL, LOG_DECISIONS, LOG_RECEIVED, LOG_FILTERS };

/* One line of the consent pane: a chat, or a person with a record and no chat. */
struct subject {
    char *entity;
    bool is_person;
    size_t chat; /* index in the model where !is_person */
    bool marked;
};

/* An answer to come.  `done` gets the result or the error, exactly one of them. */
typedef void screen_done(struct screen *s, const json_t *result, const json_t *error, const char *arg);
struct waiting {
    int64_t id;
    screen_done *done;
    char *arg;
};

struct screen {
    struct ui_backend *backend;
    struct screen_options options;
    struct config config;
    struct model model;
    struct talk talk;
    struct input input;
    struct first first;
    struct layout layout;

    int64_t now_ns;
    uint64_t now_ms;
    int64_t age_ns; /* "now" for ages on the screen: stands still while a line is typed, */
    uint64_t age_ms; /* so that the echo of a key is the key alone */
    int rows, cols;
    bool utf8;
    bool in_main;   /* past the set-up */
    bool has_focus; /* of the terminal; true where it does not say */
    bool quit, suspend, repaint, dirty;
    bool reload_list, reload_log, reload_installations, reload_network;
    bool open_denied; /* the open chat was decided away since the last drawing */
    uint64_t network_asked_ms;
    uint64_t sigint_ms; /* the last Ctrl-C; 0: none */

    enum pane focus;
    enum popup popup;

    size_t list_at;                   /* selected row of the chat list */
    enum consent_tab tab;
    struct subject *subjects;
    size_t n_subjects, subject_at;
    unsigned tab_counts[TAB_COUNT];
    size_t installation_at, log_at;
    int64_t log_mark; /* what is selected there: a decision's id, or less than 0 for a note */
    enum log_filter log_filter;

    char *notice; /* clean; the line under the input */
    enum style notice_style;
    char blocked[80]; /* the chat that the notice says is blocked; "" */
    char *accepts; /* chat whose reply would accept it: one more Enter sends */
    char *reply_to, *reply_words; /* message that the input answers */
    char *aside; /* what was being written when a key began a command; comes back after it */
    uint64_t draft_due_ms; /* 0: nothing to save */
    bool draft_saved;
    size_t counted; /* characters in the input when last counted */
    bool read_in_flight;
    uint64_t recheck_ms; /* log and outbox are looked at again then: something of ours is on its way; 0 no */
    unsigned rechecks;

    struct input ask;    /* the line of POPUP_GO, POPUP_SEARCH and POPUP_CONFIRM */
    size_t go_at;
    char *ask_text, *ask_answer; /* POPUP_CONFIRM: question; what must be typed */
    char *ask_method, *ask_params;
    struct buf pasted;
    struct completion completion;
    struct search search; /* POPUP_SEARCH */
    char *list_title, *list_text; /* POPUP_LIST, POPUP_HELP: clean */
    size_t list_scroll;

    struct waiting *waiting;
    size_t n_waiting, cap_waiting;
    uint64_t local_ids;
    char *copied; /* clean; for the clipboard, until the terminal took it */
    char *title; /* last one given to the terminal */
};

/* ---- requests (requests.c) ---- */
/* Sends; `params` is stolen (NULL: none); `arg` is copied.  A refused request is answered at once. */
void screen_call(struct screen *s, const char *method, json_t *params, screen_done *done, const char *arg);
/* The same with a text that may hold secrets; the caller wipes it. */
void screen_call_text(struct screen *s, const char *method, const char *params, screen_done *done, const char *arg);
/* Answers from the store; NULL on failure, with a notice.  `params` is stolen. */
json_t *screen_read(struct screen *s, const char *method, json_t *params);
/* From the store where the reader knows the method, else by a request: `done` comes at once or later. */
void screen_fetch(struct screen *s, const char *method, json_t *params, screen_done *done, const char *arg);
void screen_reply(struct screen *s, int64_t id, const json_t *result, const json_t *error);
void screen_notified(struct screen *s, const json_t *params);
void screen_waiting_free(struct screen *s);
/* A consent record as it stands now. */
void record_put(struct screen *s, const json_t *record);
/* The state of the connection; the sync log tells when it is lost and when it is back. */
void network_set(struct screen *s, const json_t *network);
/* A done that shows an error as a notice and nothing otherwise. */
void screen_done_notice(struct screen *s, const json_t *result, const json_t *error, const char *arg);
/* The sentence of an error object. */
const char *error_text(const json_t *error);

/* ---- what the main screen does (actions.c) ---- */
void main_begin(struct screen *s); /* after opening a registered home */
void main_reload(struct screen *s); /* what is marked for reading, before drawing */
void notice(struct screen *s, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void notice_clear(struct screen *s);
void focus_pane(struct screen *s, enum pane pane);
void chat_open(struct screen *s, const char *id, bool peek);
struct chat *chat_current(struct screen *s);
void chat_switch(struct screen *s, int by);
bool chat_next_active(struct screen *s);
/* Decides about chats or people by id; shows the wish at once. */
void decide(struct screen *s, enum consent state, const char *const *targets, size_t n);
void undo_entity(struct screen *s, const char *entity); /* NULL: the newest decision */
void undo_row(struct screen *s, const struct decision *d);
void mark_read(struct screen *s);
void subjects_rebuild(struct screen *s);
/* Fills in members of chats about to be drawn, so that 1:1 chats have names. */
void names_resolve(struct screen *s, struct chat *c);

/* ---- what is written (compose.c) ---- */
void send_input(struct screen *s);
void send_text(struct screen *s, const char *chat, const char *text, const char *reply_to);
void reply_clear(struct screen *s); /* the next text answers nothing, and accepts nobody */
void text_aside(struct screen *s);  /* makes room for a command in the input; */
void text_back(struct screen *s);   /* the text before it, once the input is empty, */
void text_forget(struct screen *s); /* or not at all */
void draft_load(struct screen *s, const char *chat);
void draft_save(struct screen *s);
void draft_touch(struct screen *s);

/* ---- slash commands (commands.c) ---- */
void command_run(struct screen *s, const char *line);
/* The name of command i, NULL after the last. */
const char *command_name(size_t i);
/* Help text of all commands, or of one; xm_free(). */
char *command_help(const char *name);
/* Resolves a person's or chat's name, nickname, number, address or id prefix as typed to what the
 * core takes: an inbox id, a conversation id, or the text itself. */
const char *who(struct screen *s, const char *typed);

/* ---- popups (popup.c) ---- */
void popup_open_help(struct screen *s);
/* Lines to read, under a clean title. */
void popup_open_list(struct screen *s, const char *title, const char *text);
void popup_open_go(struct screen *s);
void popup_open_search(struct screen *s); /* empty: search.c fills it */
void popup_open_confirm(struct screen *s, const char *question, const char *answer, const char *method, json_t *params);
void popup_close(struct screen *s);
bool popup_key(struct screen *s, struct key key);
void popup_draw(struct screen *s, struct canvas *c);
/* Where a popup of at most so many rows and columns stands, and its empty frame with a title. */
struct rect popup_area(const struct screen *s, int rows, int cols);
void popup_box(struct screen *s, struct canvas *c, struct rect r, const char *title);

/* ---- frame: title, status, input, hints (view_frame.c) ---- */
void frame_draw(struct screen *s, struct canvas *c);
const struct ui_view *pane_view(enum pane pane);
/* The keys that go through a list of n rows; false: not one of them. */
bool list_key(struct key key, size_t *at, size_t n);
/* A pane's headline: name, a note, a key, over a line. */
void head_draw(struct screen *s, struct canvas *c, struct rect r, const char *name, const char *note, bool focused);
