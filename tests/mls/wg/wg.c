#include "tests/mls/wg/wg.h"

#include "base/alloc.h"
#include "base/hex.h"

#include <string.h>

/* Notes a field that is not as the format has it; what the check says of it afterwards does not count. */
static void bad_field(struct wg *w, const json_t *value, const char *key, const char *kind)
{
    w->bad = true;
    if (w->why[0])
        return;
    if (value)
        snprintf(w->why, sizeof w->why, "field \"%s\" is no %s", key, kind);
    else
        snprintf(w->why, sizeof w->why, "no field \"%s\", which the working group's format has", key);
}

static struct slice hex_of(struct wg *w, const json_t *value, const char *key)
{
    struct bytes b = {0}, *grown;

    if (!json_is_string(value) || hex_parse(json_string_value(value), &b) != 0) {
        bad_field(w, value, key, "hex");
        return (struct slice){0};
    }
    grown = xm_realloc(w->owned, w->owned_n + 1, sizeof *grown);
    if (!grown) {
        bytes_free(&b);
        w->bad = true;
        return (struct slice){0};
    }
    w->owned = grown;
    w->owned[w->owned_n++] = b;
    return bytes_slice(&b);
}

struct slice wg_hex_value(struct wg *w, const json_t *value)
{
    return hex_of(w, value ? value : json_null(), "of a list");
}

struct slice wg_hex(struct wg *w, const json_t *object, const char *key)
{
    return hex_of(w, json_object_get(object, key), key);
}

/* 32 bytes to read in any case. */
static struct slice secret_or_zeros(struct wg *w, const json_t *value, const char *key, struct slice secret)
{
    static const uint8_t zeros[MLS_KEY_LEN];

    if (secret.len == sizeof zeros)
        return secret;
    bad_field(w, value, key, "secret of 32 bytes");
    return slice_of(zeros, sizeof zeros);
}

struct slice wg_secret(struct wg *w, const json_t *object, const char *key)
{
    return secret_or_zeros(w, json_object_get(object, key), key, wg_hex(w, object, key));
}

struct slice wg_signature_key(struct wg *w, const json_t *object, const char *key, struct slice public_key)
{
    struct slice secret = wg_hex(w, object, key);

    if (secret.len == 2 * MLS_KEY_LEN &&
        slice_eq(slice_of(secret.data + MLS_KEY_LEN, MLS_KEY_LEN), public_key))
        secret.len = MLS_KEY_LEN;
    return secret_or_zeros(w, json_object_get(object, key), key, secret);
}

uint64_t wg_int(struct wg *w, const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    if (!json_is_integer(v))
        bad_field(w, v, key, "number");
    return (uint64_t)json_integer_value(v);
}

struct slice wg_text(struct wg *w, const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    if (!json_is_string(v))
        bad_field(w, v, key, "text");
    return slice_str(json_is_string(v) ? json_string_value(v) : "");
}

void wg_end(struct wg *w)
{
    for (size_t i = 0; i < w->owned_n; i++)
        bytes_free(&w->owned[i]);
    xm_free(w->owned);
    w->owned = NULL;
    w->owned_n = 0;
}

bool wg_fail(struct wg *w, const char *file, int line, const char *what)
{
    const char *slash = strrchr(file, '/');

    if (!w->why[0])
        snprintf(w->why, sizeof w->why, "%s:%d: %s%s%s", slash ? slash + 1 : file, line, what,
                 w->err.text[0] ? ": " : "", w->err.text);
    return false;
}
