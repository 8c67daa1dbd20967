#include "ui/words.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "ui/json.h"
#include "ui/sanitize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t js_int(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (json_is_integer(v))
        return json_integer_value(v);
    if (json_is_real(v))
        return (int64_t)json_real_value(v);
    return json_is_string(v) ? strtoll(json_string_value(v), NULL, 10) : 0;
}

char *js_line(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_string(v))
        return xm_strdup("");
    return sanitize(json_string_value(v), json_string_length(v), SANITIZE_LINE);
}

enum consent consent_parse(const char *name)
{
    if (strcmp(name, "allowed") == 0)
        return CONSENT_ALLOWED;
    return strcmp(name, "denied") == 0 ? CONSENT_DENIED : CONSENT_UNKNOWN;
}

const char *consent_name(enum consent c)
{
    static const char *const names[] = {"unknown", "allowed", "denied"};

    return names[c];
}

const char *consent_words(enum consent c)
{
    switch (c) {
    case CONSENT_ALLOWED:
        return _("allowed");
    case CONSENT_DENIED:
        return _("denied");
    default:
        return _("unknown");
    }
}

void words_short(char *out, size_t size, const char *id)
{
    char clean[160];
    size_t len, head;

    sanitize_into(clean, sizeof clean, id, SANITIZE_LINE);
    len = strlen(clean);
    head = strncmp(clean, "0x", 2) == 0 ? 6 : 4;
    if (len <= head + 6 || strspn(clean, "0123456789abcdefABCDEFx") != len)
        snprintf(out, size, "%s", clean);
    else
        snprintf(out, size, "%.*s..%s", (int)head, clean, clean + len - 4);
}

void words_installation(char *out, size_t size, const char *id)
{
    char clean[160];

    sanitize_into(clean, sizeof clean, id, SANITIZE_LINE);
    snprintf(out, size, "%.4s", clean);
}

static struct tm local(int64_t ns)
{
    time_t t = (time_t)(ns / NS_PER_S);
    struct tm tm = {0};

    localtime_r(&t, &tm);
    return tm;
}

static void format(char *out, size_t size, const char *fmt, int64_t ns)
{
    struct tm tm = local(ns);

    if (strftime(out, size, fmt, &tm) == 0)
        out[0] = 0;
}

void words_clock(char *out, size_t size, int64_t ns)
{
    format(out, size, "%H:%M", ns);
}

void words_clock_s(char *out, size_t size, int64_t ns)
{
    format(out, size, "%H:%M:%S", ns);
}

void words_day(char *out, size_t size, int64_t ns)
{
    format(out, size, "%a %d %b", ns);
}

void words_date(char *out, size_t size, int64_t ns)
{
    format(out, size, "%d %b", ns);
}

long words_day_number(int64_t ns)
{
    struct tm tm = local(ns);

    return (long)((ns / NS_PER_S + tm.tm_gmtoff) / 86400);
}

void words_age(char *out, size_t size, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (ms < 10000)
        snprintf(out, size, "%d.%ds", (int)(ms / 1000), (int)(ms % 1000 / 100));
    else if (ms < 60000)
        snprintf(out, size, "%ds", (int)(ms / 1000));
    else if (ms < 3600000)
        snprintf(out, size, "%dm", (int)(ms / 60000));
    else if (ms < 86400000)
        snprintf(out, size, "%dh", (int)(ms / 3600000));
    else
        snprintf(out, size, "%dd", (int)(ms / 86400000 > 9999 ? 9999 : ms / 86400000));
}
