/* The one door through which every byte from outside passes before it reaches a cell, the
 * terminal's title or a log pane: message bodies, names, topics, ids, error texts, our own input.
 *
 * What could move the cursor, talk to the terminal, hide or reorder text is shown as a visible
 * mark instead: control characters as ^X, everything else as <U+202E>, a byte that is no UTF-8 as
 * <ff>.  The result is valid UTF-8, holds no control character except the newlines asked for, and
 * is at most SANITIZE_GROWTH times as long as the input.  Marks are ASCII, so they look the same
 * on every terminal.
 *
 * Kept: letters, digits, signs, spaces, combining marks after a base, emoji with their joiners and
 * selectors (drawn reduced, see ui/text.h), joiners between letters of scripts that need them.
 * Thread: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sanitize_mode {
    SANITIZE_LINE, /* one line: a newline becomes a mark, a tab a space */
    SANITIZE_BODY  /* newlines stay (CR LF is one), tabs become spaces up to the next 8th column */
};

/* The longest mark of one input byte is four bytes ("<ff>"); a tab gives eight spaces at most. */
#define SANITIZE_GROWTH 8

/* New text, freed with xm_free(); NULL when out of memory.  `len` bytes of any content. */
char *sanitize(const char *from, size_t len, enum sanitize_mode mode);
/* The same of a C string; NULL reads as "". */
char *sanitize_str(const char *from, enum sanitize_mode mode);
/* Into the caller's buffer, cut at a character boundary where it does not fit; always ends with NUL. */
void sanitize_into(char *out, size_t size, const char *from, enum sanitize_mode mode);

/* True for a code point that may stand in a cell; the cells refuse all others, whoever asks. */
bool sanitize_cell_ok(uint32_t cp);
