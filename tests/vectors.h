/* Test vectors: JSON files of tests/vectors/, found through XM_SRCDIR. */
#pragma once
#include "base/bytes.h"

#include <jansson.h>

/* The parsed file, or the test fails. */
json_t *vectors_load(const char *name);
/* Hex of a JSON string -> bytes, ended with bytes_free(); the test fails when it is none. */
struct bytes vectors_hex(const json_t *text);
