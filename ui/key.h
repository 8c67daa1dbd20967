/* What the person did, as the screen understands it, and the machine that makes it out of what the
 * terminal sends.
 *
 * The terminal layer reads characters and function keys; struct key_feed joins Esc with the key
 * after it (Alt) and gathers a bracketed paste into one text.  It is pure: time is an argument, so
 * a lost end-of-paste mark is a test and not a stuck keyboard.  Thread: UI. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum key_kind {
    KEY_NOTHING,
    KEY_CHAR, /* ch */
    KEY_CTRL, /* ch is the lower-case letter, or one of @ [ \ ] ^ _ */
    KEY_ENTER_,
    KEY_TAB_,
    KEY_SHIFT_TAB,
    KEY_ESC_,
    KEY_BACK,
    KEY_DELETE,
    KEY_UP_,
    KEY_DOWN_,
    KEY_LEFT_,
    KEY_RIGHT_,
    KEY_HOME_,
    KEY_END_,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_F1_,
    KEY_PASTE_BEGIN, /* from the terminal; never reach the screen */
    KEY_PASTE_END,
    KEY_FOCUS_IN,
    KEY_FOCUS_OUT
};

struct key {
    enum key_kind kind;
    uint32_t ch;
    bool alt;
};

/* A paste grows to this at most; the rest is dropped: nobody reads more in one message. */
#define PASTE_MAX (256 * 1024)
/* A paste whose bytes stop coming this long without the end mark has lost it. */
#define PASTE_LOST_MS 1000

struct key_feed {
    bool esc;      /* an Esc waits for what follows */
    bool pasting;
    uint64_t last_ms;
    struct buf paste;
};

enum key_feed_result { FEED_NONE, FEED_KEY, FEED_PASTE };

/* One thing from the terminal.  FEED_KEY: *out is a key.  FEED_PASTE: feed->paste holds the text
 * (no NUL), to be cleared with buf_reset(). */
enum key_feed_result key_feed_put(struct key_feed *feed, struct key in, uint64_t now_ms, struct key *out);
/* Nothing more waits at the terminal: a lone Esc is a key after all, a paste may have lost its end. */
enum key_feed_result key_feed_idle(struct key_feed *feed, uint64_t now_ms, struct key *out);
/* Milliseconds until key_feed_idle() wants to be called, -1 never. */
int key_feed_wait_ms(const struct key_feed *feed, uint64_t now_ms);
void key_feed_free(struct key_feed *feed);
