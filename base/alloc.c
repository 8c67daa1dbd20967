#include "base/alloc.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static unsigned long fail_countdown; /* 0: off.  Written by single-threaded tests only. */

void alloc_fail_after(unsigned long n)
{
    fail_countdown = n;
}

static bool must_fail(void)
{
    return fail_countdown && --fail_countdown == 0;
}

void *xm_alloc(size_t size)
{
    return must_fail() ? NULL : calloc(1, size ? size : 1);
}

void *xm_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *xm_realloc(void *at, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total) || must_fail())
        return NULL;
    return realloc(at, total ? total : 1);
}

char *xm_strndup(const char *text, size_t len)
{
    char *copy = xm_alloc(len + 1);

    if (copy)
        memcpy(copy, text, len);
    return copy;
}

char *xm_strdup(const char *text)
{
    return xm_strndup(text, strlen(text));
}

void xm_free(void *at)
{
    free(at);
}

void xm_free_secret(void *at, size_t size)
{
    if (!at)
        return;
    sodium_memzero(at, size);
    free(at);
}
