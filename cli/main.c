/* xmtui: the full-screen client, and one-shot commands over the same core. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rpc.h"
#include "cli/special.h"
#include "ui/ui.h"

#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Commands with ways of their own; the others are in commands.c. */
static const struct special {
    const char *words, *args, *help;
} specials[] = {
    {"init", "--new | --wallet-key-file F [--label NAME]", N_("make this installation and register it")},
    {"init", "--external ADDRESS", N_("the same, with a wallet elsewhere: sign the text, paste the signature")},
    {"init", "--same-as HOME", N_("another installation of that home's person")},
    {"dm", "PEER [TEXT]", N_("open a 1:1 chat, and say something; TEXT '-' reads standard input")},
    {"stream", "[--count N] [--timeout S]", N_("print what happens while it happens")},
    {"conversations stream", "[--count N] [--timeout S]", N_("new conversations")},
    {"conversations stream-all-messages", "", N_("messages of all conversations")},
    {"conversation stream", "ID", N_("messages of one conversation")},
    {"preferences stream", "", N_("decisions as they are made or arrive")},
    {"demo", "", N_("watch a block travel between two installations")},
    {"rpc", "", N_("JSON-RPC on standard input and output")},
};

/* How the command that the words name is used; of a noun, what there is. */
static int help_on(struct cli_options *o)
{
    char words[80];
    size_t len;
    bool any;

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
    printf("  %-24s %s\n", "--wallet-key HEX", _("for init; better: XMTP_WALLET_KEY or --wallet-key-file"));
    printf("  %-24s %s\n", "--db-key HEX", _("key of the database (XMTP_DB_ENCRYPTION_KEY)"));
    printf("  %-24s %s\n", "--json", _("one JSON value a line"));
    printf("  %-24s %s\n", "--offline", _("touch the store only"));
    printf("  %-24s %s\n", "--log FILE", _("diagnostics (XMTUI_LOG); --log-level error|warn|info|debug"));
    printf("  %-24s %s\n\n", "--help, --version", "");
    printf("%s\n", _("first steps:"));
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        cli_help_line(specials[i].words, specials[i].args, specials[i].help);
    putchar('\n');
    printf("%s\n", _("commands:"));
    cli_command_list();
    printf("\n%s\n", _("exit status: 0 done, 1 failed, 2 usage, 3 not found, 4 no network, 5 locked, 6 bad key, 7 refused"));
}

static bool is_stream(const struct cli_options *o)
{
    const char *second = o->n_words > 1 ? o->words[1] : "";

    if (strcmp(o->words[0], "stream") == 0)
        return true;
    return (strcmp(second, "stream") == 0 || strcmp(second, "stream-all-messages") == 0) &&
           (strncmp(o->words[0], "conversation", 12) == 0 || strcmp(o->words[0], "preferences") == 0);
}

static int run_ui(struct cli_options *o)
{
    struct xm_options client = cli_client_options(o, false);
    struct ui_options ui = {.client = client, .wallet_key = o->wallet_key};

    return ui_run(&ui);
}

static int run(struct cli_options *o)
{
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
    if (!o->n_words)
        return run_ui(o);
    if (strcmp(o->words[0], "rpc") == 0)
        return cli_rpc(o);
    if (strcmp(o->words[0], "init") == 0)
        return cli_init(o);
    if (strcmp(o->words[0], "dm") == 0)
        return cli_dm(o);
    if (strcmp(o->words[0], "demo") == 0)
        return cli_demo(o);
    if (is_stream(o))
        return cli_stream(o);
    return cli_command_run(o);
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

int main(int argc, char **argv)
{
    struct cli_options options = {0};
    int status;

    setlocale(LC_ALL, "");
    bindtextdomain("xmtui", LOCALEDIR);
    textdomain("xmtui");
    signal(SIGPIPE, SIG_IGN);
    status = cli_options_parse(&options, argc, argv);
    if (status == 0) {
        open_log(&options);
        status = run(&options);
    }
    cli_options_free(&options);
    return status;
}
