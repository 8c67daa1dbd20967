/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing over U+10FFFF.
 * Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>

bool utf8_valid(struct slice text);

/* Bytes of the character that `text` begins with; 0 where it begins with none. */
size_t utf8_first(struct slice text);
