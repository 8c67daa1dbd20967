/* The real programs on pseudo-terminals: first run, chatting, blocking, the block arriving on another
 * installation, with a node of their own and homes in a throw-away folder. */
#include "tests/programs.h"
#include "tests/test.h"
#include "tests/ui/masks.h"
#include "tests/ui/pty.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char data_home[128];

static int begin(void **state)
{
    (void)state;
    if (programs_begin() != 0)
        return -1;
    snprintf(data_home, sizeof data_home, "XDG_DATA_HOME=%s/data", programs_folder());
    return 0;
}

static int finish(void **state)
{
    (void)state;
    return programs_finish();
}

/* ---- people ---- */

static struct pty *open_screen(const char *home)
{
    char path[120];
    const char *env[] = {data_home, NULL};
    const char *argv[] = {program_path("xmtui"), "--home", path, "--node", programs_node_url(), "--no-node", NULL};

    snprintf(path, sizeof path, "%s/%s", programs_folder(), home);
    return pty_start(argv, env, 24, 80);
}

static struct pty *somebody_new(const char *home)
{
    struct pty *p = open_screen(home);

    assert_true(pty_wait(p, "Who are you?"));
    pty_type(p, "1");
    assert_true(pty_wait(p, "Passphrase (empty: db.key)"));
    pty_type(p, "\r");
    assert_true(pty_wait(p, "You are registered."));
    return p;
}

static struct pty *same_as(const char *home, const char *other)
{
    struct pty *p = open_screen(home);

    assert_true(pty_wait(p, "Who are you?"));
    pty_type(p, "5");
    assert_true(pty_wait(p, "Folder of the other installation"));
    pty_type(p, programs_folder());
    pty_type(p, "/");
    pty_type(p, other);
    pty_type(p, "\r");
    assert_true(pty_wait(p, "Passphrase (empty: db.key)"));
    pty_type(p, "\r");
    assert_true(pty_wait(p, "You are registered."));
    return p;
}

/* The address that a fresh screen shows. */
static void address_of(struct pty *p, char out[43])
{
    const char *at;

    assert_true(pty_wait(p, "Your own address"));
    at = strstr(pty_text(p), "0x");
    while (at && strspn(at + 2, "0123456789abcdef") < 40)
        at = strstr(at + 2, "0x");
    assert_non_null(at);
    snprintf(out, 43, "%.42s", at);
}

/* The four digits by which an installation is called, masked as `as`.  `p`: a screen of it. */
static void mask_installation(struct masks *m, struct pty *p, const char *as)
{
    char what[8], shown[8];
    const char *at;

    assert_true(pty_wait(p, "* this "));
    at = strstr(pty_text(p), "* this ") + strlen("* this ");
    snprintf(what, sizeof what, " %.4s", at);
    snprintf(shown, sizeof shown, " %s", as);
    masks_add(m, what, shown);
}

/* As the screens shorten it. */
static void short_of(const char *address, char out[13])
{
    snprintf(out, 13, "%.6s..%s", address, address + 38);
}

