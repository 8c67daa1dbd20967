#include "cli/command.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Commands of the contract that come later: known, and said so. */
static const char *const not_yet[] = {
    "attach", "archive", "client add-account", "client remove-account", "client change-recovery-identifier",
    "client export-key", "conversation send-attachment",
    "conversation save-attachment", "preferences check"};

static size_t words_in(const char *text)
{
    size_t n = *text != 0;

    for (; *text; text++)
        n += *text == ' ';
    return n;
}

static bool words_match(const struct cli_options *o, const char *words)
{
    size_t n = words_in(words);

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
        if (words_match(o, c->words) && (!best || words_in(c->words) > words_in(best->words)))
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

static bool flag_known(const struct command *c, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = c->flags; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return true;
    return false;
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
    size_t skip = words_in(c->words), n = o->n_words - skip;
    json_t *params = c->build ? c->build(c, o, o->words + skip, n) : positional(c, o->words + skip, n);

    for (const char *at = c->flags; params && *at;) {
        size_t len = strcspn(at, " ");

        add_flag(at, len, o, params);
        at += len + (at[len] == ' ');
    }
    return params;
}

/* ---- running ---- */

static int usage(const struct command *c)
{
    fprintf(stderr, "xmtui: %s: xmtui %s %s\n", _("usage"), c->words, c->args);
    return EXIT_USAGE;
}

static int unknown(const struct cli_options *o)
{
    for (size_t i = 0; i < sizeof not_yet / sizeof not_yet[0]; i++) {
        if (words_match(o, not_yet[i])) {
            fprintf(stderr, "xmtui: %s: %s\n", not_yet[i], _("not available yet"));
            return EXIT_USAGE;
        }
    }
    fprintf(stderr, "xmtui: ");
    fprintf(stderr, _("no command \"%s\"; see xmtui --help"), o->words[0]);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

/* A message that is kept for later is a success with a status of its own. */
static int status_of(const json_t *result)
{
    const char *status = json_string_value(json_object_get(result, "status"));

    return status && strcmp(status, "unpublished") == 0 ? EXIT_NO_NETWORK : EXIT_DONE;
}

static enum cli_decision decision_of(const char *method)
{
    static const char *const decides[] = {"preferences.allow", "preferences.block", "preferences.reset",
                                          "preferences.undo", "preferences.setConsent"};
    static const char *const besides[] = {"conversations.newDm", "conversations.newGroup", "conversation.send"};

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
    struct xm_error error = {0};
    json_t *params, *json;
    char *text, *result = NULL;
    int status;

    if (!c)
        return unknown(o);
    for (size_t i = 0; i < o->n_flags; i++) {
        if (!flag_known(c, o->flags[i].name)) {
            fprintf(stderr, "xmtui: %s: --%s\n", _("unknown flag"), o->flags[i].name);
            return EXIT_USAGE;
        }
    }
    params = build(c, o);
    if (!params)
        return usage(c);
    text = json_dumps(params, JSON_COMPACT);
    json_decref(params);
    if (!text)
        return EXIT_FAILED;
    if ((status = cli_open(o, true, &client)) == 0) {
        if (xm_client_request(client, c->method, text, -1, &result, &error) != XM_OK) {
            status = exit_complain(&error);
        } else {
            json = json_loads(result, JSON_DECODE_ANY, NULL);
            if (o->json)
                printf("%s\n", result);
            status = o->json ? status_of(json) : c->print(json);
            json_decref(json);
        }
    }
    status = cli_close(o, client, status, decision_of(c->method));
    xm_free_text(result);
    free(text);
    return status;
}

void cli_help_line(const char *words, const char *args, const char *help)
{
    char left[80];

    snprintf(left, sizeof left, "%s %s", words, args);
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
        bool is_list = len >= 2 && strncmp(flags + len - 2, ":l", 2) == 0;
        bool is_number = len >= 2 && strncmp(flags + len - 2, ":i", 2) == 0;
        bool has_value = name + 1 < len;

        printf(" [--%.*s%s]", (int)name, flags, !has_value ? "" : is_list ? " A,B" : is_number ? " N" : " VALUE");
        flags += len + (flags[len] == ' ');
    }
}

bool cli_command_help(const struct cli_options *o)
{
    const struct command *c = find(o);
    size_t len = strlen(o->words[0]);
    bool any = false;

    if (c) {
        printf("%s: xmtui %s%s%s", _("usage"), c->words, *c->args ? " " : "", c->args);
        print_flags(c->flags);
        printf("\n\n  %s\n", _(c->help));
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
