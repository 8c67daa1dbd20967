/* The few settings, and that a person's file is kept as they wrote it. */
#include "tests/test.h"
#include "base/err.h"
#include "ui/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

static void put(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void assert_file(const char *want)
{
    char got[1000] = "";
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    assert_string_equal(got, want);
}

static int start(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/xmtui-config-%ld.ini", (long)getpid());
    unlink(path);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void a_missing_file_is_the_default(void **state)
{
    struct config c = config_default();
    struct err err = {0};

    (void)state;
    assert_int_equal(config_load(&c, path, &err), 0);
    assert_true(c.clock && c.colour && c.lines);
}

static void comments_and_settings_of_others_stay(void **state)
{
    struct config c = config_default();
    struct err err = {0};

    (void)state;
    put("# mine\n[node]\nurl = http://x\n\n[ui]\n; the clock\nclock = off\nnewer = 3\n[other]\nclock = untouched\n");
    assert_int_equal(config_load(&c, path, &err), 0);
    assert_false(c.clock);
    assert_true(config_set(&c, "clock", "on"));
    assert_true(config_set(&c, "colour", "off"));
    assert_false(config_set(&c, "colour", "pink"));
    assert_false(config_set(&c, "newer", "on"));
    assert_int_equal(config_save(&c, path, &err), 0);
    assert_file("# mine\n[node]\nurl = http://x\n\n[ui]\n; the clock\nclock = on\nnewer = 3\ncolour = off\nlines = on\n[other]\n"
                "clock = untouched\n");
}

static void a_new_file_has_its_section(void **state)
{
    struct config c = config_default();
    struct err err = {0};

    (void)state;
    assert_int_equal(config_save(&c, path, &err), 0);
    assert_file("[ui]\nclock = on\ncolour = on\nlines = on\n");
}

static void a_broken_file_is_told(void **state)
{
    struct config c = config_default();
    struct err err = {0};

    (void)state;
    put("[ui]\nnonsense\n");
    assert_int_equal(config_load(&c, path, &err), ERR_MALFORMED);
    assert_non_null(strstr(err.text, "line 2"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(a_missing_file_is_the_default),
        T(comments_and_settings_of_others_stay),
        T(a_new_file_has_its_section),
        T(a_broken_file_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
