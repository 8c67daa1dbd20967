#include "tests/ui/golden.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

void assert_drawn(const char *drawn, const char *name)
{
    const char *top = getenv("XM_SRCDIR");
    char path[1024], want[65536] = "";
    FILE *f;

    snprintf(path, sizeof path, "%s/tests/ui/screens/%s.txt", top ? top : ".", name);
    if (getenv("XM_UPDATE_SCREENS")) {
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(drawn, f);
        fclose(f);
        return;
    }
    f = fopen(path, "r");
    if (f) {
        want[fread(want, 1, sizeof want - 1, f)] = 0;
        fclose(f);
    }
    if (strcmp(want, drawn) != 0) {
        print_error("---- %s: wanted\n%s---- drawn\n%s----\n", name, want, drawn);
        fail();
    }
}
