/* xmtui: the full-screen client, and one-shot commands over the same core. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "base/standard_fds.h"
#include "cli/command.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rpc.h"
#include "cli/special.h"
#include "ui/ui.h"

#include <jansson.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define STREAM_ARGS "[--count N] [--timeout S]"
#define STREAM_FLAGS "count=:i timeout=:s"
#define INIT_FLAGS "new= external= same-as= label="

/* Commands with ways of their own; the others are in commands.c. */
static const struct special {
    const char *words, *args, *help;
    const char *flags; /* as in struct command */
    size_t min, max;   /* arguments behind the words */
    int (*run)(struct cli_options *o);
} specials[] = {
    {"init", "--new | --wallet-key-file F [--label NAME]", N_("make this installation and register it"), INIT_FLAGS, 0, 0, cli_init},
    {"init", "--external ADDRESS", N_("the same, with a wallet elsewhere: sign the text, paste the signature"), INIT_FLAGS, 0, 0, cli_init},
    {"init", "--same-as HOME", N_("another installation of that home's person"), INIT_FLAGS, 0, 0, cli_init},
    {"demo", "", N_("watch a block travel between two installations"), "", 0, 0, cli_demo},
    {"dm", "PEER [TEXT]", N_("open a 1:1 chat, and say something; TEXT '-' reads standard input"), "", 1, 2, cli_dm},
    {"stream", STREAM_ARGS, N_("print what happens while it happens"), STREAM_FLAGS, 0, 0, cli_stream},
    {"conversations stream", STREAM_ARGS, N_("new conversations"), STREAM_FLAGS, 0, 0, cli_stream},
    {"conversations stream-all-messages", STREAM_ARGS, N_("messages of all conversations"), STREAM_FLAGS, 0, 0, cli_stream},
    {"conversation stream", "ID " STREAM_ARGS, N_("messages of one conversation"), STREAM_FLAGS, 1, 1, cli_stream},
    {"preferences stream", STREAM_ARGS, N_("decisions as they are made or arrive"), STREAM_FLAGS, 0, 0, cli_stream},
    {"rpc", "", N_("JSON-RPC on standard input and output"), "", 0, 0, cli_rpc},
};

#define FIRST_STEPS 5 /* of them, as --help has it */

static const struct special *find_special(const struct cli_options *o)
{
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (cli_words_match(o, specials[i].words))
            return &specials[i];
    return NULL;
}

static int run_special(const struct special *s, struct cli_options *o)
{
    size_t n = o->n_words - cli_words_in(s->words);
    int r = cli_flags_check(s->flags, o);

    if (r != 0)
        return r;
    return n < s->min || n > s->max ? cli_usage(s->words, s->args) : s->run(o);
}

/* How the command that the words name is used; of a noun, what there is. */
static int help_on(struct cli_options *o)
{
    const struct special *special = find_special(o);
    char words[80];
    size_t len;
    bool any;

    if (special) { /* init stands there once for each way */
        for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
            if (strcmp(specials[i].words, special->words) != 0)
                continue;
            fputs(&specials[i] != special ? "\n" : "", stdout);
            cli_help_usage(specials[i].words, specials[i].args, "", specials[i].help);
        }
        return EXIT_DONE;
    }
    snprintf(words, sizeof words, "%s%s%s", o->words[0], o->n_words > 1 ? " " : "", o->n_words > 1 ? o->words[1] : "");
    len = strlen(words);
    any = cli_command_help(o);
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (strncmp(specials[i].words, words, len) != 0 || (specials[i].words[len] && specials[i].words[len] != ' '))
            continue;
        cli_help_line(specials[i].words, specials[i].args, specials[i].help);
        any = true;
    }
    return any ? EXIT_DONE : cli_command_run(o); /* which says what is wrong with it */
}

