/* Command line of xmtui-node.  Thread: main. */
#pragma once
#include "base/log.h"
#include "node/node.h"

#include <limits.h>

#define NODE_LISTEN_MAX 16
/* 127.0.0.1 and, where the system has it, [::1]. */
#define NODE_LISTEN_DEFAULT "localhost:5556"

struct node_options {
    struct node_config config; /* points into this struct and argv */
    const char *listen[NODE_LISTEN_MAX];
    char db_path[PATH_MAX];
    enum log_level log_level;
};

enum node_options_result {
    NODE_OPTIONS_RUN,  /* go on */
    NODE_OPTIONS_DONE, /* --help or --version was answered on standard output */
    NODE_OPTIONS_WRONG /* the mistake stands on standard error */
};

enum node_options_result node_options_read(int argc, char **argv, struct node_options *out);
