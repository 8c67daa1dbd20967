#include "cli/command.h"

#include "base/i18n.h"
#include "cli/call.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A year: nobody waits longer, and it counts in milliseconds. */
#define SECONDS_MAX (366.0 * 24 * 3600)

/* Commands of the contract that come later: known, and said so. */
static const char *const not_yet[] = {
    "attach", "archive", "conversation send-attachment", "conversation save-attachment", "preferences check"};

size_t cli_words_in(const char *text)
{
    size_t n = *text != 0;

    for (; *text; text++)
        n += *text == ' ';
    return n;
}

bool cli_words_match(const struct cli_options *o, const char *words)
{
    size_t n = cli_words_in(words);

    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(words, " ");

        if (i >= o->n_words || strlen(o->words[i]) != len || strncmp(o->words[i], words, len) != 0)
            return false;
        words += len + (words[len] == ' ');
    }
    return true;
}

static const struct command *find(const struct cli_options *o)
{
    const struct command *best = NULL;

    for (const struct command *c = commands; c->words; c++)
        if (cli_words_match(o, c->words) && (!best || cli_words_in(c->words) > cli_words_in(best->words)))
            best = c;
    return best;
}

/* ---- arguments ---- */

static json_t *list_of(const char *text)
{
    json_t *list = json_array();

    while (*text) {
        size_t len = strcspn(text, ",");

        json_array_append_new(list, json_stringn(text, len));
        text += len + (text[len] == ',');
    }
    return list;
}

/* "flag=param:kind" -> params; kinds as struct command says, "l" a list with commas. */
static void add_flag(const char *spec, size_t len, const struct cli_options *o, json_t *params)
{
    char text[64], *param, *kind;
    const char *value;

    snprintf(text, sizeof text, "%.*s", (int)len, spec);
    param = strchr(text, '=');
    *param++ = 0;
    kind = strchr(param, ':');
    if (kind)
        *kind++ = 0;
    value = cli_flag(o, text);
    if (!value || !*param)
        return;
    if (kind && *kind == 'l')
        json_object_set_new(params, param, list_of(value));
    else if (kind && *kind == 'i')
        json_object_set_new(params, param, json_integer(strtoll(value, NULL, 10)));
    else
        json_object_set_new(params, param, json_string(value));
}

/* "param:kind" of a flag, up to the next space; NULL for one that is not known. */
static const char *flag_spec(const char *known, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = known; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return at + len + 1;
    return NULL;
}

/* The kind of a flag: 'i', 's', 'l', or 0 for a text. */
static char flag_kind(const char *spec)
{
    size_t len = strcspn(spec, " ");

    return len >= 2 && spec[len - 2] == ':' ? spec[len - 1] : 0;
}

static int bad_number(const char *name, const char *value, const char *wanted)
{
    fprintf(stderr, "xmtui: --%s: ", name);
    fprintf(stderr, _("\"%.40s\" is not %s"), value, wanted);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static int flag_value_check(const char *name, const char *value, char kind)
{
    char *end;

    if (kind == 'i') {
        errno = 0;
        strtoll(value, &end, 10);
        if (*value < '0' || *value > '9' || *end || errno)
            return bad_number(name, value, _("a whole number"));
    } else if (kind == 's') {
        double seconds = strtod(value, &end);

        if (*value < '0' || *value > '9' || *end || !(seconds <= SECONDS_MAX))
            return bad_number(name, value, _("a number of seconds"));
    }
    return 0;
}

int cli_flags_check(const char *known, const struct cli_options *o)
{
    int r;

    for (size_t i = 0; i < o->n_flags; i++) {
        const struct cli_flag *flag = &o->flags[i];
        const char *spec = flag_spec(known, flag->name);

        if (!spec) {
            fprintf(stderr, "xmtui: %s: --%s\n", _("unknown flag"), flag->name);
            return EXIT_USAGE;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(o->flags[k].name, flag->name) == 0) {
                fprintf(stderr, "xmtui: --%s: %s\n", flag->name, _("given twice"));
                return EXIT_USAGE;
            }
        }
        if ((r = flag_value_check(flag->name, flag->value ? flag->value : "", flag_kind(spec))) != 0)
            return r;
    }
    return 0;
}

static json_t *positional(const struct command *c, const char *const *args, size_t n)
{
    json_t *params = json_object();
    const char *at = c->params;
    size_t i = 0;

    while (*at) {
        size_t len = strcspn(at, " ");
        bool rest = at[len - 1] == '*', optional = at[len - 1] == '?';
        char name[32];

        snprintf(name, sizeof name, "%.*s", (int)(len - (rest || optional)), at);
        if (rest) {
            json_t *list = json_array();

            while (i < n)
                json_array_append_new(list, json_string(args[i++]));
            if (!json_array_size(list)) {
                json_decref(list);
                goto wrong;
            }
            json_object_set_new(params, name, list);
        } else if (i < n) {
            json_object_set_new(params, name, json_string(args[i++]));
        } else if (!optional) {
            goto wrong;
        }
        at += len + (at[len] == ' ');
    }
    if (i == n)
        return params;
wrong:
    json_decref(params);
    return NULL;
}

