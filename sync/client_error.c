/* Our codes in the words of the public header. */
#include "sync/client.h"
#include "sync/rpc.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int err;
    enum xm_code code;
} codes[] = {{ERR_INVALID, XM_USAGE},   {ERR_NOTFOUND, XM_NOT_FOUND}, {ERR_OFFLINE, XM_OFFLINE},
             {ERR_LOCKED, XM_LOCKED},   {ERR_KEY, XM_BAD_KEY},        {ERR_DENIED, XM_REFUSED},
             {ERR_REMOTE, XM_REFUSED},  {ERR_PAUSED, XM_REFUSED}};

int client_fail(struct xm_error *error, enum xm_code code, const char *text)
{
    if (error) {
        error->code = code;
        snprintf(error->text, sizeof error->text, "%s", text);
    }
    return code;
}

int client_fail_err(struct xm_error *error, int r, const struct err *err)
{
    enum xm_code code = XM_FAILED;

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].err == r)
            code = codes[i].code;
    return client_fail(error, code, err->text);
}

int xm_event_error(const struct xm_event *event, struct xm_error *error)
{
    static const struct {
        const char *name;
        enum xm_code code;
    } words[] = {{"not_found", XM_NOT_FOUND}, {"invalid", XM_USAGE},  {"offline", XM_OFFLINE},
                 {"denied", XM_REFUSED},      {"paused", XM_REFUSED}, {"conflict", XM_REFUSED}};
    enum xm_code code = XM_FAILED;
    json_t *json = json_loads(event->json, 0, NULL);
    const char *name = json_string_value(json_object_get(json_object_get(json, "data"), "code"));

    for (size_t i = 0; name && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].name, name) == 0)
            code = words[i].code;
    if (json_integer_value(json_object_get(json, "code")) == RPC_WRONG_KEY)
        code = XM_BAD_KEY;
    client_fail(error, code, json_string_value(json_object_get(json, "message")) ?: "no reason given");
    json_decref(json);
    return code;
}
