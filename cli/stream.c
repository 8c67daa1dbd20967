/* `dm` and the commands that print what happens while it happens. */
#include "cli/special.h"

#include "base/i18n.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/options.h"
#include "cli/print.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- dm ---- */

static int request(struct xm_client *client, const char *method, json_t *params, json_t **result)
{
    struct xm_error error = {0};
    char *text = json_dumps(params, JSON_COMPACT), *answer = NULL;
    int r = xm_client_request(client, method, text, -1, &answer, &error);

    json_decref(params);
    free(text);
    *result = r == XM_OK ? json_loads(answer, JSON_DECODE_ANY, NULL) : NULL;
    xm_free_text(answer);
    return r == XM_OK ? EXIT_DONE : exit_complain(&error);
}

static int dm(struct cli_options *o, struct xm_client *client)
{
    json_t *conversation = NULL, *sent = NULL;
    const char *id;
    int status = request(client, "conversations.newDm", json_pack("{s:s}", "peer", o->words[1]), &conversation);

    id = json_string_value(json_object_get(conversation, "id"));
    if (status == EXIT_DONE && o->n_words == 2) {
        if (o->json)
            json_dumpf(conversation, stdout, JSON_COMPACT), putchar('\n');
        else
            print_conversation(conversation);
    } else if (status == EXIT_DONE) {
        status = request(client, "conversation.send", json_pack("{s:s,s:s}", "id", id, "text", o->words[2]), &sent);
        if (status == EXIT_DONE && o->json)
            json_dumpf(sent, stdout, JSON_COMPACT), putchar('\n');
        else if (status == EXIT_DONE)
            status = print_sent(sent);
    }
    json_decref(conversation);
    json_decref(sent);
    return status;
}

int cli_dm(struct cli_options *o)
{
    struct xm_client *client = NULL;
    int status;

    if (o->n_words < 2 || o->n_words > 3) {
        fprintf(stderr, "xmtui: %s: xmtui dm PEER [TEXT]\n", _("usage"));
        return EXIT_USAGE;
    }
    if ((status = cli_open(o, true, &client)) == 0)
        status = dm(o, client);
    return cli_close(o, client, status, CLI_DECIDES_BESIDES);
}

/* ---- stream ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* Which kinds the words ask for; a conversation's id narrows messages to it. */
static json_t *stream_params(const struct cli_options *o, const char **only)
{
    const char *first = o->words[0], *second = o->n_words > 1 ? o->words[1] : "";

    *only = NULL;
    if (strcmp(first, "conversations") == 0)
        return json_pack("{s:[s]}", "kinds", strcmp(second, "stream") == 0 ? "conversations" : "messages");
    if (strcmp(first, "preferences") == 0)
        return json_pack("{s:[s,s]}", "kinds", "consent", "preferences");
    if (strcmp(first, "conversation") == 0) {
        *only = o->n_words > 2 ? o->words[2] : "";
        return json_pack("{s:[s]}", "kinds", "messages");
    }
    return json_object();
}

static bool wanted(const json_t *event, const char *only)
{
    const char *kind = json_string_value(json_object_get(event, "kind"));
    const char *id = json_string_value(json_object_get(json_object_get(event, "data"), "conversationId"));

    if (!kind || strcmp(kind, "network") == 0)
        return false;
    return !only || (id && strncmp(id, only, strlen(only)) == 0);
}

static int follow(struct cli_options *o, struct xm_client *client, const char *only)
{
    long count = strtol(cli_flag(o, "count") ?: "0", NULL, 10), seen = 0;
    double timeout = strtod(cli_flag(o, "timeout") ?: "0", NULL);
    time_t until = timeout > 0 ? time(NULL) + (time_t)timeout : 0;

    while (!interrupted && (!count || seen < count) && (!until || time(NULL) <= until)) {
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

int cli_stream(struct cli_options *o)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct xm_client *client = NULL;
    json_t *started = NULL;
    const char *only;
    int status;

    if ((status = cli_open(o, false, &client)) != 0)
        return status;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    status = request(client, "stream.start", stream_params(o, &only), &started);
    json_decref(started);
    if (status == EXIT_DONE)
        status = follow(o, client, only);
    xm_client_close(client);
    return status;
}
