/* The command line: global options anywhere, then words, then the command's own flags.
 *
 * An option wins over the environment, the environment over config.ini (interface: global options).
 * Keys given as arguments or in the environment are wiped there, so that they stay in the process list
 * no longer than they must, and programs started from here do not inherit them.  Thread: main. */
#pragma once
#include "sync/xmtui/client.h"

#include <stdbool.h>
#include <stddef.h>

#define CLI_WORDS_MAX 64
#define CLI_FLAGS_MAX 24

struct cli_flag {
    const char *name;  /* without the dashes */
    const char *value; /* NULL: given without one */
};

struct cli_options {
    char *home;
    char *env, *node;
    char *wallet_key;      /* hex */
    char *wallet_key_file;
    bool wallet_key_given; /* by an option: no mere default for init */
    bool key_as_argument;  /* a key stood on the command line, where others could see it */
    uint8_t db_key[32];
    bool has_db_key;
    char *passphrase; /* asked for, not an option */
    char *log_file;
    int log_level; /* enum log_level */
    bool json, offline, plain, no_node, help, version;

    const char *words[CLI_WORDS_MAX]; /* command and its arguments */
    size_t n_words;
    struct cli_flag flags[CLI_FLAGS_MAX];
    size_t n_flags;
};

/* 0, or 2 with a line on standard error. */
int cli_options_parse(struct cli_options *out, int argc, char **argv);
/* Wipes keys and passphrase: nobody needs them once the home is open. */
void cli_options_forget_keys(struct cli_options *options);
void cli_options_free(struct cli_options *options);

/* A flag's value, "" when given without one, NULL when absent. */
const char *cli_flag(const struct cli_options *options, const char *name);

/* The options of the client core; `quiet` for commands that fetch only what they say. */
struct xm_options cli_client_options(const struct cli_options *options, bool quiet);
