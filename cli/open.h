/* Opening the home for a command: asks for the passphrase where there is one.  Thread: main. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct cli_options;
struct xm_client;

/* 0, or an exit status after a line on standard error. */
int cli_open(struct cli_options *options, bool quiet, struct xm_client **out);

/* Reads a line from the terminal without showing it; false when there is no terminal or it ended. */
bool cli_ask_secret(const char *prompt, char *out, size_t size);
