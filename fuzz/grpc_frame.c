/* Fuzz target: the gRPC frame reader, the same bytes whole and cut in two by the first byte.  Both ways must
 * find the same messages. */
#include "base/err.h"
#include "net/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_MESSAGE 4096

static int read_part(struct frame_reader *r, struct slice part, struct buf *out)
{
    struct slice message;
    struct err err;
    int rc;

    while ((rc = frame_read(r, &part, &message, &err)) == 1) {
        if (message.len > MAX_MESSAGE)
            abort();
        frame_put(out, message);
    }
    if (rc == 0 && part.len != 0)
        abort();
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame_reader whole, cut;
    struct buf a = BUF_INIT, b = BUF_INIT;
    size_t at;
    int ra, rb;

    if (size == 0)
        return 0;
    at = data[0] < size ? data[0] : size;
    frame_init(&whole, MAX_MESSAGE);
    frame_init(&cut, MAX_MESSAGE);
    cut.keep = true;
    ra = read_part(&whole, slice_of(data, size), &a);
    rb = read_part(&cut, slice_of(data, at), &b);
    if (rb == 0)
        rb = read_part(&cut, slice_of(data + at, size - at), &b);
    if (ra != rb || a.len != b.len || (a.len && memcmp(a.data, b.data, a.len) != 0))
        abort();
    frame_deinit(&whole);
    frame_deinit(&cut);
    buf_free(&a);
    buf_free(&b);
    return 0;
}
