/* The sync log: every decision with its time, its origin and what it did, undo on any row; and what
 * happened to the stream and the installations while this screen runs. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/links.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

/* > sent by us, < received, = nothing changed, ! refused. */
static char sign_of(struct screen *s, const struct decision *d)
{
    if (strcmp(d->effect, "refused") == 0)
        return '!';
    if (strcmp(d->effect, "same") == 0 || strcmp(d->effect, "stale") == 0)
        return '=';
    return strcmp(d->origin, "local") == 0 || strcmp(d->origin, s->model.installation) == 0 ? '>' : '<';
}

/* What became of it: honest words, "published" is all that can be known of the others. */
static enum style style_of(const struct decision *d)
{
    return d->after == CONSENT_DENIED ? STYLE_BAD : d->after == CONSENT_ALLOWED ? STYLE_GOOD : STYLE_WARN;
}

/* A row is a decision or a note, never both. */
struct log_row {
    const struct decision *d;
    const struct note *n;
};
#define ROWS_MAX 300
#define LATE_NS  (60 * INT64_C(1000000000)) /* clocks differ */

static bool is_wanted(struct screen *s, const struct decision *d)
{
    return s->log_filter != LOG_RECEIVED || sign_of(s, d) == '<';
}

/* Both kinds by time, newest first, as the filter wants them. */
static size_t rows_of(struct screen *s, struct log_row *out)
{
    const struct model *m = &s->model;
    size_t n = 0, i = 0, k = s->log_filter == LOG_ALL ? 0 : m->n_notes;

    while (n < ROWS_MAX && (i < m->n_log || k < m->n_notes)) {
        if (k < m->n_notes && (i == m->n_log || m->notes[k].time_ns > m->log[i].time_ns))
            out[n++] = (struct log_row){.n = &m->notes[k++]};
        else if (is_wanted(s, &m->log[i++]))
            out[n++] = (struct log_row){.d = &m->log[i - 1]};
    }
    return n;
}

static void when_words(struct screen *s, int64_t ns, char *out, size_t size)
{
    if (words_day_number(ns) == words_day_number(s->now_ns))
        words_clock_s(out, size, ns);
    else /* of another day: which one matters more */
        words_date(out, size, ns);
}

static const char *became_words(struct screen *s, const struct decision *d)
{
    if (strcmp(d->effect, "same") == 0)
        return _("already so");
    if (strcmp(d->effect, "stale") == 0)
        return _("older, ignored");
    if (strcmp(d->effect, "refused") == 0)
        return _("refused");
    if (sign_of(s, d) == '<')
        return _("[u]ndo");
    if (strcmp(d->delivery, "published") == 0)
        return _("published");
    return strcmp(d->delivery, "queued") == 0 ? "..." : "";
}

/* What became of it; and when it was made, where somebody was offline then and it came later. */
static void outcome(struct screen *s, const struct decision *d, char *out, size_t size)
{
    char when[24];

    if (sign_of(s, d) != '<' || d->decided_ns <= 0 || d->time_ns - d->decided_ns < LATE_NS) {
        snprintf(out, size, "%s", became_words(s, d));
        return;
    }
    when_words(s, d->decided_ns, when, sizeof when);
    snprintf(out, size, _("made %s  %s"), when, became_words(s, d));
}

static void origin_words(struct screen *s, const struct decision *d, int cols, char *out, size_t size)
{
    if (cols < 50)
        words_installation(out, size, strcmp(d->origin, "local") == 0 ? s->model.installation : d->origin);
    else if (*d->origin_nick)
        snprintf(out, size, "%s %.4s", d->origin_nick, d->origin);
    else
        installation_name(&s->model, d->origin, out, size);
}

static void draw_decision(struct screen *s, struct canvas *c, struct rect r, int row, int col, const struct decision *d)
{
    char origin[120], entity[220], became[80], *cut;
    int room;

    outcome(s, d, became, sizeof became);
    origin_words(s, d, r.cols, origin, sizeof origin);
    decision_entity_name(&s->model, d, entity, sizeof entity);
    col += canvas_printf(c, row, col, r.col + r.cols - col, STYLE_NORMAL, "%c ", sign_of(s, d));
    canvas_printf(c, row, col, r.cols >= 50 ? 11 : 4, STYLE_NORMAL, "%s", origin);
    col += r.cols >= 50 ? 12 : 5;
    canvas_text(c, row, col, r.col + r.cols - col, style_of(d), consent_words(d->after));
    col += r.cols >= 50 ? 9 : 8;
    room = r.col + r.cols - col - (r.cols >= 50 ? text_width(became) + 2 : 0);
    cut = text_cut(entity, room);
    canvas_text(c, row, col, room, STYLE_NORMAL, cut ? cut : "");
    xm_free(cut);
    if (r.cols >= 50)
        canvas_text_right(c, row, col, r.col + r.cols - col, STYLE_DIM, became);
}

static void draw_row(struct screen *s, struct canvas *c, struct rect r, int row, const struct log_row *at, bool selected)
{
    char when[16];
    int col = r.col + (r.cols < 34 ? 6 : 9); /* narrow: without seconds */

    when_words(s, at->d ? at->d->time_ns : at->n->time_ns, when, sizeof when);
    if (r.cols < 34)
        when[5] = 0;
    if (selected)
        canvas_fill(c, row, r.col, r.cols, STYLE_SELECTED, ' ');
    canvas_text(c, row, r.col, r.cols, STYLE_DIM, when);
    if (at->d)
        draw_decision(s, c, r, row, col, at->d);
    else
        canvas_printf(c, row, col, r.col + r.cols - col, at->n->sign == '!' ? STYLE_WARN : STYLE_NORMAL, "%c %s", at->n->sign,
                      at->n->text);
    if (selected) {
        canvas_restyle(c, row, r.col, r.cols, STYLE_SELECTED);
        canvas_cursor(c, row, r.col);
    }
}

