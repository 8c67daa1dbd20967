#include "tests/cli/session.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX 64
#define EVENTS_MAX 256

static struct {
    char name[32], value[140];
} names[NAMES_MAX];
static size_t n_names;

static struct {
    const struct running *rpc;
    json_t *params;
} events[EVENTS_MAX];
static size_t n_events;

void session_name(const char *name, const char *value)
{
    size_t i = 0;

    while (i < n_names && strcmp(names[i].name, name) != 0)
        i++;
    assert_true(i < NAMES_MAX);
    n_names += i == n_names;
    snprintf(names[i].name, sizeof names[i].name, "%s", name);
    snprintf(names[i].value, sizeof names[i].value, "%s", value);
}

/* ---- names ---- */

/* The longest name that the text begins with. */
static size_t name_at(const char *text)
{
    size_t best = n_names;

    for (size_t i = 0; i < n_names; i++)
        if (strncmp(text, names[i].name, strlen(names[i].name)) == 0 &&
            (best == n_names || strlen(names[i].name) > strlen(names[best].name)))
            best = i;
    return best;
}

static char *with_values(const char *params)
{
    size_t room = strlen(params) + 4096, len = 0;
    char *out = calloc(1, room);

    while (*params) {
        size_t i = *params == '$' ? name_at(params) : n_names;

        assert_true(len + sizeof names[0].value < room);
        if (i == n_names) {
            out[len++] = *params++;
        } else {
            len += (size_t)sprintf(out + len, "%s", names[i].value);
            params += strlen(names[i].name);
        }
    }
    return out;
}

/* What a text is, for one that has no name; the text itself where it is the same in every run. */
static const char *kind_of(const char *text)
{
    size_t len = strlen(text);

    if (len == 42 && strncmp(text, "0x", 2) == 0)
        return strspn(text + 2, "0") > 30 ? text : "$address";
    if (len >= 18 && len <= 19 && strspn(text, "0123456789") == len && strspn(text + 1, "0") < 17)
        return "$ns";
    if (len < 32 || strspn(text, "0123456789abcdef") != len || strncmp(text, "abab", 4) == 0)
        return text;
    return len == 32 ? "$short" : len == 64 ? "$id" : len == 84 ? "$key" : len == 128 ? "$signature" : text;
}

/* The named ids in a longer text, and the time of a text to sign; borrowed until the next call. */
static const char *masked_inside(const char *text)
{
    static char out[8192];
    size_t len = 0;

    while (*text && len + 200 < sizeof out) {
        size_t i = 0;

        while (i < n_names && strncmp(text, names[i].value, strlen(names[i].value)) != 0)
            i++;
        if (i < n_names) {
            len += (size_t)sprintf(out + len, "%s", names[i].name);
            text += strlen(names[i].value);
        } else if (strncmp(text, "Current time: ", 14) == 0) {
            len += (size_t)sprintf(out + len, "Current time: $time");
            text += strcspn(text, "\n");
        } else {
            out[len++] = *text++;
        }
    }
    out[len] = 0;
    return out;
}

static const char *masked_text(const char *text)
{
    const char *kind = kind_of(text);

    for (size_t i = 0; i < n_names; i++)
        if (strcmp(text, names[i].value) == 0)
            return names[i].name;
    return kind == text ? masked_inside(text) : kind;
}

