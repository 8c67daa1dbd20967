/* What each method of JSON-RPC answers, whole, every field and every type: the dialogue of shapes.txt. */
#include "tests/cli/run.h"
#include "tests/cli/session.h"
#include "tests/programs.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct running alix, bo;

static int begin(void **state)
{
    (void)state;
    if (programs_begin() != 0)
        return -1;
    json_decref(run_json("@alix init --new --json"));
    json_decref(run_json("@bo init --new --json"));
    run_start("@alix rpc", &alix);
    run_start("@bo rpc", &bo);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    if (run_end(&alix) != 0 || run_end(&bo) != 0)
        return -1;
    return programs_finish();
}

static void learn_who_is_who(void)
{
    static const struct {
        struct running *who;
        const char *inbox, *installation, *address;
    } people[] = {{&alix, "$ALIX", "$ALIXPHONE", "$ALIXADDRESS"}, {&bo, "$BO", "$BOPHONE", "$BOADDRESS"}};

    for (int i = 0; i < 2; i++) {
        json_t *info = session_result(people[i].who, "client.info", "{}");

        session_name(people[i].inbox, member(info, "inboxId"));
        session_name(people[i].installation, member(info, "installationId"));
        session_name(people[i].address, member(info, "address"));
        json_decref(info);
    }
    session_name("$NODE", programs_node_url());
}

/* ---- the dialogue ---- */

/* "$NAME.field who method params": makes the call and writes what it is answered with. */
static void play(const char *line, FILE *out)
{
    char name[32] = "", field[32] = "", who[16], method[64], *text;
    json_t *answer, *result;
    int at = 0;

    if (*line == '$' && sscanf(line, "%31[^.].%31s %n", name, field, &at) == 2)
        line += at;
    if (sscanf(line, "%15s %63s %n", who, method, &at) != 2)
        fail_msg("no call: %s", line);
    answer = session_ask(strcmp(who, "bo") == 0 ? &bo : &alix, method, line + at);
    result = json_object_get(answer, "result");
    if (*name)
        session_name(name, member(result, field));
    text = session_masked(result ? result : json_object_get(answer, "error"));
    fprintf(out, "%s %s\n", result ? "=" : "!", text);
    free(text);
    json_decref(answer);
}

/* The dialogue as it goes now: calls and remarks as they stand, answers as they come. */
static char *played(const char *script)
{
    char line[16384], *text = NULL;
    size_t size = 0;
    FILE *in = fmemopen((void *)(uintptr_t)script, strlen(script), "r"), *out = open_memstream(&text, &size);

    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "= ", 2) == 0 || strncmp(line, "! ", 2) == 0)
            continue;
        fprintf(out, "%s\n", line);
        if (*line && *line != '#')
            play(line, out);
    }
    fclose(in);
    fclose(out);
    return text;
}

static const char *script_path(void)
{
    static char path[1024];
    const char *top = getenv("XM_SRCDIR");

    snprintf(path, sizeof path, "%s/tests/cli/shapes.txt", top ? top : ".");
    return path;
}

static char *script(void)
{
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(script_path(), "r");

    assert_non_null(f);
    text[fread(text, 1, (1 << 20) - 1, f)] = 0;
    fclose(f);
    return text;
}

static void write_anew(const char *text)
{
    FILE *f = fopen(script_path(), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* The first line that differs, after the call it answers. */
static void expect_same(const char *got, const char *want)
{
    const char *call = got;

    while (*got) {
        size_t a = strcspn(got, "\n"), b = strcspn(want, "\n");

        if (*got != '=' && *got != '!')
            call = got;
        if (a != b || strncmp(got, want, a) != 0)
            fail_msg("%.*s\nis answered\n%.*s\nnot\n%.*s", (int)strcspn(call, "\n"), call, (int)a, got, (int)b, want);
        got += a + (got[a] == '\n');
        want += b + (want[b] == '\n');
    }
    assert_string_equal(want, "");
}

static void every_method_answers_as_it_is_written(void **state)
{
    char *want = script(), *got;

    (void)state;
    learn_who_is_who();
    got = played(want);
    if (getenv("XM_UPDATE_SHAPES"))
        write_anew(got);
    else
        expect_same(got, want);
    free(got);
    free(want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_answers_as_it_is_written),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
