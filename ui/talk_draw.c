/* Drawing of the conversation: each message becomes rows, counted or drawn by the same code. */
#include "base/i18n.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

/* Where rows go.  Without a canvas they are only counted. */
struct rows {
    struct canvas *c;
    struct rect r;
    int at; /* next row, from the top of r; may be outside */
    bool selected, with_cursor;
};

/* Columns inside a conversation: time, name, text, delivery mark. */
struct columns {
    int name, name_cols, text, text_cols, mark;
};

static struct columns columns_of(int cols)
{
    struct columns k = {.name = 6, .name_cols = cols >= 50 ? 12 : 8};

    if (cols < 32) /* no room for the time */
        k = (struct columns){.name = 0, .name_cols = 6};
    k.text = k.name + k.name_cols + (cols >= 50 ? 2 : 1);
    k.mark = cols - 3;
    k.text_cols = cols - k.text - 4;
    if (k.text_cols < 8)
        k.text_cols = cols - k.text;
    return k;
}

static bool visible(const struct rows *w)
{
    return w->c && w->at >= 0 && w->at < w->r.rows;
}

static int row_of(const struct rows *w)
{
    return w->r.row + w->at;
}

static void put_line(struct screen *s, struct rows *w, enum style style, const char *text)
{
    if (visible(w)) {
        int used;

        canvas_hline(w->c, row_of(w), w->r.col, w->r.cols, s->utf8);
        used = canvas_text(w->c, row_of(w), w->r.col + 3, w->r.cols - 3, style, " ");
        used += canvas_text(w->c, row_of(w), w->r.col + 3 + used, w->r.cols - 4 - used, style, text);
        canvas_text(w->c, row_of(w), w->r.col + 3 + used, 1, style, " ");
    }
    w->at++;
}

static void sender_name(struct screen *s, const struct message *m, char *out, size_t size)
{
    if (m->own)
        snprintf(out, size, "%s", _("you"));
    else if (*m->nick)
        snprintf(out, size, "%s", m->nick);
    else
        person_name(&s->model, m->sender, out, size);
}

static const char *mark_of(const struct message *m)
{
    if (!m->own || m->system)
        return "";
    switch (m->status) {
    case MESSAGE_SENDING:
        return "...";
    case MESSAGE_UNPUBLISHED:
        return "~";
    case MESSAGE_FAILED:
        return "!";
    default:
        return m->receipt ? "vv" : "v";
    }
}

bool message_is_hidden(struct screen *s, const struct message *m)
{
    const struct chat *c = model_chat(&s->model, s->talk.chat);
    const struct person *p;

    if (s->talk.show_hidden || m->own || m->system || !c || !c->is_group)
        return false;
    p = model_person(&s->model, m->sender);
    return p && p->consent == CONSENT_DENIED;
}

static void put_before(struct screen *s, struct rows *w, size_t i)
{
    struct talk *t = &s->talk;
    const struct message *m = &t->messages[i], *before = i > 0 ? &t->messages[i - 1] : NULL;
    char text[120], when[40];

    if (!before || words_day_number(before->sent_ns) != words_day_number(m->sent_ns)) {
        words_day(text, sizeof text, m->sent_ns);
        put_line(s, w, STYLE_DIM, text);
    }
    if (t->marker_ns && m->sent_ns > t->marker_ns && (!before || before->sent_ns <= t->marker_ns)) {
        words_clock(when, sizeof when, m->sent_ns);
        snprintf(text, sizeof text, ngettext("%u new since %s", "%u new since %s", t->marker_count), t->marker_count, when);
        if (w->r.cols >= 50)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s", _(", Alt-u jumps here"));
        put_line(s, w, STYLE_WARN, text);
    }
}

