#include "net/url.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Letters, digits, '.', '-', '_' and, in brackets, what IPv6 addresses with a zone have. */
static bool host_ok(const char *host, size_t len, bool bracketed)
{
    if (len == 0 || len >= URL_HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = host[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';

        if (!word && !(bracketed ? c == ':' || c == '%' : c == '-' || c == '_'))
            return false;
    }
    return true;
}

/* Splits "HOST", "HOST:PORT", "[V6]" or "[V6]:PORT".  *port stays as it is where there is none. */
static bool split(const char *text, size_t len, char host[URL_HOST_MAX], bool *bracketed, bool *has_port,
                  uint16_t *port)
{
    const char *end = text + len, *stop;
    unsigned long value = 0;

    *bracketed = len > 0 && text[0] == '[';
    if (*bracketed) {
        text++;
        stop = memchr(text, ']', (size_t)(end - text));
        if (!stop)
            return false;
    } else {
        stop = memchr(text, ':', len);
        if (!stop)
            stop = end;
    }
    if (!host_ok(text, (size_t)(stop - text), *bracketed))
        return false;
    memcpy(host, text, (size_t)(stop - text));
    host[stop - text] = 0;
    if (*bracketed)
        stop++;
    *has_port = stop < end;
    if (!*has_port)
        return true;
    if (*stop++ != ':' || stop == end || end - stop > 5)
        return false;
    for (; stop < end; stop++) {
        if (*stop < '0' || *stop > '9')
            return false;
        value = value * 10 + (unsigned long)(*stop - '0');
    }
    if (value > 65535)
        return false;
    *port = (uint16_t)value;
    return true;
}

int url_parse(const char *text, struct url *out, struct err *err)
{
    struct url url = {0};
    const char *at = text, *end;
    bool bracketed, has_port;
    uint16_t standard;

    if (strncmp(at, "http://", 7) == 0) {
        at += 7;
    } else if (strncmp(at, "https://", 8) == 0) {
        at += 8;
        url.tls = true;
    } else {
        return err_set(err, ERR_INVALID, "\"%.80s\" is not an address of a node: http://HOST:PORT or https://HOST:PORT",
                       text);
    }
    standard = url.tls ? 443 : 80;
    url.port = standard;
    end = at + strlen(at);
    if (end > at && end[-1] == '/')
        end--;
    if (!split(at, (size_t)(end - at), url.host, &bracketed, &has_port, &url.port) || url.port == 0)
        return err_set(err, ERR_INVALID, "\"%.80s\" is not an address of a node: no proper host and port", text);
    if (url.port == standard)
        snprintf(url.authority, sizeof url.authority, bracketed ? "[%s]" : "%s", url.host);
    else
        snprintf(url.authority, sizeof url.authority, bracketed ? "[%s]:%u" : "%s:%u", url.host, url.port);
    *out = url;
    return 0;
}

int url_parse_listen(const char *text, char host[URL_HOST_MAX], uint16_t *port, struct err *err)
{
    bool bracketed, has_port;

    if (!split(text, strlen(text), host, &bracketed, &has_port, port) || !has_port)
        return err_set(err, ERR_INVALID, "\"%.80s\" is not an address to listen on: HOST:PORT or [IPV6]:PORT", text);
    return 0;
}
