/* One-shot commands: a table of words, the method of the core each stands for, and how its answer is
 * printed.  Thread: main. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct cli_options;

struct command;

struct command {
    const char *words;   /* "conversation send-text" */
    const char *args;    /* for people: "ID TEXT" */
    const char *help;    /* one line */
    const char *method;
    /* Words and flags -> params.  NULL: the arguments are positional, named by `params`. */
    json_t *(*build)(const struct command *c, const struct cli_options *o, const char *const *args, size_t n);
    const char *params;  /* "id text peers*": names in order, the last may take the rest */
    const char *flags;   /* "limit=limit before=beforeNs": flag=param, ":i" for a number, ":b" without a value */
    int (*print)(const json_t *result); /* NULL: nothing to say; returns an exit status */
};

extern const struct command commands[]; /* ends with words NULL */

/* Runs the command that the options' words name; an exit status. */
int cli_command_run(struct cli_options *options);
/* Prints a line of help; `help` is translated here. */
void cli_help_line(const char *words, const char *args, const char *help);
/* Prints one for each command. */
void cli_command_list(void);
/* Prints how the command that the options' words name is used, or, where they are a noun, its verbs.  False where
 * they are neither. */
bool cli_command_help(const struct cli_options *options);
