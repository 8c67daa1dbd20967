/* The commands as a script meets them: what they print, where, and with which exit status. */
#include "tests/cli/run.h"
#include "tests/programs.h"
#include "tests/test.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

/* printf, then run_json() */
static json_t *json_of(const char *format, const char *a, const char *b)
{
    char command[600];

    snprintf(command, sizeof command, format, a, b);
    return run_json(command);
}

static void fails_with(int status, const char *says, const char *format, const char *a)
{
    char command[600];

    snprintf(command, sizeof command, format, a);
    run_fails(command, status, says);
}

static void expect_status(const char *command, int status, const char *prints)
{
    struct outcome o;

    run(command, &o);
    assert_int_equal(o.status, status);
    assert_string_equal(o.out, prints);
    outcome_free(&o);
}

static bool is_hex(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

/* ---- who and where ---- */

static void the_installation_says_who_it_is(void **state)
{
    json_t *info = run_json("@alix client info --json");

    (void)state;
    assert_true(is_hex(member(info, "inboxId"), 64) && is_hex(member(info, "installationId"), 64));
    assert_true(strncmp(member(info, "address"), "0x", 2) == 0 && is_hex(member(info, "address") + 2, 40));
    assert_string_equal(member(info, "env"), "local");
    assert_string_equal(member(info, "node"), programs_node_url());
    assert_true(json_is_true(json_object_get(info, "registered")));
    member(info, "version");
    assert_int_equal(json_object_size(info), 7);
    json_decref(info);
}

static void expect_mode(const char *name, unsigned mode)
{
    char path[200];
    struct stat st;

    snprintf(path, sizeof path, "%s/alix/%s", programs_folder(), name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

static void a_home_is_for_its_owner_alone(void **state)
{
    (void)state;
    expect_mode("", 0700);
    expect_mode("xmtui.db", 0600);
    expect_mode("db.key", 0600);
}

/* ---- exit statuses ---- */

static void wrong_usage_is_2(void **state)
{
    (void)state;
    run_fails("@alix fly", 2, "no command \"fly\"; see xmtui --help");
    run_fails("@alix list --fly", 2, "--fly");
    run_fails("@alix conversations get", 2, "usage: xmtui conversations get ID");
    run_fails("@alix archive export file", 2, "not available yet");
    fails_with(2, "unknown, allowed or denied", "@alix preferences set-consent inbox %s maybe", bo_inbox);
    run_fails("--env mars client info", 2, "mars");
    fails_with(2, "usage: ", "@alix preferences set-consent inbx %s denied", bo_inbox);
    run_fails("@alix conversation update-disappearing 00 12abc", 2, "usage: ");
    run_fails("@alix conversation update-disappearing 00 99999999999999", 2, "usage: ");
    run_fails("@alix conversation update-disappearing 00 0", 2, "usage: ");
}

static void what_is_not_there_is_3(void **state)
{
    (void)state;
    run_fails("@alix conversations get 00112233445566778899aabbccddeeff", 3, "");
    run_fails("@alix preferences undo 99999", 3, "");
    run_fails("@alix conversation stream 00112233445566778899aabbccddeeff", 3, "no conversation 00112233");
}

static bool is_there(const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", programs_folder(), name);
    return access(path, F_OK) == 0;
}

static void a_command_makes_no_home_and_says_what_does(void **state)
{
    static const char *const commands[] = {"list",          "client info", "block 1234",
                                           "dm 1234 hello", "stream",      "client verify-signature a b"};
    char command[300], says[300], path[300], node[100];
    const char *with_key[] = {
        node, "XMTP_DB_ENCRYPTION_KEY=3434343434343434343434343434343434343434343434343434343434343434", NULL};
    struct outcome o;

    (void)state;
    snprintf(says, sizeof says, "xmtui: there is no account in %s/unborn yet: make one with xmtui init\n",
             programs_folder());
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        snprintf(command, sizeof command, "@unborn %s", commands[i]);
        run_fails(command, 3, says);
        assert_false(is_there("unborn"));
    }
    /* A folder alone is none either, and the key of the first database is whatever is given then. */
    snprintf(path, sizeof path, "%s/unborn", programs_folder());
    assert_int_equal(mkdir(path, 0700), 0);
    run_fails("@unborn list", 3, says);
    assert_false(is_there("unborn/xmtui.db"));
    assert_false(is_there("unborn/db.key"));
    snprintf(node, sizeof node, "XMTUI_NODE=%s", programs_node_url());
    run_in(with_key, NULL, "@unborn init --new --json", &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    assert_true(is_there("unborn/xmtui.db"));
    assert_false(is_there("unborn/db.key"));
}

static void a_home_without_an_installation_says_how_to_make_one(void **state)
{
    static const char *const commands[] = {
        "installations", "sync", "stream", "client sign hello", "client inbox-state",
        "client revoke-all-other-installations", "conversations sync", "conversations hmac-keys", "preferences sync",
        "dm 1234 hello"};
    char command[200];
    struct outcome o;
    json_t *info;

    (void)state;
    run("@newborn rpc", &o); /* which makes the home */
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        snprintf(command, sizeof command, "@newborn %s", commands[i]);
        run_fails(command, 3, "xmtui: this installation is not registered: run xmtui init first\n");
    }
    /* A decision is kept for then. */
    snprintf(command, sizeof command, "@newborn block %s", bo_inbox);
    run(command, &o);
    assert_int_equal(o.status, 3);
    assert_string_equal(o.err, "xmtui: this installation is not registered: run xmtui init first\n");
    assert_non_null(strstr(o.out, "  denied   "));
    outcome_free(&o);
    info = run_json("@newborn client info --json");
    assert_true(json_is_false(json_object_get(info, "registered")));
    assert_true(json_is_null(json_object_get(info, "inboxId")));
    json_decref(info);
    expect_status("@newborn list", 0, "");
}

static void no_network_is_4_and_a_message_is_kept(void **state)
{
    const char *deaf[] = {"XMTUI_NODE=http://127.0.0.1:9", NULL};
    json_t *dm = json_of("@alix conversations create-dm %s --json", bo_inbox, ""), *messages;
    char command[200];
    struct outcome o;

    (void)state;
    run_in(deaf, NULL, "@alix conversations sync --no-node", &o);
    assert_int_equal(o.status, 4);
    outcome_free(&o);
    snprintf(command, sizeof command, "@alix send %s later --no-node", member(dm, "id"));
    run_in(deaf, NULL, command, &o);
    assert_int_equal(o.status, 4);
    assert_non_null(strstr(o.err, "kept"));
    outcome_free(&o);
    /* The chat that there is needs no network. */
    snprintf(command, sizeof command, "@alix dm %s too --offline", bo_inbox);
    run(command, &o);
    assert_int_equal(o.status, 4);
    assert_string_equal(o.err, "xmtui: no network: the message is kept and sent later\n");
    outcome_free(&o);
    fails_with(4, "this needs the network, and offline was asked for\n", "@alix dm %s hello --offline",
               "abababababababababababababababababababababababababababababababab");
    json_decref(json_of("@alix conversation publish-messages %s --json", member(dm, "id"), ""));
    messages = json_of("@alix messages %s --json", member(dm, "id"), "");
    assert_string_equal(member(json_array_get(messages, json_array_size(messages) - 1), "status"), "published");
    json_decref(messages);
    json_decref(dm);
}

static void a_home_in_use_is_5_and_names_who_has_it(void **state)
{
    struct running rpc;
    char pid[40];
    char *line;

    (void)state;
    run_start("@bo rpc", &rpc);
    run_write(&rpc, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"client.info\"}\n");
    line = run_line(&rpc);
    free(line);
    snprintf(pid, sizeof pid, "process %d", (int)rpc.pid);
    run_fails("@bo list", 5, pid);
    run_fails("@bo list", 5, ": leave it first, or name another home (--home)\n");
    assert_int_equal(run_end(&rpc), 0);
}

static void a_wrong_key_is_6(void **state)
{
    (void)state;
    run_fails("@alix client info --db-key 1111111111111111111111111111111111111111111111111111111111111111", 6, "key");
}

static void what_is_not_permitted_is_7(void **state)
{
    json_t *group = json_of("@alix conversations create-group %s --name club --permissions admin-only --json", bo_inbox, "");

    (void)state;
    json_decref(run_json("@bo sync --json"));
    fails_with(7, "not permitted", "@bo conversation update-name %s mine", member(group, "id"));
    json_decref(group);
}

/* Text lines for people, and ways to end. */
static void a_stream_ends_after_so_many_events_or_so_long(void **state)
{
    json_t *dm = json_of("@alix conversations create-dm %s --json", bo_inbox, ""), *group, *event;
    const char *deaf[] = {"XMTUI_NODE=http://127.0.0.1:9", NULL};
    struct running stream;
    struct outcome o;
    char command[200];
    char *line;

    (void)state;
    json_decref(run_json("@bo sync --json"));
    group = json_of("@alix conversations create-group %s --json", bo_inbox, "");
    json_decref(run_json("@bo sync --json"));
    snprintf(command, sizeof command, "@bo conversation stream %.8s --count 1 --json", member(dm, "id"));
    run_start(command, &stream);
    for (int i = 0; i < 60 && !run_has_output(&stream, 1000); i++) {
        json_decref(json_of("@alix send %s elsewhere --json", member(group, "id"), ""));
        json_decref(json_of("@alix send %s here --json", member(dm, "id"), ""));
    }
    line = run_line(&stream);
    event = json_loads(line, 0, NULL);
    assert_string_equal(member(event, "kind"), "message");
    assert_string_equal(member(json_object_get(event, "data"), "conversationId"), member(dm, "id"));
    free(line);
    json_decref(event);
    assert_int_equal(run_end(&stream), 0);
    run("@bo stream --timeout 0.2", &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    outcome_free(&o);
    run_in(deaf, NULL, "@bo stream --timeout 0.2 --no-node", &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "xmtui: no network yet: what happens is printed once it is there\n");
    outcome_free(&o);
    json_decref(group);
    json_decref(dm);
}

static void an_interrupted_command_is_130(void **state)
{
    struct running stream;
    json_t *dm = json_of("@alix conversations create-dm %s --json", bo_inbox, "");
    char *line;

    (void)state;
    run_start("@bo stream --json", &stream);
    /* It is there once it tells of something; what was sent before that it need not tell. */
    for (int i = 0; i < 60 && !run_has_output(&stream, 1000); i++)
        json_decref(json_of("@alix send %s tick --json", member(dm, "id"), ""));
    line = run_line(&stream);
    assert_non_null(strstr(line, "\"kind\""));
    free(line);
    kill(stream.pid, SIGINT);
    assert_int_equal(run_end(&stream), 130);
    json_decref(dm);
}

/* What is printed as JSON ends with the same status and the same line as what is printed for people. */
static void json_changes_neither_the_status_nor_the_line_on_standard_error(void **state)
{
    const char *deaf[] = {"XMTUI_NODE=http://127.0.0.1:9", NULL};
    static const char *const ways[] = {"send", "dm"};
    json_t *dm = json_of("@alix conversations create-dm %s --json", bo_inbox, ""), *sent, *signed_;
    char command[400];
    struct outcome o;

    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(command, sizeof command, "@alix %s %s later --no-node --json", ways[i],
                 i == 0 ? member(dm, "id") : bo_inbox);
        run_in(deaf, NULL, command, &o);
        assert_int_equal(o.status, 4);
        assert_string_equal(o.err, "xmtui: no network: the message is kept and sent later\n");
        assert_non_null(sent = json_loads(o.out, 0, NULL));
        assert_string_equal(member(sent, "status"), "unpublished");
        json_decref(sent);
        outcome_free(&o);
    }
    signed_ = run_json("@alix client sign hello --json");
    snprintf(command, sizeof command, "@alix client verify-signature bye %s --json", member(signed_, "signature"));
    expect_status(command, 7, "{\"valid\":false}\n");
    json_decref(signed_);
    json_decref(dm);
}

/* ---- what they do ---- */

static void expect_last_text(const char *id, const char *text)
{
    json_t *messages = json_of("@bo messages %.8s --json", id, "");
    json_t *last = json_array_get(messages, json_array_size(messages) - 1);

    assert_string_equal(member(json_object_get(last, "content"), "text"), text);
    json_decref(messages);
}

static void a_text_goes_from_one_to_the_other(void **state)
{
    char command[200];
    struct outcome o;
    json_t *sent = json_of("@alix dm %s hello --json", bo_inbox, ""), *chats;

    (void)state;
    assert_true(is_hex(member(sent, "messageId"), 64));
    assert_string_equal(member(sent, "status"), "published");
    json_decref(run_json("@bo sync --json"));
    chats = run_json("@bo list --json --type dm");
    assert_int_equal(json_array_size(chats), 1);
    /* A unique beginning of the id will do; a text of - comes from standard input. */
    snprintf(command, sizeof command, "@bo send %.8s - --json", member(json_array_get(chats, 0), "id"));
    run_in(NULL, "from a pipe\n", command, &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    expect_last_text(member(json_array_get(chats, 0), "id"), "from a pipe");
    snprintf(command, sizeof command, "@bo dm %s -", alix_inbox);
    run_in(NULL, "two\nlines\n", command, &o);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
    expect_last_text(member(json_array_get(chats, 0), "id"), "two\nlines");
    json_decref(chats);
    json_decref(sent);
}

/* By the beginnings of ids that lines for people show. */
static void a_message_is_answered_by_the_id_that_is_shown(void **state)
{
    json_t *dm = json_of("@alix conversations create-dm %s --json", bo_inbox, ""), *sent, *messages, *reply;
    const char *id = member(dm, "id");
    char command[300];
    size_t n;

    (void)state;
    sent = json_of("@alix send %s question --json", id, "");
    snprintf(command, sizeof command, "@alix conversation send-reply %s %.8s answer --json", id, member(sent, "messageId"));
    json_decref(run_json(command));
    messages = json_of("@alix messages %s --json", id, "");
    n = json_array_size(messages);
    reply = json_array_get(messages, n - 1);
    assert_string_equal(member(reply, "replyTo"), member(sent, "messageId"));
    assert_string_equal(member(reply, "replyToText"), "question");
    fails_with(3, "no message ffffffff in this conversation\n", "@alix conversation send-reply %s ffffffff answer", id);
    fails_with(2, "reference must be a message id", "@alix conversation send-reply %s 12 answer", id);
    json_decref(messages);
    json_decref(sent);
    json_decref(dm);
}

/* Standard output of a command has this line, or the end of it. */
static void prints(const char *format, const char *id, const char *line)
{
    char command[300];
    struct outcome o;

    snprintf(command, sizeof command, format, id);
    run(command, &o);
    assert_int_equal(o.status, 0);
    if (!strstr(o.out, line))
        fail_msg("%s: no \"%s\" in\n%s", command, line, o.out);
    outcome_free(&o);
}

static json_t *said(const char *command, const char *input)
{
    struct outcome o;
    json_t *result;

    run_in(NULL, input, command, &o);
    assert_int_equal(o.status, 0);
    result = json_loads(o.out, 0, NULL);
    outcome_free(&o);
    return result;
}

#define LONG_SHOWN "0123456789 123456789 123456789 123456789 123456789 1234567" /* a list's beginning, but for the dots */
#define LONG_TEXT LONG_SHOWN "89 123456789"

/* A reply whose "reference" is no message's id but ESC [2J BEL gone; a change of the group that nobody made, by
 * somebody of such an id. */
static const char *const hostile[] = {
    "0a130a08786d74702e6f726712057265706c79180112160a097265666572656e636512091b5b324a07676f6e6522330a120a08786d"
    "74702e6f7267120474657874180112110a08656e636f64696e6712055554462d38220a68656c6c6f206d696e69",
    "0a1b0a08786d74702e6f7267120d67726f75705f75706461746564180122120a061b5b324a610712080a061b5b324a6207"};

static void nothing_that_somebody_wrote_reaches_the_terminal_as_it_came(void **state)
{
    json_t *dm = json_of("@alix conversations create-dm %s --json", bo_inbox, "");
    char request[600], command[200];
    struct running rpc;
    struct outcome o;

    (void)state;
    run_start("@alix rpc", &rpc);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        snprintf(request, sizeof request,
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"conversation.send\",\"params\":{\"id\":\"%s\","
                 "\"content\":{\"type\":\"encoded\",\"hex\":\"%s\"}}}\n",
                 member(dm, "id"), hostile[i]);
        run_write(&rpc, request);
        free(run_line(&rpc));
    }
    assert_int_equal(run_end(&rpc), 0);
    json_decref(run_json("@bo sync --json"));
    snprintf(command, sizeof command, "@bo messages %s", member(dm, "id"));
    run(command, &o);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "hello mini\n"));
    assert_null(strchr(o.out, '\033'));
    assert_null(strchr(o.out, '\a'));
    outcome_free(&o);
    json_decref(dm);
}