/* Under a decision where the pane is narrow and high: what it was, and the outcome. */
static void draw_detail(struct screen *s, struct canvas *c, struct rect r, int row, const struct decision *d)
{
    char became[80];

    outcome(s, d, became, sizeof became);
    canvas_printf(c, row, r.col + 9, r.cols - 9, STYLE_DIM, _("was %s, %s"), consent_words(d->before), became);
}

static int height(const struct log_row *at, bool detail)
{
    return detail && at->d ? 2 : 1;
}

/* The first row drawn, so that the selected one is in view. */
static size_t first_row(const struct log_row *rows, size_t selected, int room, bool detail)
{
    size_t first = selected;

    room -= height(&rows[selected], detail);
    while (first > 0 && room >= height(&rows[first - 1], detail))
        room -= height(&rows[--first], detail);
    return first;
}

static int64_t mark_of(const struct log_row *at)
{
    return at->d ? at->d->id : -at->n->time_ns;
}

/* The selection stays with its row while new ones come above it: u must undo what one has read. */
static void follow(struct screen *s, const struct log_row *rows, size_t n)
{
    for (size_t i = 0; s->log_mark && i < n; i++)
        if (mark_of(&rows[i]) == s->log_mark)
            s->log_at = i;
    if (s->log_at >= n)
        s->log_at = n ? n - 1 : 0;
    s->log_mark = n ? mark_of(&rows[s->log_at]) : 0;
}

static const char *const filter_names[LOG_FILTERS] = {"", N_("decisions "), N_("received ")};

static void draw(struct screen *s, struct canvas *c, struct rect r, bool focused)
{
    bool detail = r.cols < 50 && r.rows >= 6;
    struct log_row rows[ROWS_MAX];
    size_t n = rows_of(s, rows);
    int row = r.row + 1, end = r.row + r.rows;
    char note[60];

    snprintf(note, sizeof note, "%s[Alt-s]", *filter_names[s->log_filter] ? _(filter_names[s->log_filter]) : "");
    head_draw(s, c, r, r.cols >= 30 && r.rows > 3 ? _("SYNC LOG") : _("SYNC"), note, focused);
    if (focused)
        follow(s, rows, n);
    for (size_t i = n && focused ? first_row(rows, s->log_at, r.rows - 1, detail) : 0; i < n && row < end; i++) {
        draw_row(s, c, r, row, &rows[i], focused && i == s->log_at);
        if (height(&rows[i], detail) == 2 && row + 1 < end)
            draw_detail(s, c, r, row + 1, rows[i].d);
        row += height(&rows[i], detail);
    }
    if (n == 0 && r.rows > 1)
        canvas_text(c, r.row + 1, r.col + 1, r.cols - 1, STYLE_DIM, _("no decision yet"));
}

static void copy_row(struct screen *s, const struct log_row *at)
{
    char when[16], origin[120], entity[220], text[600];

    when_words(s, at->d ? at->d->time_ns : at->n->time_ns, when, sizeof when);
    if (at->d) {
        origin_words(s, at->d, 80, origin, sizeof origin);
        decision_entity_name(&s->model, at->d, entity, sizeof entity);
        snprintf(text, sizeof text, _("%s %c %s  %s  %s  was %s, %s"), when, sign_of(s, at->d), origin, consent_words(at->d->after),
                 entity, consent_words(at->d->before), sign_of(s, at->d) == '<' ? _("received") : became_words(s, at->d));
    } else {
        snprintf(text, sizeof text, "%s %c %s", when, at->n->sign, at->n->text);
    }
    copy_text(s, text, strlen(text));
}

static bool key(struct screen *s, struct key key)
{
    struct log_row rows[ROWS_MAX];
    size_t n = rows_of(s, rows);

    if (key.kind == KEY_CHAR && key.ch == 'f') {
        s->log_filter = (s->log_filter + 1) % LOG_FILTERS;
        s->log_at = 0;
        s->log_mark = 0;
        return true;
    }
    if (n == 0)
        return false;
    follow(s, rows, n);
    if (list_key(key, &s->log_at, n)) {
        s->log_mark = mark_of(&rows[s->log_at]);
        return true;
    }
    if (key.kind == KEY_CHAR && key.ch == 'y')
        copy_row(s, &rows[s->log_at]);
    else if (key.kind == KEY_CHAR && key.ch == 'u' && rows[s->log_at].d)
        undo_row(s, rows[s->log_at].d);
    else if (key.kind == KEY_CHAR && key.ch == 'u')
        notice(s, STYLE_DIM, "%s", _("Nothing to undo."));
    else
        return false;
    return true;
}

/* The next look begins at the newest. */
static void leave(struct screen *s)
{
    s->log_at = 0;
    s->log_mark = 0;
}

const struct ui_view view_log = {N_("sync log"), draw, key, NULL, leave,
                                 N_("Up/Down choose  u undo this row  f filter  y copy  Esc back")};
