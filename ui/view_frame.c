/* The frame around the panes: title, tabs, status bar, input, hints; and the one-line screen. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

#define TITLE_NAME_MIN 14 /* columns: a shortened address */

const struct ui_view *pane_view(enum pane pane)
{
    static const struct ui_view *const views[PANE_COUNT] = {
        [PANE_CHATS] = &view_chats,   [PANE_TALK] = &view_talk, [PANE_CONSENT] = &view_consent,
        [PANE_INSTALLATIONS] = &view_installations, [PANE_LOG] = &view_log,
    };

    return views[pane];
}

#define LIST_STEP 10 /* PgUp and PgDn: panes are low */

bool list_key(struct key key, size_t *at, size_t n)
{
    size_t last = n ? n - 1 : 0, letter = key.kind == KEY_CHAR ? key.ch : 0;

    if (key.kind == KEY_UP_ || letter == 'k')
        *at -= *at > 0;
    else if (key.kind == KEY_DOWN_ || letter == 'j')
        *at += *at < last;
    else if (key.kind == KEY_PAGE_UP)
        *at -= *at > LIST_STEP ? LIST_STEP : *at;
    else if (key.kind == KEY_PAGE_DOWN)
        *at = *at + LIST_STEP < last ? *at + LIST_STEP : last;
    else if (key.kind == KEY_HOME_)
        *at = 0;
    else if (key.kind == KEY_END_)
        *at = last;
    else
        return false;
    return true;
}

void head_draw(struct screen *s, struct canvas *c, struct rect r, const char *name, const char *note, bool focused)
{
    if (r.rows < 1)
        return;
    canvas_hline(c, r.row, r.col, r.cols, s->utf8);
    canvas_printf(c, r.row, r.col + 1, r.cols - 1, focused ? STYLE_SELECTED : STYLE_BOLD, "%s%s%s", focused ? "[" : "", name,
                  focused ? "]" : "");
    if (*note)
        canvas_text_right(c, r.row, r.col, r.cols, STYLE_DIM, note);
}

/* "allowed by phone b02f 18 Nov": whose decision the state is. */
static void provenance(struct screen *s, const struct chat *c, char *out, size_t size)
{
    char origin[120] = "", date[24] = "";

    for (size_t i = 0; i < s->model.n_log; i++) {
        const struct decision *d = &s->model.log[i];

        if (strcmp(d->effect, "changed") != 0 || (strcmp(d->entity, c->id) != 0 && (c->is_group || strcmp(d->entity, c->peer) != 0)))
            continue;
        installation_name(&s->model, d->origin, origin, sizeof origin);
        words_date(date, sizeof date, d->decided_ns > 0 ? d->decided_ns : d->time_ns);
        break;
    }
    if (c->is_out)
        snprintf(out, size, "%s", _("not a member"));
    else if (*origin)
        snprintf(out, size, _("%s by %s %s"), consent_words(chat_consent(&s->model, c)), origin, date);
    else
        snprintf(out, size, "%s", consent_words(chat_consent(&s->model, c)));
}

/* What must be seen about a chat, however long its name and narrow the screen. */
static void title_must(struct screen *s, const struct chat *c, const char *state, char *out, size_t size)
{
    snprintf(out, size, "  %s  %s%s%s%s", c->is_group ? _("group") : "1:1", state, c->has_wish ? " ..." : "",
             s->talk.peek ? "  " : "", s->talk.peek ? _("[peek]") : "");
}

static void title_more(const struct chat *c, char *out, size_t size)
{
    int n = snprintf(out, size, "  %s", "E2EE");

    if (c->epoch)
        n += snprintf(out + n, size - (size_t)n, _(" epoch %llu"), (unsigned long long)c->epoch);
    if (c->members > 0 && !c->is_out && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, ngettext("  %d member", "  %d members", (unsigned long)c->members), c->members);
}

/* The name gives way to the rest: somebody else chose it. */
static void draw_title(struct screen *s, struct canvas *c)
{
    struct chat *chat = chat_current(s);
    char name[200], by[200], must[300], more[160], *cut;
    int room = s->cols - 1, col = 1, least;

    canvas_fill(c, s->layout.title.row, 0, s->cols, STYLE_TITLE, ' ');
    if (!chat) {
        canvas_printf(c, 0, 1, s->cols - 1, STYLE_TITLE, "xmtui %s", s->model.version ? s->model.version : "");
        return;
    }
    chat_name(&s->model, chat, name, sizeof name);
    provenance(s, chat, by, sizeof by);
    title_must(s, chat, by, must, sizeof must);
    title_more(chat, more, sizeof more);
    least = text_width(name) < TITLE_NAME_MIN ? text_width(name) : TITLE_NAME_MIN;
    if (room - text_width(must) < least && !chat->is_out)
        title_must(s, chat, consent_words(chat_consent(&s->model, chat)), must, sizeof must);
    room -= text_width(must);
    if (room - text_width(more) < least)
        more[0] = 0;
    room -= text_width(more);
    cut = text_cut(name, room < 4 ? 4 : room);
    col += canvas_text(c, 0, col, s->cols - col, STYLE_TITLE, cut ? cut : "");
    col += canvas_text(c, 0, col, s->cols - col, STYLE_TITLE, must);
    canvas_text(c, 0, col, s->cols - col, STYLE_TITLE, more);
    xm_free(cut);
}