static void put_hidden(struct screen *s, struct rows *w, size_t i)
{
    struct talk *t = &s->talk;
    size_t count = 0;
    char text[160];

    if (i > 0 && message_is_hidden(s, &t->messages[i - 1]))
        return; /* the first of a run speaks for all */
    while (i + count < t->n && message_is_hidden(s, &t->messages[i + count]))
        count++;
    if (visible(w)) {
        snprintf(text, sizeof text,
                 ngettext("[hidden] %zu message from a contact you denied",
                          "[hidden] %zu messages from contacts you denied", count), count);
        canvas_text(w->c, row_of(w), w->r.col + columns_of(w->r.cols).name, w->r.cols - 6, STYLE_DIM, text);
        if (w->selected)
            canvas_restyle(w->c, row_of(w), w->r.col, w->r.cols, STYLE_SELECTED);
    }
    w->at++;
}

/* One row of a message: `first` carries time and name, `last` the delivery mark. */
static void put_row(struct screen *s, struct rows *w, const struct message *m, bool first, bool last, enum style style,
                    const char *text, size_t len)
{
    struct columns k = columns_of(w->r.cols);
    int row = row_of(w), col = w->r.col;
    char name[200], when[16];

    if (visible(w)) {
        if (first) {
            words_clock(when, sizeof when, m->sent_ns);
            canvas_text(w->c, row, col, k.name > 5 ? 5 : 0, STYLE_DIM, when);
            sender_name(s, m, name, sizeof name);
            canvas_text_right(w->c, row, col + k.name, k.name_cols,
                              m->system ? STYLE_DIM : m->own ? STYLE_OWN : STYLE_OTHER, m->system ? _("system") : name);
        }
        canvas_text_n(w->c, row, col + k.text, w->r.cols - k.text, style, text, len);
        if (last && *mark_of(m))
            canvas_text_right(w->c, row, col + k.mark, 3, m->status == MESSAGE_FAILED ? STYLE_BAD : STYLE_DIM, mark_of(m));
        if (w->selected)
            canvas_restyle(w->c, row, col, w->r.cols, STYLE_SELECTED);
        if (w->with_cursor && first)
            canvas_cursor(w->c, row, col);
    }
    w->at++;
}

static const char *quoted(struct screen *s, const struct message *m)
{
    for (size_t i = 0; i < s->talk.n; i++)
        if (strcmp(s->talk.messages[i].id, m->reply_to) == 0)
            return s->talk.messages[i].body;
    if (*m->quote)
        return m->quote;
    return _("an earlier message");
}

static void put_message(struct screen *s, struct rows *w, size_t i)
{
    const struct message *m = &s->talk.messages[i];
    struct columns k = columns_of(w->r.cols);
    struct text_wrap wrap = text_wrap(m->body, strlen(m->body), k.text_cols);
    const char *line;
    size_t len;
    bool first = true;

    put_before(s, w, i);
    if (message_is_hidden(s, m)) {
        put_hidden(s, w, i);
        return;
    }
    if (*m->reply_to) {
        char text[400];
        const char *q = quoted(s, m);

        snprintf(text, sizeof text, "> %.*s", (int)strcspn(q, "\n"), q);
        put_row(s, w, m, true, false, STYLE_QUOTE, text, text_fit(text, strlen(text), k.text_cols, NULL));
        first = false;
    }
    while (text_wrap_next(&wrap, &line, &len)) {
        put_row(s, w, m, first, wrap.done && !*m->reactions, m->system ? STYLE_DIM : STYLE_NORMAL, line, len);
        first = false;
    }
    if (*m->reactions)
        put_row(s, w, m, false, true, STYLE_DIM, m->reactions, text_fit(m->reactions, strlen(m->reactions), k.text_cols, NULL));
}

int talk_rows(struct screen *s, size_t i, int cols)
{
    struct message *m = &s->talk.messages[i];
    struct rows w = {.r = {.cols = cols}};

    if (m->rows_cols != cols || m->rows_gen != s->talk.gen || m->rows == 0) {
        put_message(s, &w, i);
        m->rows = w.at;
        m->rows_cols = cols;
        m->rows_gen = s->talk.gen;
    }
    return m->rows;
}

/* Rows of the whole window. */
static int total_rows(struct screen *s, int cols)
{
    int rows = 0;

    for (size_t i = 0; i < s->talk.n; i++)
        rows += talk_rows(s, i, cols);
    return rows;
}

