#include "sync/rpc.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "base/utf8.h"
#include "sync/core.h"
#include "sync/taken.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rpc_method *const tables[] = {client_methods, account_methods, conversations_methods,
                                                  conversation_methods, group_methods, permission_methods,
                                                  preferences_methods, signature_methods,
                                                  stream_methods};

/* Methods of the contract that come later.  They are no misspelling, so they are told apart from one: RPC_NOT_YET. */
static const char *const not_yet[] = {"archive.export", "archive.import", "archive.request", "archive.list",
                                      "conversation.saveAttachment", "conversation.sendAttachment",
                                      "preferences.check"};

/* Outside words for our codes; JSON-RPC numbers from -32000 down are ours to give. */
static const struct {
    int code, number;
    const char *name;
    bool retryable;
} outside[] = {
    {ERR_NOTFOUND, -32001, "not_found", false},   {ERR_INVALID, -32602, "invalid", false},
    {ERR_MALFORMED, -32602, "invalid", false},    {ERR_TOOBIG, -32602, "invalid", false},
    {ERR_OFFLINE, -32003, "offline", true},       {ERR_DENIED, -32004, "denied", false},
    {ERR_CONFLICT, -32005, "conflict", true},     {ERR_EXISTS, -32005, "conflict", false},
    {ERR_PAUSED, -32006, "paused", false},        {ERR_FORKED, -32007, "forked", false},
    {ERR_CORRUPT, -32008, "corrupt", false},      {ERR_CANCELED, -32010, "internal", true},
    {ERR_REMOTE, -32004, "denied", false},        {ERR_UNSUPPORTED, RPC_NOT_YET, "invalid", false},
    {ERR_AUTH, -32004, "denied", false},          {ERR_KEY, RPC_WRONG_KEY, "denied", false},
};

const struct rpc_method *rpc_find(const char *name)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct rpc_method *m = tables[t]; m->name; m++)
            if (strcmp(m->name, name) == 0)
                return m;
    return NULL;
}

int rpc_not_registered(struct rpc *rpc)
{
    return err_set(&rpc->err, ERR_NOTFOUND, "%s", _("this installation is not registered: run xmtui init first"));
}

int rpc_run(struct rpc *rpc, const char *method)
{
    const struct rpc_method *m = rpc_find(method);
    int r;

    for (size_t i = 0; !m && i < sizeof not_yet / sizeof not_yet[0]; i++)
        if (strcmp(method, not_yet[i]) == 0)
            return err_set(&rpc->err, ERR_UNSUPPORTED, "%s: %s", method, _("not available yet"));
    if (!m || (!rpc->core && !m->read)) {
        err_set(&rpc->err, ERR_NOTFOUND, _("no method \"%.60s\""), method);
        rpc->error_data = json_pack("{s:s}", "code", "method");
        return ERR_NOTFOUND;
    }
    if (rpc->core && !rpc->core->self.registered && !(m->flags & RPC_BEFORE_INIT) && !m->read)
        return rpc_not_registered(rpc);
    if (rpc->core && !(m->flags & RPC_MAY_OVERTAKE) && (r = taken_write(rpc->core, &rpc->err)) != 0)
        return r;
    r = rpc->core && m->call ? m->call(rpc) : m->read(rpc);
    if (r == 0 && !rpc->result)
        rpc->result = json_object();
    if (r == 0 && !rpc->result)
        r = err_set(&rpc->err, ERR_NOMEM, "out of memory");
    if (r < 0 && !rpc->err.text[0])
        err_set(&rpc->err, (enum err_code)r, "%s: %s", method, err_name(r));
    return r;
}

/* JSON takes nothing but UTF-8, and a sentence may quote what is none, or be cut to its place in the middle of a
 * character: such bytes become question marks.  Without a sentence there would be no answer. */
static json_t *sentence(const char *text)
{
    char clean[sizeof((struct err *)0)->text]; /* never more bytes out than in */
    struct slice left = slice_str(text);
    size_t n = 0;

    while (left.len > 0) {
        size_t len = utf8_first(left);

        if (len > 0)
            memcpy(clean + n, left.data, len);
        else
            clean[n] = '?';
        len += len == 0;
        n += len;
        left = slice_of(left.data + len, left.len - len);
    }
    return json_stringn(clean, n);
}