/* Numbers that depend on what else happened on the node, or on the day. */
static bool is_of_the_moment(const char *key, const json_t *object)
{
    static const char *const keys[] = {"cursor", "lastHeardMs", "eligible", "synced", "published"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return strcmp(key, "epoch") == 0 && json_object_get(object, "key"); /* of an HMAC key: the month */
}

static json_t *masked(const json_t *json);

static json_t *masked_object(const json_t *json)
{
    json_t *out = json_object(), *item;
    const char *key;

    json_object_foreach((json_t *)json, key, item) {
        json_t *value =
            json_is_integer(item) && is_of_the_moment(key, json) ? json_string("$number") : masked(item);

        json_object_set_new(out, masked_text(key), value); /* the name is good until the next one */
    }
    return out;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* People, their addresses and records come in the order of their ids, which is another in every run. */
static json_t *in_order_of_text(json_t *list)
{
    size_t n = json_array_size(list);
    json_t *first = json_array_get(list, 0), *out = json_array();
    char **texts = calloc(n + 1, sizeof *texts);

    for (size_t i = 0; i < n; i++)
        texts[i] = json_dumps(json_array_get(list, i), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (json_is_string(first) || json_object_get(first, "level") || json_object_get(first, "identifier") || (json_object_get(first, "entity") && !json_object_get(first, "timeNs")))
        qsort(texts, n, sizeof *texts, by_text);
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(out, json_loads(texts[i], JSON_DECODE_ANY, NULL));
        free(texts[i]);
    }
    free(texts);
    json_decref(list);
    return out;
}

static json_t *masked(const json_t *json)
{
    json_t *out, *item;
    size_t i;

    if (json_is_string(json))
        return json_string(masked_text(json_string_value(json)));
    if (json_is_object(json))
        return masked_object(json);
    if (!json_is_array(json))
        return json_deep_copy(json);
    out = json_array();
    json_array_foreach((json_t *)json, i, item)
        json_array_append_new(out, masked(item));
    return in_order_of_text(out);
}

char *session_masked(const json_t *json)
{
    json_t *m = masked(json);
    char *text = json_dumps(m, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    json_decref(m);
    return text;
}

/* ---- asking ---- */

static json_t *next(struct running *rpc)
{
    char *line = run_line(rpc);
    json_t *json = json_loads(line, 0, NULL);

    if (!json)
        fail_msg("no JSON: %s", line);
    assert_string_equal(member(json, "jsonrpc"), "2.0");
    free(line);
    return json;
}

static void keep(const struct running *rpc, json_t *notification)
{
    assert_string_equal(member(notification, "method"), "stream.event");
    assert_true(n_events < EVENTS_MAX);
    events[n_events].rpc = rpc;
    events[n_events++].params = json_incref(json_object_get(notification, "params"));
    json_decref(notification);
}

json_t *session_ask(struct running *rpc, const char *method, const char *params)
{
    static int last_id;
    char *real = with_values(params), *line = malloc(strlen(real) + 200);
    json_t *answer;

    sprintf(line, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}\n", ++last_id, method, real);
    run_write(rpc, line);
    free(real);
    free(line);
    while (!json_object_get(answer = next(rpc), "id"))
        keep(rpc, answer);
    assert_int_equal(json_integer_value(json_object_get(answer, "id")), last_id);
    return answer;
}

json_t *session_result(struct running *rpc, const char *method, const char *params)
{
    json_t *answer = session_ask(rpc, method, params), *result = json_incref(json_object_get(answer, "result"));

    if (!result)
        fail_msg("%s: %s", method, json_dumps(answer, 0));
    json_decref(answer);
    return result;
}

/* ---- listening ---- */

static json_t *take_kept(const struct running *rpc, const char *kind)
{
    for (size_t i = 0; i < n_events; i++) {
        json_t *params = events[i].params;

        if (events[i].rpc != rpc || strcmp(member(params, "kind"), kind) != 0)
            continue;
        memmove(&events[i], &events[i + 1], (--n_events - i) * sizeof events[0]);
        return params;
    }
    return NULL;
}

json_t *session_event(struct running *rpc, const char *kind)
{
    json_t *params;

    while (!(params = take_kept(rpc, kind)))
        keep(rpc, next(rpc));
    return params;
}

bool session_no_event(struct running *rpc, const char *kind)
{
    for (size_t i = 0; i < n_events; i++)
        if (events[i].rpc == rpc && strcmp(member(events[i].params, "kind"), kind) == 0)
            return false;
    return true;
}

void session_forget_events(void)
{
    while (n_events)
        json_decref(events[--n_events].params);
}

void session_expect_event(struct running *rpc, const char *kind, const char *want)
{
    json_t *params = session_event(rpc, kind);
    char *got;

    assert_int_equal(json_object_size(params), 3);
    json_object_del(params, "kind");
    got = session_masked(params);
    if (strcmp(got, want) != 0)
        fail_msg("event %s: %s, not %s", kind, got, want);
    free(got);
    json_decref(params);
}
