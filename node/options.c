#include "node/options.h"

#include "base/i18n.h"
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_key {
    OPT_LISTEN = 256,
    OPT_DB,
    OPT_IDLE_EXIT,
    OPT_LOG_LEVEL,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_MAX_MESSAGE,
    OPT_MAX_CALLS,
    OPT_MAX_CONNECTIONS,
    OPT_MAX_STREAMS,
    OPT_MAX_FILTERS,
    OPT_MAX_PENDING,
    OPT_MAX_REQUESTS,
    OPT_MAX_PUBLISHES,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"db", required_argument, NULL, OPT_DB},
    {"idle-exit", required_argument, NULL, OPT_IDLE_EXIT},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"max-message", required_argument, NULL, OPT_MAX_MESSAGE},
    {"max-calls", required_argument, NULL, OPT_MAX_CALLS},
    {"max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS},
    {"max-streams", required_argument, NULL, OPT_MAX_STREAMS},
    {"max-filters", required_argument, NULL, OPT_MAX_FILTERS},
    {"max-pending", required_argument, NULL, OPT_MAX_PENDING},
    {"max-requests", required_argument, NULL, OPT_MAX_REQUESTS},
    {"max-publishes", required_argument, NULL, OPT_MAX_PUBLISHES},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

static void print_help(void)
{
    printf(_("Usage: xmtui-node [OPTION]...\n"
             "An XMTP node for one machine: the network's gRPC API over one SQLite file.\n"
             "\n"
             "  --listen ADDR:PORT    listen there; may be given several times; port 0 picks a free one\n"
             "                        (127.0.0.1:5556 and [::1]:5556)\n"
             "  --db FILE             the database ($XDG_DATA_HOME/xmtui/node/node.db)\n"
             "  --idle-exit SECONDS   end when no client has been connected for so long (never)\n"
             "  --log-level LEVEL     error, warn, info or debug, on standard error (warn)\n"
             "  --tls-cert FILE       PEM certificate chain: TLS instead of plain HTTP/2\n"
             "  --tls-key FILE        PEM key of it\n"
             "\n"
             "Limits; over one of them a request is answered with RESOURCE_EXHAUSTED:\n"
             "  --max-message BYTES   one request (26214400)\n"
             "  --max-calls N         open calls of one connection; more wait (1000)\n"
             "  --max-connections N   connections; more take the place of silent ones or are closed (1000)\n"
             "  --max-streams N       open streams (10000)\n"
             "  --max-filters N       topics of all streams together (1000000)\n"
             "  --max-pending BYTES   memory of publishes that are not stored yet (268435456)\n"
             "  --max-requests N      requests a second (50000)\n"
             "  --max-publishes N     things published a second (20000)\n"
             "\n"
             "  --help, --version\n"));
}

static enum node_options_result wrong(const char *name, const char *value, const char *wanted)
{
    fprintf(stderr, _("xmtui-node: --%s %s: not %s; see xmtui-node --help\n"), name, value, wanted);
    return NODE_OPTIONS_WRONG;
}

static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    uintmax_t value;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    value = strtoumax(text, &end, 10);
    if (errno != 0 || *end != 0 || value < least || value > most)
        return false;
    *out = value;
    return true;
}

/* "ADDR:PORT"; whether the address can be bound is seen later. */
static bool is_listen_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;

    return colon != NULL && colon != text && strlen(text) < 200 && read_number(colon + 1, 0, 65535, &port);
}

static enum node_options_result read_limit(enum option_key key, const char *name, const char *value,
                                           struct node_limits *limits)
{
    uint64_t n;

    /* A limit of 0 would mean "no service"; the upper bound keeps sums of limits far from wrapping. */
    if (!read_number(value, 1, UINT32_MAX, &n))
        return wrong(name, value, _("a number from 1 to 4294967295"));
    switch (key) {
    case OPT_MAX_MESSAGE:
        limits->max_message = n;
        break;
    case OPT_MAX_CALLS:
        limits->max_calls = (uint32_t)n;
        break;
    case OPT_MAX_CONNECTIONS:
        limits->max_connections = n;
        break;
    case OPT_MAX_STREAMS:
        limits->max_streams = n;
        break;
    case OPT_MAX_FILTERS:
        limits->max_filters = n;
        break;
    case OPT_MAX_PENDING:
        limits->max_pending_bytes = n;
        break;
    case OPT_MAX_REQUESTS:
        limits->requests_per_s = n;
        break;
    default:
        limits->publishes_per_s = n;
    }
    return NODE_OPTIONS_RUN;
}

