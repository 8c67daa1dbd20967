/* Ids, times and states as a person reads them.  Buffers are the caller's; results are clean text.
 * Thread: UI. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum consent { CONSENT_UNKNOWN, CONSENT_ALLOWED, CONSENT_DENIED };

enum consent consent_parse(const char *name);
const char *consent_name(enum consent c);    /* on the wire: "allowed" */
const char *consent_words(enum consent c);   /* for people, translated */

/* "0x51c4..9e7a" of an address, "51c4..9e7a" of any other long id; short ones as they are. */
void words_short(char *out, size_t size, const char *id);
/* The first four characters of an installation's id. */
void words_installation(char *out, size_t size, const char *id);

void words_clock(char *out, size_t size, int64_t ns);   /* 10:04 */
void words_clock_s(char *out, size_t size, int64_t ns); /* 10:03:41 */
void words_day(char *out, size_t size, int64_t ns);     /* Sat 21 Nov */
void words_date(char *out, size_t size, int64_t ns);    /* 21 Nov */
/* Days since 1970 in local time, to tell one day from the next. */
long words_day_number(int64_t ns);
void words_age(char *out, size_t size, int64_t ms);     /* 0.2s 12s 5m 3h 2d */
