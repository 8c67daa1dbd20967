/* xmtui rpc: the envelope of JSON-RPC, line by line. */
#include "tests/cli/run.h"
#include "tests/programs.h"
#include "tests/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int begin(void **state)
{
    (void)state;
    if (programs_begin() != 0)
        return -1;
    json_decref(run_json("@alix init --new --json"));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    return programs_finish();
}

/* What one line is answered with, alone. */
static json_t *answer_to(const char *line)
{
    struct outcome o;
    json_t *answer;
    char input[4096];

    snprintf(input, sizeof input, "%s\n", line);
    run_in(NULL, input, "@alix rpc --offline", &o);
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    answer = *o.out ? json_loads(o.out, 0, NULL) : NULL;
    if (*o.out && (!answer || strcmp(member(answer, "jsonrpc"), "2.0") != 0))
        fail_msg("no answer of JSON-RPC 2.0: %s", o.out);
    outcome_free(&o);
    return answer;
}

static void expect_error(const char *line, int code, const char *id)
{
    json_t *answer = answer_to(line);
    char *got;

    assert_non_null(answer);
    got = json_dumps(json_object_get(answer, "id"), JSON_ENCODE_ANY);
    assert_string_equal(got, id);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "error"), "code")), code);
    assert_true(*member(json_object_get(answer, "error"), "message"));
    assert_null(json_object_get(answer, "result"));
    free(got);
    json_decref(answer);
}

static void what_is_no_request_is_told_so(void **state)
{
    (void)state;
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":", -32700, "null");
    expect_error("[1,2]", -32600, "null");
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":7}", -32600, "7");
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"no.such\"}", -32601, "\"a\"");
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"n\xff\"}", -32700, "null"); /* no UTF-8 */
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"client.info\",\"params\":[1]}", -32602, "2");
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"conversation.get\"}", -32602, "3");
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"client.info\"}", -32600, "null");
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"client.info\"}", -32600, "null");
    expect_error("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"client.info\",\"id\":5}", -32700, "null");
    expect_error("\"client.info\"", -32600, "null");
    expect_error("nonsense", -32700, "null");
}

/* The sentence about a name is cut to fit, here in the middle of a character: it has to be JSON all the same, or the
 * request is never answered. */
static void a_sentence_cut_within_a_character_is_an_answer(void **state)
{
    char line[400], name[80];

    (void)state;
    for (size_t n = 55; n < 61; n++) {
        snprintf(name, sizeof name, "%.*s\xe2\x82\xac\xe2\x82\xac", (int)n,
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"%s\"}", name);
        expect_error(line, -32601, "6");
    }
}

static void errors_name_their_kind_and_whether_to_try_again(void **state)
{
    json_t *answer, *error;

    (void)state;
    answer = answer_to("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"conversation.get\",\"params\":"
                       "{\"id\":\"00112233445566778899aabbccddeeff\"}}");
    error = json_object_get(answer, "error");
    assert_true(json_integer_value(json_object_get(error, "code")) <= -32000);
    assert_string_equal(member(json_object_get(error, "data"), "code"), "not_found");
    assert_true(json_is_false(json_object_get(json_object_get(error, "data"), "retryable")));
    json_decref(answer);
    answer = answer_to("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"conversations.sync\"}");
    error = json_object_get(answer, "error");
    assert_string_equal(member(json_object_get(error, "data"), "code"), "offline");
    assert_true(json_is_true(json_object_get(json_object_get(error, "data"), "retryable")));
    json_decref(answer);
}

static void a_notification_gets_no_answer(void **state)
{
    (void)state;
    assert_null(answer_to("{\"jsonrpc\":\"2.0\",\"method\":\"client.info\"}"));
}

static void an_answer_carries_its_requests_id_whatever_it_is(void **state)
{
    static const char *const ids[] = {"1", "-5", "\"text\"", "0", "null"};

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char line[200], *got;
        json_t *answer;

        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"client.info\"}", ids[i]);
        answer = answer_to(line);
        got = json_dumps(json_object_get(answer, "id"), JSON_ENCODE_ANY);
        assert_string_equal(got, ids[i]);
        member(json_object_get(answer, "result"), "inboxId");
        free(got);
        json_decref(answer);
    }
}

