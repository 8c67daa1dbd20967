#include "tests/test.h"

#include "base/err.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/xmtui-log-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0)
        return -1;
    close(fd);
    return unlink(path);
}

static int remove_file(void **state)
{
    (void)state;
    log_open(NULL, LOG_WARN, NULL);
    return unlink(path);
}

static void hostile_text_is_made_printable_and_the_level_counts(void **state)
{
    char text[512] = "";
    struct stat st;
    FILE *f;

    (void)state;
    assert_int_equal(log_open(path, LOG_INFO, NULL), 0);
    log_info("sync", "name %s", "\033]0;x\007\nnew line \xe2\x80\xae");
    log_debug("sync", "not written");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    assert_non_null(strstr(text, "info sync: name \\x1b]0;x\\x07\\x0anew line \\xe2\\x80\\xae\n"));
    assert_null(strstr(text, "not written"));
}

static void goes_on_in_a_new_file_once_the_old_was_moved_away(void **state)
{
    char moved[sizeof path + 8], text[512] = "";
    FILE *f;

    (void)state;
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_int_equal(log_open(path, LOG_WARN, NULL), 0);
    assert_int_equal(rename(path, moved), 0);
    log_reopen();
    log_warn("net", "after");
    log_info("net", "the level is as before");
    f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    unlink(moved);
    assert_non_null(strstr(text, "warn net: after\n"));
    assert_null(strstr(text, "as before"));
}

static void says_when_it_cannot_be_opened(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(log_open("/nonexistent/log", LOG_INFO, &err), ERR_IO);
    assert_non_null(strstr(err.text, "/nonexistent/log"));
    assert_int_equal(log_level_parse("debug"), LOG_DEBUG);
    assert_int_equal(log_level_parse("loud"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text_is_made_printable_and_the_level_counts),
        cmocka_unit_test(goes_on_in_a_new_file_once_the_old_was_moved_away),
        cmocka_unit_test(says_when_it_cannot_be_opened),
    };

    return cmocka_run_group_tests_name("log", tests, make_file, remove_file);
}
