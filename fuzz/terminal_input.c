/* Fuzz target: what a terminal sends: characters, control characters, function keys, pastes that never end.  The
 * screen is the real one on the tests' core; whatever is typed, only printable code points are drawn. */
#include "tests/ui/fake.h"
#include "ui/key.h"
#include "ui/sanitize.h"

#include <locale.h>
#include <stdlib.h>
#include <utf8proc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More keys than this only take longer. */
#define KEYS_MAX 400

static const struct {
    int rows, cols;
} sizes[] = {{24, 80}, {3, 60}, {10, 40}, {1, 1}, {40, 120}, {2, 5}, {24, 50}, {5, 200}};

static void check(const struct canvas *c)
{
    for (int i = 0; i < c->rows * c->cols; i++)
        for (int n = 0; n < c->cells[i].n; n++)
            if (!sanitize_cell_ok(c->cells[i].cp[n]))
                abort();
}

/* One key from the front of the bytes, as the terminal layer makes keys of them; bytes from 0x80 that are no UTF-8
 * stand for the function keys. */
static struct key next_key(const uint8_t **at, const uint8_t *end)
{
    utf8proc_int32_t cp;
    utf8proc_ssize_t n = utf8proc_iterate(*at, end - *at, &cp);

    if (n <= 0) {
        uint8_t byte = *(*at)++;

        return (struct key){.kind = (enum key_kind)(byte % (KEY_FOCUS_OUT + 1)), .ch = 'a' + byte % 26};
    }
    *at += n;
    if (cp == 0x1b)
        return (struct key){.kind = KEY_ESC_};
    if (cp == '\r' || cp == '\n')
        return (struct key){.kind = KEY_ENTER_};
    if (cp == '\t')
        return (struct key){.kind = KEY_TAB_};
    if (cp == 0x7f)
        return (struct key){.kind = KEY_BACK};
    if (cp < 0x20)
        return (struct key){.kind = KEY_CTRL, .ch = (uint32_t)cp + (cp >= 1 && cp <= 26 ? 0x60 : 0x40)};
    return (struct key){.kind = KEY_CHAR, .ch = (uint32_t)cp};
}

static void deliver(struct driver *d, struct key_feed *feed, enum key_feed_result what, struct key key)
{
    if (what == FEED_KEY)
        screen_key(d->screen, key);
    if (what == FEED_PASTE) {
        screen_paste(d->screen, (const char *)feed->paste.data, feed->paste.len);
        buf_reset(&feed->paste);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *end = data + size;
    struct key_feed feed = {0};
    struct driver d;
    struct key out;

    if (!size)
        return 0;
    setlocale(LC_ALL, "C.UTF-8");
    driver_start(&d, fake_new(), sizes[*at % 8].rows, sizes[*at % 8].cols);
    at++;
    for (int n = 0; n < KEYS_MAX && at < end && !screen_has_ended(d.screen); n++) {
        deliver(&d, &feed, key_feed_put(&feed, next_key(&at, end), d.now_ms, &out), out);
        if (n % 8 == 7) { /* the screen comes to rest */
            d.now_ms += PASTE_LOST_MS + 1;
            deliver(&d, &feed, key_feed_idle(&feed, d.now_ms, &out), out);
            driver_settle(&d);
            check(&d.canvas);
        }
    }
    driver_settle(&d);
    check(&d.canvas);
    key_feed_free(&feed);
    driver_end(&d);
    return 0;
}
