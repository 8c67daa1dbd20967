/* `dm` and the commands that print what happens while it happens. */
#include "cli/special.h"

#include "base/clock.h"
#include "base/i18n.h"
#include "cli/call.h"
#include "cli/command.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/options.h"
#include "cli/print.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- dm ---- */

/* `text` NULL: none; taken. */
static int dm(struct cli_options *o, struct xm_client *client, json_t *text)
{
    char *conversation = NULL, *sent = NULL;
    json_t *json;
    int status = cli_call(client, "conversations.newDm", json_pack("{s:s}", "peer", o->words[1]), &conversation);

    if (status != EXIT_DONE || !text) {
        json_decref(text);
        return status == EXIT_DONE ? cli_show(o, conversation, print_conversation) : status;
    }
    json = json_loads(conversation, 0, NULL);
    status = cli_call(client, "conversation.send",
                      json_pack("{s:O,s:{s:s,s:o}}", "id", json_object_get(json, "id"), "content", "type", "text",
                                "text", text),
                      &sent);
    if (status == EXIT_DONE)
        status = cli_show(o, sent, print_sent);
    json_decref(json);
    xm_free_text(conversation);
    return status;
}

int cli_dm(struct cli_options *o)
{
    json_t *text = o->n_words > 2 ? cli_text_argument(o->words[2]) : NULL;
    struct xm_client *client = NULL;
    int status;

    if (o->n_words > 2 && !text)
        return EXIT_USAGE;
    status = cli_open(o, CLI_OPEN_QUIET, &client);
    if (status == 0)
        status = dm(o, client, text);
    else
        json_decref(text);
    return cli_close(o, client, status, CLI_DECIDES_BESIDES);
}

/* ---- stream ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* Which kinds the words ask for. */
static json_t *stream_params(const struct cli_options *o)
{
    const char *first = o->words[0], *second = o->n_words > 1 ? o->words[1] : "";

    if (strcmp(first, "conversations") == 0)
        return json_pack("{s:[s]}", "kinds", strcmp(second, "stream") == 0 ? "conversations" : "messages");
    if (strcmp(first, "preferences") == 0)
        return json_pack("{s:[s,s]}", "kinds", "consent", "preferences");
    if (strcmp(first, "conversation") == 0)
        return json_pack("{s:[s]}", "kinds", "messages");
    return json_object();
}

static bool wanted(const json_t *event, const char *only)
{
    const char *kind = json_string_value(json_object_get(event, "kind"));
    const char *id = json_string_value(json_object_get(json_object_get(event, "data"), "conversationId"));

    if (!kind || strcmp(kind, "network") == 0)
        return false;
    return !only || (id && strcmp(id, only) == 0);
}

static int follow(struct cli_options *o, struct xm_client *client, const char *only)
{
    long long count = strtoll(cli_flag(o, "count") ?: "0", NULL, 10), seen = 0;
    double timeout = strtod(cli_flag(o, "timeout") ?: "0", NULL);
    uint64_t until = timeout > 0 ? clock_monotonic_ms(&clock_system) + (uint64_t)(timeout * 1000) : 0;

    while (!interrupted && (!count || seen < count) && (!until || clock_monotonic_ms(&clock_system) < until)) {
        struct xm_event *event = xm_client_wait(client, 200);
        json_t *json = event && event->kind == XM_EVENT_NOTIFICATION ? json_loads(event->json, 0, NULL) : NULL;

        if (json && wanted(json, only)) {
            seen++;
            if (o->json)
                printf("%s\n", event->json), fflush(stdout);
            else
                print_event(json);
        }
        json_decref(json);
        xm_event_free(event);
    }
    return interrupted ? EXIT_INTERRUPTED : EXIT_DONE;
}

/* `conversation stream ID`: which one that is, so that a wrong one is told and not waited for. */
static int find_conversation(const struct cli_options *o, struct xm_client *client, json_t **out)
{
    char *conversation = NULL;
    int status;

    if (strcmp(o->words[0], "conversation") != 0)
        return EXIT_DONE;
    status = cli_call(client, "conversation.get", json_pack("{s:s}", "id", o->words[2]), &conversation);
    if (status == EXIT_DONE)
        *out = json_loads(conversation, 0, NULL);
    xm_free_text(conversation);
    return status;
}

/* Not by cli_call(), which does not keep what the stream tells before this is answered. */
static int start(const struct cli_options *o, struct xm_client *client)
{
    json_t *params = stream_params(o), *answer;
    char *text = json_dumps(params, JSON_COMPACT), *result = NULL;
    struct xm_error error = {0};
    int r = xm_client_request(client, "stream.start", text, -1, &result, &error);

    json_decref(params);
    free(text);
    if (r != XM_OK)
        return exit_complain(&error);
    answer = json_loads(result, 0, NULL);
    if (strcmp(json_string_value(json_object_get(answer, "state")) ?: "", "offline") == 0)
        fprintf(stderr, "xmtui: %s\n", _("no network yet: what happens is printed once it is there"));
    json_decref(answer);
    xm_free_text(result);
    return EXIT_DONE;
}

int cli_stream(struct cli_options *o)
{
    struct sigaction action = {.sa_handler = on_signal};
    json_t *conversation = NULL;
    struct xm_client *client = NULL;
    int status;

    if ((status = cli_open(o, 0, &client)) != 0)
        return status;
    status = find_conversation(o, client, &conversation);
    if (status == EXIT_DONE)
        status = start(o, client);
    /* Only now: before, nothing looks at the flag, and a signal ends the process by itself. */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (status == EXIT_DONE)
        status = follow(o, client, json_string_value(json_object_get(conversation, "id")));
    json_decref(conversation);
    xm_client_close(client);
    return status;
}
