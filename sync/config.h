/* What the options of a home come to: which network, which node, where.  Thread: any; constant. */
#pragma once
#include <stdbool.h>

struct err;
struct xm_options;

struct core_config {
    char *home;
    char *env;          /* "local", "dev", "production" */
    char *node_url;     /* what --node or env say */
    char *node_program; /* xmtui-node to start, NULL: look beside this program, then on PATH */
    bool own_node;      /* may start a node: env is local, nobody named another and --no-node is off */
};

/* ERR_INVALID: unknown env or a URL that is none. */
int config_new(const struct xm_options *options, struct core_config **out, struct err *err);
void config_free(struct core_config *config);
