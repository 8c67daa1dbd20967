/* Wrong usage: status 2, one line that says what would be right, and nothing done. */
#include "tests/cli/run.h"
#include "tests/programs.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANY 100

/* Every command of the contract that there is, how it is used, and how many arguments it takes. */
static const struct {
    const char *words, *args;
    int min, max;
} commands[] = {
    {"init", "--new | --wallet-key-file F [--label NAME]", 0, 0},
    {"rpc", "", 0, 0},
    {"demo", "", 0, 0},
    {"list", "", 0, 0},
    {"dm", "PEER [TEXT]", 1, 2},
    {"send", "CONVERSATION TEXT", 2, 2},
    {"messages", "CONVERSATION", 1, 1},
    {"allow", "TARGET...", 1, ANY},
    {"block", "TARGET...", 1, ANY},
    {"reset", "TARGET...", 1, ANY},
    {"sync", "", 0, 0},
    {"stream", "[--count N] [--timeout S]", 0, 0},
    {"installations", "", 0, 0},
    {"nick", "TARGET [NAME]", 1, 2},
    {"client info", "", 0, 0},
    {"client inbox-state", "[INBOX]", 0, 1},
    {"client can-message", "PEER...", 1, ANY},
    {"client revoke-installations", "ID...", 1, ANY},
    {"client revoke-all-other-installations", "", 0, 0},
    {"client add-account", "ADDRESS | --wallet-key-file F", 1, 1},
    {"client remove-account", "ADDRESS", 1, 1},
    {"client change-recovery-identifier", "ADDRESS", 1, 1},
    {"client export-key", "FILE", 1, 1},
    {"client sign", "TEXT", 1, 1},
    {"client verify-signature", "TEXT SIGNATURE", 2, 2},
    {"conversations list", "", 0, 0},
    {"conversations get", "ID", 1, 1},
    {"conversations create-dm", "PEER", 1, 1},
    {"conversations create-group", "PEER...", 1, ANY},
    {"conversations sync", "", 0, 0},
    {"conversations sync-all", "", 0, 0},
    {"conversations stream", "[--count N] [--timeout S]", 0, 0},
    {"conversations stream-all-messages", "[--count N] [--timeout S]", 0, 0},
    {"conversations hmac-keys", "", 0, 0},
    {"conversation messages", "ID", 1, 1},
    {"conversation send-text", "ID TEXT", 2, 2},
    {"conversation send-markdown", "ID TEXT", 2, 2},
    {"conversation send-reply", "ID MSG TEXT", 3, 3},
    {"conversation send-reaction", "ID MSG EMOJI", 3, 3},
    {"conversation delete-message", "ID MSG", 2, 2},
    {"conversation send-read-receipt", "ID", 1, 1},
    {"conversation publish-messages", "ID", 1, 1},
    {"conversation members", "ID", 1, 1},
    {"conversation add-members", "ID PEER...", 2, ANY},
    {"conversation remove-members", "ID PEER...", 2, ANY},
    {"conversation add-admin", "ID PEER", 2, 2},
    {"conversation remove-admin", "ID PEER", 2, 2},
    {"conversation add-super-admin", "ID PEER", 2, 2},
    {"conversation remove-super-admin", "ID PEER", 2, 2},
    {"conversation permissions", "ID", 1, 1},
    {"conversation update-permission", "ID WHAT WHO", 3, 3},
    {"conversation update-name", "ID VALUE", 2, 2},
    {"conversation update-description", "ID VALUE", 2, 2},
    {"conversation update-image-url", "ID VALUE", 2, 2},
    {"conversation update-app-data", "ID VALUE", 2, 2},
    {"conversation update-disappearing", "ID SECONDS|off", 2, 2},
    {"conversation consent-state", "ID", 1, 1},
    {"conversation update-consent", "ID STATE", 2, 2},
    {"conversation request-removal", "ID", 1, 1},
    {"conversation sync", "ID", 1, 1},
    {"conversation debug-info", "ID", 1, 1},
    {"conversation stream", "ID [--count N] [--timeout S]", 1, 1},
    {"preferences sync", "", 0, 0},
    {"preferences get-consent", "inbox|conversation ENTITY", 2, 2},
    {"preferences set-consent", "inbox|conversation ENTITY STATE", 3, 3},
    {"preferences list", "", 0, 0},
    {"preferences stream", "[--count N] [--timeout S]", 0, 0},
    {"preferences state", "", 0, 0},
    {"preferences log", "", 0, 0},
    {"preferences undo", "LOGID", 1, 1},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static int begin(void **state)
{
    (void)state;
    return programs_begin();
}

static int finish(void **state)
{
    (void)state;
    return programs_finish();
}

static void with_arguments(size_t i, int n)
{
    char command[200], usage[120];

    snprintf(usage, sizeof usage, "xmtui: usage: xmtui %s%s%s\n", commands[i].words, *commands[i].args ? " " : "",
             commands[i].args);
    snprintf(command, sizeof command, "@nobody %s", commands[i].words);
    for (int k = 0; k < n; k++)
        strcat(command, " 1234");
    run_fails(command, 2, usage);
}

static void too_few_and_too_many_arguments_are_told_how_it_is_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        if (commands[i].min > 0)
            with_arguments(i, commands[i].min - 1);
        if (commands[i].max < ANY)
            with_arguments(i, commands[i].max + 1);
    }
}