/* Moves the view so that the selected message is inside. */
static void show_selected(struct screen *s, int rows, int cols)
{
    struct talk *t = &s->talk;
    int below = 0, height, margin;

    if (t->selected < 0 || (size_t)t->selected >= t->n)
        return;
    for (size_t i = (size_t)t->selected + 1; i < t->n; i++)
        below += talk_rows(s, i, cols);
    height = talk_rows(s, (size_t)t->selected, cols);
    margin = below > 0; /* the last row of a scrolled view says that it is one */
    if (below < t->scroll + margin)
        t->scroll = below - margin;
    if (below + height > t->scroll + rows)
        t->scroll = below + height - rows;
}

/* Whole, whatever the width: half an address is no use.  The row after it. */
static int put_wrapped(struct canvas *c, struct rect r, int row, enum style style, const char *text)
{
    struct text_wrap w = text_wrap(text, strlen(text), r.cols - 2);
    const char *line;
    size_t len;

    while (row < r.row + r.rows && text_wrap_next(&w, &line, &len))
        canvas_text_n(c, row++, r.col + 2, r.cols - 2, style, line, len);
    return row;
}

static void put_empty(struct screen *s, struct canvas *c, struct rect r)
{
    const char *address = *s->model.address ? s->model.address : s->model.inbox;
    int row = put_wrapped(c, r, r.row + 1, STYLE_BOLD, _("No chat is open."));
    char text[100];

    if (s->model.n_shown > 0)
        row = put_wrapped(c, r, row, STYLE_NORMAL, _("Alt-1 opens the first of the list, Alt-g one by its name."));
    row = put_wrapped(c, r, row, STYLE_NORMAL, _("Start one: /dm ADDRESS, or /group NAME ADDRESS.."));
    row = put_wrapped(c, r, row, STYLE_NORMAL, _("Your own address, to give to others:"));
    row = put_wrapped(c, r, row, STYLE_BOLD, address);
    if (s->tab_counts[TAB_UNKNOWN] == 0)
        return;
    snprintf(text, sizeof text, _("Requests waiting: %u (Alt-c, then p to look)"), s->tab_counts[TAB_UNKNOWN]);
    put_wrapped(c, r, row + 1, STYLE_WARN, text);
}

static void put_below(struct screen *s, struct canvas *c, struct rect r)
{
    char text[100];

    if (s->talk.scroll == 0 && !s->talk.has_newer)
        return;
    if (s->talk.newer > 0)
        snprintf(text, sizeof text, _("scrolled: %u newer below, End"), s->talk.newer);
    else
        snprintf(text, sizeof text, "%s", _("scrolled, End returns"));
    canvas_fill(c, r.row + r.rows - 1, r.col, r.cols, STYLE_NORMAL, ' ');
    canvas_printf(c, r.row + r.rows - 1, r.col + 1, r.cols - 1, STYLE_WARN, "-- %s --", text);
}

/* A scrolled view gives its last row to the line that says so. */
void talk_draw(struct screen *s, struct canvas *c, struct rect r, bool focused)
{
    struct talk *t = &s->talk;
    int total, last_row, at;

    if (!t->chat || !s->model.inbox) {
        if (s->model.inbox)
            put_empty(s, c, r);
        return;
    }
    t->page_rows = r.rows;
    t->draw_cols = r.cols;
    if (focused)
        show_selected(s, r.rows, r.cols);
    total = total_rows(s, r.cols);
    while (total < t->scroll + r.rows && talk_load_older(s))
        total = total_rows(s, r.cols);
    if (t->scroll > total - r.rows)
        t->scroll = total > r.rows ? total - r.rows : 0;
    last_row = total < r.rows ? total : r.rows; /* a short talk begins at the top */
    at = last_row + t->scroll;
    for (size_t i = t->n; i > 0 && at > 0; i--) {
        struct rows w = {.c = c, .r = r, .selected = t->selected == (int)i - 1};

        w.with_cursor = w.selected && focused;
        at -= talk_rows(s, i - 1, r.cols);
        w.at = at;
        if (at < r.rows)
            put_message(s, &w, i - 1);
    }
    put_below(s, c, r);
}
