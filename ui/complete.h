/* Completion of the word before the cursor: commands, their words, people and chats.
 *
 * One candidate is inserted; of several what they share, and each further Tab puts the next of them
 * there, Shift-Tab the one before.  Thread: UI. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct screen;

struct completion {
    char **all; /* candidates as they are inserted */
    size_t n, at; /* at == n: none of them yet, what they share stands there */
    size_t from; /* of the word in the input */
};

/* by: 1 Tab, -1 Shift-Tab.  False: there is nothing to complete. */
bool complete(struct screen *s, int by);
/* Another key came: the next Tab begins anew. */
void complete_end(struct completion *c);
