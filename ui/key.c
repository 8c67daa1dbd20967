#include "ui/key.h"

#include <utf8proc.h>

static void paste_put(struct key_feed *feed, struct key in)
{
    utf8proc_uint8_t utf8[4];
    uint32_t ch = in.ch;

    switch (in.kind) {
    case KEY_ENTER_:
        ch = '\n';
        break;
    case KEY_TAB_:
        ch = '\t';
        break;
    case KEY_CTRL: /* Ctrl-J and Ctrl-M are line ends; the others are kept for the sanitiser to show */
        ch = in.ch == 'j' ? '\n' : in.ch == '[' ? 0x1b : in.ch & 0x1f;
        break;
    case KEY_ESC_:
        ch = 0x1b;
        break;
    case KEY_CHAR:
        break;
    default: /* arrow keys inside a paste are no text */
        return;
    }
    if (feed->paste.len < PASTE_MAX)
        buf_put(&feed->paste, utf8, (size_t)utf8proc_encode_char((utf8proc_int32_t)ch, utf8));
}

enum key_feed_result key_feed_put(struct key_feed *feed, struct key in, uint64_t now_ms, struct key *out)
{
    feed->last_ms = now_ms;
    if (in.kind == KEY_PASTE_BEGIN) {
        feed->esc = false;
        feed->pasting = true;
        return FEED_NONE;
    }
    if (feed->pasting) {
        if (in.kind == KEY_PASTE_END) {
            feed->pasting = false;
            return FEED_PASTE;
        }
        paste_put(feed, in);
        return FEED_NONE;
    }
    if (in.kind == KEY_NOTHING || in.kind == KEY_PASTE_END)
        return FEED_NONE;
    *out = in;
    if (in.kind == KEY_ESC_) { /* the one before it stood alone; this one may begin an Alt key */
        bool waited = feed->esc;

        feed->esc = true;
        return waited ? FEED_KEY : FEED_NONE;
    }
    out->alt |= feed->esc;
    feed->esc = false;
    return FEED_KEY;
}

enum key_feed_result key_feed_idle(struct key_feed *feed, uint64_t now_ms, struct key *out)
{
    if (feed->esc) {
        feed->esc = false;
        *out = (struct key){.kind = KEY_ESC_};
        return FEED_KEY;
    }
    if (feed->pasting && now_ms - feed->last_ms >= PASTE_LOST_MS) {
        feed->pasting = false;
        return FEED_PASTE;
    }
    return FEED_NONE;
}

int key_feed_wait_ms(const struct key_feed *feed, uint64_t now_ms)
{
    uint64_t waited = now_ms - feed->last_ms;

    if (feed->esc)
        return 0; /* the terminal layer has waited the Esc delay already */
    if (!feed->pasting)
        return -1;
    return waited >= PASTE_LOST_MS ? 0 : (int)(PASTE_LOST_MS - waited);
}

void key_feed_free(struct key_feed *feed)
{
    buf_free(&feed->paste);
    *feed = (struct key_feed){0};
}