static enum node_options_result read_one(int key, const char *name, const char *value, struct node_options *out)
{
    uint64_t n;
    int level;

    switch (key) {
    case OPT_LISTEN:
        if (!is_listen_address(value))
            return wrong(name, value, _("ADDR:PORT, such as 127.0.0.1:5556 or [::1]:5556"));
        if (out->config.listen_n == NODE_LISTEN_MAX)
            return wrong(name, value, _("one of at most 16 addresses"));
        out->listen[out->config.listen_n++] = value;
        return NODE_OPTIONS_RUN;
    case OPT_DB:
        if (value[0] == 0 || strlen(value) >= sizeof out->db_path)
            return wrong(name, value, _("a file name"));
        strcpy(out->db_path, value);
        return NODE_OPTIONS_RUN;
    case OPT_IDLE_EXIT:
        if (!read_number(value, 1, 365 * 86400, &n))
            return wrong(name, value, _("a number of seconds"));
        out->config.idle_exit_ms = n * 1000;
        return NODE_OPTIONS_RUN;
    case OPT_LOG_LEVEL:
        if ((level = log_level_parse(value)) < 0)
            return wrong(name, value, _("one of error, warn, info, debug"));
        out->log_level = (enum log_level)level;
        return NODE_OPTIONS_RUN;
    case OPT_TLS_CERT:
        out->config.tls_cert = value;
        return NODE_OPTIONS_RUN;
    case OPT_TLS_KEY:
        out->config.tls_key = value;
        return NODE_OPTIONS_RUN;
    case OPT_HELP:
        print_help();
        return NODE_OPTIONS_DONE;
    case OPT_VERSION:
        printf("xmtui-node %s\n", PACKAGE_VERSION);
        return NODE_OPTIONS_DONE;
    default:
        return read_limit((enum option_key)key, name, value, &out->config.limits);
    }
}

static enum node_options_result default_db(struct node_options *out)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int n;

    /* The specification of these directories ignores a relative path. */
    if (data != NULL && data[0] == '/')
        n = snprintf(out->db_path, sizeof out->db_path, "%s/xmtui/node/node.db", data);
    else if (home != NULL && home[0] == '/')
        n = snprintf(out->db_path, sizeof out->db_path, "%s/.local/share/xmtui/node/node.db", home);
    else
        n = -1;
    if (n < 0 || (size_t)n >= sizeof out->db_path) {
        fprintf(stderr, _("xmtui-node: neither XDG_DATA_HOME nor HOME names a directory: give --db FILE\n"));
        return NODE_OPTIONS_WRONG;
    }
    return NODE_OPTIONS_RUN;
}

static enum node_options_result check_together(struct node_options *out)
{
    if ((out->config.tls_cert == NULL) != (out->config.tls_key == NULL)) {
        fprintf(stderr, _("xmtui-node: --tls-cert and --tls-key belong together: give both\n"));
        return NODE_OPTIONS_WRONG;
    }
    if (out->config.listen_n == 0)
        out->listen[out->config.listen_n++] = NODE_LISTEN_DEFAULT;
    return out->db_path[0] != 0 ? NODE_OPTIONS_RUN : default_db(out);
}

enum node_options_result node_options_read(int argc, char **argv, struct node_options *out)
{
    enum node_options_result result;
    int key, index = 0;

    *out = (struct node_options){.log_level = LOG_WARN};
    out->config.listen = out->listen;
    out->config.db_path = out->db_path;
    optind = 1;
    opterr = 0; /* its own words name the program by its path, and --help not */
    while ((key = getopt_long(argc, argv, ":", long_options, &index)) != -1) {
        if (key == '?' || key == ':') {
            fprintf(stderr, key == ':' ? _("xmtui-node: %s needs a value; see xmtui-node --help\n")
                                       : _("xmtui-node: %s: not an option; see xmtui-node --help\n"),
                    argv[optind - 1]);
            return NODE_OPTIONS_WRONG;
        }
        if ((result = read_one(key, long_options[index].name, optarg, out)) != NODE_OPTIONS_RUN)
            return result;
    }
    if (optind < argc) {
        fprintf(stderr, _("xmtui-node: %s: not an option; see xmtui-node --help\n"), argv[optind]);
        return NODE_OPTIONS_WRONG;
    }
    return check_together(out);
}
