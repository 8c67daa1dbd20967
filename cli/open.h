/* Opening the home for a command, and the secrets that are asked for or read from files.  Thread: main. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct cli_options;
struct xm_client;

enum cli_open_how {
    CLI_OPEN_QUIET = 1,     /* fetch nothing on its own */
    CLI_OPEN_MAY_MAKE = 2,  /* a home that is not there is made; else it is said how to make one, EXIT_NOT_FOUND */
    CLI_OPEN_NO_THREAD = 4, /* all of it in this thread, while it waits in xm_client_poll() */
};

/* `how`: of enum cli_open_how.  0, and the keys in `options` are wiped; or an exit status after a line on standard
 * error. */
int cli_open(struct cli_options *options, unsigned how, struct xm_client **out);

/* Whether a command is a decision about somebody, or makes one besides, as starting a chat allows it. */
enum cli_decision { CLI_DECIDES_NOTHING, CLI_DECIDES_BESIDES, CLI_DECIDES };

/* Ends the client (NULL is fine) and returns the command's status.  What it decided goes to the other installations
 * first; where a decision found no network it is kept, which is said, and the status tells. */
int cli_close(const struct cli_options *options, struct xm_client *client, int status, enum cli_decision decision);

/* Asks at the terminal for the passphrase of `home`, without showing it; false after a line on standard error when there
 * is no terminal or it ended.  The caller wipes `out`. */
bool cli_ask_passphrase(const char *home, const char *prompt, char *out, size_t size);

/* A wallet key of 64 hexadecimal digits, with or without 0x, from a file that others may not read: a new reference, or
 * NULL after a line on standard error. */
json_t *cli_key_from_file(const char *path);
