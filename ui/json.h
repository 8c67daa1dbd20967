/* Reading the JSON that the core answers with.  The core is ours, what it repeats is not: a value
 * that is missing or of another type reads as empty.  Thread: UI. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

static inline const char *js_str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static inline bool js_bool(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

/* Numbers; times in ns are decimal strings. */
int64_t js_int(const json_t *o, const char *key);

/* New one-line clean text of a string member, "" where there is none; xm_free(). */
char *js_line(const json_t *o, const char *key);
