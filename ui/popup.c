/* What stands over the panes: help, lists, go to a chat, confirm a paste, confirm for good. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_END 1000000 /* cut to what there is when drawn */
#define GO_MAX 12 /* chats offered at once */

void popup_close(struct screen *s)
{
    s->popup = POPUP_NONE;
    input_clear(&s->ask);
    xm_free(s->ask_text);
    xm_free(s->ask_answer);
    xm_free(s->ask_method);
    xm_free(s->ask_params);
    xm_free(s->list_title);
    xm_free(s->list_text);
    s->list_title = NULL;
    s->ask_text = s->ask_answer = s->ask_method = s->ask_params = s->list_text = NULL;
    buf_reset(&s->pasted);
    search_clear(&s->search);
    s->dirty = true;
}

static void open_popup(struct screen *s, enum popup popup)
{
    popup_close(s);
    s->popup = popup;
    s->ask.single = true;
    s->list_scroll = 0;
    s->go_at = 0;
}

void popup_open_list(struct screen *s, const char *title, const char *text)
{
    size_t len = strlen(text);
    char *clean;

    while (len > 0 && text[len - 1] == '\n')
        len--;
    clean = sanitize(text, len, SANITIZE_BODY);
    open_popup(s, POPUP_LIST);
    s->list_title = xm_strdup(title);
    s->list_text = clean;
}

/* One key a line, so that it reads well at any width. */
static const char *const help_keys =
    N_("Alt-1..9         chat by number\n"
       "Alt-Up Alt-Down  chat above, below (Ctrl-P, Ctrl-N)\n"
       "Alt-g            find a chat by part of its name\n"
       "Alt-a            next chat with something unread\n"
       "Alt-u            first unread message\n"
       "Alt-/            search; Tab there: in all chats\n"
       "Alt-l Alt-t      chats, conversation\n"
       "Alt-c            consent\n"
       "Alt-s            sync log\n"
       "Alt-i            installations\n"
       "Tab              next pane; completes a word\n"
       "PgUp PgDn        history; Home, End its ends\n"
       "Up Down          earlier lines\n"
       "Ctrl-A E B F     line: begin, end, back, forth\n"
       "Ctrl-K U W Y     line: cut, give back\n"
       "Alt-B F D        words: back, forth, cut\n"
       "Esc              back to input\n"
       "Ctrl-C           cancel; twice: quit\n"
       "Ctrl-L Ctrl-Z    redraw, suspend\n");

static const char *const help_marks = N_("# group, ? unknown, x denied, * this installation\n"
                                         "~ waits, v published, vv read, ! failed or late\n");

void popup_open_help(struct screen *s)
{
    const struct ui_view *v = pane_view(s->focus);
    char *commands = command_help(NULL);
    struct buf out = BUF_INIT;

    buf_printf(&out, "%s: %s\n\n", v ? _(v->name) : _("input"), _(v ? v->hints : N_("Enter send  Alt-Enter newline  Tab complete")));
    buf_printf(&out, "%s\n%s\n%s", _(help_keys), _(help_marks), commands ? commands : "");
    buf_put_u8(&out, 0);
    if (buf_ok(&out))
        popup_open_list(s, _("help"), (const char *)out.data);
    s->popup = POPUP_HELP;
    buf_free(&out);
    xm_free(commands);
}

void popup_open_go(struct screen *s)
{
    open_popup(s, POPUP_GO);
}

void popup_open_search(struct screen *s)
{
    open_popup(s, POPUP_SEARCH);
}

void popup_open_confirm(struct screen *s, const char *question, const char *answer, const char *method, json_t *params)
{
    char *text = json_dumps(params, JSON_COMPACT);

    open_popup(s, POPUP_CONFIRM);
    s->ask_text = sanitize_str(question, SANITIZE_LINE);
    s->ask_answer = xm_strdup(answer);
    s->ask_method = xm_strdup(method);
    s->ask_params = xm_strdup(text ? text : "{}");
    free(text);
    json_decref(params);
}

/* ---- go ---- */

/* The letters of `part` in order inside `name`; the tighter and earlier, the higher.  0: not at all. */
static int fuzzy(const char *part, const char *name)
{
    int score = 1000;
    const char *at = name;

    for (; *part; part++) {
        const char *from = at;

        if (*part == ' ')
            continue;
        while (*at && tolower((unsigned char)*at) != tolower((unsigned char)*part))
            at++;
        if (!*at)
            return 0;
        score -= (int)(at - from);
        at++;
    }
    return score < 1 ? 1 : score;
}

static int score_of(struct screen *s, const struct chat *c, const char *part)
{
    const struct person *p = c->is_group ? NULL : model_person(&s->model, c->peer);
    char name[200];
    int best, other;

    chat_name(&s->model, c, name, sizeof name);
    best = fuzzy(part, name);
    other = p ? fuzzy(part, p->address) - 200 : 0;
    if (other > best)
        best = other;
    other = fuzzy(part, c->is_group ? c->id : c->peer) - 400; /* ids match almost anything a little */
    return other > best && strlen(part) >= 4 ? other : best;
}