static void draw_tabs(struct screen *s, struct canvas *c)
{
    static const struct {
        enum pane pane;
        const char *name;
    } tabs[] = {{PANE_CHATS, N_("1 chats")}, {PANE_TALK, N_("2 talk")}, {PANE_CONSENT, N_("3 consent")}, {PANE_LOG, N_("4 sync")}};
    int col = s->layout.tabs.col;

    if (s->layout.tabs.rows == 0)
        return;
    for (size_t i = 0; i < sizeof tabs / sizeof tabs[0]; i++) {
        bool here = s->layout.panes[tabs[i].pane].rows > 0;

        col += canvas_printf(c, s->layout.tabs.row, col, s->cols - col, here ? STYLE_SELECTED : STYLE_DIM, here ? "[%s]" : " %s ",
                             _(tabs[i].name));
    }
}

/* LIVE while fresh, LATE from a missed answer on, OFF without a connection. */
static enum style stream_words(struct screen *s, char *out, size_t size)
{
    char age[24] = "";
    uint64_t ago = s->model.heard_ms && s->age_ms > s->model.heard_ms ? s->age_ms - s->model.heard_ms : 0;

    words_age(age, sizeof age, (int64_t)ago);
    switch (s->model.net) {
    case NET_LIVE:
        snprintf(out, size, _("LIVE %s"), s->model.heard_ms ? age : "");
        return STYLE_GOOD;
    case NET_RECONNECTING:
        if (s->model.heard_ms)
            snprintf(out, size, _("LATE %s!"), age);
        else
            snprintf(out, size, "..."); /* it begins */
        return STYLE_WARN;
    case NET_OFFLINE:
        snprintf(out, size, "%s", _("OFF!"));
        return STYLE_BAD;
    default:
        snprintf(out, size, "%s", s->options.offline ? _("OFFLINE") : "...");
        return STYLE_WARN;
    }
}

/* The numbers of chats with something unread, first the most. */
static void active_words(struct screen *s, char *out, size_t size)
{
    size_t n = 0, shown = 0;

    out[0] = 0;
    for (size_t i = 0; i < s->model.n_shown && shown < 6; i++) {
        if (s->model.chats[s->model.shown[i]].unread == 0)
            continue;
        n += (size_t)snprintf(out + n, size - n, "%s%zu", shown ? "," : _("  Act: "), i + 1);
        shown++;
    }
}

static void draw_status(struct screen *s, struct canvas *c)
{
    int row = s->layout.status.row, col = 1;
    char clock[16] = "", stream[60], active[80], address[40], outbox[40] = "", chat[220] = "";
    struct chat *open = chat_current(s);
    bool queued = false;

    canvas_fill(c, row, 0, s->cols, STYLE_TITLE, ' ');
    if (s->config.clock)
        words_clock(clock, sizeof clock, s->now_ns);
    stream_words(s, stream, sizeof stream);
    active_words(s, active, sizeof active);
    words_short(address, sizeof address, *s->model.address ? s->model.address : s->model.inbox);
    if (s->model.outbox > 0 || s->cols >= 110)
        snprintf(outbox, sizeof outbox, _("  outbox %lld"), (long long)s->model.outbox);
    for (size_t i = 0; i < s->model.n_log; i++)
        queued = queued || strcmp(s->model.log[i].delivery, "queued") == 0;
    if (*clock)
        col += canvas_printf(c, row, col, s->cols - col, STYLE_TITLE, "%s  ", clock);
    col += canvas_printf(c, row, col, s->cols - col, STYLE_TITLE, "%s@%s  ", s->cols >= 60 ? address : _("me"), s->model.env);
    col += canvas_printf(c, row, col, s->cols - col, STYLE_TITLE, "%s", stream);
    col += canvas_printf(c, row, col, s->cols - col, STYLE_TITLE, _("  req %u%s"), s->tab_counts[TAB_UNKNOWN], active);
    if (s->cols >= 60)
        col += canvas_printf(c, row, col, s->cols - col, STYLE_TITLE, _("  sync %s"), queued ? "..." : _("ok"));
    col += canvas_printf(c, row, col, s->cols - col, STYLE_TITLE, "%s", outbox);
    if (open) {
        chat_name(&s->model, open, chat, sizeof chat);
        col += canvas_printf(c, row, col, s->cols - col, STYLE_TITLE, "  [%s]", chat);
    }
    if (s->cols - col > 7)
        canvas_text_right(c, row, col, s->cols - col - 1, STYLE_TITLE, _("?=help"));
}

