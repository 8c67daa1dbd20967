#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return code;
    err->code = code;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return code;
}

int err_wrap(struct err *err, int code, const char *fmt, ...)
{
    char context[sizeof err->text];
    size_t n, kept;
    va_list ap;

    if (!err)
        return code;
    va_start(ap, fmt);
    vsnprintf(context, sizeof context - 2, fmt, ap);
    va_end(ap);
    if (strncmp(err->text, context, strlen(context)) == 0) /* "adding members: adding members is not permitted" */
        return code;
    strcat(context, ": ");
    /* A text too long for its place is cut at the end: the context matters more. */
    n = strlen(context);
    kept = strnlen(err->text, sizeof err->text - 1);
    if (kept > sizeof err->text - 1 - n)
        kept = sizeof err->text - 1 - n;
    memmove(err->text + n, err->text, kept);
    memcpy(err->text, context, n);
    err->text[n + kept] = 0;
    return code;
}

const char *err_name(int code)
{
    static const char *const names[] = {"ok",        "nomem",   "malformed", "auth",     "state",    "io",     "offline",
                                        "canceled",  "toobig",  "corrupt",   "notfound", "exists",   "denied", "invalid",
                                        "conflict",  "locked",  "key",       "paused",   "forked",   "remote", "unsupported"};
    int at = -code;

    return at >= 0 && at < (int)(sizeof names / sizeof names[0]) ? names[at] : "unknown";
}
