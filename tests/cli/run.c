#include "tests/cli/run.h"

#include "tests/programs.h"
#include "tests/test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 60000 /* far beyond what anything takes, for slow machines under sanitizers */
#define WORDS_MAX 40

/* ---- words ---- */

static char *expand(const char *word, size_t len)
{
    char text[4096];

    assert_true(len < sizeof text - 200);
    if (*word == '@')
        snprintf(text, sizeof text, "%s/%.*s", programs_folder(), (int)len - 1, word + 1);
    else if (len == 5 && strncmp(word, "$NODE", 5) == 0)
        snprintf(text, sizeof text, "%s", programs_node_url());
    else
        snprintf(text, sizeof text, "%.*s", (int)len, word);
    return strdup(text);
}

/* "@home words" -> xmtui --home FOLDER/home words */
static void split(const char *command, char *argv[WORDS_MAX])
{
    size_t n = 0;

    argv[n++] = strdup(program_path("xmtui"));
    if (*command == '@')
        argv[n++] = strdup("--home");
    while (*command) {
        size_t len = strcspn(command, " ");

        assert_true(n + 1 < WORDS_MAX);
        argv[n++] = expand(command, len);
        command += len + (command[len] == ' ');
    }
    argv[n] = NULL;
}

static void set_environment(const char *const *env)
{
    static const char *const ours[] = {"XMTUI_HOME", "XMTP_DB_DIRECTORY", "XMTP_ENV", "XMTUI_NODE", "XMTP_WALLET_KEY",
                                       "XMTP_DB_ENCRYPTION_KEY", "XMTUI_LOG"};
    char data[200];

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        unsetenv(ours[i]);
    snprintf(data, sizeof data, "%s/data", programs_folder());
    setenv("XDG_DATA_HOME", data, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    if (!env)
        setenv("XMTUI_NODE", programs_node_url(), 1);
    for (; env && *env; env++)
        putenv((char *)(uintptr_t)*env);
}

/* ---- running ---- */

static void start(const char *const *env, const char *command, struct running *r)
{
    int in[2], out[2], err[2];
    char *argv[WORDS_MAX];

    assert_true(pipe(in) == 0 && pipe(out) == 0 && pipe(err) == 0);
    split(command, argv);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        setsid(); /* no terminal to ask anything on */
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        set_environment(env);
        execv(argv[0], argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    *r = (struct running){r->pid, in[1], out[0], err[0]};
}

void run_start_in(const char *const *env, const char *command, struct running *r)
{
    start(env, command, r);
}

void run_start(const char *command, struct running *r)
{
    start(NULL, command, r);
}

void run_write(struct running *r, const char *text)
{
    assert_int_equal(write(r->in, text, strlen(text)), strlen(text));
}

bool run_has_output(struct running *r, int ms)
{
    struct pollfd wait = {.fd = r->out, .events = POLLIN};

    return poll(&wait, 1, ms) > 0;
}

char *run_line(struct running *r)
{
    size_t len = 0, room = 1 << 20;
    char *line = malloc(room);

    for (;;) {
        struct pollfd wait = {.fd = r->out, .events = POLLIN};

        if (poll(&wait, 1, WAIT_MS) <= 0 || read(r->out, line + len, 1) != 1)
            fail_msg("no line came");
        if (line[len] == '\n')
            break;
        assert_true(++len < room);
    }
    line[len] = 0;
    return line;
}

char *run_said(struct running *r, const char *end)
{
    size_t len = 0, room = 1 << 16;
    char *text = calloc(1, room);

    while (!strstr(text, end)) {
        struct pollfd wait = {.fd = r->err, .events = POLLIN};

        if (poll(&wait, 1, WAIT_MS) <= 0 || read(r->err, text + len, 1) != 1)
            fail_msg("it does not say \"%s\", but: %s", end, text);
        assert_true(++len + 1 < room);
    }
    return text;
}

int run_end(struct running *r)
{
    int status;

    if (r->in >= 0)
        close(r->in);
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    close(r->out);
    close(r->err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Both streams to their ends, whichever has something first. */
static void read_both(struct running *r, struct outcome *o)
{
    struct pollfd wait[2] = {{.fd = r->out, .events = POLLIN}, {.fd = r->err, .events = POLLIN}};
    char *texts[2] = {calloc(1, 1 << 22), calloc(1, 1 << 16)};
    size_t lens[2] = {0, 0}, rooms[2] = {1 << 22, 1 << 16};

    while (wait[0].fd >= 0 || wait[1].fd >= 0) {
        if (poll(wait, 2, WAIT_MS) <= 0) {
            kill(r->pid, SIGKILL); /* it would keep its home from the tests that follow */
            fail_msg("it does not end");
        }
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            if (wait[i].fd < 0 || !wait[i].revents)
                continue;
            n = read(wait[i].fd, texts[i] + lens[i], rooms[i] - lens[i] - 1);
            if (n <= 0)
                wait[i].fd = -1;
            else
                lens[i] += (size_t)n;
        }
    }
    o->out = texts[0];
    o->err = texts[1];
}

void run_rest(struct running *r, struct outcome *o)
{
    close(r->in);
    r->in = -1;
    read_both(r, o);
    o->status = run_end(r);
}

void run_in(const char *const *env, const char *input, const char *command, struct outcome *o)
{
    struct running r;

    signal(SIGPIPE, SIG_IGN);
    start(env, command, &r);
    if (input)
        run_write(&r, input);
    run_rest(&r, o);
}

void run(const char *command, struct outcome *o)
{
    run_in(NULL, NULL, command, o);
}

void outcome_free(struct outcome *o)
{
    free(o->out);
    free(o->err);
}

/* ---- what is expected ---- */

json_t *run_json(const char *command)
{
    struct outcome o;
    json_t *json;

    run(command, &o);
    if (o.status != 0 || *o.err)
        fail_msg("%s: status %d: %s", command, o.status, o.err);
    json = *o.out ? json_loads(o.out, JSON_DECODE_ANY, NULL) : NULL;
    if (*o.out) {
        assert_non_null(json);
        assert_ptr_equal(strchr(o.out, '\n'), o.out + strlen(o.out) - 1); /* one value, one line */
    }
    outcome_free(&o);
    return json;
}

void run_init(const char *name, char inbox_id[65])
{
    char command[60];
    json_t *said;

    snprintf(command, sizeof command, "@%s init --new --json", name);
    said = run_json(command);
    snprintf(inbox_id, 65, "%s", member(said, "inboxId"));
    json_decref(said);
}

void run_fails(const char *command, int status, const char *says)
{
    struct outcome o;

    run(command, &o);
    if (o.status != status || !strstr(o.err, says) || *o.out || strncmp(o.err, "xmtui: ", 7) != 0 ||
        strchr(o.err, '\n') != o.err + strlen(o.err) - 1)
        fail_msg("%s: status %d, not %d; out \"%s\", err \"%s\", not \"%s\"", command, o.status, status, o.out, o.err, says);
    outcome_free(&o);
}

const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (!text)
        fail_msg("no \"%s\" in %s", key, json_dumps(object, JSON_ENCODE_ANY));
    return text;
}
