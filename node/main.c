/* xmtui-node: options, signals, one loop. */
#include "base/err.h"
#include "base/i18n.h"
#include "base/log.h"
#include "base/standard_fds.h"
#include "config.h"
#include "crypto/crypto.h"
#include "net/tune.h"
#include "node/node.h"
#include "node/options.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>

/* As of every program of this project. */
enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LOCKED = 5 };

struct program {
    uv_loop_t loop;
    uv_signal_t term, interrupt;
    struct node *node;
    bool stopping;
};

static void stop(struct program *p)
{
    if (p->stopping)
        return;
    p->stopping = true;
    uv_close((uv_handle_t *)&p->term, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
    if (p->node != NULL)
        node_close(p->node, NULL, NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
    log_info("node", "signal %d: ending", number);
    stop(signal->data);
}

static void on_idle(void *ctx)
{
    stop(ctx);
}

static void watch_signals(struct program *p)
{
    signal(SIGPIPE, SIG_IGN);
    uv_signal_init(&p->loop, &p->term);
    uv_signal_init(&p->loop, &p->interrupt);
    p->term.data = p->interrupt.data = p;
    uv_signal_start(&p->term, on_signal, SIGTERM);
    uv_signal_start(&p->interrupt, on_signal, SIGINT);
}

/* For programs: they wait for these lines, in any language, and learn a port they left to the system. */
static void print_addresses(const struct node *node)
{
    char address[NODE_ADDRESS_MAX];
    size_t i;

    for (i = 0; i < node_addresses(node); i++) {
        node_address(node, i, address);
        printf("listening on %s\n", address);
    }
    fflush(stdout);
}

static enum exit_status run(struct program *p, struct node_options *options)
{
    struct err err = {0};
    enum exit_status status = EXIT_DONE;
    int r;

    options->config.on_idle = on_idle;
    options->config.ctx = p;
    watch_signals(p);
    r = node_open(&p->loop, &options->config, &p->node, &err);
    if (r != 0) {
        fprintf(stderr, _("xmtui-node: cannot start: %s\n"), err.text);
        status = r == ERR_LOCKED ? EXIT_LOCKED : EXIT_FAILED;
        stop(p);
    } else {
        print_addresses(p->node);
    }
    uv_run(&p->loop, UV_RUN_DEFAULT);
    return status;
}

int main(int argc, char **argv)
{
    struct node_options options;
    struct program program = {0};
    struct err err = {0};
    enum exit_status status;

    standard_fds_open();
    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);
    switch (node_options_read(argc, argv, &options)) {
    case NODE_OPTIONS_DONE:
        return EXIT_DONE;
    case NODE_OPTIONS_WRONG:
        return EXIT_USAGE;
    case NODE_OPTIONS_RUN:
        break;
    }
    log_to_stderr(options.log_level);
    if (crypto_init(&err) != 0 || uv_loop_init(&program.loop) != 0) {
        fprintf(stderr, _("xmtui-node: cannot start: %s\n"), err.text[0] != 0 ? err.text : _("out of memory"));
        return EXIT_FAILED;
    }
    net_tune_malloc();
    status = run(&program, &options);
    uv_loop_close(&program.loop);
    return status;
}