static void draw_info(struct screen *s, struct canvas *c)
{
    struct rect r = s->layout.info;
    int line, lines, col = 2;
    char text[120];

    if (r.rows == 0)
        return;
    if (s->notice) {
        canvas_text(c, r.row, 2, r.cols - 2, s->notice_style, s->notice);
        return;
    }
    input_lines(&s->input, &line, &lines);
    if (s->reply_words)
        col += canvas_printf(c, r.row, col, r.cols - col, STYLE_QUOTE, _("answering: %s  "), s->reply_words);
    snprintf(text, sizeof text, _("line %d/%d, Alt-Enter = newline, Enter = send"), line, lines);
    if (col == 2)
        canvas_text(c, r.row, col, r.cols - 2, STYLE_DIM, text);
    if (s->counted > 0 && r.cols >= 70) { /* counted at a pause in typing: an echo stays one byte */
        snprintf(text, sizeof text, "%s  %zu", s->draft_saved ? _("draft saved") : "", s->counted);
        canvas_text_right(c, r.row, col + 40, r.cols - col - 42, STYLE_DIM, text);
    }
}

static void draw_input(struct screen *s, struct canvas *c)
{
    struct rect r = s->layout.input;
    bool here = s->focus == PANE_INPUT && !s->popup;

    canvas_text(c, r.row, 0, 2, here ? STYLE_BOLD : STYLE_DIM, "> ");
    input_draw(&s->input, c, (struct rect){r.row, 2, r.rows, r.cols - 3}, here);
}

/* Low screens have no line of their own for what must be said: it takes the input's while that is
 * empty, else the status bar's until the next key. */
static void draw_low_notice(struct screen *s, struct canvas *c)
{
    struct rect r = s->input.text.len == 0 && !s->popup ? s->layout.input : s->layout.status;

    if (!s->notice || s->layout.info.rows > 0 || s->layout.hints.rows > 0)
        return;
    if (r.row == s->layout.status.row)
        canvas_fill(c, r.row, 0, s->cols, STYLE_NORMAL, ' ');
    canvas_text(c, r.row, 2, r.cols - 2, s->notice_style, s->notice);
}

static void draw_hints(struct screen *s, struct canvas *c)
{
    struct rect r = s->layout.hints;
    const struct ui_view *v = pane_view(s->focus);

    if (r.rows == 0)
        return;
    if (s->notice && s->layout.info.rows == 0)
        canvas_text(c, r.row, 1, r.cols - 1, s->notice_style, s->notice);
    else if (v)
        canvas_text(c, r.row, 1, r.cols - 1, STYLE_DIM, _(v->hints));
    else if (s->cols >= 110)
        canvas_text(c, r.row, 1, r.cols - 1, STYLE_DIM,
                    _("Alt-g go  Alt-a next active  Alt-1..9 chat  Alt-c consent  Alt-s sync  Alt-i installs  F1 help  Esc back to input"));
    else
        canvas_text(c, r.row, 1, r.cols - 1, STYLE_DIM, _("Alt-g go  Alt-a next  Alt-c consent  Alt-s sync  Esc back  /help"));
}

/* The longest of three ways to say it that fits. */
static void draw_tiny(struct screen *s, struct canvas *c)
{
    unsigned unread = model_unread(&s->model), requests = s->tab_counts[TAB_UNKNOWN];
    char text[3][120];
    int i = 0;

    snprintf(text[0], sizeof text[0], ngettext("window too small: %u new, %u request", "window too small: %u new, %u requests", requests),
             unread, requests);
    snprintf(text[1], sizeof text[1], _("small: %u new, %u req"), unread, requests);
    snprintf(text[2], sizeof text[2], _("%u new, %u req"), unread, requests);
    while (i < 2 && text_width(text[i]) > s->cols)
        i++;
    canvas_text(c, 0, 0, s->cols, STYLE_NORMAL, text[i]);
}

void frame_draw(struct screen *s, struct canvas *c)
{
    int wanted = s->cols > 4 ? input_rows(&s->input, s->cols - 3) : 1;

    s->layout = layout_make(s->rows, s->cols, s->focus, wanted);
    if (s->layout.kind == LAYOUT_TINY) {
        draw_tiny(s, c);
        return;
    }
    draw_title(s, c);
    draw_tabs(s, c);
    canvas_hline(c, s->layout.separator.row, 0, s->layout.separator.rows ? s->cols : 0, s->utf8);
    for (int i = 0; i < PANE_COUNT; i++) {
        const struct ui_view *v = pane_view((enum pane)i);

        if (v && s->layout.panes[i].rows > 0)
            v->draw(s, c, s->layout.panes[i], s->focus == (enum pane)i);
    }
    if (s->layout.bar1 >= 0)
        canvas_vline(c, s->layout.body.row, s->layout.bar1, s->layout.body.rows, s->utf8);
    if (s->layout.bar2 >= 0)
        canvas_vline(c, s->layout.body.row, s->layout.bar2, s->layout.body.rows, s->utf8);
    draw_status(s, c);
    draw_input(s, c);
    draw_info(s, c);
    draw_low_notice(s, c);
    draw_hints(s, c);
    popup_draw(s, c);
}
