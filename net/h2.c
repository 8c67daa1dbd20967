#include "net/h2.h"

#include "net/sock.h"

#include <string.h>

nghttp2_nv h2_nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                        NGHTTP2_NV_FLAG_NONE};
}

bool h2_is(struct slice a, const char *text)
{
    return slice_eq(a, slice_str(text));
}

bool h2_is_grpc(struct slice content_type)
{
    struct slice base = slice_str("application/grpc");

    if (content_type.len < base.len || !slice_eq(slice_of(content_type.data, base.len), base))
        return false;
    return content_type.len == base.len || content_type.data[base.len] == '+' ||
           content_type.data[base.len] == ';';
}

bool h2_pump(nghttp2_session *session, struct sock *sock)
{
    const uint8_t *data;
    ssize_t n = 1;

    while (n > 0 && sock_room(sock)) {
        while (sock_room(sock) && (n = nghttp2_session_mem_send(session, &data)) > 0)
            sock_put(sock, slice_of(data, (size_t)n));
        if (n < 0)
            return false;
        sock_flush(sock);
    }
    return true;
}

size_t h2_copy(const struct buf *from, size_t *at, uint8_t *out, size_t room)
{
    size_t n = from->len - *at;

    if (n > room)
        n = room;
    if (n > 0)
        memcpy(out, from->data + *at, n);
    *at += n;
    return n;
}
