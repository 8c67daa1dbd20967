/* `xmtui init`: makes this installation and registers it. */
#include "cli/special.h"

#include "base/hex.h"
#include "base/i18n.h"
#include "cli/call.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/options.h"
#include "cli/print.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static json_t *wallet_key_mode(json_t *key)
{
    return key ? json_pack("{s:s,s:o}", "mode", "walletKey", "walletKey", key) : NULL;
}

/* How many ways were named; a key in the environment is only used where there is none. */
static int ways(const struct cli_options *o)
{
    return !!cli_flag(o, "new") + !!cli_flag(o, "external") + !!cli_flag(o, "same-as") + !!o->wallet_key_file +
           o->wallet_key_given;
}

/* The key of the other home, where it is not in its db.key. */
static bool add_other_key(const struct cli_options *o, const char *home, json_t *params)
{
    enum xm_home_state kind = xm_home_inspect(home);
    char secret[1024], prompt[PATH_MAX + 40], hex[2 * sizeof o->db_key + 1];

    if (kind == XM_HOME_NEEDS_KEY && o->has_db_key) {
        hex_encode(o->db_key, sizeof o->db_key, hex);
        json_object_set_new(params, "dbKey", json_string(hex));
        explicit_bzero(hex, sizeof hex);
    } else if (kind == XM_HOME_NEEDS_PASSPHRASE) {
        snprintf(prompt, sizeof prompt, _("Passphrase of %s: "), home);
        if (!cli_ask_passphrase(home, prompt, secret, sizeof secret))
            return false;
        json_object_set_new(params, "passphrase", json_string(secret));
        explicit_bzero(secret, sizeof secret);
    }
    return true;
}

static json_t *same_as_mode(const struct cli_options *o, const char *home)
{
    json_t *params = json_pack("{s:s,s:s}", "mode", "sameAs", "home", home);

    if (params && !add_other_key(o, home, params)) {
        json_decref(params);
        return NULL;
    }
    return params;
}

/* What was asked for, as params of client.init; NULL after a line on standard error. */
static json_t *read_mode(const struct cli_options *o)
{
    const char *external = cli_flag(o, "external"), *same_as = cli_flag(o, "same-as"), *label = cli_flag(o, "label");
    json_t *params = NULL;

    if (ways(o) > 1)
        fprintf(stderr, "xmtui: %s\n",
                _("say one of --new, --wallet-key-file FILE, --external ADDRESS and --same-as HOME"));
    else if (same_as)
        params = same_as_mode(o, same_as);
    else if (external)
        params = json_pack("{s:s,s:s}", "mode", "external", "address", external);
    else if (o->wallet_key_file)
        params = wallet_key_mode(cli_key_from_file(o->wallet_key_file));
    else if (cli_flag(o, "new"))
        params = json_pack("{s:s}", "mode", "new");
    else if (o->wallet_key)
        params = wallet_key_mode(json_string(o->wallet_key));
    else
        fprintf(stderr, "xmtui: %s\n",
                _("say how: --new, --wallet-key-file FILE, --external ADDRESS or --same-as HOME"));
    if (params && label)
        json_object_set_new(params, "label", json_string(label));
    return params;
}

int cli_init(struct cli_options *o)
{
    json_t *params = read_mode(o);
    struct xm_client *client = NULL;
    char *result = NULL;
    int status;

    if (!params)
        return EXIT_USAGE;
    if ((status = cli_open(o, CLI_OPEN_QUIET | CLI_OPEN_MAY_MAKE, &client)) != 0) {
        json_decref(params);
        return status;
    }
    if ((status = cli_call(client, "client.init", params, &result)) == EXIT_DONE)
        status = cli_show(o, result, print_fields);
    xm_client_close(client);
    return status;
}
