/* The chat list: number, mark, name, unread.  Its order stands still while it has the focus. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

static char mark_of(struct screen *s, const struct chat *c)
{
    switch (chat_consent(&s->model, c)) {
    case CONSENT_DENIED:
        return 'x';
    case CONSENT_UNKNOWN:
        return '?';
    default:
        return c->is_group ? '#' : ' ';
    }
}

static void draw_row(struct screen *s, struct canvas *c, struct rect r, int row, size_t at, bool focused)
{
    const struct chat *chat = &s->model.chats[s->model.shown[at]];
    bool open = s->talk.chat && strcmp(chat->id, s->talk.chat) == 0, selected = focused && at == s->list_at;
    enum style style = selected ? STYLE_SELECTED : chat->unread ? STYLE_BOLD : STYLE_NORMAL;
    char name[200], count[24] = "";
    int room = r.cols - 5;

    if (selected)
        canvas_fill(c, row, r.col, r.cols, style, ' ');
    if (at < 9)
        canvas_printf(c, row, r.col, 1, selected ? style : STYLE_DIM, "%zu", at + 1);
    canvas_printf(c, row, r.col + 1, 2, style, "%c%c", open ? '>' : ' ', mark_of(s, chat));
    if (chat->has_wish)
        snprintf(count, sizeof count, "...");
    else if (chat->unread)
        snprintf(count, sizeof count, "%u", chat->unread > 999 ? 999 : chat->unread);
    else if (chat->draft && !open)
        snprintf(count, sizeof count, "%s", _("draft"));
    room -= text_width(count) + (*count != 0);
    chat_name(&s->model, chat, name, sizeof name);
    {
        char *cut = text_cut(name, room);

        canvas_text(c, row, r.col + 4, room, style, cut ? cut : "");
        xm_free(cut);
    }
    canvas_text_right(c, row, r.col + r.cols - 6, 6, style, count);
    if (selected)
        canvas_cursor(c, row, r.col);
}

/* Under the last chat, where there is room for it: that some are not shown, and where they are. */
static void draw_hidden(struct screen *s, struct canvas *c, struct rect r)
{
    int used = 1 + (int)s->model.n_shown, row = r.row + r.rows - 2;

    if (s->tab_counts[TAB_DENIED] == 0 || r.cols < 24 || r.rows - used < 4) /* a narrow list has the tabs below it */
        return;
    canvas_text(c, row, r.col, r.cols, STYLE_DIM, _("-- blocked are hidden --"));
    canvas_printf(c, row + 1, r.col, r.cols, STYLE_DIM, _("   %u denied, Alt-c d"), s->tab_counts[TAB_DENIED]);
}

static void draw(struct screen *s, struct canvas *c, struct rect r, bool focused)
{
    char note[40] = "";
    size_t rows = (size_t)(r.rows > 1 ? r.rows - 1 : 0), first = 0;
    unsigned unread = model_unread(&s->model);

    if (s->model.only_unread)
        snprintf(note, sizeof note, "%s", _("unread"));
    else if (unread)
        snprintf(note, sizeof note, _("%u new"), unread);
    head_draw(s, c, r, _("CHATS"), note, focused);
    if (s->list_at >= rows)
        first = s->list_at - rows + 1;
    for (size_t i = 0; i < rows && first + i < s->model.n_shown; i++)
        draw_row(s, c, r, r.row + 1 + (int)i, first + i, focused);
    draw_hidden(s, c, r);
    if (s->model.n_shown == 0 && s->model.only_unread && rows >= 2) {
        canvas_text(c, r.row + 1, r.col + 1, r.cols - 1, STYLE_DIM, _("nothing unread"));
        canvas_text(c, r.row + 2, r.col + 1, r.cols - 1, STYLE_DIM, _("f shows all"));
    } else if (s->model.n_shown == 0 && rows >= 2) {
        canvas_text(c, r.row + 1, r.col + 1, r.cols - 1, STYLE_DIM, _("none yet"));
        canvas_text(c, r.row + 2, r.col + 1, r.cols - 1, STYLE_DIM, "/dm ADDRESS");
    }
}

static bool key(struct screen *s, struct key key)
{
    size_t n = s->model.n_shown;
    const char *target;

    if (key.kind == KEY_CHAR && key.ch == 'f') {
        s->model.only_unread = !s->model.only_unread;
        model_order(&s->model, s->talk.chat, false);
        s->list_at = 0;
        return true;
    }
    if (n == 0)
        return false;
    if (list_key(key, &s->list_at, n))
        return true;
    if (key.kind == KEY_ENTER_) {
        chat_open(s, s->model.chats[s->model.shown[s->list_at]].id, false);
        focus_pane(s, PANE_INPUT);
    } else if (key.kind == KEY_CHAR && key.ch == 'b') {
        target = s->model.chats[s->model.shown[s->list_at]].id;
        decide(s, CONSENT_DENIED, &target, 1);
    } else if (key.kind == KEY_CHAR && key.ch == 'u') {
        undo_entity(s, NULL);
    } else {
        return false;
    }
    return true;
}

/* The order thaws. */
static void leave(struct screen *s)
{
    s->dirty = true;
}

const struct ui_view view_chats = {N_("chats"), draw, key, NULL, leave,
                                   N_("Up/Down choose  Enter open  b block  u undo  f unread only  Esc back")};
