/* The screen's front door: events in, drawing out.  What keys mean everywhere is here; what they
 * mean in a pane is in the pane's view. */
#include "ui/screen.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

#define QUIT_WITHIN_MS 2000 /* two Ctrl-C this close leave */
#define PASTE_ASK_LINES 5   /* a paste of so many lines is asked about */

struct screen *screen_new(struct ui_backend *backend, const struct screen_options *options)
{
    struct screen *s = xm_alloc(sizeof *s);
    struct err err = {0};
    char path[1100];

    if (!s)
        return NULL;
    s->backend = backend;
    s->options = *options;
    s->config = config_default();
    s->has_focus = true;
    s->rows = 24;
    s->cols = 80;
    s->talk.selected = -1;
    model_init(&s->model);
    input_init(&s->input);
    input_init(&s->ask);
    if (options->home) {
        snprintf(path, sizeof path, "%s/config.ini", options->home);
        if (config_load(&s->config, path, &err) != 0)
            notice(s, STYLE_BAD, "%s", err.text);
    }
    s->utf8 = text_locale_is_utf8() && s->config.lines;
    return s;
}

void screen_free(struct screen *s)
{
    if (!s)
        return;
    popup_close(s);
    complete_end(&s->completion);
    buf_free(&s->pasted);
    talk_close(s);
    model_free(&s->model);
    input_free(&s->input);
    input_free(&s->ask);
    first_free(s);
    for (size_t i = 0; i < s->n_subjects; i++)
        xm_free(s->subjects[i].entity);
    xm_free(s->subjects);
    xm_free(s->notice);
    xm_free(s->accepts);
    xm_free(s->reply_to);
    xm_free(s->reply_words);
    xm_free(s->aside);
    xm_free(s->copied);
    xm_free(s->title);
    screen_waiting_free(s);
    xm_free(s);
}

void screen_start(struct screen *s)
{
    s->dirty = true;
    first_start(s);
}

/* ---- time ---- */

static void ages_move(struct screen *s)
{
    s->age_ns = s->now_ns;
    s->age_ms = s->now_ms;
}

void screen_time(struct screen *s, int64_t now_ns, uint64_t now_ms)
{
    bool minute = now_ns / 60000000000 != s->now_ns / 60000000000;

    s->now_ns = now_ns;
    s->now_ms = now_ms;
    if (minute && s->config.clock && s->in_main) {
        ages_move(s);
        s->dirty = true;
        s->reload_network = true;
    }
    if (s->draft_due_ms && now_ms >= s->draft_due_ms)
        draft_save(s);
    if (s->recheck_ms && now_ms >= s->recheck_ms) {
        s->recheck_ms = 0;
        s->reload_log = s->reload_network = s->dirty = true;
    }
}

static int until(uint64_t at_ms, uint64_t now_ms, int best)
{
    int left = at_ms > now_ms ? (int)(at_ms - now_ms) : 0;

    return best < 0 || left < best ? left : best;
}

int screen_wait_ms(const struct screen *s)
{
    int wait = -1;

    if (s->search.running)
        return 0;
    if (s->in_main && s->config.clock) /* to the turn of the minute */
        wait = (int)((60000000000 - s->now_ns % 60000000000) / 1000000) + 1;
    if (s->draft_due_ms)
        wait = until(s->draft_due_ms, s->now_ms, wait);
    if (s->recheck_ms)
        wait = until(s->recheck_ms, s->now_ms, wait);
    return wait;
}

/* ---- keys ---- */

static void next_pane(struct screen *s, int by)
{
    int to = s->focus;

    do
        to = (to + by + PANE_COUNT) % PANE_COUNT;
    while (to == PANE_TALK && !s->talk.chat);
    focus_pane(s, (enum pane)to);
}

static void go_number(struct screen *s, size_t n)
{
    if (n < s->model.n_shown)
        chat_open(s, s->model.chats[s->model.shown[n]].id, false);
}

static bool alt_key(struct screen *s, struct key key)
{
    if (key.kind == KEY_UP_ || key.kind == KEY_DOWN_) {
        chat_switch(s, key.kind == KEY_UP_ ? -1 : 1);
        return true;
    }
    if (key.kind != KEY_CHAR)
        return false;
    switch (key.ch) {
    case 'g':
        popup_open_go(s);
        return true;
    case '/':
        search_open(s, false, "");
        return true;
    case 'a':
        chat_next_active(s);
        return true;
    case 'u':
        if (s->talk.marker_ns)
            talk_to_marker(s);
        else
            chat_next_active(s);
        return true;
    case 'c':
        focus_pane(s, PANE_CONSENT);
        return true;
    case 's':
        focus_pane(s, PANE_LOG);
        return true;
    case 'i':
        focus_pane(s, PANE_INSTALLATIONS);
        return true;
    case 't':
        focus_pane(s, PANE_TALK);
        return true;
    case 'l':
        focus_pane(s, PANE_CHATS);
        return true;
    default:
        if (key.ch < '1' || key.ch > '9')
            return false;
        go_number(s, key.ch - '1');
        return true;
    }
}

