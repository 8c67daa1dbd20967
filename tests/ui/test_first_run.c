/* The guided set-up, from an empty home to the chat list. */
#include "tests/test.h"
#include "tests/ui/fake.h"
#include "tests/ui/golden.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct driver d;

static int start(void **state)
{
    (void)state;
    driver_start(&d, fake_new_home(), 24, 80);
    return 0;
}

static int end(void **state)
{
    (void)state;
    driver_end(&d);
    return 0;
}

static void somebody_new(void **state)
{
    (void)state;
    assert_drawn(driver_screen(&d), "first-choose");
    driver_type(&d, "1");
    assert_drawn(driver_screen(&d), "first-protect");
    d.fake->hold = true;
    driver_type(&d, "<Enter>");
    assert_drawn(driver_screen(&d), "first-registering");
    assert_string_equal(fake_last(d.fake, "open"), "open -");
    assert_string_equal(fake_last(d.fake, "client.init"), "client.init {\"mode\":\"new\"}");
    fake_release(d.fake);
    driver_settle(&d);
    assert_drawn(driver_screen(&d), "first-done");
}

static void a_passphrase_is_typed_twice_and_never_shown(void **state)
{
    (void)state;
    driver_type(&d, "1correct horse<Enter>");
    assert_false(driver_shows(&d, "correct"));
    driver_type(&d, "wrong<Enter>");
    assert_true(driver_shows(&d, "The two were not the same. Once more."));
    driver_type(&d, "correct horse");
    assert_true(driver_shows(&d, "> *************"));
    driver_type(&d, "<Enter>correct horse<Enter>");
    assert_string_equal(fake_last(d.fake, "open"), "open correct horse");
    assert_true(driver_shows(&d, "You are registered."));
}

static void a_typed_key_is_checked_and_never_shown(void **state)
{
    (void)state;
    driver_type(&d, "2abc<Enter>");
    assert_true(driver_shows(&d, "That is no wallet key"));
    driver_type(&d, "0x" KEY);
    assert_false(driver_shows(&d, "0123"));
    driver_type(&d, "<Enter><Enter>");
    assert_string_equal(fake_last(d.fake, "client.init"), "client.init {\"mode\":\"walletKey\",\"walletKey\":\"" KEY "\"}");
    assert_true(driver_shows(&d, "You are registered."));
}

static void a_pasted_key_counts_too(void **state)
{
    (void)state;
    driver_type(&d, "2");
    screen_paste(d.screen, " " KEY "\n", 66);
    driver_type(&d, "<Enter><Enter>");
    assert_string_equal(fake_last(d.fake, "client.init"), "client.init {\"mode\":\"walletKey\",\"walletKey\":\"" KEY "\"}");
}

static void a_key_is_read_from_a_file(void **state)
{
    char path[] = "/tmp/xmtui-key-XXXXXX", keys[200];
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, KEY "\n", 65), 65);
    close(fd);
    driver_type(&d, "3/nowhere/key<Enter>");
    assert_true(driver_shows(&d, "/nowhere/key: No such file or directory"));
    snprintf(keys, sizeof keys, "<C-u>%s<Enter><Enter>", path);
    assert_int_equal(chmod(path, 0644), 0);
    driver_type(&d, keys);
    assert_true(driver_shows(&d, "can be read by others: chmod 600 it first"));
    assert_int_equal(chmod(path, 0600), 0);
    driver_type(&d, keys);
    unlink(path);
    assert_string_equal(fake_last(d.fake, "client.init"), "client.init {\"mode\":\"walletKey\",\"walletKey\":\"" KEY "\"}");
}

static void a_wallet_elsewhere_signs_a_text(void **state)
{
    (void)state;
    driver_type(&d, "4hello<Enter>");
    assert_true(driver_shows(&d, "That is no address"));
    driver_type(&d, "<C-u>0x5eed000000000000000000000000000000000001<Enter><Enter>");
    assert_drawn(driver_screen(&d), "first-sign");
    driver_type(&d, "0xfeed<Enter>");
    assert_string_equal(fake_last(d.fake, "client.init"),
                        "client.init {\"mode\":\"external\",\"address\":\"0x5eed000000000000000000000000000000000001\","
                        "\"requestId\":\"r1\",\"signature\":\"0xfeed\"}");
    assert_true(driver_shows(&d, "You are registered."));
}

static void another_installation_of_the_same_person(void **state)
{
    (void)state;
    driver_type(&d, "<Up>");
    assert_int_equal(d.canvas.cursor_row, 12);
    driver_type(&d, "<Enter>/home/me/xmtui<Enter><Enter>");
    assert_string_equal(fake_last(d.fake, "client.init"), "client.init {\"mode\":\"sameAs\",\"home\":\"/home/me/xmtui\"}");
    assert_true(driver_shows(&d, "You are registered."));
}

