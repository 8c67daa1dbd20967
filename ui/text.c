#include "ui/text.h"

#include "base/alloc.h"
#include "ui/sanitize.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <wchar.h>

#define VS15 0xFE0E
#define VS16 0xFE0F
#define ZWNJ 0x200C
#define ZWJ 0x200D

bool text_locale_is_utf8(void)
{
    return MB_CUR_MAX > 1;
}

static size_t decode(const char *at, const char *end, uint32_t *cp)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t n;

    *cp = 0;
    if (at >= end)
        return 0;
    n = utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &c);
    if (n <= 0) { /* raw input only: a broken byte is a cluster of its own */
        *cp = 0xFFFD;
        return 1;
    }
    *cp = (uint32_t)c;
    return (size_t)n;
}

static bool is_flag_letter(uint32_t cp)
{
    return cp >= 0x1F1E6 && cp <= 0x1F1FF;
}

/* Bytes of the cluster at `at` by the rules of utf8proc (Unicode 15 extended grapheme clusters). */
size_t text_raw_next(const char *at, const char *end)
{
    utf8proc_int32_t state = 0;
    uint32_t cp, next;
    size_t len = decode(at, end, &cp), n;

    if (len == 0)
        return 0;
    while ((n = decode(at + len, end, &next)) != 0) {
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)cp, (utf8proc_int32_t)next, &state))
            break;
        len += n;
        cp = next;
    }
    return len;
}

/* Clusters are found from the left; the start of the line is far enough. */
size_t text_raw_prev(const char *begin, const char *at)
{
    const char *p = at, *start;

    if (at <= begin)
        return 0;
    for (p = at - 1; p > begin && p[-1] != '\n'; p--)
        ;
    start = p;
    while (p < at) {
        size_t n = text_raw_next(p, at);

        start = p;
        p += n ? n : 1;
    }
    return (size_t)(at - start);
}

static void replace(struct cluster *c)
{
    c->cp[0] = text_locale_is_utf8() ? 0xFFFD : '?';
    c->n = 1;
    c->width = 1;
    c->cp2 = 0;
}

static void reduce_flag(struct cluster *c, uint32_t first, uint32_t second)
{
    c->cp[0] = 'A' + (first - 0x1F1E6);
    c->n = 1;
    c->width = 1;
    if (is_flag_letter(second)) {
        c->cp2 = 'A' + (second - 0x1F1E6);
        c->width = 2;
    }
}

/* Keeps the base and the marks that take no column of their own, up to the first joiner. */
static void reduce(struct cluster *c, const char *at, const char *end)
{
    uint32_t cp;
    size_t n;

    while (at < end && (n = decode(at, end, &cp)) != 0) {
        int w = wcwidth((wchar_t)cp);

        at += n;
        if (cp == ZWJ && c->width == 2)
            break;
        if (cp == ZWJ || cp == ZWNJ || cp == VS15 || cp == VS16)
            continue;
        if (c->n == 0) {
            if (w < 1 || w > 2 || !sanitize_cell_ok(cp)) {
                replace(c);
                return;
            }
            c->width = w;
        } else if (w != 0 || !sanitize_cell_ok(cp)) {
            if (utf8proc_category((utf8proc_int32_t)cp) != UTF8PROC_CATEGORY_MC || c->width == 2)
                continue; /* skin tones, second syllable parts */
            c->width = 2; /* a spacing vowel sign takes its own column */
            if (c->n < CLUSTER_CPS && !c->cp2) {
                c->cp2 = cp;
                continue;
            }
            continue;
        }
        if (c->n < CLUSTER_CPS)
            c->cp[c->n++] = cp;
    }
    if (c->n == 0)
        replace(c);
}

struct cluster text_cluster(const char *at, const char *end)
{
    struct cluster c = {0};
    uint32_t first, second = 0;
    size_t n;

    if (at >= end)
        return c;
    if ((uint8_t)*at >= 0x20 && (uint8_t)*at < 0x7f && (at + 1 == end || (uint8_t)at[1] < 0x80)) {
        c = (struct cluster){.cp = {(uint8_t)*at}, .n = 1, .width = 1, .len = 1}; /* the common case */
        return c;
    }
    c.len = text_raw_next(at, end);
    if (*at == '\n')
        return c;
    n = decode(at, at + c.len, &first);
    decode(at + n, at + c.len, &second);
    if (!text_locale_is_utf8() && first >= 0x20 && first < 0x7f) /* what is combined with it is left out */
        c = (struct cluster){.cp = {first}, .n = 1, .width = 1, .len = c.len};
    else if (!text_locale_is_utf8())
        replace(&c);
    else if (is_flag_letter(first))
        reduce_flag(&c, first, second);
    else
        reduce(&c, at, at + c.len);
    return c;
}

int text_width_n(const char *text, size_t len)
{
    const char *end = text + len;
    int width = 0;

    for (struct cluster c; (c = text_cluster(text, end)).len != 0; text += c.len)
        width += c.width;
    return width;
}

int text_width(const char *text)
{
    return text_width_n(text, strlen(text));
}

size_t text_count(const char *text, size_t len)
{
    const char *end = text + len;
    size_t count = 0, n;

    for (; (n = text_raw_next(text, end)) != 0; text += n)
        count++;
    return count;
}

size_t text_fit(const char *text, size_t len, int cols, int *used)
{
    const char *at = text, *end = text + len;
    int width = 0;

    for (struct cluster c; (c = text_cluster(at, end)).len != 0 && *at != '\n'; at += c.len) {
        if (width + c.width > cols)
            break;
        width += c.width;
    }
    if (used)
        *used = width;
    return (size_t)(at - text);
}

struct text_wrap text_wrap(const char *text, size_t len, int cols)
{
    return (struct text_wrap){text, text + len, cols < 1 ? 1 : cols, false};
}

bool text_wrap_next(struct text_wrap *w, const char **line, size_t *len)
{
    const char *at = w->at, *space = NULL;
    int width = 0;

    if (w->done)
        return false;
    *line = w->at;
    for (;;) {
        struct cluster c = text_cluster(at, w->end);

        if (c.len == 0) { /* the rest fits */
            *len = (size_t)(at - *line);
            w->done = true;
            return true;
        }
        if (*at == '\n') {
            *len = (size_t)(at - *line);
            w->at = at + 1;
            return true;
        }
        if (width + c.width > w->cols && at > *line)
            break;
        if (*at == ' ' && at > *line)
            space = at;
        width += c.width;
        at += c.len;
    }
    if (*at == ' ')
        space = at;
    if (!space) { /* a word longer than the line is cut */
        *len = (size_t)(at - *line);
        w->at = at;
        return true;
    }
    *len = (size_t)(space - *line);
    while (*len > 0 && (*line)[*len - 1] == ' ')
        (*len)--;
    for (w->at = space; w->at < w->end && *w->at == ' '; w->at++)
        ;
    if (w->at == w->end)
        w->done = true;
    else if (*w->at == '\n') /* spaces before it are no line of their own */
        w->at++;
    return true;
}

char *text_cut(const char *text, int cols)
{
    size_t len = strlen(text), fit;
    char *out;

    if (text_width_n(text, len) <= cols)
        return xm_strdup(text);
    fit = text_fit(text, len, cols > 2 ? cols - 2 : cols, NULL);
    out = xm_alloc(fit + 3);
    if (!out)
        return NULL;
    memcpy(out, text, fit);
    if (cols > 2)
        memcpy(out + fit, "..", 2);
    return out;
}