void screen_interrupt(struct screen *s)
{
    if (s->sigint_ms && s->now_ms - s->sigint_ms < QUIT_WITHIN_MS) {
        screen_end(s);
        return;
    }
    s->sigint_ms = s->now_ms ? s->now_ms : 1;
    if (s->popup)
        popup_close(s);
    if (s->in_main) {
        draft_touch(s);
        draft_save(s); /* what was typed is kept */
        s->talk.selected = -1;
        focus_pane(s, PANE_INPUT);
    }
    notice(s, STYLE_WARN, "%s", _("Ctrl-C once more quits; what is typed is kept."));
}

static bool everywhere(struct screen *s, struct key key)
{
    if (key.kind == KEY_CTRL && key.ch == 'c' && !key.alt) {
        screen_interrupt(s);
        return true;
    }
    if (key.kind == KEY_CTRL && key.ch == 'l') {
        s->repaint = s->dirty = true;
        return true;
    }
    if (key.kind == KEY_CTRL && key.ch == 'z') {
        s->suspend = true;
        return true;
    }
    if (key.kind == KEY_FOCUS_IN || key.kind == KEY_FOCUS_OUT) {
        s->has_focus = key.kind == KEY_FOCUS_IN;
        s->dirty = s->dirty || s->has_focus;
        return true;
    }
    return false;
}

/* History keys of an input line that has no use for them itself. */
static bool page_key(struct screen *s, struct key key)
{
    bool empty = s->input.text.len == 0;
    int page = s->talk.page_rows > 3 ? s->talk.page_rows - 2 : 1;

    if (key.kind == KEY_PAGE_UP)
        talk_scroll(s, page);
    else if (key.kind == KEY_PAGE_DOWN)
        talk_scroll(s, -page);
    else if (key.kind == KEY_HOME_ && empty)
        talk_top(s);
    else if (key.kind == KEY_END_ && (empty || s->talk.scroll > 0))
        talk_end(s);
    else
        return false;
    return true;
}

static void escape(struct screen *s)
{
    reply_clear(s);
    if (s->aside) { /* the command is not wanted any more */
        input_clear(&s->input);
        text_back(s);
    }
    s->talk.selected = -1;
    focus_pane(s, PANE_INPUT);
}

static void input_line_key(struct screen *s, struct key key)
{
    bool empty = s->input.text.len == 0;

    if (page_key(s, key))
        return;
    if (key.kind == KEY_TAB_ || key.kind == KEY_SHIFT_TAB) {
        if (empty)
            next_pane(s, key.kind == KEY_TAB_ ? 1 : -1);
        else if (complete(s, key.kind == KEY_TAB_ ? 1 : -1))
            draft_touch(s);
        return;
    }
    if (key.kind == KEY_CHAR && key.ch == '?' && empty && !key.alt) {
        popup_open_help(s);
        return;
    }
    switch (input_key(&s->input, key)) {
    case INPUT_SUBMIT:
        ages_move(s);
        send_input(s);
        break;
    case INPUT_CHANGED:
        xm_free(s->accepts);
        s->accepts = NULL;
        draft_touch(s);
        text_back(s);
        break;
    default:
        break;
    }
}

static void main_key(struct screen *s, struct key key)
{
    const struct ui_view *v = pane_view(s->focus);

    if (key.kind != KEY_TAB_ && key.kind != KEY_SHIFT_TAB)
        complete_end(&s->completion);
    if (s->popup || v)
        ages_move(s);
    if (s->popup) {
        popup_key(s, key);
        return;
    }
    if (key.kind == KEY_F1_) {
        popup_open_help(s);
    } else if (key.alt && alt_key(s, key)) {
        return;
    } else if (key.kind == KEY_CTRL && (key.ch == 'n' || key.ch == 'p')) {
        chat_switch(s, key.ch == 'n' ? 1 : -1);
    } else if (key.kind == KEY_ESC_) {
        escape(s);
    } else if (!v) {
        input_line_key(s, key);
    } else if (s->layout.kind == LAYOUT_ONE && key.kind == KEY_CHAR && key.ch >= '1' && key.ch <= '4') {
        static const enum pane tabs[] = {PANE_CHATS, PANE_TALK, PANE_CONSENT, PANE_LOG};

        focus_pane(s, tabs[key.ch - '1']);
    } else if (key.kind == KEY_TAB_ || key.kind == KEY_SHIFT_TAB) {
        next_pane(s, key.kind == KEY_TAB_ ? 1 : -1);
    } else if (key.kind == KEY_CHAR && key.ch == '?') {
        popup_open_help(s);
    } else if (!v->key(s, key) && key.kind == KEY_CHAR && key.ch == '/') {
        if (s->focus == PANE_TALK)
            s->focus = PANE_INPUT; /* the choice of the message stays: the command may be about it */
        else
            focus_pane(s, PANE_INPUT); /* a command can be begun anywhere */
        text_aside(s);
        input_line_key(s, key);
    }
}