static void print_help(void)
{
    printf("%s\n\n", _("xmtui - chat over XMTP in a terminal, end to end encrypted"));
    printf("%s\n", _("usage: xmtui [OPTION...]                 the full-screen client"));
    printf("%s\n\n", _("       xmtui [OPTION...] COMMAND [ARG...] one thing, then exit"));
    printf("%s\n", _("options:"));
    printf("  %-24s %s\n", "--home DIR", _("everything of one installation (XMTUI_HOME)"));
    printf("  %-24s %s\n", "--env NAME", _("local, dev or production (XMTP_ENV; local)"));
    printf("  %-24s %s\n", "--node URL", _("another node than the env's (XMTUI_NODE)"));
    printf("  %-24s %s\n", "--no-node", _("do not start the local node"));
    printf("  %-24s %s\n", "--wallet-key-file FILE", _("for init and client add-account: a key in a file that only you can read"));
    printf("  %-24s %s\n", "--wallet-key HEX", _("the same; others can see it, so better XMTP_WALLET_KEY or a file"));
    printf("  %-24s %s\n", "--db-key HEX", _("key of the database; better in XMTP_DB_ENCRYPTION_KEY"));
    printf("  %-24s %s\n", "--json", _("one JSON value a line"));
    printf("  %-24s %s\n", "--offline", _("touch the store only"));
    printf("  %-24s %s\n", "--log FILE", _("diagnostics (XMTUI_LOG); --log-level error|warn|info|debug"));
    printf("  %-24s %s\n\n", "--help, --version", _("of a command too: how it is used"));
    printf("%s\n", _("first steps:"));
    for (size_t i = 0; i < FIRST_STEPS; i++)
        cli_help_line(specials[i].words, specials[i].args, specials[i].help);
    printf("\n%s\n", _("commands:"));
    cli_command_list();
    for (size_t i = FIRST_STEPS; i < sizeof specials / sizeof specials[0]; i++)
        cli_help_line(specials[i].words, specials[i].args, specials[i].help);
    printf("\n%s\n", _("exit status: 0 done, 1 failed, 2 usage, 3 not found, 4 no network, 5 locked, 6 bad key, 7 refused, "
                    "130 interrupted"));
}

static int run_ui(struct cli_options *o)
{
    struct xm_options client = cli_client_options(o, false);
    struct ui_options ui = {.client = client, .wallet_key = o->wallet_key};

    return ui_run(&ui);
}

static int run(struct cli_options *o)
{
    const struct special *special;
    int r;

    if (o->version) {
        printf("xmtui %s\n", xm_version());
        return EXIT_DONE;
    }
    if (o->help && o->n_words)
        return help_on(o);
    if (o->help) {
        print_help();
        return EXIT_DONE;
    }
    if (!o->n_words && o->plain) {
        fprintf(stderr, "xmtui: --plain: %s\n", _("not available yet"));
        return EXIT_USAGE;
    }
    if (!o->n_words)
        return (r = cli_flags_check("", o)) != 0 ? r : run_ui(o);
    special = find_special(o);
    return special ? run_special(special, o) : cli_command_run(o);
}

/* Where nobody named a file, the log stands in the home, once there is one. */
static void open_log(const struct cli_options *o)
{
    char path[PATH_MAX];
    struct err err;

    if (o->log_file) {
        if (log_open(o->log_file, o->log_level, &err) != 0)
            fprintf(stderr, "xmtui: %s\n", err.text);
        return;
    }
    if (snprintf(path, sizeof path, "%s/log", o->home) < 0 || (mkdir(path, 0700) != 0 && access(path, W_OK) != 0))
        return;
    if ((size_t)snprintf(path, sizeof path, "%s/log/xmtui.log", o->home) < sizeof path)
        log_open(path, o->log_level, NULL);
}

/* Keys and passphrases pass through JSON on their way to client.init, and jansson does not wipe. */
static void free_wiped(void *at)
{
    if (at)
        explicit_bzero(at, malloc_usable_size(at));
    free(at);
}

/* A core file is the whole memory, keys and chats, in whatever folder we were started in. */
static void leave_no_core(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) != 0)
        return;
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &limit);
}

int main(int argc, char **argv)
{
    struct cli_options options = {0};
    int status;

    standard_fds_open();
    setlocale(LC_ALL, "");
    bindtextdomain("xmtui", LOCALEDIR);
    textdomain("xmtui");
    signal(SIGPIPE, SIG_IGN);
    leave_no_core();
    json_set_alloc_funcs(malloc, free_wiped);
    status = cli_options_parse(&options, argc, argv);
    if (status == 0) {
        open_log(&options);
        status = run(&options);
    }
    if (status == EXIT_DONE && options.key_as_argument)
        fprintf(stderr, "xmtui: %s\n",
                _("the key on the command line could be seen by other users: better give it in XMTP_WALLET_KEY, "
                  "--wallet-key-file or XMTP_DB_ENCRYPTION_KEY"));
    cli_options_free(&options);
    return status;
}
