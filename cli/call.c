#include "cli/call.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "cli/exit.h"
#include "cli/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ---- calling ---- */

/* All of it goes to standard error, so that standard output stays clean. */
static bool ask_signature(const char *text, char *out, size_t size)
{
    fprintf(stderr, "%s\n\n%s\n\n%s ", _("Sign this text with your wallet (personal_sign):"), text,
            _("Paste the signature (0x...):"));
    if (!fgets(out, (int)size, stdin))
        return false;
    out[strcspn(out, "\r\n")] = 0;
    return true;
}

static struct xm_event *wait_for(struct xm_client *client, int64_t id)
{
    struct xm_event *event = NULL;

    while (!event) {
        event = xm_client_wait(client, -1);
        if (event && event->id != id) {
            xm_event_free(event);
            event = NULL;
        }
    }
    return event;
}

/* The answer to one call, or NULL with `error`. */
static struct xm_event *call_once(struct xm_client *client, const char *method, const json_t *params,
                                  struct xm_error *error)
{
    char *text = json_dumps(params, JSON_COMPACT);
    int64_t id = text ? xm_client_call(client, method, text, error) : XM_FAILED;

    if (text)
        xm_free_secret(text, strlen(text)); /* may hold a wallet key */
    else
        snprintf(error->text, sizeof error->text, "out of memory");
    return id > 0 ? wait_for(client, id) : NULL;
}

/* Whether the answer asks for a signature and there is one now, in `params`. */
static bool sign_and_go_on(const struct xm_event *event, json_t *params)
{
    json_t *json = json_loads(event->json, 0, NULL), *data = json_object_get(json, "data");
    const char *code = json_string_value(json_object_get(data, "code"));
    const char *text = json_string_value(json_object_get(data, "text"));
    char signature[400];
    bool signed_ = code && text && strcmp(code, "signature_needed") == 0 &&
                   ask_signature(text, signature, sizeof signature);

    if (signed_) {
        json_object_set(params, "requestId", json_object_get(data, "requestId"));
        json_object_set_new(params, "signature", json_string(signature));
    }
    json_decref(json);
    return signed_;
}

int cli_call(struct xm_client *client, const char *method, json_t *params, char **result)
{
    struct xm_error error = {.code = XM_FAILED};
    struct xm_event *event;
    int status = EXIT_DONE;

    while ((event = call_once(client, method, params, &error)) && event->kind == XM_EVENT_ERROR &&
           sign_and_go_on(event, params))
        xm_event_free(event);
    if (!event) {
        status = exit_complain(&error);
    } else if (event->kind == XM_EVENT_ERROR) {
        xm_event_error(event, &error);
        status = exit_complain(&error);
    } else {
        *result = event->json;
        event->json = NULL;
    }
    xm_event_free(event);
    json_decref(params);
    return status;
}

/* ---- showing ---- */

static int status_of(const json_t *result)
{
    const char *status = json_string_value(json_object_get(result, "status"));

    if (status && strcmp(status, "unpublished") == 0) {
        fprintf(stderr, "xmtui: %s\n", _("no network: the message is kept and sent later"));
        return EXIT_NO_NETWORK;
    }
    return json_is_false(json_object_get(result, "valid")) ? EXIT_REFUSED : EXIT_DONE;
}

int cli_show(const struct cli_options *o, char *result, void (*print)(const json_t *result))
{
    json_t *json = json_loads(result, JSON_DECODE_ANY, NULL);
    int status;

    if (o->json)
        printf("%s\n", result);
    else
        print(json);
    status = status_of(json);
    json_decref(json);
    xm_free_text(result);
    return status;
}
