#include "tests/mls/wg/wg.h"

#include "base/alloc.h"
#include "base/hex.h"

#include <string.h>

struct slice wg_hex_value(struct wg *w, const json_t *value)
{
    struct bytes b = {0}, *grown;

    if (!json_is_string(value) || hex_parse(json_string_value(value), &b) != 0) {
        w->bad = true;
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

struct slice wg_hex(struct wg *w, const json_t *object, const char *key)
{
    return wg_hex_value(w, json_object_get(object, key));
}

uint64_t wg_int(struct wg *w, const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    if (!json_is_integer(v))
        w->bad = true;
    return (uint64_t)json_integer_value(v);
}

struct slice wg_text(struct wg *w, const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    if (!json_is_string(v))
        w->bad = true;
    return slice_str(json_string_value(v));
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
