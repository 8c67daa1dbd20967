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

bool utf8_valid(struct slice text)
{
    size_t i = 0;

    while (i < text.len) {
        uint8_t low, high;
        int more;

        if (text.data[i] < 0x80) {
            i++;
            continue;
        }
        more = lead_byte(text.data[i++], &low, &high);
        if (more < 0 || text.len - i < (size_t)more)
            return false;
        for (; more > 0; more--, i++) {
            if (text.data[i] < low || text.data[i] > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}
