/* The screen on a real pseudo-terminal: modes, keys, sizes, every way out, and what attackers write. */
#include "tests/test.h"
#include "tests/ui/pty.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct pty *p;

static struct pty *begin(const char *world, const char *variable)
{
    static char program[1024];
    const char *top = getenv("XM_BUILDDIR");
    const char *argv[] = {program, world, NULL}, *env[] = {variable, NULL};

    snprintf(program, sizeof program, "%s/tests/ui/ui_on_fake", top ? top : ".");
    return pty_start(argv, variable ? env : NULL, 24, 80);
}

static int start(void **state)
{
    (void)state;
    p = begin("world", NULL);
    return pty_wait(p, "[maria]") ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    pty_free(p);
    return 0;
}

static void exits_well(void)
{
    int status = pty_end(p);

    assert_true(status != -1 && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(pty_is_restored(p));
}

static void enters_and_leaves_the_terminal(void **state)
{
    (void)state;
    assert_true(p->alternate);
    assert_true(pty_mode(p, 2004));
    assert_true(pty_mode(p, 1004));
    assert_true(pty_wait(p, "─CHATS"));
    pty_quiet(p, 200);
    assert_string_equal(p->title, "xmtui maria");
    pty_type(p, "/quit\r");
    exits_well();
}

static void sigterm_and_sighup_end_it_well(void **state)
{
    (void)state;
    pty_type(p, "half a thought");
    assert_true(pty_wait(p, "half a thought"));
    kill(p->pid, SIGTERM);
    exits_well();
    pty_free(p);
    assert_int_equal(start(NULL), 0);
    kill(p->pid, SIGHUP);
    exits_well();
}

static void two_ctrl_c_quit_and_one_does_not(void **state)
{
    (void)state;
    pty_type(p, "\003");
    assert_true(pty_wait(p, "Ctrl-C once more quits"));
    pty_type(p, "\003");
    exits_well();
}

static void sigint_is_ctrl_c(void **state)
{
    (void)state;
    kill(p->pid, SIGINT);
    assert_true(pty_wait(p, "Ctrl-C once more quits"));
    kill(p->pid, SIGINT);
    exits_well();
}

static void a_crash_restores_the_terminal_and_is_still_a_crash(void **state)
{
    int status;

    (void)state;
    pty_free(p);
    p = begin("world", "ASAN_OPTIONS=handle_segv=0:handle_abort=0");
    assert_true(pty_wait(p, "[maria]"));
    kill(p->pid, SIGSEGV);
    status = pty_end(p);
    assert_true(status != -1 && WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    assert_true(pty_is_restored(p));
}

static void signals_nobody_sends_restore_it_as_well(void **state)
{
    static const int signals[] = {SIGQUIT, SIGABRT, SIGALRM, SIGXCPU, SIGUSR2};
    int status;

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        pty_free(p);
        p = begin("world", "ASAN_OPTIONS=handle_segv=0:handle_abort=0");
        assert_true(pty_wait(p, "[maria]"));
        kill(p->pid, signals[i]);
        status = pty_end(p);
        assert_true(status != -1 && WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]);
        assert_true(pty_is_restored(p));
        assert_true(pty_wrote(p, "\033[23;2t")); /* the title that was there before */
    }
}

static void sigusr1_is_for_the_log_and_changes_nothing_here(void **state)
{
    (void)state;
    kill(p->pid, SIGUSR1);
    pty_type(p, "still here");
    assert_true(pty_wait(p, "> still here"));
}

static void a_terminal_without_a_second_screen_is_left_empty(void **state)
{
    (void)state;
    pty_free(p);
    p = begin("world", "TERM=vt100");
    assert_true(pty_wait(p, "[maria]"));
    pty_type(p, "/quit\r");
    exits_well();
    assert_false(pty_wrote(p, "\033[?1049"));
    assert_int_equal(strspn(pty_text(p), "\n"), 24); /* whoever comes next reads nothing */
}