/* The best matches, at most GO_MAX; returns their number. */
static size_t go_matches(struct screen *s, size_t *found)
{
    const char *part = input_text(&s->ask);
    int scores[GO_MAX];
    size_t n = 0;

    for (size_t i = 0; i < s->model.n_chats; i++) {
        const struct chat *c = &s->model.chats[i];
        int score = c->is_duplicate ? 0 : score_of(s, c, part);
        size_t at = n;

        if (score <= 0 || (chat_consent(&s->model, c) == CONSENT_DENIED && !*part))
            continue;
        while (at > 0 && (score > scores[at - 1] || (score == scores[at - 1] &&
                                                     c->activity_ns > s->model.chats[found[at - 1]].activity_ns)))
            at--;
        if (at == GO_MAX)
            continue;
        if (n < GO_MAX)
            n++;
        memmove(scores + at + 1, scores + at, (n - at - 1) * sizeof *scores);
        memmove(found + at + 1, found + at, (n - at - 1) * sizeof *found);
        scores[at] = score;
        found[at] = i;
    }
    return n;
}

static void go_take(struct screen *s)
{
    size_t found[GO_MAX], n = go_matches(s, found);
    char *id;

    if (s->go_at >= n) {
        notice(s, STYLE_WARN, "%s", _("No chat has that in its name."));
        return;
    }
    id = xm_strdup(s->model.chats[found[s->go_at]].id);
    popup_close(s);
    focus_pane(s, PANE_INPUT);
    chat_open(s, id, false);
    xm_free(id);
}

/* ---- keys ---- */

static void confirmed(struct screen *s)
{
    char *method, *params;

    if (strcmp(input_text(&s->ask), s->ask_answer) != 0) {
        popup_close(s);
        notice(s, STYLE_DIM, "%s", _("Not done."));
        return;
    }
    method = s->ask_method;
    params = s->ask_params;
    s->ask_method = s->ask_params = NULL;
    popup_close(s);
    screen_call_text(s, method, params, screen_done_notice, NULL);
    s->reload_list = s->reload_installations = true;
    xm_free(method);
    xm_free(params);
}

static bool paste_key(struct screen *s, struct key key)
{
    bool fits;

    if (key.kind == KEY_ENTER_) {
        fits = input_insert(&s->input, (const char *)s->pasted.data, s->pasted.len);
        popup_close(s);
        draft_touch(s);
        if (!fits)
            notice(s, STYLE_BAD, _("Too long: a message holds %d bytes."), INPUT_MAX);
    }
    return true;
}

static bool reading_key(struct screen *s, struct key key)
{
    switch (key.kind) {
    case KEY_DOWN_:
        s->list_scroll++;
        break;
    case KEY_UP_:
        s->list_scroll -= s->list_scroll > 0;
        break;
    case KEY_PAGE_DOWN:
        s->list_scroll += 10;
        break;
    case KEY_PAGE_UP:
        s->list_scroll -= s->list_scroll > 10 ? 10 : s->list_scroll;
        break;
    case KEY_HOME_:
        s->list_scroll = 0;
        break;
    case KEY_END_:
        s->list_scroll = LIST_END;
        break;
    default:
        popup_close(s);
    }
    return true;
}

bool popup_key(struct screen *s, struct key key)
{
    s->dirty = true;
    if (key.kind == KEY_ESC_) {
        popup_close(s);
        return true;
    }
    switch (s->popup) {
    case POPUP_PASTE:
        return paste_key(s, key);
    case POPUP_HELP:
    case POPUP_LIST:
        return reading_key(s, key);
    case POPUP_GO:
        if (key.kind == KEY_DOWN_ || key.kind == KEY_TAB_)
            s->go_at = s->go_at + 1 < GO_MAX ? s->go_at + 1 : s->go_at;
        else if (key.kind == KEY_UP_)
            s->go_at -= s->go_at > 0;
        else if (key.kind == KEY_ENTER_)
            go_take(s);
        else if (input_key(&s->ask, key) == INPUT_CHANGED)
            s->go_at = 0;
        return true;
    case POPUP_SEARCH:
        search_key(s, key);
        return true;
    case POPUP_CONFIRM:
        if (key.kind == KEY_ENTER_)
            confirmed(s);
        else
            input_key(&s->ask, key);
        return true;
    default:
        return false;
    }
}

/* ---- drawing ---- */

void popup_box(struct screen *s, struct canvas *c, struct rect r, const char *title)
{
    for (int i = 0; i < r.rows; i++)
        canvas_fill(c, r.row + i, r.col, r.cols, STYLE_NORMAL, ' ');
    canvas_hline(c, r.row, r.col, r.cols, s->utf8);
    canvas_hline(c, r.row + r.rows - 1, r.col, r.cols, s->utf8);
    canvas_printf(c, r.row, r.col + 2, r.cols - 4, STYLE_BOLD, " %s ", title);
    c->cursor_shown = false;
}

