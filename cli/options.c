#include "cli/options.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "base/log.h"

#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct global {
    const char *name;
    bool takes_value;
    int (*set)(struct cli_options *o, const char *value);
};

/* ---- setters; 0 or 2 ---- */

static int put(char **at, const char *value)
{
    xm_free(*at);
    *at = xm_strdup(value);
    return *at ? 0 : 2;
}

static int set_home(struct cli_options *o, const char *v)
{
    return put(&o->home, v);
}

static int set_env(struct cli_options *o, const char *v)
{
    return put(&o->env, v);
}

static int set_node(struct cli_options *o, const char *v)
{
    return put(&o->node, v);
}

static void wipe(char *text)
{
    if (text)
        xm_free_secret(text, strlen(text));
}

static int set_wallet_key(struct cli_options *o, const char *v)
{
    wipe(o->wallet_key);
    o->wallet_key = xm_strdup(v);
    return o->wallet_key ? 0 : 2;
}

static int set_wallet_key_file(struct cli_options *o, const char *v)
{
    return put(&o->wallet_key_file, v);
}

static int set_db_key(struct cli_options *o, const char *v)
{
    if (v[0] == '0' && (v[1] == 'x' || v[1] == 'X'))
        v += 2;
    if (!hex_decode(v, strlen(v), o->db_key, sizeof o->db_key)) {
        fprintf(stderr, "xmtui: %s\n", _("a database key is 64 hexadecimal digits"));
        return 2;
    }
    o->has_db_key = true;
    return 0;
}

static int set_log(struct cli_options *o, const char *v)
{
    return put(&o->log_file, v);
}

static int set_log_level(struct cli_options *o, const char *v)
{
    o->log_level = log_level_parse(v);
    if (o->log_level >= 0)
        return 0;
    fprintf(stderr, "xmtui: ");
    fprintf(stderr, _("\"%s\" is no log level: use error, warn, info or debug"), v);
    fputc('\n', stderr);
    return 2;
}

static int set_json(struct cli_options *o, const char *v)
{
    (void)v;
    o->json = true;
    return 0;
}

static int set_offline(struct cli_options *o, const char *v)
{
    (void)v;
    o->offline = true;
    return 0;
}

static int set_plain(struct cli_options *o, const char *v)
{
    (void)v;
    o->plain = true;
    return 0;
}

static int set_no_node(struct cli_options *o, const char *v)
{
    (void)v;
    o->no_node = true;
    return 0;
}

static int set_help(struct cli_options *o, const char *v)
{
    (void)v;
    o->help = true;
    return 0;
}

static int set_version(struct cli_options *o, const char *v)
{
    (void)v;
    o->version = true;
    return 0;
}

static const struct global globals[] = {
    {"home", true, set_home},
    {"env", true, set_env},
    {"node", true, set_node},
    {"wallet-key", true, set_wallet_key},
    {"wallet-key-file", true, set_wallet_key_file},
    {"db-key", true, set_db_key},
    {"log", true, set_log},
    {"log-level", true, set_log_level},
    {"json", false, set_json},
    {"offline", false, set_offline},
    {"plain", false, set_plain},
    {"no-node", false, set_no_node},
    {"help", false, set_help},
    {"version", false, set_version},
};

/* Flags of commands that take a value; all others stand alone. */
static const char *const valued_flags[] = {"consent", "type",  "name",    "description", "permissions", "limit",
                                           "before",  "after", "count",   "timeout",     "external",    "same-as",
                                           "label",   "image-url", "app-data", "installation"};

/* ---- environment and config.ini ---- */

struct fallback {
    const char *variables[2]; /* the first named wins */
    const char *key;          /* in config.ini; NULL: not there */
    int (*set)(struct cli_options *o, const char *value);
    bool (*given)(const struct cli_options *o);
    bool is_key; /* a secret one */
};

static bool given_env(const struct cli_options *o)
{
    return o->env;
}

static bool given_node(const struct cli_options *o)
{
    return o->node;
}

static bool given_wallet_key(const struct cli_options *o)
{
    return o->wallet_key;
}

static bool given_db_key(const struct cli_options *o)
{
    return o->has_db_key;
}

static bool given_log(const struct cli_options *o)
{
    return o->log_file;
}

static const struct fallback fallbacks[] = {
    {{"XMTP_ENV", NULL}, "env", set_env, given_env, false},
    {{"XMTUI_NODE", NULL}, "node", set_node, given_node, false},
    {{"XMTP_WALLET_KEY", NULL}, NULL, set_wallet_key, given_wallet_key, true},
    {{"XMTP_DB_ENCRYPTION_KEY", NULL}, NULL, set_db_key, given_db_key, true},
    {{"XMTUI_LOG", NULL}, "log", set_log, given_log, false},
};

static const char *environment(const char *const names[2])
{
    for (int i = 0; i < 2; i++) {
        const char *value = names[i] ? getenv(names[i]) : NULL;

        if (value && *value)
            return value;
    }
    return NULL;
}

/* A key there would stay readable in /proc as long as we run, and longer in that of programs that we start: the
 * local node outlives us. */
static void take_out_of_environment(const char *name)
{
    char *value = getenv(name);

    if (!value)
        return;
    memset(value, 'x', strlen(value));
    unsetenv(name);
}

static int from_environment(struct cli_options *o)
{
    int r = 0;

    for (size_t i = 0; i < sizeof fallbacks / sizeof fallbacks[0]; i++) {
        const char *value = environment(fallbacks[i].variables);

        if (r == 0 && value && !fallbacks[i].given(o))
            r = fallbacks[i].set(o, value);
        if (fallbacks[i].is_key)
            take_out_of_environment(fallbacks[i].variables[0]);
    }
    return r;
}

