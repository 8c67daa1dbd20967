/* Calls of the core for commands, and showing what they answered.  Thread: main. */
#pragma once
#include <jansson.h>

struct cli_options;
struct xm_client;

/* Makes a call and takes `params`.  Where a wallet elsewhere must sign, its text is shown on standard error, the
 * signature read from standard input, and the call made again with it.  EXIT_DONE with *result, the answer as JSON
 * text that the caller frees with xm_free_text(), or an exit status after a line on standard error. */
int cli_call(struct xm_client *client, const char *method, json_t *params, char **result);

/* Prints an answer, as --json wants it or by `print`, and frees it.  The exit status that it stands for: a message
 * that is kept is no success, nor is a signature that does not hold. */
int cli_show(const struct cli_options *options, char *result, void (*print)(const json_t *result));
