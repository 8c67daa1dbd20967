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
    /* Words and flags -> params; NULL for what is no usage of it, JSON's null for what was complained about already.
     * No function: the arguments are positional, named by `params`. */
    json_t *(*build)(const struct command *c, const struct cli_options *o, const char *const *args, size_t n);
    const char *params;  /* "id text peers*": names in order, the last may take the rest */
    const char *flags;   /* "limit=limit before=beforeNs": flag=param; after it ":i" for a whole number, ":s" for
                          * seconds, ":l" for a list with commas; no param for a flag that the command reads itself */
    void (*print)(const json_t *result);
};

extern const struct command commands[]; /* ends with words NULL */

/* A TEXT of the command line: `-` stands for what standard input has.  A new reference; NULL where there is nothing
 * in it, which has been told: a message of nothing is a mistake made in a script. */
json_t *cli_text_argument(const char *word);

/* Runs the command that the options' words name; an exit status. */
int cli_command_run(struct cli_options *options);
/* How many words there are in "conversation send-text", and whether the options' words begin with them. */
size_t cli_words_in(const char *text);
bool cli_words_match(const struct cli_options *options, const char *words);
/* Whether the flags that were given are among `known` (as in struct command), once each, with values that can be
 * meant.  0, or EXIT_USAGE after a line on standard error. */
int cli_flags_check(const char *known, const struct cli_options *options);
/* Says how `words` is used; EXIT_USAGE. */
int cli_usage(const char *words, const char *args);
/* Prints a line of help; `help` is translated here. */
void cli_help_line(const char *words, const char *args, const char *help);
/* Prints how a command is used, and under it what it does; `flags` as in struct command. */
void cli_help_usage(const char *words, const char *args, const char *flags, const char *help);
/* Prints one for each command. */
void cli_command_list(void);
/* Prints how the command that the options' words name is used, or, where they are a noun, its verbs.  False where
 * they are neither. */
bool cli_command_help(const struct cli_options *options);
