/* Where a setting comes from: options, environment, configuration; homes, networks, logs and keys. */
#include "tests/cli/run.h"
#include "tests/programs.h"
#include "tests/test.h"

#include "base/err.h"
#include "crypto/crypto.h"
#include "store/store.h"

#include <pty.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char alix_inbox[65], bo_inbox[65];

static int begin(void **state)
{
    (void)state;
    if (programs_begin() != 0)
        return -1;
    run_init("alix", alix_inbox);
    run_init("bo", bo_inbox);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    return programs_finish();
}

/* ---- home and node ---- */

static json_t *info_of(const char *const *env, const char *command)
{
    struct outcome o;
    json_t *info;

    run_in(env, NULL, command, &o);
    if (o.status != 0)
        fail_msg("%s: %s", command, o.err);
    info = json_loads(o.out, 0, NULL);
    outcome_free(&o);
    return info;
}

static void whose_inbox(const char *const *env, const char *command, const char *want)
{
    json_t *info = info_of(env, command);

    assert_string_equal(member(info, "inboxId"), want);
    json_decref(info);
}

static void an_option_wins_over_the_environment_and_the_first_variable_over_the_second(void **state)
{
    char first[200], second[200], node[100];
    const char *both[] = {first, second, node, NULL}, *one[] = {second, node, NULL};

    (void)state;
    snprintf(first, sizeof first, "XMTUI_HOME=%s/alix", programs_folder());
    snprintf(second, sizeof second, "XMTP_DB_DIRECTORY=%s/bo", programs_folder());
    snprintf(node, sizeof node, "XMTUI_NODE=%s", programs_node_url());
    whose_inbox(one, "client info --json", bo_inbox);
    whose_inbox(both, "client info --json", alix_inbox);
    whose_inbox(both, "@bo client info --json", bo_inbox);
}

static void the_environment_wins_over_the_configuration(void **state)
{
    const char *none[] = {"XMTUI_NO=1", NULL}, *other[] = {"XMTUI_NODE=http://127.0.0.1:9", NULL};
    char path[200];
    struct outcome o;
    FILE *f;

    (void)state;
    snprintf(path, sizeof path, "%s/alix/config.ini", programs_folder());
    assert_non_null(f = fopen(path, "w"));
    fprintf(f, "node = http://127.0.0.1:7\n");
    fclose(f);
    run_in(none, NULL, "@alix client info --json --offline", &o);
    assert_non_null(strstr(o.out, "http://127.0.0.1:7\""));
    outcome_free(&o);
    run_in(other, NULL, "@alix client info --json --offline", &o);
    assert_non_null(strstr(o.out, "http://127.0.0.1:9\""));
    outcome_free(&o);
    run_in(other, NULL, "@alix client info --json --offline --node $NODE", &o);
    assert_non_null(strstr(o.out, programs_node_url()));
    outcome_free(&o);
    unlink(path);
}

static void env_of(const char *const *env, const char *command, const char *want)
{
    json_t *info = info_of(env, command);

    assert_string_equal(member(info, "env"), want);
    if (strcmp(want, "dev") == 0)
        assert_string_equal(member(info, "node"), "https://grpc.dev.xmtp.network:443");
    if (strcmp(want, "production") == 0)
        assert_string_equal(member(info, "node"), "https://grpc.production.xmtp.network:443");
    json_decref(info);
}

static void put_config(const char *home, const char *text)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s/config.ini", programs_folder(), home);
    assert_non_null(f = fopen(path, "w"));
    fputs(text, f);
    fclose(f);
}

static void the_network_is_named_by_the_option_else_the_environment_else_the_configuration(void **state)
{
    const char *none[] = {"XMTUI_NO=1", NULL}, *dev[] = {"XMTP_ENV=dev", NULL};
    struct outcome o;

    (void)state;
    run_fails("@wide client info --env mars --offline", 2, "unknown network \"mars\": use local, dev or production\n");
    run_in(none, "", "@wide rpc --offline", &o); /* makes the home */
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    env_of(none, "@wide client info --json --offline", "local");
    put_config("wide", "; a comment\nenv = production\n");
    env_of(none, "@wide client info --json --offline", "production");
    env_of(dev, "@wide client info --json --offline", "dev");
    env_of(dev, "@wide client info --json --offline --env local", "local");
}

