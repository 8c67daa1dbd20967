#include "base/utf8.h"

/* How many continuation bytes follow `lead`, and the bounds of the first of them (which is where
 * overlong forms, surrogates and too large values show); -1 for no lead byte. */
static int lead_byte(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 1;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0)
            *low = 0xa0;
        if (lead == 0xed)
            *high = 0x9f;
        return 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0)
            *low = 0x90;
        if (lead == 0xf4)
            *high = 0x8f;
        return 3;
    }
    return -1;
}

size_t utf8_first(struct slice text)
{
    uint8_t low, high;
    int more;

    if (text.len == 0)
        return 0;
    if (text.data[0] < 0x80)
        return 1;
    more = lead_byte(text.data[0], &low, &high);
    if (more < 0 || text.len <= (size_t)more || text.data[1] < low || text.data[1] > high)
        return 0;
    for (int i = 2; i <= more; i++)
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    return (size_t)more + 1;
}

bool utf8_valid(struct slice text)
{
    size_t n;

    for (size_t i = 0; i < text.len; i += n)
        if ((n = utf8_first(slice_of(text.data + i, text.len - i))) == 0)
            return false;
    return true;
}