static void a_flag_that_no_command_has_is_named(void **state)
{
    char command[200];

    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        snprintf(command, sizeof command, "@nobody %s --fly", commands[i].words);
        run_fails(command, 2, "xmtui: unknown flag: --fly\n");
    }
}

static void the_screen_takes_no_flags_of_commands(void **state)
{
    (void)state;
    run_fails("@nobody --fly", 2, "xmtui: unknown flag: --fly\n");
    run_fails("@nobody --limit 3", 2, "xmtui: unknown flag: --limit\n");
}

static void help_of_a_command_says_how_it_is_used(void **state)
{
    char command[200], usage[120];
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        snprintf(command, sizeof command, "@nobody %s --help", commands[i].words);
        snprintf(usage, sizeof usage, "usage: xmtui %s%s%s", commands[i].words, *commands[i].args ? " " : "", commands[i].args);
        run(command, &o);
        assert_int_equal(o.status, 0);
        assert_int_equal(strncmp(o.out, usage, strlen(usage)), 0);
        outcome_free(&o);
    }
}

static void help_keeps_its_columns(void **state)
{
    struct outcome o;

    (void)state;
    run("--help", &o);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "\n  list                                         your conversations, newest first\n"));
    assert_non_null(strstr(o.out, "\n  conversation stream ID [--count N] [--timeout S]\n"
                                  "                                               messages of one conversation\n"));
    assert_null(strstr(o.out, " \n"));
    outcome_free(&o);
}

static void a_home_that_cannot_be_read_is_not_an_empty_one(void **state)
{
    (void)state;
    run_fails("--home /etc/passwd list", 1, "xmtui: /etc/passwd/xmtui.db: Not a directory\n");
}

static void values_that_cannot_be_meant_are_told(void **state)
{
    (void)state;
    run_fails("@nobody list --limit abc", 2, "xmtui: --limit: \"abc\" is not a whole number\n");
    run_fails("@nobody list --limit -3", 2, "xmtui: --limit: \"-3\" is not a whole number\n");
    run_fails("@nobody list --limit 99999999999999999999", 2, "is not a whole number\n");
    run_fails("@nobody list --limit", 2, "xmtui: --limit needs a value (see xmtui --help)\n");
    run_fails("@nobody list --limit 1 --limit 2", 2, "xmtui: --limit: given twice\n");
    run_fails("@nobody messages 1234 --before soon", 2, "xmtui: --before: \"soon\" is not a whole number\n");
    run_fails("@nobody messages 1234 --after 1x", 2, "xmtui: --after: \"1x\" is not a whole number\n");
    run_fails("@nobody preferences log --before x", 2, "xmtui: --before: \"x\" is not a whole number\n");
    run_fails("@nobody stream --count many", 2, "xmtui: --count: \"many\" is not a whole number\n");
    run_fails("@nobody stream --timeout soon", 2, "xmtui: --timeout: \"soon\" is not a number of seconds\n");
    run_fails("@nobody stream --timeout 1e99", 2, "xmtui: --timeout: \"1e99\" is not a number of seconds\n");
    run_fails("@nobody list --json=yes", 2, "xmtui: --json=yes takes no value (see xmtui --help)\n");
    run_fails("@nobody list -x", 2, "xmtui: unknown option -x (see xmtui --help)\n");
    run_fails("@nobody list --log-level loud", 2, "\"loud\" is no log level: use error, warn, info or debug\n");
    run_fails("@nobody list --env mars", 2, "unknown network \"mars\": use local, dev or production\n");
    run_fails("@nobody list --node ftp://x", 2, "the node must be http://HOST:PORT or https://HOST:PORT");
    run_fails("@nobody list --db-key 12", 2, "xmtui: a database key is 64 hexadecimal digits\n");
}