static void leaves_well(struct pty *p)
{
    int status;

    pty_type(p, "\003\003");
    status = pty_end(p);
    assert_true(status != -1 && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(pty_is_restored(p));
    pty_free(p);
}

/* ---- tests ---- */

static void first_run_ends_in_the_chat_list(void **state)
{
    struct pty *p = open_screen("first");
    struct masks m = {0};
    char address[43];

    (void)state;
    assert_comes_to(p, &m, "program-first-choose");
    pty_type(p, "1");
    assert_comes_to(p, &m, "program-first-protect");
    pty_type(p, "\r");
    assert_true(pty_wait(p, "You are registered."));
    address_of(p, address);
    masks_add_person(&m, address, "anna");
    mask_installation(&m, p, "aaaa");
    assert_comes_to(p, &m, "program-first-done");
    leaves_well(p);
    p = open_screen("first"); /* the second time it opens at once */
    assert_true(pty_wait(p, address));
    assert_true(pty_wait_gone(p, "Who are you?"));
    leaves_well(p);
}

static void a_passphrase_opens_the_home_again(void **state)
{
    struct pty *p = open_screen("locked");

    (void)state;
    assert_true(pty_wait(p, "Who are you?"));
    pty_type(p, "1");
    assert_true(pty_wait(p, "Passphrase (empty: db.key)"));
    pty_type(p, "open sesame\r");
    assert_true(pty_wait(p, "The same passphrase once more"));
    pty_type(p, "open sesame\r");
    assert_true(pty_wait(p, "You are registered."));
    leaves_well(p);
    p = open_screen("locked");
    assert_true(pty_wait(p, "Passphrase of this home"));
    pty_type(p, "sesame\r");
    assert_true(pty_wait(p, "wrong passphrase"));
    pty_type(p, "\025open sesame\r");
    assert_true(pty_wait(p, "No chat is open."));
    assert_false(pty_wrote(p, "sesame"));
    leaves_well(p);
}

static void they_chat_and_a_block_travels(void **state)
{
    struct pty *alix = somebody_new("alix"), *bo = somebody_new("bo"), *other;
    char alix_address[43], bo_address[43], alix_short[13], bo_short[13], line[200];
    /* Whether the other installation hears first that the chat is allowed, or that it is there, which allows it too. */
    struct masks m = {.either = "[<=] aaaa        allowed  1:1 (0xbobo..bobo     .u.ndo|0x[0-9a-z.]+ +already so)",
                      .either_as = "< aaaa        allowed  1:1 0xbobo..bobo     [u]ndo"};

    (void)state;
    address_of(alix, alix_address);
    address_of(bo, bo_address);
    short_of(alix_address, alix_short);
    short_of(bo_address, bo_short);
    masks_add_person(&m, alix_address, "alix");
    masks_add_person(&m, bo_address, "bobo");
    other = same_as("other", "alix");
    assert_true(pty_wait(other, alix_address));
    assert_true(pty_wait(alix, "2/10"));
    mask_installation(&m, alix, "aaaa");
    mask_installation(&m, other, "cccc");
    mask_installation(&m, bo, "bbbb");

    /* chatting */
    pty_type(alix, "/dm ");
    pty_type(alix, bo_address);
    pty_type(alix, " hello bo\r");
    assert_true(pty_wait(alix, "you  hello bo "));
    assert_true(pty_wait(alix, " v\n"));
    snprintf(line, sizeof line, "> ? %s", alix_short);
    assert_true(pty_wait(bo, line)); /* a request, not a chat */
    assert_true(pty_wait(bo, "req 1"));
    pty_type(bo, "\033c");
    assert_true(pty_wait(bo, "[CONSENT]"));
    pty_type(bo, "p");
    assert_true(pty_wait(bo, "hello bo"));
    assert_true(pty_wait(bo, "[peek]"));
    pty_type(bo, "\033");
    assert_true(pty_wait_gone(bo, "[CONSENT]"));
    pty_type(bo, "who is this?\r");
    snprintf(line, sizeof line, "sending will accept %s, Enter again", alix_short);
    assert_true(pty_wait(bo, line));
    pty_type(bo, "\r");
    assert_true(pty_wait(bo, "you  who is this?"));
    assert_true(pty_wait(alix, "who is this?"));
    pty_type(alix, "it is alix\r");
    assert_comes_to(alix, &m, "program-chatting");
    assert_comes_to(bo, &m, "program-chatting-bo");

    /* the other installation of alix sees the same chat */
    pty_type(other, "\0331");
    assert_true(pty_wait(other, "it is alix"));

    /* blocking on one, which the other follows by itself */
    pty_type(alix, "\033l");
    assert_true(pty_wait(alix, "[CHATS]"));
    pty_type(alix, "b");
    assert_comes_to(other, &m, "program-block-arrived");
    assert_comes_to(alix, &m, "program-blocked");

    /* and back from there */
    pty_type(other, "\033cd");
    assert_true(pty_wait(other, "[Denied 1]"));
    pty_type(other, "u");
    assert_true(pty_wait(other, "[Denied 0]"));
    snprintf(line, sizeof line, "1   %s", bo_short);
    assert_true(pty_wait(alix, line));

    leaves_well(alix);
    leaves_well(other);
    leaves_well(bo);
}

static void a_group_is_made_and_talked_in(void **state)
{
    struct pty *ann = somebody_new("ann"), *ben = somebody_new("ben");
    char ann_address[43], ben_address[43], short_ann[13];

    (void)state;
    address_of(ann, ann_address);
    address_of(ben, ben_address);
    short_of(ann_address, short_ann);
    pty_type(ann, "/group \"book club\" ");
    pty_type(ann, ben_address);
    pty_type(ann, "\r");
    assert_true(pty_wait(ann, "book club  group  allowed"));
    assert_true(pty_wait(ann, "2 members"));
    pty_type(ann, "what do we read?\r");
    assert_true(pty_wait(ann, "you  what do we read?"));
    assert_true(pty_wait(ben, "? # book club"));
    pty_type(ben, "\033ca");
    assert_true(pty_wait(ben, "1 # book club"));
    pty_type(ben, "\033");
    assert_true(pty_wait_gone(ben, "[CONSENT]"));
    pty_type(ben, "\0331");
    assert_true(pty_wait(ben, "what do we read?"));
    pty_type(ben, "/name chess club\r");
    assert_true(pty_wait(ben, "chess club  group"));
    assert_true(pty_wait(ann, "chess club  group"));
    assert_true(pty_wait(ann, "renamed the group"));
    leaves_well(ann);
    leaves_well(ben);
}

/* Whoever asks for lines to be spoken must not find a drawn screen. */
static void a_line_mode_that_is_not_there_is_not_passed_over(void **state)
{
    const char *env[] = {data_home, NULL}, *argv[] = {program_path("xmtui"), "--plain", NULL};
    struct pty *p = pty_start(argv, env, 24, 80);
    int status;

    (void)state;
    assert_true(pty_wait(p, "xmtui: --plain: not available yet"));
    status = pty_end(p);
    assert_true(status != -1 && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_false(pty_wrote(p, "\033[?1049h"));
    pty_free(p);
}

/* A folder of its own for what goes into /tmp else: another demo may play there. */
static const char *stage_folder(void)
{
    static char variable[140];
    const char *path = variable + strlen("TMPDIR=");

    snprintf(variable, sizeof variable, "TMPDIR=%s/stages", programs_folder());
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    return variable;
}

static size_t stages(void)
{
    char pattern[160];
    glob_t found;
    size_t n;

    snprintf(pattern, sizeof pattern, "%s/stages/xmtui-demo-*", programs_folder());
    n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;

    globfree(&found);
    return n;
}

/* Whoever closes the window leaves no programs, no tmux and no folder behind. */
static void the_demo_strikes_its_stage_when_its_terminal_goes(void **state)
{
    const char *env[] = {data_home, stage_folder(), NULL}, *argv[] = {program_path("xmtui"), "demo", NULL};
    static const int signals[] = {SIGHUP, SIGTERM};

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        size_t before = stages();
        struct pty *p = pty_start(argv, env, 45, 160);
        int status;

        assert_true(pty_wait(p, "Alix, on her laptop"));
        assert_int_equal(stages(), before + 1);
        kill(p->pid, signals[i]);
        status = pty_end(p);
        assert_true(status != -1 && WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(stages(), before);
        pty_free(p);
    }
}

/* Its screens are small there, and show one thing at a time. */
static void the_demo_plays_in_a_small_terminal(void **state)
{
    const char *env[] = {data_home, stage_folder(), NULL}, *argv[] = {program_path("xmtui"), "demo", NULL};
    struct pty *p = pty_start(argv, env, 24, 80);

    (void)state;
    assert_true(pty_wait(p, "Alix has xmtui on two installations"));
    assert_true(pty_wait(p, "She blocks him on the laptop"));
    assert_true(pty_wait(p, "The phone has heard of it"));
    kill(p->pid, SIGTERM);
    assert_int_not_equal(pty_end(p), -1);
    pty_free(p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_run_ends_in_the_chat_list),
        cmocka_unit_test(a_passphrase_opens_the_home_again),
        cmocka_unit_test(they_chat_and_a_block_travels),
        cmocka_unit_test(a_group_is_made_and_talked_in),
        cmocka_unit_test(a_line_mode_that_is_not_there_is_not_passed_over),
        cmocka_unit_test(the_demo_strikes_its_stage_when_its_terminal_goes),
        cmocka_unit_test(the_demo_plays_in_a_small_terminal),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