void screen_key(struct screen *s, struct key key)
{
    char *before = s->notice;
    bool interrupt = key.kind == KEY_CTRL && key.ch == 'c';

    if (key.kind == KEY_FOCUS_IN || key.kind == KEY_FOCUS_OUT) {
        everywhere(s, key);
        return;
    }
    s->dirty = true;
    if (!interrupt)
        s->sigint_ms = 0;
    s->notice = NULL; /* a key takes away what was said before it */
    if (!everywhere(s, key)) {
        if (s->in_main)
            main_key(s, key);
        else
            first_key(s, key);
    }
    xm_free(before);
}

void screen_paste(struct screen *s, const char *text, size_t len)
{
    size_t lines = 1;

    s->dirty = true;
    if (!s->in_main) {
        first_paste(s, text, len);
        return;
    }
    if (s->popup == POPUP_GO || s->popup == POPUP_CONFIRM || s->popup == POPUP_SEARCH) {
        input_insert(&s->ask, text, len);
        if (s->popup == POPUP_SEARCH)
            search_again(s);
        return;
    }
    for (size_t i = 0; i + 1 < len; i++)
        lines += text[i] == '\n';
    complete_end(&s->completion);
    focus_pane(s, PANE_INPUT);
    if (lines >= PASTE_ASK_LINES) {
        if (s->popup)
            popup_close(s);
        buf_reset(&s->pasted);
        buf_put(&s->pasted, text, len);
        s->popup = POPUP_PASTE;
        return;
    }
    if (!input_insert(&s->input, text, len))
        notice(s, STYLE_BAD, _("Too long: a message holds %d bytes."), INPUT_MAX);
    draft_touch(s);
}

/* ---- the rest ---- */

void screen_event(struct screen *s, const struct xm_event *event)
{
    json_t *o = json_loads(event->json ? event->json : "null", JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    ages_move(s);
    s->dirty = true;
    if (event->kind == XM_EVENT_NOTIFICATION)
        screen_notified(s, o);
    else if (event->kind == XM_EVENT_ERROR || !o)
        screen_reply(s, event->id, NULL, o ? o : (o = json_object()));
    else
        screen_reply(s, event->id, o, NULL);
    json_decref(o);
}

void screen_resize(struct screen *s, int rows, int cols)
{
    ages_move(s);
    s->rows = rows < 1 ? 1 : rows;
    s->cols = cols < 1 ? 1 : cols;
    s->layout = layout_make(s->rows, s->cols, s->focus, 1);
    for (int i = 0; i < PANE_COUNT; i++) {
        const struct ui_view *v = pane_view((enum pane)i);

        if (v && v->resize)
            v->resize(s, s->layout.panes[i]);
    }
    s->dirty = s->repaint = true;
}

void screen_end(struct screen *s)
{
    if (s->in_main && !s->quit) {
        draft_touch(s);
        draft_save(s);
    }
    s->quit = true;
}

bool screen_is_dirty(const struct screen *s)
{
    return s->dirty;
}

void screen_draw(struct screen *s, struct canvas *c)
{
    if (c->rows != s->rows || c->cols != s->cols)
        canvas_resize(c, s->rows, s->cols);
    canvas_clear(c);
    s->dirty = false;
    if (s->in_main) {
        main_reload(s);
        frame_draw(s, c);
        mark_read(s); /* now that it stood there */
    } else {
        first_draw(s, c);
    }
}

void screen_work(struct screen *s)
{
    if (!s->in_main)
        first_work(s);
    else if (s->search.running)
        search_step(s);
}

bool screen_has_ended(const struct screen *s)
{
    return s->quit;
}

bool screen_may_end(const struct screen *s)
{
    return s->quit && s->n_waiting == 0;
}

bool screen_take_suspend(struct screen *s)
{
    bool yes = s->suspend;

    s->suspend = false;
    return yes;
}

bool screen_take_repaint(struct screen *s)
{
    bool yes = s->repaint;

    s->repaint = false;
    return yes;
}

char *screen_take_copy(struct screen *s)
{
    char *text = s->copied;

    s->copied = NULL;
    return text;
}

bool screen_wants_colour(const struct screen *s)
{
    return s->config.colour;
}

const char *screen_title(struct screen *s)
{
    struct chat *c = s->in_main ? chat_current(s) : NULL;
    char text[300] = "xmtui", name[200];
    unsigned unread = s->in_main ? model_unread(&s->model) : 0;

    /* nothing of an unknown or denied sender reaches the title */
    if (c && chat_consent(&s->model, c) == CONSENT_ALLOWED) {
        chat_name(&s->model, c, name, sizeof name);
        if (unread)
            snprintf(text, sizeof text, "xmtui (%u) %s", unread, name);
        else
            snprintf(text, sizeof text, "xmtui %s", name);
    }
    xm_free(s->title);
    s->title = sanitize_str(text, SANITIZE_LINE);
    return s->title ? s->title : "xmtui";
}