static json_t *build(const struct command *c, const struct cli_options *o)
{
    size_t skip = cli_words_in(c->words), n = o->n_words - skip;
    json_t *params = c->build ? c->build(c, o, o->words + skip, n) : positional(c, o->words + skip, n);

    for (const char *at = c->flags; json_is_object(params) && *at;) {
        size_t len = strcspn(at, " ");

        add_flag(at, len, o, params);
        at += len + (at[len] == ' ');
    }
    return params;
}

/* ---- running ---- */

int cli_usage(const char *words, const char *args)
{
    fprintf(stderr, "xmtui: %s: xmtui %s%s%s\n", _("usage"), words, *args ? " " : "", args);
    return EXIT_USAGE;
}

static bool is_noun(const char *word)
{
    size_t len = strlen(word);

    for (const struct command *c = commands; c->words; c++)
        if (strncmp(c->words, word, len) == 0 && c->words[len] == ' ')
            return true;
    return false;
}

static int unknown(const struct cli_options *o)
{
    for (size_t i = 0; i < sizeof not_yet / sizeof not_yet[0]; i++) {
        if (cli_words_match(o, not_yet[i])) {
            fprintf(stderr, "xmtui: %s: %s\n", not_yet[i], _("not available yet"));
            return EXIT_USAGE;
        }
    }
    fprintf(stderr, "xmtui: ");
    if (!is_noun(o->words[0]))
        fprintf(stderr, _("no command \"%s\"; see xmtui --help"), o->words[0]);
    else if (o->n_words == 1)
        fprintf(stderr, _("%s what? see xmtui %s --help"), o->words[0], o->words[0]);
    else
        fprintf(stderr, _("no command \"%s %s\"; see xmtui %s --help"), o->words[0], o->words[1], o->words[0]);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static enum cli_decision decision_of(const char *method)
{
    static const char *const decides[] = {"preferences.allow", "preferences.block", "preferences.reset",
                                          "preferences.undo", "preferences.setConsent", "conversation.updateConsent"};
    /* Whoever reads invitations may hear of a new installation, whom the conversations are owed. */
    static const char *const besides[] = {"conversations.newDm",      "conversations.newGroup",
                                          "conversation.send",        "conversation.publish",
                                          "conversation.leave",       "conversations.list",
                                          "conversations.sync",       "conversations.syncAll",
                                          "preferences.sync",         "client.revokeInstallations",
                                          "client.removeAccount"};

    for (size_t i = 0; i < sizeof decides / sizeof decides[0]; i++)
        if (strcmp(method, decides[i]) == 0)
            return CLI_DECIDES;
    for (size_t i = 0; i < sizeof besides / sizeof besides[0]; i++)
        if (strcmp(method, besides[i]) == 0)
            return CLI_DECIDES_BESIDES;
    return CLI_DECIDES_NOTHING;
}

int cli_command_run(struct cli_options *o)
{
    const struct command *c = find(o);
    struct xm_client *client = NULL;
    char *result = NULL;
    json_t *params;
    int status;

    if (!c)
        return unknown(o);
    if ((status = cli_flags_check(c->flags, o)) != 0)
        return status;
    params = build(c, o);
    if (!params)
        return cli_usage(c->words, c->args);
    if (json_is_null(params))
        return EXIT_USAGE;
    if ((status = cli_open(o, CLI_OPEN_QUIET, &client)) != 0) {
        json_decref(params);
        return status;
    }
    if ((status = cli_call(client, c->method, params, &result)) == EXIT_DONE)
        status = cli_show(o, result, c->print);
    return cli_close(o, client, status, decision_of(c->method));
}

void cli_help_line(const char *words, const char *args, const char *help)
{
    char left[80];

    snprintf(left, sizeof left, "%s %s", words, args);
    if (strlen(left) > 44) /* the words about it then stand below, in their column */
        printf("  %s\n  %-44s %s\n", left, "", _(help));
    else
        printf("  %-44s %s\n", left, _(help));
}

void cli_command_list(void)
{
    for (const struct command *c = commands; c->words; c++)
        cli_help_line(c->words, c->args, c->help);
}

/* "limit=limit:i" -> " [--limit N]" */
static void print_flags(const char *flags)
{
    while (*flags) {
        size_t len = strcspn(flags, " "), name = strcspn(flags, "=");
        char kind = flag_kind(flags);
        bool has_value = name + 1 < len;

        printf(" [--%.*s%s]", (int)name, flags,
               !has_value    ? ""
               : kind == 'l' ? " A,B"
               : kind == 'i' ? " N"
               : kind == 's' ? " SECONDS"
                             : " VALUE");
        flags += len + (flags[len] == ' ');
    }
}

void cli_help_usage(const char *words, const char *args, const char *flags, const char *help)
{
    printf("%s: xmtui %s%s%s", _("usage"), words, *args ? " " : "", args);
    print_flags(flags);
    printf("\n\n  %s\n", _(help));
}

bool cli_command_help(const struct cli_options *o)
{
    const struct command *c = find(o);
    size_t len = strlen(o->words[0]);
    bool any = false;

    if (c) {
        cli_help_usage(c->words, c->args, c->flags, c->help);
        return true;
    }
    for (c = commands; c->words; c++) {
        if (o->n_words > 1 || strncmp(c->words, o->words[0], len) != 0 || c->words[len] != ' ')
            continue;
        cli_help_line(c->words, c->args, c->help);
        any = true;
    }
    return any;
}