static void a_terminal_that_cannot_place_text_is_refused_in_words(void **state)
{
    int status;

    (void)state;
    pty_free(p);
    p = begin("world", "TERM=dumb");
    assert_true(pty_wait(p, "xmtui: a terminal of type \"dumb\" cannot place text"));
    status = pty_end(p);
    assert_true(status != -1 && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_true(pty_is_restored(p));
}

/* Under a shell with job control, since the kernel does not stop what nobody would continue. */
static void ctrl_z_gives_the_terminal_back_and_returns(void **state)
{
    char script[1200];
    const char *argv[] = {"sh", "-c", script, NULL}, *top = getenv("XM_BUILDDIR");

    (void)state;
    pty_free(p);
    snprintf(script, sizeof script, "set -m; %s/tests/ui/ui_on_fake world; echo given back; read x; fg >/dev/null; echo over",
             top ? top : ".");
    p = pty_start(argv, NULL, 24, 80);
    assert_true(pty_wait(p, "[maria]"));
    pty_type(p, "typed\032");
    assert_true(pty_wait(p, "given back"));
    assert_true(pty_is_restored(p));
    pty_type(p, "\r");
    assert_true(pty_wait(p, "> typed"));
    assert_true(p->alternate);
    assert_true(pty_mode(p, 2004));
    pty_type(p, "\003\003");
    assert_true(pty_wait(p, "over"));
    exits_well();
}

static void ends_when_the_terminal_is_gone(void **state)
{
    int status;

    (void)state;
    close(p->fd);
    p->fd = open("/dev/null", O_RDWR);
    status = pty_end(p);
    assert_true(status != -1 && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The screen without the status bar, whose ages go on. */
static char *without_status(void)
{
    char *text = strdup(pty_text(p)), *row = text;

    for (int i = 0; i < 20; i++)
        row = strchr(row, '\n') + 1;
    memset(row, '.', strcspn(row, "\n"));
    return text;
}

static void follows_every_size_and_comes_back(void **state)
{
    char *before, *after;

    (void)state;
    pty_quiet(p, 100);
    before = without_status();
    pty_resize(p, 10, 40);
    assert_true(pty_wait(p, "[2 talk]"));
    pty_resize(p, 3, 40);
    assert_true(pty_wait(p, "window too small"));
    pty_resize(p, 1, 1);
    pty_quiet(p, 100);
    pty_resize(p, 40, 120);
    assert_true(pty_wait(p, "SYNC LOG"));
    pty_resize(p, 24, 80);
    assert_true(pty_wait(p, "MY INSTALLS"));
    pty_quiet(p, 100);
    after = without_status();
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static void a_key_costs_four_bytes_at_most(void **state)
{
    static const char keys[] = "the quick brown fox jumps";
    size_t sum = 0;

    (void)state;
    pty_quiet(p, 200);
    for (size_t i = 0; keys[i]; i++) {
        size_t before = p->raw.len, n;
        char shown[64];

        pty_type(p, (char[]){keys[i], 0});
        snprintf(shown, sizeof shown, "> %.*s", (int)(i + 1), keys);
        if (keys[i] != ' ')
            assert_true(pty_wait(p, shown));
        else
            pty_quiet(p, 30);
        n = p->raw.len - before;
        if (i > 0) /* the first key also takes the old notice away */
            assert_in_range(n, 0, 4);
        sum += n;
    }
    assert_in_range(sum, 1, 4 * sizeof keys);
}

static void an_idle_screen_writes_nothing(void **state)
{
    (void)state;
    pty_type(p, "/set clock off\r");
    assert_true(pty_wait(p, "clock is off now"));
    pty_quiet(p, 1500); /* the draft's pause */
    assert_int_equal(pty_bytes_in(p, 2000), 0);
}

static void keys_of_terminals_arrive(void **state)
{
    (void)state;
    pty_type(p, "\033c"); /* Alt-c */
    assert_true(pty_wait(p, "[CONSENT]"));
    pty_type(p, "\033");
    assert_true(pty_wait_gone(p, "[CONSENT]"));
    pty_type(p, "ab\033[D\033[3~c\033OHx\033[1;3B");
    assert_true(pty_wait(p, "ops-oncall  group"));
    pty_type(p, "\033[1;3A");
    assert_true(pty_wait(p, "> xac"));
    pty_type(p, "\025\033\rq\nw"); /* Ctrl-U, Alt-Enter, q, Ctrl-J, w */
    assert_true(pty_wait(p, "line 3/3"));
    pty_type(p, "\033OP");
    assert_true(pty_wait(p, "── help"));
    pty_type(p, "\033[I\033[O");
    assert_true(pty_wait(p, "── help")); /* focus is no key */
}

static void a_paste_is_never_sent_by_its_line_ends(void **state)
{
    (void)state;
    pty_type(p, "\033[200~one\rtwo\r\033[201~");
    assert_true(pty_wait(p, "line 3/3"));
    assert_true(pty_wait(p, "> one"));
    pty_type(p, "\025\177\025\177\025");
    assert_true(pty_wait(p, "line 1/1"));
    pty_type(p, "\033[200~1\r2\r3\r4\r5\r6\033[201~");
    assert_true(pty_wait(p, "Paste 6 lines"));
    pty_type(p, "\033");
    assert_true(pty_wait_gone(p, "Paste 6 lines"));
    pty_type(p, "\033[200~lost"); /* and no end: a second later the keyboard works again */
    assert_true(pty_wait(p, "> lost"));
    pty_type(p, " found");
    assert_true(pty_wait(p, "> lost found"));
}

static void a_copy_is_given_to_the_terminal_in_base64_alone(void **state)
{
    (void)state;
    pty_type(p, "/url 1\r");
    assert_true(pty_wait(p, "copied, where the terminal has a clipboard"));
    assert_true(pty_wait_wrote(p, "\033]52;c;aHR0cHM6Ly9jaS5leGFtcGxlL3J1bi84ODQx\007")); /* https://ci.example/run/8841 */
    pty_free(p);
    p = begin("world", "TERM=vt100");
    assert_true(pty_wait(p, "[maria]"));
    pty_type(p, "/url 1\r");
    assert_true(pty_wait(p, "copied, where the terminal has a clipboard"));
    pty_quiet(p, 50);
    assert_false(pty_wrote(p, "\033]52"));
}

static void utf8_is_typed_and_echoed(void **state)
{
    (void)state;
    pty_type(p, "grüße 你好 👍");
    assert_true(pty_wait(p, "> grüße 你好 👍"));
    pty_type(p, "\177\177");
    assert_true(pty_wait_gone(p, "👍"));
}

static void bytes_that_are_no_utf8_hold_up_no_key(void **state)
{
    (void)state;
    pty_type(p, "\xff\xfe" "abc");
    assert_true(pty_wait(p, "> \xef\xbf\xbd\xef\xbf\xbd" "abc"));
    pty_type(p, "\025\xe6\xbc"); /* the first bytes of a character, and its last by itself */
    pty_quiet(p, 50);
    pty_type(p, "\xa2!");
    assert_true(pty_wait(p, "> 漢!"));
    pty_type(p, "\025\033[200~caf\xe9 noir\033[201~?"); /* a paste from before UTF-8, and its end mark */
    assert_true(pty_wait(p, "> caf\xef\xbf\xbd noir?"));
}

static void utf8_is_typed_without_a_locale_for_it(void **state)
{
    (void)state;
    pty_free(p);
    p = begin("world", "LC_ALL=C");
    assert_true(pty_wait(p, "[maria]"));
    pty_type(p, "grüße 你");
    assert_true(pty_wait(p, "> gr??e ?"));
}

static bool has_colour(const struct pty *t)
{
    const char *at = (const char *)t->raw.data;

    for (size_t i = 0; i + 4 < t->raw.len; i++) {
        int n = 0;

        if (at[i] != '\033' || at[i + 1] != '[')
            continue;
        for (size_t k = i + 2; k < t->raw.len && (at[k] == ';' || (at[k] >= '0' && at[k] <= '9')); k++) {
            n = at[k] == ';' ? 0 : n * 10 + at[k] - '0';
            if (at[k + 1] != 'm' && at[k + 1] != ';')
                continue;
            if ((n >= 30 && n <= 38) || (n >= 40 && n <= 48))
                return true;
        }
    }
    return false;
}

static void no_color_is_obeyed(void **state)
{
    (void)state;
    assert_true(has_colour(p));
    pty_free(p);
    p = begin("world", "NO_COLOR=1");
    assert_true(pty_wait(p, "[maria]"));
    pty_quiet(p, 100);
    assert_false(has_colour(p));
}

static void a_locale_without_utf8_gets_ascii(void **state)
{
    (void)state;
    pty_free(p);
    p = begin("hostile", "LC_ALL=C");
    assert_true(pty_wait(p, "-CHATS"));
    pty_quiet(p, 100);
    for (size_t i = 0; i < p->raw.len; i++)
        assert_in_range(p->raw.data[i], 1, 0x7e);
}

/* Columns and rows that are the frame's: nothing of a message or a name may ever stand there. */
static void assert_frame_untouched(void)
{
    char line[400];
    const char *text = pty_text(p);

    for (int row = 0; row < 24; row++) {
        VTermScreenCell cell;

        vterm_screen_get_cell(p->screen, (VTermPos){row, 20}, &cell);
        if (row >= 1 && row <= 18)
            assert_int_equal(cell.chars[0], 0x2502);
    }
    for (int row = 0; row < 23; row++)
        text = strchr(text, '\n') + 1;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
    assert_string_equal(line, " Alt-g go  Alt-a next  Alt-c consent  Alt-s sync  Esc back  /help");
}

static void thousands_of_hostile_messages_move_nothing_but_their_cells(void **state)
{
    (void)state;
    pty_free(p);
    p = begin("hostile", NULL);
    assert_true(pty_wait(p, "─CHATS"));
    for (int page = 0; page < 300; page++) {
        pty_type(p, "\033[5~");
        if (page == 0)
            assert_true(pty_wait(p, "scrolled"));
        else
            pty_quiet(p, 5);
        assert_frame_untouched();
    }
    assert_true(p->alternate);
    assert_true(pty_mode(p, 2004));
    assert_false(pty_wrote(p, "\033]52"));
    assert_false(pty_wrote(p, "]0;owned\007"));
    assert_false(pty_wrote(p, "\033]2;owned"));
    assert_null(strstr(p->title, "\033"));
    assert_int_equal(strncmp(p->title, "xmtui ", 6), 0);
    pty_type(p, "/quit\r");
    exits_well();
}

static void paints_before_anybody_waits(void **state)
{
    struct timespec a, b;
    long ms;

    (void)state;
    pty_free(p);
    clock_gettime(CLOCK_MONOTONIC, &a);
    p = begin("world", NULL);
    assert_true(pty_wait(p, "[maria]"));
    clock_gettime(CLOCK_MONOTONIC, &b);
    ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    print_message("painted after %ld ms\n", ms);
    assert_in_range(ms, 0, 2000); /* the aim is 30 on a quiet machine; this is to notice a wait */
}

static void the_set_up_hides_keys_on_the_terminal_too(void **state)
{
    (void)state;
    pty_free(p);
    p = begin("home", NULL);
    assert_true(pty_wait(p, "Who are you?"));
    pty_type(p, "2");
    assert_true(pty_wait(p, "Wallet key, 64 hexadecimal digits"));
    pty_type(p, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    assert_true(pty_wait(p, "> ****"));
    pty_type(p, "\r");
    assert_true(pty_wait(p, "Passphrase (empty: db.key)"));
    pty_type(p, "\r");
    assert_true(pty_wait(p, "You are registered."));
    assert_false(pty_wrote(p, "abcdef"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(enters_and_leaves_the_terminal),
        T(sigterm_and_sighup_end_it_well),
        T(two_ctrl_c_quit_and_one_does_not),
        T(sigint_is_ctrl_c),
        T(a_crash_restores_the_terminal_and_is_still_a_crash),
        T(signals_nobody_sends_restore_it_as_well),
        T(sigusr1_is_for_the_log_and_changes_nothing_here),
        T(a_terminal_without_a_second_screen_is_left_empty),
        T(a_terminal_that_cannot_place_text_is_refused_in_words),
        T(ctrl_z_gives_the_terminal_back_and_returns),
        T(ends_when_the_terminal_is_gone),
        T(follows_every_size_and_comes_back),
        T(a_key_costs_four_bytes_at_most),
        T(an_idle_screen_writes_nothing),
        T(keys_of_terminals_arrive),
        T(a_paste_is_never_sent_by_its_line_ends),
        T(a_copy_is_given_to_the_terminal_in_base64_alone),
        T(utf8_is_typed_and_echoed),
        T(bytes_that_are_no_utf8_hold_up_no_key),
        T(utf8_is_typed_without_a_locale_for_it),
        T(no_color_is_obeyed),
        T(a_locale_without_utf8_gets_ascii),
        T(thousands_of_hostile_messages_move_nothing_but_their_cells),
        T(paints_before_anybody_waits),
        T(the_set_up_hides_keys_on_the_terminal_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
