/* Runs xmtui as a person or a script does, and keeps what it said. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct outcome {
    int status; /* exit status, or 128 + the signal that ended it */
    char *out, *err;
};

/* A program that still runs; its input and output are open. */
struct running {
    pid_t pid;
    int in, out, err;
};

/* `command`: as in a shell, without quoting, `@` for the home named before it and `$NODE` for the node's URL; for
 * instance "@alix list --json".  `env`: more variables, "NAME=value", NULL-ended; NULL: XMTUI_NODE with the node
 * alone.  `input`: on standard input; NULL: none. */
void run_in(const char *const *env, const char *input, const char *command, struct outcome *out);
void run(const char *command, struct outcome *out);
void outcome_free(struct outcome *o);

/* The same, still running. */
void run_start_in(const char *const *env, const char *command, struct running *r);
void run_start(const char *command, struct running *r);
/* Whether it has said something within so long. */
bool run_has_output(struct running *r, int ms);
/* A line of its output; the test fails when none comes.  The caller frees it. */
char *run_line(struct running *r);
void run_write(struct running *r, const char *text);
/* What it says on standard error up to and with `end`; the test fails when that does not come.  The caller frees it. */
char *run_said(struct running *r, const char *end);
/* Waits for the end; the exit status as above. */
int run_end(struct running *r);
/* The same, with what it still says; its input ends. */
void run_rest(struct running *r, struct outcome *o);

/* It did what it should: status 0, nothing on standard error.  The one JSON value it printed, or NULL for none. */
json_t *run_json(const char *command);
/* A new person with a home of that name. */
void run_init(const char *name, char inbox_id[65]);
/* It failed with this status, one line on standard error that has `says`, and nothing on standard output. */
void run_fails(const char *command, int status, const char *says);

const char *member(const json_t *object, const char *key); /* text, or the test fails */
