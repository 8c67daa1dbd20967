/* Hands for a screen without a terminal. */
#include "base/alloc.h"
#include "tests/ui/fake.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static void tell_time(struct driver *d)
{
    screen_time(d->screen, d->now_ns, d->now_ms);
}

void driver_settle(struct driver *d)
{
    for (int round = 0; round < 20; round++) {
        struct xm_event *event;
        bool any = false;

        d->fake->now_ns = d->fake->now_ns > d->now_ns ? d->fake->now_ns : d->now_ns;
        tell_time(d);
        while (d->fake->is_open && (event = d->fake->base.ops->next(&d->fake->base)) != NULL) {
            screen_event(d->screen, event);
            d->fake->base.ops->event_free(event);
            any = true;
        }
        if (!any && !screen_is_dirty(d->screen) && round > 0)
            return;
        screen_draw(d->screen, &d->canvas);
        screen_work(d->screen);
    }
}

void driver_wait(struct driver *d, int ms)
{
    d->now_ms += (uint64_t)ms;
    d->now_ns += (int64_t)ms * 1000000;
    driver_settle(d);
}

void driver_start(struct driver *d, struct fake *f, int rows, int cols)
{
    struct screen_options options = {.env = "local"};

    *d = (struct driver){.fake = f, .now_ns = START_NS, .now_ms = 1000000};
    d->screen = screen_new(&f->base, &options);
    tell_time(d);
    screen_resize(d->screen, rows, cols);
    screen_start(d->screen);
    driver_settle(d);
}

void driver_end(struct driver *d)
{
    screen_free(d->screen);
    canvas_free(&d->canvas);
    xm_free(d->text);
    fake_free(d->fake);
}

static const struct {
    const char *name;
    struct key key;
} names[] = {
    {"Enter", {.kind = KEY_ENTER_}},       {"A-Enter", {.kind = KEY_ENTER_, .alt = true}},
    {"Tab", {.kind = KEY_TAB_}},           {"S-Tab", {.kind = KEY_SHIFT_TAB}},
    {"Esc", {.kind = KEY_ESC_}},           {"BS", {.kind = KEY_BACK}},
    {"Del", {.kind = KEY_DELETE}},         {"Up", {.kind = KEY_UP_}},
    {"Down", {.kind = KEY_DOWN_}},         {"Left", {.kind = KEY_LEFT_}},
    {"Right", {.kind = KEY_RIGHT_}},       {"Home", {.kind = KEY_HOME_}},
    {"End", {.kind = KEY_END_}},           {"PgUp", {.kind = KEY_PAGE_UP}},
    {"PgDn", {.kind = KEY_PAGE_DOWN}},     {"F1", {.kind = KEY_F1_}},
    {"A-Up", {.kind = KEY_UP_, .alt = true}}, {"A-Down", {.kind = KEY_DOWN_, .alt = true}},
    {"A-BS", {.kind = KEY_BACK, .alt = true}}, {"FocusIn", {.kind = KEY_FOCUS_IN}},
    {"FocusOut", {.kind = KEY_FOCUS_OUT}},
};

static struct key named(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i].name) == len && strncmp(names[i].name, name, len) == 0)
            return names[i].key;
    if (len == 3 && name[0] == 'C')
        return (struct key){.kind = KEY_CTRL, .ch = (uint32_t)name[2]};
    if (len == 3 && name[0] == 'A')
        return (struct key){.kind = KEY_CHAR, .ch = (uint32_t)name[2], .alt = true};
    abort();
}

void driver_type(struct driver *d, const char *keys)
{
    while (*keys) {
        struct key key;
        utf8proc_int32_t cp;

        if (*keys == '<' && strchr(keys, '>')) {
            size_t len = strcspn(keys + 1, ">");

            key = named(keys + 1, len);
            keys += len + 2;
        } else {
            keys += utf8proc_iterate((const utf8proc_uint8_t *)keys, -1, &cp);
            key = (struct key){.kind = KEY_CHAR, .ch = (uint32_t)cp};
        }
        tell_time(d);
        screen_key(d->screen, key);
        driver_settle(d);
    }
}

const char *driver_screen(struct driver *d)
{
    xm_free(d->text);
    d->text = canvas_dump(&d->canvas);
    return d->text;
}

const char *driver_row(struct driver *d, int row)
{
    char *at = (char *)(uintptr_t)driver_screen(d);

    while (row-- > 0)
        at = strchr(at, '\n') + 1;
    *strchr(at, '\n') = 0;
    return at;
}

bool driver_shows(struct driver *d, const char *text)
{
    return strstr(driver_screen(d), text) != NULL;
}
