/* What leads out of a message: its links as a numbered list, and copies for the terminal's clipboard.
 * Nothing is opened and nothing copied but when asked for.  Thread: UI. */
#pragma once
#include <stddef.h>

struct screen;

/* The links of the selected message, else of all in the window, newest message first. */
void links_list(struct screen *s);
/* Copies link `n` of that list, from 1. */
void links_copy(struct screen *s, size_t n);
/* Gives a clean text to the terminal's clipboard. */
void copy_text(struct screen *s, const char *text, size_t len);
/* Copies the selected message, else the last one of somebody else. */
void message_copy(struct screen *s);