struct rect popup_area(const struct screen *s, int rows, int cols)
{
    struct rect r = {.rows = rows, .cols = cols};

    if (r.cols > s->cols)
        r.cols = s->cols;
    if (r.rows > s->rows - 1)
        r.rows = s->rows - 1;
    r.row = (s->rows - r.rows) / 2;
    r.col = (s->cols - r.cols) / 2;
    return r;
}

static void draw_list(struct screen *s, struct canvas *c)
{
    const char *text = s->list_text ? s->list_text : "", *line;
    int rows = 2, at = 0, inside;
    struct rect r = popup_area(s, s->rows, s->cols > 84 ? 84 : s->cols);
    struct text_wrap w = text_wrap(text, strlen(text), r.cols - 2);
    size_t len;

    while (text_wrap_next(&w, &line, &len))
        rows++;
    r = popup_area(s, rows, r.cols);
    inside = r.rows - 2;
    if ((int)s->list_scroll > rows - 2 - inside)
        s->list_scroll = (size_t)(rows - 2 - inside);
    popup_box(s, c, r, s->list_title ? s->list_title : "");
    if (rows - 2 > inside)
        canvas_printf(c, r.row + r.rows - 1, r.col + 2, r.cols - 4, STYLE_DIM, _(" %d of %d, Up Down "), (int)s->list_scroll + inside,
                      rows - 2);
    else
        canvas_text(c, r.row + r.rows - 1, r.col + 2, r.cols - 4, STYLE_DIM, _(" any key closes "));
    w = text_wrap(text, strlen(text), r.cols - 2);
    for (; text_wrap_next(&w, &line, &len); at++)
        if (at >= (int)s->list_scroll && at < (int)s->list_scroll + inside)
            canvas_text_n(c, r.row + 1 + at - (int)s->list_scroll, r.col + 1, r.cols - 2, STYLE_NORMAL, line, len);
    canvas_cursor(c, r.row + 1, r.col + 1);
}

static void draw_go(struct screen *s, struct canvas *c)
{
    size_t found[GO_MAX], n = go_matches(s, found);
    struct rect r = popup_area(s, GO_MAX + 3, 60);

    if (s->go_at >= n)
        s->go_at = n ? n - 1 : 0;
    popup_box(s, c, r, _("go to"));
    for (size_t i = 0; i < n && (int)i < r.rows - 3; i++) {
        const struct chat *chat = &s->model.chats[found[i]];
        int row = r.row + 2 + (int)i;
        char name[200];

        chat_name(&s->model, chat, name, sizeof name);
        canvas_printf(c, row, r.col + 1, r.cols - 2, STYLE_NORMAL, "%c %s", chat->is_group ? '#' : ' ', name);
        if (chat->unread)
            canvas_printf(c, row, r.col + r.cols - 6, 5, STYLE_BOLD, "%5u", chat->unread);
        if (i == s->go_at)
            canvas_restyle(c, row, r.col, r.cols, STYLE_SELECTED);
    }
    canvas_text(c, r.row + 1, r.col + 1, 2, STYLE_BOLD, "> ");
    input_draw(&s->ask, c, (struct rect){r.row + 1, r.col + 3, 1, r.cols - 4}, true);
}

static void draw_confirm(struct screen *s, struct canvas *c)
{
    struct rect r = popup_area(s, 4, 60);

    popup_box(s, c, r, _("for good"));
    canvas_text(c, r.row + 1, r.col + 1, r.cols - 2, STYLE_BOLD, s->ask_text ? s->ask_text : "");
    canvas_text(c, r.row + 2, r.col + 1, 2, STYLE_BOLD, "> ");
    input_draw(&s->ask, c, (struct rect){r.row + 2, r.col + 3, 1, r.cols - 4}, true);
}

static void draw_paste(struct screen *s, struct canvas *c)
{
    struct rect r = popup_area(s, 4, 60);
    size_t lines = 1;

    for (size_t i = 0; i + 1 < s->pasted.len; i++)
        lines += s->pasted.data[i] == '\n';
    popup_box(s, c, r, _("paste"));
    canvas_printf(c, r.row + 1, r.col + 1, r.cols - 2, STYLE_BOLD, _("Paste %zu lines, %zu bytes?"), lines,
                  s->pasted.len);
    canvas_text(c, r.row + 2, r.col + 1, r.cols - 2, STYLE_NORMAL, _("Enter inserts, Esc drops, nothing sent"));
    canvas_cursor(c, r.row + 1, r.col + 1);
}

void popup_draw(struct screen *s, struct canvas *c)
{
    switch (s->popup) {
    case POPUP_HELP:
    case POPUP_LIST:
        draw_list(s, c);
        break;
    case POPUP_GO:
        draw_go(s, c);
        break;
    case POPUP_CONFIRM:
        draw_confirm(s, c);
        break;
    case POPUP_SEARCH:
        search_draw(s, c);
        break;
    case POPUP_PASTE:
        draw_paste(s, c);
        break;
    default:
        break;
    }
}
