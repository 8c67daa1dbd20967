#include "tests/ui/golden.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#define SCREEN_MAX 65536

static FILE *open_screen(const char *name, const char *mode)
{
    const char *top = getenv("XM_SRCDIR");
    char path[1024];

    snprintf(path, sizeof path, "%s/tests/ui/screens/%s.txt", top ? top : ".", name);
    return fopen(path, mode);
}

bool golden_is_update(void)
{
    return getenv("XM_UPDATE_SCREENS") != NULL;
}

void golden_write(const char *drawn, const char *name)
{
    FILE *f = open_screen(name, "w");

    assert_non_null(f);
    fputs(drawn, f);
    fclose(f);
}

char *golden_read(const char *name)
{
    char *want = calloc(1, SCREEN_MAX);
    FILE *f = open_screen(name, "r");

    assert_non_null(want);
    if (f) {
        want[fread(want, 1, SCREEN_MAX - 1, f)] = 0;
        fclose(f);
    }
    return want;
}

void golden_fail(const char *want, const char *drawn, const char *name)
{
    fprintf(stderr, "---- %s: wanted\n%s---- drawn\n%s----\n", name, want, drawn); /* cmocka cuts long texts */
    fail();
}

void assert_drawn(const char *drawn, const char *name)
{
    char *want;

    if (golden_is_update()) {
        golden_write(drawn, name);
        return;
    }
    want = golden_read(name);
    if (strcmp(want, drawn) != 0)
        golden_fail(want, drawn, name);
    free(want);
}