static void lines_for_people_say_what_happened(void **state)
{
    json_t *group = json_of("@alix conversations create-group %s --json", bo_inbox, ""), *sent;
    const char *id = member(group, "id");
    char command[300], line[100];

    (void)state;
    sent = json_of("@alix send %s oops --json", id, "");
    snprintf(command, sizeof command, "@alix conversation delete-message %s %s --json", id, member(sent, "messageId"));
    json_decref(run_json(command));
    json_decref(run_json("@alix sync --json"));
    prints("@alix messages %s", id, ": [deleted by the sender]\n");
    prints("@alix messages %s", id, ": took a message back\n");
    json_decref(sent);
    snprintf(command, sizeof command, "@alix send %s - --json", id);
    sent = said(command, "one\ntwo\n");
    prints("@alix messages %s", id, ": one\n    two\n");
    snprintf(line, sizeof line, ": [to %.8s] three\n", member(sent, "messageId"));
    snprintf(command, sizeof command, "@alix conversation send-reply %s %s three --json", id, member(sent, "messageId"));
    json_decref(run_json(command));
    prints("@alix messages %s", id, line);
    snprintf(line, sizeof line, ": reacted +1 to %.8s\n", member(sent, "messageId"));
    snprintf(command, sizeof command, "@alix conversation send-reaction %s %s +1 --json", id, member(sent, "messageId"));
    json_decref(run_json(command));
    prints("@alix messages %s", id, line);
    snprintf(command, sizeof command, "@alix send %s - --json", id);
    json_decref(said(command, LONG_TEXT "\nand more\n"));
    prints("@alix list%s", "", "  " LONG_SHOWN "..\n");
    snprintf(command, sizeof command, "@alix conversation add-admin %s %s --json", id, bo_inbox);
    json_decref(run_json(command));
    snprintf(line, sizeof line, ":  made admin: %.8s\n", bo_inbox);
    prints("@alix messages %s", id, line);
    snprintf(line, sizeof line, "%s  admin      1 installation  0x", bo_inbox);
    prints("@alix conversation members %s", id, line);
    json_decref(run_json("@bo sync --json"));
    json_decref(json_of("@bo conversation request-removal %s --json", id, ""));
    json_decref(run_json("@alix sync --json"));
    prints("@alix messages %s", id, ": asked to leave\n");
    json_decref(sent);
    json_decref(group);
}

