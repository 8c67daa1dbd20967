/* The sync log: every decision with its time, its origin and what it did; undo on any row. */
#include "base/alloc.h"
#include "base/i18n.h"
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
static const char *outcome(struct screen *s, const struct decision *d)
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

static enum style style_of(const struct decision *d)
{
    return d->after == CONSENT_DENIED ? STYLE_BAD : d->after == CONSENT_ALLOWED ? STYLE_GOOD : STYLE_WARN;
}

static void draw_row(struct screen *s, struct canvas *c, struct rect r, int row, size_t i, bool focused)
{
    const struct decision *d = &s->model.log[i];
    bool selected = focused && i == s->log_at;
    char when[16], origin[120], entity[220], *cut;
    int col = r.col, room = r.cols;

    if (words_day_number(d->time_ns) == words_day_number(s->now_ns))
        words_clock_s(when, sizeof when, d->time_ns);
    else /* of another day: which one matters more */
        words_date(when, sizeof when, d->time_ns);
    if (r.cols < 50)
        words_installation(origin, sizeof origin, strcmp(d->origin, "local") == 0 ? s->model.installation : d->origin);
    else if (*d->origin_nick)
        snprintf(origin, sizeof origin, "%s %.4s", d->origin_nick, d->origin);
    else
        installation_name(&s->model, d->origin, origin, sizeof origin);
    decision_entity_name(&s->model, d, entity, sizeof entity);
    if (selected)
        canvas_fill(c, row, r.col, r.cols, STYLE_SELECTED, ' ');
    if (r.cols < 34)
        when[5] = 0; /* narrow: without seconds */
    canvas_text(c, row, col, room, STYLE_DIM, when);
    col += r.cols < 34 ? 6 : 9;
    col += canvas_printf(c, row, col, r.col + r.cols - col, STYLE_NORMAL, "%c ", sign_of(s, d));
    canvas_printf(c, row, col, r.cols >= 50 ? 11 : 4, STYLE_NORMAL, "%s", origin);
    col += r.cols >= 50 ? 12 : 5;
    canvas_text(c, row, col, r.col + r.cols - col, style_of(d), consent_words(d->after));
    col += r.cols >= 50 ? 9 : 8;
    room = r.col + r.cols - col - (r.cols >= 50 ? text_width(outcome(s, d)) + 2 : 0);
    cut = text_cut(entity, room);
    canvas_text(c, row, col, room, STYLE_NORMAL, cut ? cut : "");
    xm_free(cut);
    if (r.cols >= 50)
        canvas_text_right(c, row, col, r.col + r.cols - col, STYLE_DIM, outcome(s, d));
    if (selected) {
        canvas_restyle(c, row, r.col, r.cols, STYLE_SELECTED);
        canvas_cursor(c, row, r.col);
    }
}

/* Under a row where the pane is narrow and high, or selected: what it was, and the outcome. */
static void draw_detail(struct screen *s, struct canvas *c, struct rect r, int row, size_t i)
{
    const struct decision *d = &s->model.log[i];

    canvas_printf(c, row, r.col + 9, r.cols - 9, STYLE_DIM, _("was %s, %s"), consent_words(d->before), outcome(s, d));
}

static void draw(struct screen *s, struct canvas *c, struct rect r, bool focused)
{
    bool detail = r.cols < 50 && r.rows >= 6;
    int each = detail ? 2 : 1, row = r.row + 1;
    size_t rows = (size_t)(r.rows > 1 ? (r.rows - 1) / each : 0), first = 0;

    head_draw(s, c, r, r.cols >= 30 && r.rows > 3 ? _("SYNC LOG") : _("SYNC"), "[Alt-s]", focused);
    if (s->log_at >= s->model.n_log)
        s->log_at = s->model.n_log ? s->model.n_log - 1 : 0;
    if (s->log_at >= rows && focused)
        first = s->log_at - rows + 1;
    for (size_t i = first; i < s->model.n_log && i - first < rows; i++, row += each) {
        draw_row(s, c, r, row, i, focused);
        if (detail)
            draw_detail(s, c, r, row + 1, i);
    }
    if (s->model.n_log == 0 && r.rows > 1)
        canvas_text(c, r.row + 1, r.col + 1, r.cols - 1, STYLE_DIM, _("no decision yet"));
}

static bool key(struct screen *s, struct key key)
{
    if (s->model.n_log == 0)
        return false;
    if (key.kind == KEY_UP_ || (key.kind == KEY_CHAR && key.ch == 'k'))
        s->log_at -= s->log_at > 0;
    else if (key.kind == KEY_DOWN_ || (key.kind == KEY_CHAR && key.ch == 'j'))
        s->log_at += s->log_at + 1 < s->model.n_log;
    else if (key.kind == KEY_HOME_)
        s->log_at = 0;
    else if (key.kind == KEY_END_)
        s->log_at = s->model.n_log - 1;
    else if (key.kind == KEY_CHAR && key.ch == 'u')
        undo_row(s, &s->model.log[s->log_at]);
    else
        return false;
    return true;
}

const struct ui_view view_log = {N_("sync log"), draw, key, NULL, NULL, N_("Up/Down choose  u undo this row  Esc back")};