static void a_failure_is_told_and_can_be_tried_again(void **state)
{
    (void)state;
    d.fake->fail_method = "client.init";
    d.fake->fail_code = "offline";
    d.fake->fail_text = "no node answers at http://127.0.0.1:5556";
    driver_type(&d, "1<Enter>");
    assert_drawn(driver_screen(&d), "first-failed");
    d.fake->hold = true;
    driver_type(&d, "<Enter>");
    assert_drawn(driver_screen(&d), "first-registering"); /* nothing went wrong yet this time */
    fake_release(d.fake);
    driver_settle(&d);
    assert_int_equal(fake_count(d.fake, "open"), 1); /* the home is open already */
    assert_true(driver_shows(&d, "You are registered."));
}

static void a_new_home_tried_again_has_the_passphrase_chosen_for_it(void **state)
{
    (void)state;
    d.fake->locked = "disk full";
    driver_type(&d, "1sesame<Enter>sesame<Enter>");
    assert_true(driver_shows(&d, "disk full"));
    d.fake->locked = NULL;
    driver_type(&d, "<Enter>");
    assert_string_equal(fake_last(d.fake, "open"), "open sesame");
    assert_true(driver_shows(&d, "You are registered."));
}

static void a_home_in_use_is_not_set_up_anew(void **state)
{
    struct driver e;
    struct fake *f = fake_new();

    (void)state;
    f->locked = "in use by process 12 (/home/me/xmtui.lock)";
    driver_start(&e, f, 24, 80);
    assert_drawn(driver_screen(&e), "first-locked");
    driver_type(&e, "<Esc>");
    assert_drawn(driver_screen(&e), "first-locked");
    f->home = XM_HOME_NEEDS_PASSPHRASE;
    f->passphrase = "open sesame";
    driver_type(&e, "<Enter>");
    assert_true(driver_shows(&e, "Passphrase of this home"));
    driver_type(&e, "open sesame<Enter>");
    assert_true(driver_shows(&e, "in use by process 12"));
    f->locked = NULL;
    driver_type(&e, "<Enter>open sesame<Enter>");
    assert_true(driver_shows(&e, "ops-oncall"));
    driver_end(&e);
}

static void esc_goes_back_to_the_choice(void **state)
{
    (void)state;
    driver_type(&d, "1sesame<Enter><Esc>"); /* from the repetition to the passphrase */
    assert_true(driver_shows(&d, "Passphrase (empty: db.key)"));
    driver_type(&d, "<Esc>");
    driver_type(&d, "2abc<Esc>");
    assert_true(driver_shows(&d, "Who are you?"));
    assert_false(driver_shows(&d, "That is no wallet key"));
}

static void the_question_is_seen_on_a_small_terminal(void **state)
{
    (void)state;
    screen_resize(d.screen, 10, 40);
    driver_settle(&d);
    assert_drawn(driver_screen(&d), "first-choose-40x10");
    driver_type(&d, "1");
    assert_drawn(driver_screen(&d), "first-protect-40x10");
    for (int rows = 1; rows < 12; rows++)
        for (int cols = 1; cols < 90; cols += 4) {
            screen_resize(d.screen, rows, cols);
            driver_settle(&d);
        }
}

static void a_home_with_a_passphrase_asks_for_it(void **state)
{
    struct driver e;
    struct fake *f = fake_new();

    (void)state;
    f->home = XM_HOME_NEEDS_PASSPHRASE;
    f->passphrase = "open sesame";
    driver_start(&e, f, 24, 80);
    assert_drawn(driver_screen(&e), "first-unlock");
    driver_type(&e, "sesame<Enter>");
    assert_true(driver_shows(&e, "wrong passphrase"));
    driver_type(&e, "open sesame<Enter>");
    assert_true(driver_shows(&e, "> ops-oncall") || driver_shows(&e, "maria"));
    driver_end(&e);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(somebody_new),
        T(a_passphrase_is_typed_twice_and_never_shown),
        T(a_typed_key_is_checked_and_never_shown),
        T(a_pasted_key_counts_too),
        T(a_key_is_read_from_a_file),
        T(a_wallet_elsewhere_signs_a_text),
        T(another_installation_of_the_same_person),
        T(a_failure_is_told_and_can_be_tried_again),
        T(a_new_home_tried_again_has_the_passphrase_chosen_for_it),
        cmocka_unit_test(a_home_in_use_is_not_set_up_anew),
        T(esc_goes_back_to_the_choice),
        T(the_question_is_seen_on_a_small_terminal),
        cmocka_unit_test(a_home_with_a_passphrase_asks_for_it),
    };

    setlocale(LC_ALL, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