static int config_line(void *ctx, const char *section, const char *name, const char *value)
{
    struct cli_options *o = ctx;

    (void)section;
    for (size_t i = 0; i < sizeof fallbacks / sizeof fallbacks[0]; i++)
        if (fallbacks[i].key && strcmp(fallbacks[i].key, name) == 0 && !fallbacks[i].given(o))
            fallbacks[i].set(o, value);
    return 1; /* unknown names are settings of the screen */
}

/* $XDG_DATA_HOME/xmtui/<env> */
static int default_home(struct cli_options *o)
{
    static const char *const names[] = {"XMTUI_HOME", "XMTP_DB_DIRECTORY"};
    const char *given = environment(names), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char path[PATH_MAX];

    if (o->home)
        return 0;
    if (given)
        return put(&o->home, given);
    if (data && *data == '/')
        snprintf(path, sizeof path, "%s/xmtui/%s", data, o->env ? o->env : "local");
    else
        snprintf(path, sizeof path, "%s/.local/share/xmtui/%s", home ? home : "", o->env ? o->env : "local");
    return put(&o->home, path);
}

/* ---- parsing ---- */

static const struct global *find_global(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof globals / sizeof globals[0]; i++)
        if (strlen(globals[i].name) == len && strncmp(globals[i].name, name, len) == 0)
            return &globals[i];
    return NULL;
}

static bool flag_takes_value(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof valued_flags / sizeof valued_flags[0]; i++)
        if (strlen(valued_flags[i]) == len && strncmp(valued_flags[i], name, len) == 0)
            return true;
    return false;
}

static int usage(const char *format, const char *what)
{
    fprintf(stderr, "xmtui: ");
    fprintf(stderr, format, what);
    fprintf(stderr, " (%s)\n", _("see xmtui --help"));
    return 2;
}

/* One "--name", "--name value" or "--name=value"; *i moves over a value taken from the next argument. */
static int parse_long(struct cli_options *o, int argc, char **argv, int *i)
{
    char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct global *g = find_global(name, len);
    bool takes = g ? g->takes_value : flag_takes_value(name, len);
    char *value = equals ? equals + 1 : NULL;
    int r;

    if (equals && !takes)
        return usage(_("%s takes no value"), argv[*i]);
    if (takes && !value) {
        if (*i + 1 >= argc)
            return usage(_("%s needs a value"), argv[*i]);
        value = argv[++*i];
    }
    if (g && takes && !*value)
        return usage(_("--%s needs a value"), g->name);
    if (g) {
        r = g->set(o, value);
        if (value && (g->set == set_wallet_key || g->set == set_db_key)) {
            memset(value, 'x', strlen(value));
            o->key_as_argument = true;
            o->wallet_key_given |= g->set == set_wallet_key;
        }
        return r;
    }
    if (o->n_flags == CLI_FLAGS_MAX)
        return usage(_("too many flags at %s"), argv[*i]);
    name[len] = 0;
    o->flags[o->n_flags++] = (struct cli_flag){name, value};
    return 0;
}

int cli_options_parse(struct cli_options *o, int argc, char **argv)
{
    char path[PATH_MAX];
    bool only_words = false;
    int r = 0;

    o->log_level = LOG_INFO;
    for (int i = 1; i < argc && r == 0; i++) {
        const char *arg = argv[i];

        if (!only_words && strcmp(arg, "--") == 0)
            only_words = true;
        else if (!only_words && strncmp(arg, "--", 2) == 0)
            r = parse_long(o, argc, argv, &i);
        else if (!only_words && (strcmp(arg, "-h") == 0 || strcmp(arg, "-V") == 0 || strcmp(arg, "-v") == 0))
            *(arg[1] == 'h' ? &o->help : &o->version) = true;
        else if (!only_words && arg[0] == '-' && arg[1])
            r = usage(_("unknown option %s"), arg);
        else if (o->n_words == CLI_WORDS_MAX)
            r = usage(_("too many arguments at %s"), arg);
        else
            o->words[o->n_words++] = arg;
    }
    if (r != 0 || (r = from_environment(o)) != 0 || (r = default_home(o)) != 0)
        return r;
    snprintf(path, sizeof path, "%s/config.ini", o->home);
    ini_parse(path, config_line, o);
    return 0;
}

void cli_options_forget_keys(struct cli_options *o)
{
    wipe(o->wallet_key);
    wipe(o->passphrase);
    o->wallet_key = o->passphrase = NULL;
    explicit_bzero(o->db_key, sizeof o->db_key);
    o->has_db_key = false;
}

void cli_options_free(struct cli_options *o)
{
    xm_free(o->home);
    xm_free(o->env);
    xm_free(o->node);
    xm_free(o->wallet_key_file);
    xm_free(o->log_file);
    cli_options_forget_keys(o);
}

const char *cli_flag(const struct cli_options *o, const char *name)
{
    for (size_t i = 0; i < o->n_flags; i++)
        if (strcmp(o->flags[i].name, name) == 0)
            return o->flags[i].value ? o->flags[i].value : "";
    return NULL;
}

struct xm_options cli_client_options(const struct cli_options *o, bool quiet)
{
    return (struct xm_options){
        .home = o->home,
        .env = o->env,
        .node_url = o->node,
        .db_key = o->has_db_key ? o->db_key : NULL,
        .passphrase = o->passphrase,
        .no_node = o->no_node,
        .offline = o->offline,
        .quiet = quiet,
    };
}
