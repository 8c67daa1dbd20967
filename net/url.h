/* Addresses of endpoints: http://HOST[:PORT], https://HOST[:PORT], HOST:PORT.  Pure.  Thread: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct err;

#define URL_HOST_MAX 256 /* DNS allows 253 characters */

struct url {
    bool tls;
    char host[URL_HOST_MAX]; /* without brackets */
    uint16_t port;
    char authority[URL_HOST_MAX + 8]; /* as :authority wants it, port left out where it is the scheme's */
};

/* A path may only be "/"; user names, queries and fragments are refused.  ERR_INVALID. */
int url_parse(const char *text, struct url *out, struct err *err);
/* "HOST:PORT" or "[V6]:PORT".  Port 0 is fine.  ERR_INVALID. */
int url_parse_listen(const char *text, char host[URL_HOST_MAX], uint16_t *port, struct err *err);
