#include "base/hex.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

void hex_encode(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = data;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[from[i] >> 4];
        out[2 * i + 1] = digits[from[i] & 15];
    }
    out[2 * len] = 0;
}

char *hex_dup(struct slice s)
{
    char *text = xm_calloc(s.len + 1, 2);

    if (text)
        hex_encode(s.data, s.len, text);
    return text;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *text, size_t len, uint8_t *out, size_t out_len)
{
    if (len % 2 || len / 2 != out_len)
        return false;
    for (size_t i = 0; i < out_len; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int hex_parse(const char *text, struct bytes *out)
{
    struct bytes b;
    size_t len;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    len = strlen(text);
    if (len % 2)
        return ERR_MALFORMED;
    b = (struct bytes){xm_alloc(len / 2), len / 2};
    if (!b.data)
        return ERR_NOMEM;
    if (!hex_decode(text, len, b.data, b.len)) {
        bytes_wipe(&b);
        return ERR_MALFORMED;
    }
    *out = b;
    return 0;
}
