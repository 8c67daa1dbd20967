/* Clean text (see ui/sanitize.h) as a person sees it: grapheme clusters, columns, lines.
 *
 * Terminals disagree about the width of joined emoji, so a cluster is drawn reduced: the base with
 * its combining marks, without joiner tail, skin tone or selector; a flag as its two letters.  What
 * is left has the width that the C library and so ncurses believe.  A character this C library does
 * not know, or any non-ASCII one in a locale without UTF-8, is drawn as one replacement.
 * Everything here expects setlocale() to have been called.  Thread: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTER_CPS 5 /* what ncurses keeps in one cell */

struct cluster {
    uint32_t cp[CLUSTER_CPS]; /* reduced, ready for a cell */
    int n;
    int width;    /* columns: 1 or 2 */
    uint32_t cp2; /* second letter of a flag, drawn in a cell of its own; else 0 */
    size_t len;   /* bytes of the full cluster in the text */
};

/* True where the locale's encoding is UTF-8. */
bool text_locale_is_utf8(void);

/* The cluster at `at`; len 0 at the end.  A newline is a cluster of width 0. */
struct cluster text_cluster(const char *at, const char *end);

/* Bytes of the raw (not yet clean) cluster at `at`, for editing: what one key press moves over. */
size_t text_raw_next(const char *at, const char *end);
size_t text_raw_prev(const char *begin, const char *at);

/* Columns of a clean line. */
int text_width(const char *text);
int text_width_n(const char *text, size_t len);
/* Number of clusters. */
size_t text_count(const char *text, size_t len);

/* Bytes of the longest beginning that fits `cols` columns; *used gets its width (may be NULL). */
size_t text_fit(const char *text, size_t len, int cols, int *used);

/* Breaks clean text into lines of at most `cols` columns, at spaces where there are some.
 * Begin with *at = text; each call gives one line (without its newline or breaking spaces) and
 * moves *at; false after the last.  An empty text is one empty line. */
struct text_wrap {
    const char *at, *end;
    int cols;
    bool done;
};
struct text_wrap text_wrap(const char *text, size_t len, int cols);
bool text_wrap_next(struct text_wrap *w, const char **line, size_t *len);

/* New text of at most `cols` columns, ".." at its end where something was cut; xm_free(). */
char *text_cut(const char *text, int cols);
