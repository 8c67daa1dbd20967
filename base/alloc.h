/* Allocation: one place that checks multiplication, and that a test can make fail.
 *
 * Every module allocates through here, so that a test can fail each allocation in turn.
 * Thread: any, except alloc_fail_after(), which is for single-threaded tests. */
#pragma once
#include <stddef.h>

void *xm_alloc(size_t size);                  /* zeroed; NULL when out of memory */
void *xm_calloc(size_t count, size_t size);   /* zeroed; NULL on overflow of count * size too */
void *xm_realloc(void *at, size_t count, size_t size);
char *xm_strdup(const char *text);
char *xm_strndup(const char *text, size_t len);
void xm_free(void *at);                       /* NULL is fine */

/* Wipes `size` bytes and frees them.  NULL is fine. */
void xm_free_secret(void *at, size_t size);

/* Tests: the n-th allocation from now on fails (1 = the next), once; 0 turns it off. */
void alloc_fail_after(unsigned long n);
