/* My installations: this one, the others, when they were last heard. */
#include "base/clock.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

#define LATE_MS INT64_C(86400000) /* not heard for a day: worth a mark */
#define INSTALLATIONS_MAX 10      /* what the network allows one inbox */

static void draw_row(struct screen *s, struct canvas *c, struct rect r, int row, size_t i, bool focused)
{
    const struct installation *in = &s->model.installations[i];
    int64_t ago = (s->age_ns - in->heard_ns) / NS_PER_MS;
    bool late = !in->self && in->heard_ns > 0 && ago > LATE_MS, selected = focused && i == s->installation_at;
    enum style style = selected ? STYLE_SELECTED : STYLE_NORMAL;
    char name[120], age[24] = "", line[200];

    if (in->self)
        snprintf(age, sizeof age, "%s", s->model.net == NET_LIVE ? _("live") : "");
    else if (in->heard_ns > 0 && ago < 10000) /* whole seconds: tenths would only flicker */
        snprintf(age, sizeof age, "%ds", ago < 0 ? 0 : (int)(ago / 1000));
    else if (in->heard_ns > 0)
        words_age(age, sizeof age, ago);
    else if (in->heard_ns == 0)
        snprintf(age, sizeof age, "%s", _("never"));
    installation_name(&s->model, in->id, name, sizeof name);
    if (selected)
        canvas_fill(c, row, r.col, r.cols, style, ' ');
    snprintf(line, sizeof line, "%s%s%s", age, late ? " !" : "", in->self || in->in_sync_group ? "" : " -");
    canvas_printf(c, row, r.col, r.cols - text_width(line) - 1, style, "%c %s", in->self ? '*' : ' ', name);
    canvas_text_right(c, row, r.col, r.cols, late ? STYLE_WARN : style, line);
    if (selected)
        canvas_cursor(c, row, r.col);
}

static void draw(struct screen *s, struct canvas *c, struct rect r, bool focused)
{
    size_t rows = (size_t)(r.rows > 1 ? r.rows - 1 : 0), first = 0;
    char note[40];

    snprintf(note, sizeof note, "%zu/%d", s->model.n_installations, INSTALLATIONS_MAX);
    head_draw(s, c, r, r.cols >= 30 ? _("INSTALLATIONS") : _("MY INSTALLS"), note, focused);
    if (s->installation_at >= rows)
        first = s->installation_at - rows + 1;
    for (size_t i = first; i < s->model.n_installations && i - first < rows; i++)
        draw_row(s, c, r, r.row + 1 + (int)(i - first), i, focused);
    if (s->model.sync_members > 0 && r.cols >= 34 && s->model.n_installations + 1 < (size_t)r.rows)
        canvas_printf(c, r.row + 1 + (int)s->model.n_installations, r.col + 2, r.cols - 2, STYLE_DIM,
                      ngettext("sync group epoch %llu, %d member", "sync group epoch %llu, %d members", s->model.sync_members),
                      (unsigned long long)s->model.sync_epoch, (int)s->model.sync_members);
}

static bool key(struct screen *s, struct key key)
{
    size_t n = s->model.n_installations;
    char line[200];

    if (n == 0)
        return false;
    if (s->installation_at >= n)
        s->installation_at = n - 1;
    if (list_key(key, &s->installation_at, n))
        return true;
    if (key.kind == KEY_CHAR && key.ch == 'R') {
        snprintf(line, sizeof line, "/revoke %s", s->model.installations[s->installation_at].id);
        command_run(s, line);
    } else if (key.kind == KEY_ENTER_) {
        const struct installation *in = &s->model.installations[s->installation_at];

        snprintf(line, sizeof line, "%s\n%s", in->nick, in->id);
        popup_open_list(s, _("installation"), line);
    } else {
        return false;
    }
    return true;
}

const struct ui_view view_installations = {N_("installations"), draw, key, NULL, NULL,
                                           N_("Up/Down choose  Enter full id  R revoke  Esc back")};
