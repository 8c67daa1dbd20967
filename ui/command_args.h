/* What slash commands share: their words, and who or which chat is meant.  who() is in ui/state.h.
 * Thread: the screen's. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct chat;
struct screen;

#define MAX_WORDS 64

/* The words after the command; "quoted words" count as one.  `rest` is everything, unsplit, and `after`
 * the same without the first word. */
struct args {
    char *words[MAX_WORDS];
    int n;
    const char *rest, *after;
};

/* Splits `copy`, a copy of a->rest that stays as long as `a`. */
void args_split(struct args *a, char *copy);
/* A text that is all there is: quotes around it are as good as none. */
const char *args_whole(const struct args *a);
/* The inboxes that the words from `from` on mean; a new reference. */
json_t *args_people(struct screen *s, const struct args *a, int from);

/* The same name, without regard to case; an empty one is none. */
bool same_name(const char *a, const char *b);
/* A person: a 1:1 chat stands for the other one. */
const char *who_person(struct screen *s, const char *typed);

/* The open chat, or a notice that it takes one. */
struct chat *need_chat(struct screen *s);
struct chat *need_group(struct screen *s);

/* Cuts a name so that it fits into a question, whose end says what to type. */
void ask_name(struct screen *s, char *name, size_t size);
