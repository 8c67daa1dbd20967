/* Test vectors are written as hex: these turn them into bytes, and compare bytes as hex so that a
 * failure shows both values. */
#pragma once
#include "base/bytes.h"
#include "tests/test.h"

/* Bytes of `hex`, kept until vec_free_all(). */
struct slice vec(const char *hex);
void vec_free_all(void);
void assert_hex(struct slice actual, const char *expected);

#define bytes_of(array) slice_of(array, sizeof(array))