static void a_block_reaches_another_installation_and_is_undone(void **state)
{
    char command[200];
    json_t *second, *records, *log, *list, *row, *alix = run_json("@alix client info --json");
    struct outcome o;
    size_t i;

    (void)state;
    second = json_of("@phone init --same-as %s/alix --json", programs_folder(), "");
    assert_string_equal(member(second, "inboxId"), alix_inbox);
    json_decref(second);
    json_decref(run_json("@alix sync --json"));
    json_decref(run_json("@phone sync --json"));
    /* That one command has brought the new installation into the conversations before it ended. */
    list = run_json("@phone list --json --type dm");
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    records = json_of("@alix block %s --json", bo_inbox, "");
    assert_true(json_array_size(json_object_get(records, "records")) >= 2); /* the person and the 1:1 chats */
    json_decref(records);
    /* The command that decided has ended, and the decision is on its way all the same. */
    json_decref(run_json("@phone preferences sync --json"));
    records = json_of("@phone preferences get-consent inbox %s --json", bo_inbox, "");
    assert_string_equal(member(records, "state"), "denied");
    assert_true(is_hex(member(records, "origin"), 64));
    json_decref(records);
    list = run_json("@phone list --json --type dm");
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    /* The log says who decided it, by our own name where that installation has one. */
    snprintf(command, sizeof command, "@phone nick %.12s desk", member(alix, "installationId"));
    expect_status(command, 0, "");
    log = run_json("@phone preferences log --json");
    assert_string_equal(member(json_array_get(log, 0), "origin"), member(alix, "installationId"));
    assert_string_equal(member(json_array_get(log, 0), "originNick"), "desk");
    run("@phone preferences log --limit 1", &o);
    assert_non_null(strstr(o.out, "  desk  "));
    outcome_free(&o);
    json_decref(alix);
    json_array_foreach(log, i, row)
        if (strcmp(member(row, "entity"), bo_inbox) == 0 && strcmp(member(row, "newState"), "denied") == 0)
            snprintf(command, sizeof command, "@phone preferences undo %d --json",
                     (int)json_integer_value(json_object_get(row, "id")));
    json_decref(run_json(command));
    json_decref(log);
    json_decref(run_json("@alix preferences sync --json"));
    list = run_json("@alix list --json --type dm");
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
}