/* Each network has a home of its own where none is named. */
static void the_default_home_is_the_networks_own(void **state)
{
    const char *dev[] = {"XMTP_ENV=dev", NULL};
    char path[200];
    struct outcome o;
    struct stat st;

    (void)state;
    snprintf(path, sizeof path, "%s/data/xmtui/dev/xmtui.db", programs_folder());
    assert_int_equal(stat(path, &st), -1);
    run_in(dev, "", "rpc --offline", &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    assert_int_equal(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/data/xmtui/production/xmtui.db", programs_folder());
    run_in(dev, "", "rpc --offline --env production", &o);
    assert_int_equal(stat(path, &st), 0);
    outcome_free(&o);
}

/* ---- the log ---- */

/* The whole file; the caller frees it. */
static char *content_of(const char *name)
{
    char path[200], *text = calloc(1, 1 << 20);
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", programs_folder(), name);
    if ((f = fopen(path, "r"))) {
        text[fread(text, 1, (1 << 20) - 1, f)] = 0;
        fclose(f);
    }
    return text;
}

static void expect_log(const char *const *env, const char *command, const char *name, bool informs)
{
    struct outcome o;
    char *text;

    run_in(env, NULL, command, &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    outcome_free(&o);
    text = content_of(name);
    assert_int_equal(strstr(text, " info net: connection to ") != NULL, informs);
    free(text);
}

static void the_log_goes_where_the_option_else_the_environment_else_the_configuration_says(void **state)
{
    char variable[200], node[100], command[300];
    const char *plain[] = {node, NULL}, *env[] = {node, variable, NULL};

    (void)state;
    snprintf(node, sizeof node, "XMTUI_NODE=%s", programs_node_url());
    snprintf(variable, sizeof variable, "XMTUI_LOG=%s/by-env.log", programs_folder());
    json_decref(run_json("@logged init --new --json"));
    expect_log(plain, "@logged conversations sync", "logged/log/xmtui.log", true);
    snprintf(command, sizeof command, "log = %s/by-config.log\n", programs_folder());
    put_config("logged", command);
    expect_log(plain, "@logged conversations sync", "by-config.log", true);
    expect_log(env, "@logged conversations sync", "by-env.log", true);
    snprintf(command, sizeof command, "@logged conversations sync --log %s/by-option.log", programs_folder());
    expect_log(env, command, "by-option.log", true);
    snprintf(command, sizeof command, "@logged conversations sync --log %s/errors.log --log-level error",
             programs_folder());
    expect_log(env, command, "errors.log", false);
}

/* ---- keys ---- */

static void a_database_key_comes_from_the_option_else_the_environment_else_the_file(void **state)
{
    static const char one[] = "3131313131313131313131313131313131313131313131313131313131313131";
    static const char two[] = "3232323232323232323232323232323232323232323232323232323232323232";
    char node[100], right[120], wrong[120], command[200], path[200];
    const char *none[] = {node, NULL}, *with[] = {node, right, NULL}, *without[] = {node, wrong, NULL};
    struct outcome o;
    struct stat st;

    (void)state;
    snprintf(node, sizeof node, "XMTUI_NODE=%s", programs_node_url());
    snprintf(right, sizeof right, "XMTP_DB_ENCRYPTION_KEY=0x%s", one);
    snprintf(wrong, sizeof wrong, "XMTP_DB_ENCRYPTION_KEY=%s", two);
    run_in(with, NULL, "@sealed init --new --json", &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    /* A key was given, so none lies in the home. */
    snprintf(path, sizeof path, "%s/sealed/db.key", programs_folder());
    assert_int_equal(stat(path, &st), -1);
    run_in(with, NULL, "@sealed client info --json", &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    run_in(without, NULL, "@sealed client info --json", &o);
    assert_int_equal(o.status, 6);
    assert_string_equal(o.err, "xmtui: wrong database key\n");
    outcome_free(&o);
    run_in(none, NULL, "@sealed client info --json", &o);
    assert_int_equal(o.status, 6);
    assert_non_null(strstr(o.err, "needs its database key"));
    outcome_free(&o);
    snprintf(command, sizeof command, "@sealed client info --json --db-key %s", one);
    run_in(without, NULL, command, &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
}

static void a_key_on_the_command_line_is_not_taken_in_silence(void **state)
{
    static const char key[] = "2222222222222222222222222222222222222222222222222222222222222222";
    char command[200];
    struct outcome o;

    (void)state;
    snprintf(command, sizeof command, "@keyed init --json --wallet-key %s", key);
    run(command, &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "xmtui: the key on the command line could be seen by other users: better give it in "
                               "XMTP_WALLET_KEY, --wallet-key-file or XMTP_DB_ENCRYPTION_KEY\n");
    assert_null(strstr(o.out, key));
    outcome_free(&o);
}

/* ---- a passphrase ---- */

/* A home as the guided set-up makes it where a passphrase is chosen. */
static void make_protected_home(void)
{
    const struct store_key key = {STORE_KEY_PASSPHRASE, slice_str("correct horse")};
    struct store *store = NULL;
    struct err err = {0};
    char path[200];

    assert_int_equal(crypto_init(&err), 0);
    snprintf(path, sizeof path, "%s/protected", programs_folder());
    assert_int_equal(mkdir(path, 0700), 0);
    if (store_create(path, &key, NULL, &store, &err) != 0)
        fail_msg("%s", err.text);
    store_close(store);
}

/* A program that has nothing to say any more has ended; one that only waits is a failure. */
static bool says_more(int fd, pid_t pid)
{
    struct pollfd output = {.fd = fd, .events = POLLIN};

    if (poll(&output, 1, 20000) > 0)
        return true;
    kill(pid, SIGKILL);
    fail_msg("nothing happened on the terminal for 20 s");
    return false;
}

/* Runs `client info` on a terminal and types; what the terminal showed goes to `shown`. */
static int on_a_terminal(const char *typed, char *shown, size_t room)
{
    char home[200];
    size_t len = 0;
    struct termios after;
    bool answered = false;
    int fd, status;
    ssize_t n;
    pid_t pid;

    snprintf(home, sizeof home, "%s/protected", programs_folder());
    pid = forkpty(&fd, NULL, NULL, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        for (int number = 1; number < NSIG; number++) /* whatever started the tests may ignore some */
            signal(number, SIG_DFL);
        unsetenv("XMTP_DB_ENCRYPTION_KEY");
        setenv("LC_ALL", "C.UTF-8", 1);
        execl(program_path("xmtui"), "xmtui", "--home", home, "--offline", "client", "info", (char *)NULL);
        _exit(127);
    }
    while (len + 1 < room && says_more(fd, pid) && (n = read(fd, shown + len, room - len - 1)) > 0) {
        shown[len += (size_t)n] = 0;
        if (!answered && strstr(shown, "Passphrase: ")) {
            /* It is asked without echo: nothing is typed before that is set. */
            struct termios now;

            while (tcgetattr(fd, &now) == 0 && (now.c_lflag & ECHO))
                usleep(1000);
            answered = write(fd, typed, strlen(typed)) == (ssize_t)strlen(typed);
        }
    }
    /* However it ended, the terminal shows what is typed again. */
    assert_int_equal(tcgetattr(fd, &after), 0);
    assert_true(after.c_lflag & ECHO);
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void a_passphrase_is_asked_for_on_the_terminal_and_not_shown(void **state)
{
    char shown[4096] = "";

    (void)state;
    make_protected_home();
    run_fails("@protected client info", 6, "is protected by a passphrase, and there is no terminal to ask for it\n");
    assert_int_equal(on_a_terminal("correct horse\n", shown, sizeof shown), 0);
    assert_non_null(strstr(shown, "registered: false"));
    assert_null(strstr(shown, "horse"));
    *shown = 0;
    assert_int_equal(on_a_terminal("battery staple\n", shown, sizeof shown), 6);
    assert_non_null(strstr(shown, "xmtui: wrong passphrase"));
    assert_null(strstr(shown, "staple"));
    /* At once, so that it comes before the program waits for a key as often as after. */
    for (int i = 0; i < 20; i++) {
        *shown = 0;
        assert_int_equal(on_a_terminal("\003", shown, sizeof shown), 130);
    }
}

/* ---- the database ---- */

/* From the future, as far as this program knows: SQLite's user_version at offset 60 of the file. */
static void a_database_of_a_newer_version_is_refused_and_left_alone(void **state)
{
    static const unsigned char version[4] = {0, 0, 3, 231};
    char path[200], *before, *after;
    FILE *f;

    (void)state;
    json_decref(run_json("@future init --new --json"));
    json_decref(run_json("@future sync --json"));
    snprintf(path, sizeof path, "%s/future/xmtui.db", programs_folder());
    assert_non_null(f = fopen(path, "r+"));
    assert_int_equal(fseek(f, 60, SEEK_SET), 0);
    assert_int_equal(fwrite(version, 1, 4, f), 4);
    fclose(f);
    before = content_of("future/xmtui.db");
    run_fails("@future list", 1, "the database has version 999, made by a newer program; this one knows ");
    run_fails("@future rpc", 1, "made by a newer program");
    after = content_of("future/xmtui.db");
    assert_memory_equal(before, after, 1 << 20);
    free(before);
    free(after);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_wins_over_the_environment_and_the_first_variable_over_the_second),
        cmocka_unit_test(the_environment_wins_over_the_configuration),
        cmocka_unit_test(the_network_is_named_by_the_option_else_the_environment_else_the_configuration),
        cmocka_unit_test(the_default_home_is_the_networks_own),
        cmocka_unit_test(the_log_goes_where_the_option_else_the_environment_else_the_configuration_says),
        cmocka_unit_test(a_database_key_comes_from_the_option_else_the_environment_else_the_file),
        cmocka_unit_test(a_passphrase_is_asked_for_on_the_terminal_and_not_shown),
        cmocka_unit_test(a_key_on_the_command_line_is_not_taken_in_silence),
        cmocka_unit_test(a_database_of_a_newer_version_is_refused_and_left_alone),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