/* All at once, then the end of input: the work in hand is finished. */
static void requests_overlap_and_the_end_of_input_waits_for_their_answers(void **state)
{
    enum { N = 200 };
    char *input = calloc(N, 100), *line;
    bool seen[N] = {false};
    struct outcome o;
    int n = 0;

    (void)state;
    for (int i = 0; i < N; i++)
        sprintf(input + strlen(input), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"}\n", i,
                i % 3 ? "client.info" : "conversations.list");
    run_in(NULL, input, "@alix rpc", &o);
    assert_int_equal(o.status, 0);
    for (line = strtok(o.out, "\n"); line; line = strtok(NULL, "\n"), n++) {
        json_t *answer = json_loads(line, 0, NULL);
        json_int_t id = json_integer_value(json_object_get(answer, "id"));

        assert_non_null(json_object_get(answer, "result"));
        assert_true(id >= 0 && id < N && !seen[id]);
        seen[id] = true;
        json_decref(answer);
    }
    assert_int_equal(n, N);
    outcome_free(&o);
    free(input);
}

static void a_stream_tells_what_happens_with_its_subscription(void **state)
{
    struct running rpc;
    json_t *started, *event, *params;
    char *line;
    bool seen = false;

    (void)state;
    run_start("@alix rpc", &rpc);
    run_write(&rpc, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stream.start\"}\n");
    do {
        line = run_line(&rpc);
        started = json_loads(line, 0, NULL);
        free(line);
    } while (!json_object_get(started, "id") && (json_decref(started), true));
    run_write(&rpc, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"preferences.setConsent\",\"params\":{\"records\":["
                    "{\"entityType\":\"inboxId\",\"entity\":"
                    "\"abababababababababababababababababababababababababababababababab\",\"state\":\"denied\"}]}}\n");
    while (!seen) {
        line = run_line(&rpc);
        event = json_loads(line, 0, NULL);
        free(line);
        params = json_object_get(event, "params");
        if (json_object_get(event, "method") && strcmp(member(params, "kind"), "consent") == 0) {
            assert_string_equal(member(event, "method"), "stream.event");
            assert_true(json_equal(json_object_get(params, "subscription"),
                                   json_object_get(json_object_get(started, "result"), "subscription")));
            assert_string_equal(member(json_object_get(params, "data"), "state"), "denied");
            assert_string_equal(member(json_object_get(params, "data"), "origin"), "local");
            assert_int_equal(strspn(member(json_object_get(params, "data"), "consentedAtNs"), "0123456789"), 19);
            seen = true;
        }
        json_decref(event);
    }
    json_decref(started);
    assert_int_equal(run_end(&rpc), 0);
}

