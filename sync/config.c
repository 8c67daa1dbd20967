#include "sync/config.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "sync/xmtui/client.h"

#include <string.h>

/* Addresses of the public network: node-api notes of XMTP's V3. */
static const struct {
    const char *env, *url;
} networks[] = {
    {"local", "http://127.0.0.1:5556"},
    {"dev", "https://grpc.dev.xmtp.network:443"},
    {"production", "https://grpc.production.xmtp.network:443"},
};

void config_free(struct core_config *config)
{
    if (!config)
        return;
    xm_free(config->home);
    xm_free(config->env);
    xm_free(config->node_url);
    xm_free(config->node_program);
    xm_free(config);
}

int config_new(const struct xm_options *options, struct core_config **out, struct err *err)
{
    const char *env = options->env ? options->env : "local", *url = NULL;
    struct core_config *config;

    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if (strcmp(networks[i].env, env) == 0)
            url = networks[i].url;
    if (!url)
        return err_set(err, ERR_INVALID, _("unknown network \"%.40s\": use local, dev or production"), env);
    if (options->node_url)
        url = options->node_url;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return err_set(err, ERR_INVALID, _("the node must be http://HOST:PORT or https://HOST:PORT, not \"%.80s\""),
                       url);
    config = xm_alloc(sizeof *config);
    if (!config)
        return err_set(err, ERR_NOMEM, "out of memory");
    config->home = xm_strdup(options->home);
    config->env = xm_strdup(env);
    config->node_url = xm_strdup(url);
    config->node_program = options->node_program ? xm_strdup(options->node_program) : NULL;
    config->own_node = strcmp(env, "local") == 0 && !options->node_url && !options->no_node && !options->offline;
    if (!config->home || !config->env || !config->node_url || (options->node_program && !config->node_program)) {
        config_free(config);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *out = config;
    return 0;
}