static void a_decision_without_a_network_is_kept_and_says_so(void **state)
{
    const char *deaf[] = {"XMTUI_NODE=http://127.0.0.1:9", NULL};
    struct outcome o;
    json_t *record;

    (void)state;
    run_in(deaf, NULL, "@alix block 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef --no-node", &o);
    assert_int_equal(o.status, 4);
    assert_string_equal(o.err, "xmtui: no network: decided here; your other installations hear of it later\n");
    outcome_free(&o);
    record = run_json("@alix preferences get-consent inbox "
                      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef --json --offline");
    assert_string_equal(member(record, "state"), "denied");
    json_decref(record);
}

static void an_address_names_the_chat_with_its_person(void **state)
{
    json_t *info = run_json("@bo client info --json"), *dm = json_of("@alix conversations create-dm %s --json", bo_inbox, ""), *found;
    const char *address = member(info, "address");
    char part[60];

    (void)state;
    for (int i = 0; i < 3; i++) { /* whole, its beginning, and as the screens show it */
        snprintf(part, sizeof part, i == 0 ? "%s" : i == 1 ? "%.6s" : "%.6s..%s", address, address + 38);
        found = json_of("@alix --offline conversations get %s --json", part, "");
        assert_string_equal(member(found, "id"), member(dm, "id"));
        json_decref(found);
    }
    snprintf(part, sizeof part, "%.6s..%c", address, address[41] == '0' ? '1' : '0');
    fails_with(3, "nobody and no conversation known as \"0x", "@alix messages %s", part);
    fails_with(3, "nobody and no conversation known as \"0x", "@alix messages %.5s", address);
    json_decref(info);
    json_decref(dm);
}

static void a_beginning_names_what_it_fits_alone(void **state)
{
    json_t *dm = json_of("@alix conversations create-dm %s --json", bo_inbox, ""), *consent;
    const char *id = member(dm, "id");
    char command[300];

    (void)state;
    consent = json_of("@alix conversation consent-state %.6s --json", id, "");
    assert_string_equal(member(consent, "state"), "allowed");
    json_decref(consent);
    consent = json_of("@alix conversation update-consent %.6s unknown --json", id, "");
    assert_int_equal(json_integer_value(json_object_get(consent, "changed")), 1);
    json_decref(consent);
    consent = json_of("@alix conversation consent-state %s --json", bo_inbox, "");
    assert_string_equal(member(consent, "state"), "unknown");
    json_decref(consent);
    json_decref(json_of("@alix conversation update-consent %s allowed --json", id, ""));
    fails_with(2, "\"state\" is unknown, allowed or denied\n", "@alix conversation update-consent %s maybe", id);
    fails_with(3, "nobody and no conversation known as \"", "@alix conversations get %.3s", id);
    run_fails("@alix conversations get fffff", 3, "nobody and no conversation known as \"fffff\"\n");
    /* Two people of one name. */
    json_decref(run_json("@third init --new --json"));
    consent = run_json("@third client info --json");
    snprintf(command, sizeof command, "@alix nick %s twin", bo_inbox);
    expect_status(command, 0, "");
    snprintf(command, sizeof command, "@alix nick %s twin", member(consent, "inboxId"));
    expect_status(command, 0, "");
    run_fails("@alix block twin", 2, "\"twin\" fits 2 people or conversations: give more of it\n");
    snprintf(command, sizeof command, "@alix nick %s", member(consent, "inboxId"));
    expect_status(command, 0, "");
    json_decref(json_of("@alix allow %s --json", "twin", ""));
    snprintf(command, sizeof command, "@alix nick %s", bo_inbox);
    expect_status(command, 0, "");
    json_decref(consent);
    json_decref(dm);
}

static void init_with(const char *home, const char *key_end, char inbox[65])
{
    char node[100], key[120], command[100];
    const char *env[] = {node, key, NULL};
    struct outcome o;
    json_t *info;

    snprintf(node, sizeof node, "XMTUI_NODE=%s", programs_node_url());
    snprintf(key, sizeof key, "XMTP_WALLET_KEY=5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a%s", key_end);
    snprintf(command, sizeof command, "%s init --json", home);
    run_in(env, NULL, command, &o);
    info = json_loads(o.out, 0, NULL);
    snprintf(inbox, 65, "%s", member(info, "inboxId"));
    json_decref(info);
    outcome_free(&o);
}

/* Two wallets, found by trying, whose inbox ids begin with the same four digits. */
static void a_beginning_that_fits_two_is_not_guessed_at(void **state)
{
    char one[65], two[65];
    json_t *records;

    (void)state;
    init_with("@one", "0076", one);
    init_with("@two", "0175", two);
    assert_true(strncmp(one, "340d", 4) == 0 && strncmp(two, "340d", 4) == 0 && one[4] != two[4]);
    json_decref(json_of("@alix conversations create-dm %s --json", one, ""));
    json_decref(json_of("@alix dm %s hello --json", two, ""));
    run_fails("@alix block 340d", 2, "\"340d\" fits 2 people or conversations: give more of it\n");
    run_fails("@alix send 340d hello", 2, "\"340d\" fits 2 people or conversations: give more of it\n");
    run_fails("@alix dm 340d hello", 2, "\"340d\" fits 2 people or conversations: give more of it\n");
    run_fails("@alix messages 340d", 2, "\"340d\" fits 2 people or conversations: give more of it\n");
    records = json_of("@alix block %.5s --json", two, "");
    assert_string_equal(member(json_array_get(json_object_get(records, "records"), 0), "entity"), two);
    json_decref(records);
}

static void an_installation_is_shown_with_its_name(void **state)
{
    json_t *info = run_json("@named init --new --label laptop --json");
    const char *id = member(info, "installationId");
    char command[200], begins[100];
    struct outcome o;

    (void)state;
    snprintf(begins, sizeof begins, "* %s  20", id);
    run("@named installations", &o);
    assert_int_equal(strncmp(o.out, begins, strlen(begins)), 0);
    assert_string_equal(o.out + strlen(o.out) - 9, "  laptop\n");
    outcome_free(&o);
    snprintf(command, sizeof command, "@named nick %.8s desk", id);
    expect_status(command, 0, "");
    run("@named installations --offline", &o);
    assert_string_equal(o.out + strlen(o.out) - 7, "  desk\n");
    outcome_free(&o);
    json_decref(info);
}

static void a_change_of_a_group_is_shown_with_what_it_is_now(void **state)
{
    json_t *group = json_of("@alix conversations create-group %s --name before --json", bo_inbox, "");
    char command[200], end[100];
    struct outcome o;

    (void)state;
    json_decref(json_of("@alix conversation update-name %s after --json", member(group, "id"), ""));
    snprintf(command, sizeof command, "@alix messages %s", member(group, "id"));
    snprintf(end, sizeof end, "  %.8s:  group_name = after\n", alix_inbox);
    run(command, &o);
    assert_string_equal(o.out + strlen(o.out) - strlen(end), end);
    outcome_free(&o);
    json_decref(group);
}

static void permissions_are_shown_and_changed(void **state)
{
    json_t *group = json_of("@alix conversations create-group %s --json", bo_inbox, ""), *p;

    (void)state;
    p = json_of("@alix conversation permissions %s --json", member(group, "id"), "");
    assert_string_equal(member(p, "preset"), "all-members");
    assert_int_equal(json_object_size(json_object_get(p, "policies")), 9);
    json_decref(p);
    p = json_of("@alix conversation update-permission %s add-member super-admin --json", member(group, "id"), "");
    assert_string_equal(member(p, "preset"), "custom");
    assert_string_equal(member(json_object_get(p, "policies"), "addMemberPolicy"), "superAdmin");
    json_decref(p);
    fails_with(2, "no permission \"fly\"", "@alix conversation update-permission %s fly allow", member(group, "id"));
    fails_with(2, "allow, deny, admin or superAdmin", "@alix conversation update-permission %s name maybe", member(group, "id"));
    json_decref(group);
}

static const char *level_of_bo(const char *group)
{
    static char level[20];
    json_t *members = json_of("@alix conversation members %s --json", group, ""), *m;
    size_t i;

    json_array_foreach(members, i, m)
        if (strcmp(member(m, "inboxId"), bo_inbox) == 0)
            snprintf(level, sizeof level, "%s", member(m, "level"));
    json_decref(members);
    return level;
}

static void an_admin_command_changes_its_own_list_alone(void **state)
{
    json_t *group = json_of("@alix conversations create-group %s --json", bo_inbox, "");
    const char *id = member(group, "id");

    (void)state;
    json_decref(json_of("@alix conversation add-admin %s %s --json", id, bo_inbox));
    assert_string_equal(level_of_bo(id), "admin");
    json_decref(json_of("@alix conversation add-super-admin %s %s --json", id, bo_inbox));
    assert_string_equal(level_of_bo(id), "superAdmin");
    json_decref(json_of("@alix conversation remove-admin %s %s --json", id, bo_inbox));
    assert_string_equal(level_of_bo(id), "superAdmin");
    json_decref(json_of("@alix conversation add-admin %s %s --json", id, bo_inbox));
    json_decref(json_of("@alix conversation remove-super-admin %s %s --json", id, bo_inbox));
    assert_string_equal(level_of_bo(id), "admin");
    json_decref(group);
}

static void a_signed_text_is_verified(void **state)
{
    json_t *signed_ = run_json("@alix client sign hello --json"), *info = run_json("@alix client info --json"), *v;
    char command[400];

    (void)state;
    assert_true(is_hex(member(signed_, "signature"), 128));
    snprintf(command, sizeof command, "@bo client verify-signature hello %s --installation %s --json",
             member(signed_, "signature"), member(info, "installationId"));
    v = run_json(command);
    assert_true(json_is_true(json_object_get(v, "valid")));
    json_decref(v);
    snprintf(command, sizeof command, "@bo client verify-signature hello %s", member(signed_, "signature"));
    expect_status(command, 7, "not valid\n");
    json_decref(info);
    json_decref(signed_);
}

static void each_command_says_how_it_is_used(void **state)
{
    struct outcome all, one;
    unsigned n = 0;

    (void)state;
    run("--help", &all);
    assert_int_equal(all.status, 0);
    for (char *line = strtok(strstr(all.out, "commands:"), "\n"); line; line = strtok(NULL, "\n")) {
        char command[120] = "", *at = line;

        if (strncmp(line, "  ", 2) != 0)
            continue;
        /* The lower-case words that the line begins with. */
        for (at += 2; *at >= 'a' && *at <= 'z'; at += at[strspn(at, "abcdefghijklmnopqrstuvwxyz-")] == ' ' ? strspn(at, "abcdefghijklmnopqrstuvwxyz-") + 1 : strlen(at))
            snprintf(command + strlen(command), sizeof command - strlen(command), "%.*s ",
                     (int)strspn(at, "abcdefghijklmnopqrstuvwxyz-"), at);
        strcat(command, "--help");
        run(command, &one);
        if (one.status != 0 || !strstr(one.out, "usage: xmtui "))
            fail_msg("%s: status %d: %s%s", command, one.status, one.out, one.err);
        outcome_free(&one);
        n++;
    }
    assert_true(n > 40);
    outcome_free(&all);
    run("--version", &one);
    assert_int_equal(strncmp(one.out, "xmtui 0.", 8), 0);
    outcome_free(&one);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_installation_says_who_it_is),
        cmocka_unit_test(a_home_is_for_its_owner_alone),
        cmocka_unit_test(wrong_usage_is_2),
        cmocka_unit_test(what_is_not_there_is_3),
        cmocka_unit_test(a_command_makes_no_home_and_says_what_does),
        cmocka_unit_test(a_home_without_an_installation_says_how_to_make_one),
        cmocka_unit_test(a_text_goes_from_one_to_the_other),
        cmocka_unit_test(no_network_is_4_and_a_message_is_kept),
        cmocka_unit_test(json_changes_neither_the_status_nor_the_line_on_standard_error),
        cmocka_unit_test(a_home_in_use_is_5_and_names_who_has_it),
        cmocka_unit_test(a_wrong_key_is_6),
        cmocka_unit_test(what_is_not_permitted_is_7),
        cmocka_unit_test(a_stream_ends_after_so_many_events_or_so_long),
        cmocka_unit_test(an_interrupted_command_is_130),
        cmocka_unit_test(an_address_names_the_chat_with_its_person),
        cmocka_unit_test(a_beginning_names_what_it_fits_alone),
        cmocka_unit_test(an_installation_is_shown_with_its_name),
        cmocka_unit_test(a_change_of_a_group_is_shown_with_what_it_is_now),
        cmocka_unit_test(permissions_are_shown_and_changed),
        cmocka_unit_test(a_message_is_answered_by_the_id_that_is_shown),
        cmocka_unit_test(lines_for_people_say_what_happened),
        cmocka_unit_test(nothing_that_somebody_wrote_reaches_the_terminal_as_it_came),
        cmocka_unit_test(a_block_reaches_another_installation_and_is_undone),
        cmocka_unit_test(an_admin_command_changes_its_own_list_alone),
        cmocka_unit_test(a_signed_text_is_verified),
        cmocka_unit_test(a_decision_without_a_network_is_kept_and_says_so),
        cmocka_unit_test(a_beginning_that_fits_two_is_not_guessed_at),
        cmocka_unit_test(each_command_says_how_it_is_used),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