/* Sends the request and returns the answer's result. */
static json_t *result_of(struct running *rpc, const char *method, const char *params)
{
    char request[2000], *line;
    json_t *answer, *result;

    snprintf(request, sizeof request, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n", method, params);
    run_write(rpc, request);
    line = run_line(rpc);
    answer = json_loads(line, 0, NULL);
    free(line);
    if (!(result = json_incref(json_object_get(answer, "result"))))
        fail_msg("%s: no result", method);
    json_decref(answer);
    return result;
}

static void what_was_answered_as_published_reads_as_published_at_once(void **state)
{
    struct running rpc;
    json_t *group, *sent, *rows;
    char params[200];

    (void)state;
    run_start("@alix rpc", &rpc);
    group = result_of(&rpc, "conversations.newGroup", "{\"peers\":[]}");
    for (int i = 0; i < 20; i++) {
        snprintf(params, sizeof params, "{\"id\":\"%s\",\"text\":\"number %d\"}", member(group, "id"), i);
        sent = result_of(&rpc, "conversation.send", params);
        assert_string_equal(member(sent, "status"), "published");
        if (i % 3 == 0) {
            snprintf(params, sizeof params, "{\"id\":\"%s\",\"limit\":1,\"direction\":\"descending\"}", member(group, "id"));
            rows = result_of(&rpc, "conversation.messages", params);
            assert_int_equal(json_array_size(rows), 1);
            assert_string_equal(member(json_array_get(rows, 0), "id"), member(sent, "messageId"));
            assert_string_equal(member(json_array_get(rows, 0), "status"), "published");
            json_decref(rows);
        }
        json_decref(sent);
    }
    json_decref(group);
    assert_int_equal(run_end(&rpc), 0);
}

/* What this program has used of a processor so far, in ms. */
static long used_ms(pid_t pid)
{
    unsigned long user = 0, system = 0;
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    fclose(f);
    return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* Until it has done next to nothing for half a second; false if it does not come to rest. */
static bool comes_to_rest(pid_t pid)
{
    enum { PAUSE_MS = 500, TRIES = 20 };

    for (int i = 0; i < TRIES; i++) {
        long before = used_ms(pid);

        usleep(PAUSE_MS * 1000);
        if (used_ms(pid) - before < PAUSE_MS / 5)
            return true;
    }
    return false;
}

/* Answers of more than the pipe and rpc itself keep, and nobody who reads them for a while. */
static void a_reader_that_is_slow_is_waited_for_without_work_and_gets_all(void **state)
{
    enum { TEXTS = 40, LONG = 1500, ASKED = 12 };
    char request[LONG + 300], text[LONG + 1];
    struct running rpc;
    json_t *group, *answer, *rows;
    int in_pipe = 0;

    (void)state;
    memset(text, 'x', LONG);
    text[LONG] = 0;
    run_start("@alix rpc", &rpc);
    group = result_of(&rpc, "conversations.newGroup", "{\"peers\":[]}");
    for (int i = 0; i < TEXTS; i++) {
        snprintf(request, sizeof request, "{\"id\":\"%s\",\"text\":\"%s\"}", member(group, "id"), text);
        json_decref(result_of(&rpc, "conversation.send", request));
    }
    for (int i = 0; i < ASKED; i++) {
        snprintf(request, sizeof request,
                 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"conversation.messages\",\"params\":{\"id\":\"%s\"}}\n", i,
                 member(group, "id"));
        run_write(&rpc, request);
    }
    while (in_pipe < 61440) {
        assert_int_equal(ioctl(rpc.out, FIONREAD, &in_pipe), 0);
        usleep(1000);
    }
    assert_true(comes_to_rest(rpc.pid));
    for (int i = 0; i < ASKED; i++) {
        char *line = run_line(&rpc);

        answer = json_loads(line, 0, NULL);
        free(line);
        rows = json_object_get(answer, "result");
        assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
        assert_int_equal(json_array_size(rows), TEXTS);
        for (size_t k = 0; k < TEXTS; k++)
            assert_string_equal(member(json_object_get(json_array_get(rows, k), "content"), "text"), text);
        json_decref(answer);
    }
    json_decref(group);
    assert_int_equal(run_end(&rpc), 0);
}

static int run_shell(const char *home, const char *rest)
{
    char command[1000];
    int status;

    snprintf(command, sizeof command, "'%s' --home '%s/%s' --node %s %s", program_path("xmtui"), programs_folder(),
             home, programs_node_url(), rest);
    status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void input_and_output_may_be_files(void **state)
{
    enum { N = 300 };
    char redirected[400], path[160];
    int n = 0;
    FILE *f;

    (void)state;
    snprintf(path, sizeof path, "%s/requests", programs_folder());
    f = fopen(path, "w");
    for (int i = 0; i < N; i++)
        fprintf(f, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"client.info\"}\n", i);
    fclose(f);
    snprintf(redirected, sizeof redirected, "rpc <'%s' >'%s.out'", path, path);
    assert_int_equal(run_shell("alix", redirected), 0);
    strcat(path, ".out");
    f = fopen(path, "r");
    for (json_t *answer; (answer = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)); n++) {
        assert_non_null(json_object_get(answer, "result"));
        json_decref(answer);
    }
    fclose(f);
    assert_int_equal(n, N);
}

static void nothing_to_read_is_the_end(void **state)
{
    (void)state;
    assert_int_equal(run_shell("alix", "rpc </dev/null >/dev/null"), 0);
}

/* What is opened next does not become standard input or output. */
static void a_program_started_without_input_or_output_takes_no_other_file_for_it(void **state)
{
    char redirected[200], path[160];
    struct stat st;

    (void)state;
    snprintf(path, sizeof path, "%s/said", programs_folder());
    snprintf(redirected, sizeof redirected, "rpc <&- >'%s'", path);
    assert_int_equal(run_shell("fresh", redirected), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0); /* there was no request */
    assert_int_equal(run_shell("alix", "list <&- >&-"), 0);
    assert_int_equal(run_shell("alix", "list <&- >&- 2>&-"), 0);
    json_decref(run_json("@alix list --json")); /* the database is well */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_request_is_told_so),
        cmocka_unit_test(a_sentence_cut_within_a_character_is_an_answer),
        cmocka_unit_test(errors_name_their_kind_and_whether_to_try_again),
        cmocka_unit_test(a_notification_gets_no_answer),
        cmocka_unit_test(an_answer_carries_its_requests_id_whatever_it_is),
        cmocka_unit_test(requests_overlap_and_the_end_of_input_waits_for_their_answers),
        cmocka_unit_test(a_stream_tells_what_happens_with_its_subscription),
        cmocka_unit_test(what_was_answered_as_published_reads_as_published_at_once),
        cmocka_unit_test(a_reader_that_is_slow_is_waited_for_without_work_and_gets_all),
        cmocka_unit_test(input_and_output_may_be_files),
        cmocka_unit_test(nothing_to_read_is_the_end),
        cmocka_unit_test(a_program_started_without_input_or_output_takes_no_other_file_for_it),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
