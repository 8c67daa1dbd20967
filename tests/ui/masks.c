#include "tests/ui/masks.h"

#include "tests/test.h"
#include "tests/ui/golden.h"
#include "tests/ui/pty.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

/* How long a screen has to stand still to be written as the wanted one. */
#define QUIET_MS 1500

#define MONTH "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

static const struct {
    const char *pattern, *as;
} patterns[] = {{"[0-9][0-9]:[0-9][0-9]:[0-9][0-9]", "hh:mm:ss"},
                {"[0-9][0-9]:[0-9][0-9]", "hh:mm"},
                {"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [0-9 ]?[0-9] " MONTH, "Ddd dd Mmm"},
                {"[0-9]?[0-9] " MONTH, "dd Mmm"},
                {"LIVE ([0-9]\\.[0-9]s|[0-9][0-9]s )", "LIVE 0.0s"},
                {" [0-9]s\xe2\x94\x82", " 0s\xe2\x94\x82"}}; /* before the line between the panes */

void masks_add(struct masks *m, const char *what, const char *as)
{
    assert_int_equal(strlen(what), strlen(as));
    assert_true(m->n < sizeof m->words / sizeof m->words[0] && strlen(what) < sizeof m->words[0].what);
    strcpy(m->words[m->n].what, what);
    strcpy(m->words[m->n++].as, as);
}

void masks_add_person(struct masks *m, const char *address, const char *name)
{
    char what[64], as[64];

    assert_int_equal(strlen(name), 4);
    snprintf(as, sizeof as, "0x%s%s%s%s%s%s%s%s%s%s", name, name, name, name, name, name, name, name, name, name);
    masks_add(m, address, as);
    snprintf(what, sizeof what, "%.6s..%s", address, address + 38);
    snprintf(as, sizeof as, "0x%s..%s", name, name);
    masks_add(m, what, as);
}

static char *replaced(char *text, const char *pattern, const char *as)
{
    struct buf out = BUF_INIT;
    const char *at = text;
    regmatch_t found;
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED), 0);
    while (regexec(&regex, at, 1, &found, 0) == 0) {
        buf_put(&out, at, (size_t)found.rm_so);
        buf_put(&out, as, strlen(as));
        at += found.rm_eo;
    }
    buf_put(&out, at, strlen(at) + 1);
    regfree(&regex);
    free(text);
    text = strdup((const char *)out.data);
    buf_free(&out);
    return text;
}

static char *masked(const struct masks *m, const char *screen)
{
    char *text = strdup(screen), *at;

    for (size_t i = 0; i < m->n; i++)
        while ((at = strstr(text, m->words[i].what)))
            memcpy(at, m->words[i].as, strlen(m->words[i].as));
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        text = replaced(text, patterns[i].pattern, patterns[i].as);
    return m->either ? replaced(text, m->either, m->either_as) : text;
}

struct wanted {
    const struct masks *masks;
    char *text, *drawn;
};

static bool is_drawn(void *ctx, const char *screen)
{
    struct wanted *w = ctx;

    free(w->drawn);
    w->drawn = masked(w->masks, screen);
    return strcmp(w->drawn, w->text) == 0;
}

void assert_comes_to(struct pty *p, const struct masks *m, const char *name)
{
    struct wanted w = {.masks = m};

    if (golden_is_update()) {
        pty_quiet(p, QUIET_MS);
        w.drawn = masked(m, pty_text(p));
        golden_write(w.drawn, name);
    } else {
        w.text = golden_read(name);
        if (!pty_wait_until(p, is_drawn, &w))
            golden_fail(w.text, w.drawn, name);
        free(w.text);
    }
    free(w.drawn);
}