static void an_empty_value_is_none(void **state)
{
    static const char *const options[] = {"home", "env", "node", "log", "wallet-key", "wallet-key-file", "db-key"};
    char command[100], says[100];

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        snprintf(command, sizeof command, "@nobody list --%s=", options[i]);
        snprintf(says, sizeof says, "xmtui: --%s needs a value (see xmtui --help)\n", options[i]);
        run_fails(command, 2, says);
    }
}

/* `-` is what standard input has, and here that is nothing. */
static void a_message_of_nothing_is_not_sent(void **state)
{
    (void)state;
    run_fails("@nobody send 1234 -", 2, "xmtui: the text is empty\n");
    run_fails("@nobody conversation send-markdown 1234 -", 2, "xmtui: the text is empty\n");
    run_fails("@nobody conversation send-reply 1234 1234 -", 2, "xmtui: the text is empty\n");
    run_fails("@nobody dm 1234 -", 2, "xmtui: the text is empty\n");
}

static void a_word_that_is_no_command_is_told_where_to_look(void **state)
{
    (void)state;
    run_fails("@nobody fly", 2, "xmtui: no command \"fly\"; see xmtui --help\n");
    run_fails("@nobody client", 2, "xmtui: client what? see xmtui client --help\n");
    run_fails("@nobody client fly", 2, "xmtui: no command \"client fly\"; see xmtui client --help\n");
    run_fails("@nobody preferences stream-all-messages", 2, "no command \"preferences stream-all-messages\"");
    run_fails("@nobody conversationx stream", 2, "no command \"conversationx\"");
    run_fails("@nobody fly --help", 2, "no command \"fly\"");
}

static void init_is_told_one_way(void **state)
{
    (void)state;
    run_fails("@nobody init", 2, "say how: --new, --wallet-key-file FILE, --external ADDRESS or --same-as HOME\n");
    run_fails("@nobody init --new --same-as /tmp", 2,
              "say one of --new, --wallet-key-file FILE, --external ADDRESS and --same-as HOME\n");
    run_fails("@nobody init --external 0x12 --wallet-key-file f", 2, "say one of --new");
}

/* None of the above has made a home. */
static void wrong_usage_leaves_nothing_behind(void **state)
{
    char path[200];
    struct stat st;

    (void)state;
    snprintf(path, sizeof path, "%s/nobody/xmtui.db", programs_folder());
    run_fails("@nobody client fly", 2, "");
    assert_int_equal(stat(path, &st), -1);
}

static void what_comes_later_says_so(void **state)
{
    static const char *const later[] = {"attach", "archive export f", "archive import f", "archive request",
                                        "archive list", "conversation send-attachment 1234 f",
                                        "conversation save-attachment 1234 1234 f", "preferences check"};
    char command[100];

    (void)state;
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        snprintf(command, sizeof command, "@nobody %s", later[i]);
        run_fails(command, 2, ": not available yet\n");
    }
    run_fails("@nobody --plain", 2, "xmtui: --plain: not available yet\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few_and_too_many_arguments_are_told_how_it_is_used),
        cmocka_unit_test(a_flag_that_no_command_has_is_named),
        cmocka_unit_test(the_screen_takes_no_flags_of_commands),
        cmocka_unit_test(help_of_a_command_says_how_it_is_used),
        cmocka_unit_test(help_keeps_its_columns),
        cmocka_unit_test(a_home_that_cannot_be_read_is_not_an_empty_one),
        cmocka_unit_test(values_that_cannot_be_meant_are_told),
        cmocka_unit_test(an_empty_value_is_none),
        cmocka_unit_test(a_message_of_nothing_is_not_sent),
        cmocka_unit_test(a_word_that_is_no_command_is_told_where_to_look),
        cmocka_unit_test(init_is_told_one_way),
        cmocka_unit_test(what_comes_later_says_so),
        cmocka_unit_test(wrong_usage_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
