#include "net/status.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

static const char *const names[] = {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED",
                                    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
                                    "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL",
                                    "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"};
#define NAMES ((int)(sizeof names / sizeof names[0]))

const char *grpc_status_name(int status)
{
    return status >= 0 && status < NAMES ? names[status] : names[GRPC_UNKNOWN];
}

int grpc_status_parse(struct slice value)
{
    int n = 0;

    if (value.len < 1 || value.len > 2)
        return GRPC_UNKNOWN;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return GRPC_UNKNOWN;
        n = n * 10 + (value.data[i] - '0');
    }
    return n < NAMES ? n : GRPC_UNKNOWN;
}

/* gRPC's http-grpc-status-mapping document. */
int grpc_status_of_http(int http_status)
{
    switch (http_status) {
    case 400:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
        return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GRPC_UNAVAILABLE;
    default:
        return GRPC_UNKNOWN;
    }
}

int grpc_status_of_h2(uint32_t error_code)
{
    switch (error_code) {
    case NGHTTP2_REFUSED_STREAM:
        return GRPC_UNAVAILABLE;
    case NGHTTP2_CANCEL:
        return GRPC_CANCELLED;
    case NGHTTP2_ENHANCE_YOUR_CALM:
        return GRPC_RESOURCE_EXHAUSTED;
    case NGHTTP2_INADEQUATE_SECURITY:
        return GRPC_PERMISSION_DENIED;
    default:
        return GRPC_INTERNAL;
    }
}

size_t grpc_message_encode(const char *text, char *out, size_t room)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;

    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool plain = *c >= 0x20 && *c <= 0x7e && *c != '%';

        if (n + (plain ? 1 : 3) >= room)
            break;
        if (plain) {
            out[n++] = (char)*c;
        } else {
            out[n++] = '%';
            out[n++] = digits[*c >> 4];
            out[n++] = digits[*c & 15];
        }
    }
    if (room)
        out[n] = 0;
    return n;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t grpc_message_decode(struct slice value, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < value.len && n + 1 < room; i++) {
        int c = value.data[i];

        if (c == '%' && value.len - i > 2 && hex_value(value.data[i + 1]) >= 0 && hex_value(value.data[i + 2]) >= 0) {
            c = hex_value(value.data[i + 1]) << 4 | hex_value(value.data[i + 2]);
            i += 2;
        }
        out[n++] = c ? (char)c : '?';
    }
    if (room)
        out[n] = 0;
    return n;
}
