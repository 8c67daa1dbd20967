#include "ui/sanitize.h"

#include "base/alloc.h"
#include "base/bytes.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define ZWNJ 0x200C
#define ZWJ 0x200D
#define VS15 0xFE0E
#define VS16 0xFE0F

/* One code point of the input; `bad` a byte that is no UTF-8. */
struct unit {
    uint32_t cp;
    size_t len;
    bool bad;
};

static struct unit unit_at(const char *at, const char *end)
{
    struct unit u = {0};
    utf8proc_int32_t cp;
    utf8proc_ssize_t n;

    if (at >= end)
        return u;
    n = utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &cp);
    if (n <= 0) {
        u.bad = true;
        u.cp = (uint8_t)*at;
        u.len = 1;
        return u;
    }
    u.cp = (uint32_t)cp;
    u.len = (size_t)n;
    return u;
}

static bool is_space(uint32_t cp)
{
    return cp == ' ' || utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_ZS;
}

/* Code points that are letters or signs by category and yet draw nothing: they would let two names
 * look alike. */
static bool is_invisible(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180B, 0x180F},
        {0x2028, 0x2029}, {0x2065, 0x2065}, {0x2800, 0x2800}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},
        {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (cp >= ranges[i].first && cp <= ranges[i].last)
            return true;
    return false;
}

bool sanitize_cell_ok(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp > 0x10FFFF || is_invisible(cp))
        return false;
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_CN: /* unassigned, noncharacters */
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF: /* bidi controls, zero-width, tags */
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO: /* private use: looks like whatever the font says */
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    default:
        return true;
    }
}

static bool is_combining(uint32_t cp)
{
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);

    return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_MC;
}

static bool is_emoji(uint32_t cp)
{
    return utf8proc_get_property((utf8proc_int32_t)cp)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_skin_tone(uint32_t cp)
{
    return cp >= 0x1F3FB && cp <= 0x1F3FF;
}

/* Scripts whose spelling needs joiners: Arabic and its neighbours, the Indic ones, Mongolian. */
static bool is_joining_letter(uint32_t cp)
{
    if (!((cp >= 0x0600 && cp <= 0x0DFF) || (cp >= 0x1800 && cp <= 0x18AF)))
        return false;
    return sanitize_cell_ok(cp) && !is_space(cp);
}

/* A joiner or selector may stay where it does what it is for; anywhere else it only hides. */
static bool joiner_ok(uint32_t cp, uint32_t before, uint32_t after)
{
    switch (cp) {
    case ZWJ:
        if ((is_emoji(before) || before == VS16 || is_skin_tone(before)) && is_emoji(after))
            return true;
        return is_joining_letter(before) && is_joining_letter(after);
    case ZWNJ:
        return is_joining_letter(before) && is_joining_letter(after);
    case VS15:
    case VS16:
        return is_emoji(before) || before == '#' || before == '*' || (before >= '0' && before <= '9');
    default:
        return false;
    }
}

static void put_mark(struct buf *out, struct unit u)
{
    if (u.bad)
        buf_printf(out, "<%02x>", (unsigned)u.cp);
    else if (u.cp < 0x20)
        buf_printf(out, "^%c", (char)(u.cp + '@'));
    else if (u.cp == 0x7f)
        buf_put_str(out, "^?");
    else
        buf_printf(out, "<U+%04X>", (unsigned)u.cp);
}

static void put_break(struct buf *out, size_t *line_start)
{
    buf_put_u8(out, '\n');
    *line_start = out->len;
}

static void put_tab(struct buf *out, enum sanitize_mode mode, size_t line_start)
{
    do
        buf_put_u8(out, ' ');
    while (mode == SANITIZE_BODY && !out->bad && (out->len - line_start) % 8 != 0);
}

static void run(struct buf *out, const char *at, const char *end, enum sanitize_mode mode)
{
    size_t line_start = out->len;
    uint32_t before = 0; /* the last code point let through; 0 where a combining mark has no base */

    while (at < end && !out->bad) {
        struct unit u = unit_at(at, end), after = unit_at(at + u.len, end);
        bool cr_lf = !u.bad && u.cp == '\r' && !after.bad && after.cp == '\n';

        if (!u.bad && (u.cp == '\n' || cr_lf) && mode == SANITIZE_BODY) {
            put_break(out, &line_start);
            before = 0;
            at += cr_lf ? u.len + after.len : u.len;
            continue;
        }
        if (!u.bad && u.cp == '\t') {
            put_tab(out, mode, line_start);
            before = ' ';
        } else if (!u.bad && u.cp != ' ' && is_space(u.cp)) {
            buf_put_u8(out, ' '); /* the wide and thin spaces draw as one */
            before = ' ';
        } else if (!u.bad && joiner_ok(u.cp, before, after.bad ? 0 : after.cp)) {
            buf_put(out, at, u.len);
            before = u.cp;
        } else if (!u.bad && sanitize_cell_ok(u.cp)) {
            if (is_combining(u.cp) && before == 0)
                buf_put_u8(out, ' '); /* or it would sit on whatever is drawn to the left */
            buf_put(out, at, u.len);
            before = u.cp;
        } else {
            put_mark(out, u);
            before = 0;
        }
        at += u.len;
    }
}

char *sanitize(const char *from, size_t len, enum sanitize_mode mode)
{
    struct buf out = BUF_INIT;

    run(&out, from, from + len, mode);
    buf_put_u8(&out, 0);
    if (!buf_ok(&out)) {
        buf_free(&out);
        return NULL;
    }
    return (char *)out.data;
}

char *sanitize_str(const char *from, enum sanitize_mode mode)
{
    return sanitize(from ? from : "", from ? strlen(from) : 0, mode);
}

void sanitize_into(char *out, size_t size, const char *from, enum sanitize_mode mode)
{
    char *clean = sanitize_str(from, mode);
    size_t len = clean ? strlen(clean) : 0;

    if (len >= size)
        for (len = size - 1; len > 0 && ((uint8_t)clean[len] & 0xC0) == 0x80; len--)
            ;
    if (clean)
        memcpy(out, clean, len);
    out[len] = 0;
    xm_free(clean);
}
