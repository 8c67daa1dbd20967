/* `xmtui init`: makes this installation and registers it. */
#include "cli/special.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/options.h"
#include "cli/print.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads a key of 64 hexadecimal digits, with or without 0x, from a file that others may not read. */
static json_t *key_from_file(const char *path)
{
    char line[256] = "";
    struct stat st;
    FILE *f = fopen(path, "re");
    json_t *key = NULL;

    if (!f) {
        fprintf(stderr, "xmtui: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    if (fstat(fileno(f), &st) == 0 && (st.st_mode & 077)) {
        fprintf(stderr, "xmtui: ");
        fprintf(stderr, _("%s can be read by others: chmod 600 it first"), path);
        fputc('\n', stderr);
    } else if (fgets(line, sizeof line, f)) {
        line[strcspn(line, " \t\r\n")] = 0;
        key = json_string(line);
    } else {
        fprintf(stderr, "xmtui: %s: %s\n", path, _("no key in this file"));
    }
    explicit_bzero(line, sizeof line);
    fclose(f);
    return key;
}

/* What was asked for, as params of client.init; NULL after a line on standard error. */
static json_t *read_mode(const struct cli_options *o)
{
    const char *external = cli_flag(o, "external"), *same_as = cli_flag(o, "same-as"), *label = cli_flag(o, "label");
    json_t *params = NULL, *key = NULL;

    if (same_as)
        params = json_pack("{s:s,s:s}", "mode", "sameAs", "home", same_as);
    else if (external)
        params = json_pack("{s:s,s:s}", "mode", "external", "address", external);
    else if (o->wallet_key_file)
        key = key_from_file(o->wallet_key_file);
    else if (cli_flag(o, "new"))
        params = json_pack("{s:s}", "mode", "new");
    else if (o->wallet_key)
        key = json_string(o->wallet_key);
    else
        fprintf(stderr, "xmtui: %s\n",
                _("say how: --new, --wallet-key-file FILE, --external ADDRESS or --same-as HOME"));
    if (key)
        params = json_pack("{s:s,s:o}", "mode", "walletKey", "walletKey", key);
    if (params && label)
        json_object_set_new(params, "label", json_string(label));
    return params;
}

/* Shows the text that the wallet must sign and reads the signature: the answer goes to standard error
 * too, so that standard output stays clean. */
static bool ask_signature(const char *text, char *out, size_t size)
{
    fprintf(stderr, "%s\n\n%s\n\n%s ", _("Sign this text with your wallet (personal_sign):"), text,
            _("Paste the signature (0x...):"));
    return fgets(out, (int)size, stdin) != NULL;
}

/* The answer to one client.init, as an event. */
static struct xm_event *call_init(struct xm_client *client, json_t *params, struct xm_error *error)
{
    char *text = json_dumps(params, JSON_COMPACT);
    int64_t id = text ? xm_client_call(client, "client.init", text, error) : XM_FAILED;
    struct xm_event *event = NULL;

    if (text)
        xm_free_secret(text, strlen(text));
    while (id > 0 && !event) {
        event = xm_client_wait(client, -1);
        if (event && event->id != id) {
            xm_event_free(event);
            event = NULL;
        }
    }
    return event;
}

static int register_home(struct cli_options *o, struct xm_client *client, json_t *params)
{
    struct xm_error error = {0};
    struct xm_event *event;
    json_t *json, *data;
    char signature[400];
    int status = EXIT_FAILED;

    for (;;) {
        event = call_init(client, params, &error);
        if (!event)
            return exit_complain(&error);
        json = json_loads(event->json, 0, NULL);
        data = json_object_get(json, "data");
        if (event->kind == XM_EVENT_RESULT) {
            if (o->json)
                printf("%s\n", event->json);
            else
                print_fields(json);
            status = EXIT_DONE;
            break;
        }
        if (strcmp(json_string_value(json_object_get(data, "code")) ?: "", "signature_needed") != 0 ||
            !ask_signature(json_string_value(json_object_get(data, "text")), signature, sizeof signature)) {
            xm_event_error(event, &error);
            status = exit_complain(&error);
            break;
        }
        signature[strcspn(signature, "\r\n")] = 0;
        json_object_set(params, "requestId", json_object_get(data, "requestId"));
        json_object_set_new(params, "signature", json_string(signature));
        json_decref(json);
        xm_event_free(event);
    }
    json_decref(json);
    xm_event_free(event);
    return status;
}

int cli_init(struct cli_options *o)
{
    json_t *params = read_mode(o);
    struct xm_client *client = NULL;
    int status = EXIT_USAGE;

    if (!params)
        return status;
    if ((status = cli_open(o, true, &client)) == 0)
        status = register_home(o, client, params);
    xm_client_close(client);
    json_decref(params);
    return status;
}
