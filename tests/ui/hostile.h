/* Texts in the style of an attacker: sequences, odd code points, bad bytes, ordinary letters. */
#pragma once
#include "base/rand.h"

#include <stdbool.h>

/* Writes up to size - 1 bytes, no NUL at the end; returns their number.  utf8: valid UTF-8 without
 * NUL characters, as JSON can carry it. */
size_t hostile_text(const struct rand *r, char *out, size_t size, bool utf8);
