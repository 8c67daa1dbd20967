#include "tests/ui/hostile.h"

#include <string.h>
#include <utf8proc.h>

static size_t code_point(const struct rand *r, char *out)
{
    utf8proc_int32_t cp = (utf8proc_int32_t)(1 + rand_below(r, 0x10ffff));

    if (cp >= 0xd800 && cp < 0xe000)
        cp = '?';
    return (size_t)utf8proc_encode_char(cp, (utf8proc_uint8_t *)out);
}

size_t hostile_text(const struct rand *r, char *out, size_t size, bool utf8)
{
    static const char *const pieces[] = {
        "\033]0;owned\007", "\033]2;owned\033\\", "\033[2J", "\033[?1049l", "\033[?2004l", "\033c", "\033]52;c;b3duZWQ=\007",
        "\033[1;1H", "\033[6n", "\033(0", "\016", "\xc2\x9d" "0;owned\xc2\x9c", "\xc2\x9b" "2J", "\xe2\x80\xae", "\xe2\x81\xa9",
        "\xe2\x80\x8b", "\xe2\x80\x8d", "\xef\xb8\x8f", "\xcc\x81", "\xf3\xa0\x81\x81", "👍🏽", "👨‍👩‍👧", "🇩", "\xf0\x9f\xa9\xb7",
        "\t", "\r\n", "\r", "\b\b\b", "\a", "abc", " ", "你好", "שלום", "word "};
    size_t len = 0;

    while (len + 32 < size && rand_below(r, 40) != 0) {
        if (rand_below(r, 3) == 0) {
            len += code_point(r, out + len);
        } else if (!utf8 && rand_below(r, 4) == 0) {
            out[len++] = (char)rand_below(r, 256);
        } else {
            const char *p = pieces[rand_below(r, sizeof pieces / sizeof pieces[0])];

            memcpy(out + len, p, strlen(p));
            len += strlen(p);
        }
    }
    return len;
}
