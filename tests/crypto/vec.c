#include "tests/crypto/vec.h"

#include "base/alloc.h"
#include "base/hex.h"

#include <string.h>

static struct bytes kept[4096];
static size_t kept_count;

struct slice vec(const char *hex)
{
    struct bytes *b = &kept[kept_count];

    assert_true(kept_count < sizeof kept / sizeof kept[0]);
    assert_int_equal(hex_parse(hex, b), 0);
    kept_count++;
    return bytes_slice(b);
}

void vec_free_all(void)
{
    while (kept_count > 0)
        bytes_free(&kept[--kept_count]);
}

void assert_hex(struct slice actual, const char *expected)
{
    char *text = hex_dup(actual);

    assert_non_null(text);
    assert_string_equal(text, expected);
    xm_free(text);
}
