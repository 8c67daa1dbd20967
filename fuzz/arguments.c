/* Fuzz target: a command line, an argument a line.  What is taken is within bounds, and no key is left in it. */
#include "cli/options.h"
#include "fuzz/fuzz.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARGS_MAX 100

/* What is wrong with a line goes to standard error, where the fuzzer has its reports: it keeps the old stream. */
static void be_quiet(void)
{
    static FILE *nowhere;

    if (nowhere)
        return;
    must((nowhere = fopen("/dev/null", "w")) != NULL);
    stderr = nowhere;
}

/* A folder of the input's would have its config.ini read, whatever is there. */
static bool names_home(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--home", 6) == 0)
            return true;
    return false;
}

static void check(const struct cli_options *o, int r)
{
    must(r == 0 || r == 2);
    must(o->n_words <= CLI_WORDS_MAX && o->n_flags <= CLI_FLAGS_MAX);
    for (size_t i = 0; i < o->n_words; i++)
        must(o->words[i] != NULL);
    for (size_t i = 0; i < o->n_flags; i++)
        must(o->flags[i].name && !strchr(o->flags[i].name, '=') && cli_flag(o, o->flags[i].name));
    if (r == 0)
        must(o->home && *o->home && cli_client_options(o, true).home == o->home);
}

/* An argument ends in as many x as the key had digits. */
static void check_key_is_gone(const struct cli_options *o, int argc, char **argv)
{
    size_t len = strlen(o->wallet_key);

    for (int i = 1; i < argc; i++) {
        size_t n = strlen(argv[i]);

        if (n >= len && strspn(argv[i] + n - len, "x") == len)
            return;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), name[] = "xmtui", *argv[ARGS_MAX + 1] = {name};
    struct cli_options options = {0};
    int argc = 1, r;

    be_quiet();
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    for (char *at = text; at && argc < ARGS_MAX; argc++) {
        argv[argc] = at;
        if ((at = strchr(at, '\n')))
            *at++ = 0;
    }
    if (!names_home(argc, argv)) {
        setenv("XMTUI_HOME", "/nowhere", 1);
        r = cli_options_parse(&options, argc, argv);
        check(&options, r);
        if (r == 0 && options.wallet_key_given)
            check_key_is_gone(&options, argc, argv);
        cli_options_forget_keys(&options);
        must(!options.wallet_key && !options.has_db_key);
        cli_options_free(&options);
    }
    free(text);
    return 0;
}
