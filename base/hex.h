/* Hexadecimal text.  Lower case out; both cases in.  Thread: any. */
#pragma once
#include "base/bytes.h"

/* Writes 2 * len digits and a NUL; `out` has room for 2 * len + 1. */
void hex_encode(const void *data, size_t len, char *out);
/* New text, freed with xm_free(); NULL when out of memory. */
char *hex_dup(struct slice s);
/* Decodes exactly 2 * out_len digits (`len` must equal that); false for anything else. */
bool hex_decode(const char *text, size_t len, uint8_t *out, size_t out_len);
/* Decodes text of any even length, with or without 0x; ERR_MALFORMED, ERR_NOMEM. */
int hex_parse(const char *text, struct bytes *out);