json_t *rpc_error(const struct rpc *rpc, int code)
{
    const char *name = "internal";
    bool retryable = false;
    int number = -32603;
    json_t *data;

    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        if (outside[i].code != code)
            continue;
        number = outside[i].number;
        name = outside[i].name;
        retryable = outside[i].retryable;
    }
    if (rpc->error_data && strcmp(json_string_value(json_object_get(rpc->error_data, "code")) ?: "", "method") == 0)
        return json_pack("{s:i,s:o}", "code", -32601, "message", sentence(rpc->err.text));
    data = json_pack("{s:s,s:b}", "code", name, "retryable", retryable);
    if (rpc->error_data) /* signature_needed: nothing was refused */
        number = RPC_SIGNATURE_NEEDED;
    if (data && rpc->error_data)
        json_object_update(data, rpc->error_data);
    return json_pack("{s:i,s:o,s:o}", "code", number, "message", sentence(rpc->err.text), "data", data);
}

static int bad_type(struct rpc *rpc, const char *name, const char *wanted)
{
    return err_set(&rpc->err, ERR_INVALID, _("parameter \"%s\" must be %s"), name, wanted);
}

int rpc_string(struct rpc *rpc, const char *name, bool required, const char **out)
{
    json_t *v = json_object_get(rpc->params, name);

    if (!v || json_is_null(v)) {
        if (required)
            return err_set(&rpc->err, ERR_INVALID, _("parameter \"%s\" is missing"), name);
        *out = NULL;
        return 0;
    }
    if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
        return bad_type(rpc, name, _("a text without NUL"));
    *out = json_string_value(v);
    return 0;
}

int rpc_int(struct rpc *rpc, const char *name, int64_t fallback, int64_t *out)
{
    json_t *v = json_object_get(rpc->params, name);
    const char *text;
    char *end;

    if (!v || json_is_null(v)) {
        *out = fallback;
        return 0;
    }
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return 0;
    }
    text = json_string_value(v);
    if (text && *text) {
        *out = strtoll(text, &end, 10);
        if (!*end)
            return 0;
    }
    return bad_type(rpc, name, _("a whole number"));
}

int rpc_bool(struct rpc *rpc, const char *name, bool fallback, bool *out)
{
    json_t *v = json_object_get(rpc->params, name);

    if (v && !json_is_null(v) && !json_is_boolean(v))
        return bad_type(rpc, name, _("true or false"));
    *out = v && !json_is_null(v) ? json_is_true(v) : fallback;
    return 0;
}

int rpc_strings(struct rpc *rpc, const char *name, bool required, json_t **out)
{
    json_t *v = json_object_get(rpc->params, name), *item;
    size_t i;

    if (!v || json_is_null(v)) {
        if (required)
            return err_set(&rpc->err, ERR_INVALID, _("parameter \"%s\" is missing"), name);
        *out = NULL;
        return 0;
    }
    if (!json_is_array(v))
        return bad_type(rpc, name, _("a list of texts"));
    json_array_foreach(v, i, item)
        if (!json_is_string(item))
            return bad_type(rpc, name, _("a list of texts"));
    *out = v;
    return 0;
}

int rpc_hex(struct rpc *rpc, const char *name, uint8_t *out, size_t len)
{
    const char *text;
    int r;

    if ((r = rpc_string(rpc, name, true, &text)) != 0)
        return r;
    if (!hex_decode(text, strlen(text), out, len))
        return err_set(&rpc->err, ERR_INVALID, _("parameter \"%s\" must be %zu bytes in hexadecimal"), name, len);
    return 0;
}

json_t *rpc_ns(int64_t ns)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, ns);
    return json_string(text);
}

json_t *rpc_hex_json(const void *data, size_t len)
{
    char *text = hex_dup(slice_of(data, len));
    json_t *v = text ? json_string(text) : NULL;

    xm_free(text);
    return v;
}
