/* Looking for words in what was said: in the open chat or in all of them, newest first.
 *
 * The store has no index of words, since it is sealed, so messages are read page by page, one page
 * each time the screen has been drawn: keys stay answered, and what is found is shown as it is
 * found.  What denied people said and denied chats are left out.  Thread: UI. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct screen;
struct canvas;
struct key;

#define SEARCH_HITS 200 /* more are not read through; more words find fewer */

struct hit {
    char *chat, *id;
    int64_t sent_ns;
    char *line; /* clean: where, who, the words around */
};

struct search {
    bool all;          /* chats; else `only` */
    char *only;        /* chat id */
    char **chats;      /* ids still to be read, from `at` on */
    size_t n_chats, at_chat;
    int64_t before_ns; /* the page to come in chats[at_chat]; 0: its newest */
    struct hit *hits;
    size_t n_hits, at;
    unsigned long read; /* messages looked at */
    bool running;
};

/* Opens the popup; `text` may be "". */
void search_open(struct screen *s, bool all, const char *text);
/* The text in the popup's line, from the start. */
void search_again(struct screen *s);
/* The popup is closed, or another text is looked for. */
void search_clear(struct search *f);
/* One page more; only while running. */
void search_step(struct screen *s);
void search_key(struct screen *s, struct key key);
void search_draw(struct screen *s, struct canvas *c);
