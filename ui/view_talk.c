/* The conversation as a pane: choosing a message and acting on it.  Drawing: talk_draw.c. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/links.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

/* The input answers the selected message from now on. */
static void answer(struct screen *s)
{
    const struct message *m = talk_target(s);
    char words[400];

    if (!m)
        return;
    xm_free(s->reply_to);
    xm_free(s->reply_words);
    s->reply_to = xm_strdup(m->id);
    snprintf(words, sizeof words, "%.*s", (int)strcspn(m->body, "\n"), m->body);
    s->reply_words = text_cut(words, 60);
    focus_pane(s, PANE_INPUT);
}

static void react(struct screen *s)
{
    if (!talk_target(s))
        return;
    text_aside(s);
    input_set(&s->input, "/react ");
    s->focus = PANE_INPUT; /* the choice of the message stays */
}

static bool key(struct screen *s, struct key key)
{
    int page = s->talk.page_rows > 3 ? s->talk.page_rows - 2 : 1;

    if (!s->talk.chat)
        return false;
    if (key.kind == KEY_UP_ || (key.kind == KEY_CHAR && key.ch == 'k'))
        talk_select(s, -1);
    else if (key.kind == KEY_DOWN_ || (key.kind == KEY_CHAR && key.ch == 'j'))
        talk_select(s, 1);
    else if (key.kind == KEY_PAGE_UP)
        talk_scroll(s, page);
    else if (key.kind == KEY_PAGE_DOWN)
        talk_scroll(s, -page);
    else if (key.kind == KEY_HOME_)
        talk_top(s);
    else if (key.kind == KEY_END_)
        talk_end(s);
    else if (key.kind == KEY_CHAR && key.ch == 'r')
        answer(s);
    else if (key.kind == KEY_CHAR && (key.ch == 'e' || key.ch == '+'))
        react(s);
    else if (key.kind == KEY_CHAR && key.ch == 'y')
        message_copy(s);
    else if (key.kind == KEY_CHAR && key.ch == 'h') {
        s->talk.show_hidden = !s->talk.show_hidden;
        s->talk.gen++;
    } else {
        return false;
    }
    return true;
}

const struct ui_view view_talk = {N_("conversation"), talk_draw, key, NULL, NULL,
                                  N_("Up/Down choose  r reply  e react  y copy  h hidden  Esc back")};
