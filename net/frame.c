#include "net/frame.h"

#include "base/err.h"

#define KEEP_CAPACITY (64 * 1024) /* more is returned after a message */

void frame_init(struct frame_reader *r, size_t max_message)
{
    *r = (struct frame_reader){.max_message = max_message};
}

void frame_reset(struct frame_reader *r)
{
    r->head_len = 0;
    if (r->body.cap > KEEP_CAPACITY)
        buf_free(&r->body);
    buf_reset(&r->body);
}

void frame_deinit(struct frame_reader *r)
{
    buf_free(&r->body);
    r->head_len = 0;
}

static struct slice take(struct slice *in, size_t len)
{
    struct slice s = {in->data, len < in->len ? len : in->len};

    in->data += s.len;
    in->len -= s.len;
    return s;
}

static uint32_t head_message_len(const uint8_t *head)
{
    return (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 | head[4];
}

static int check_head(const struct frame_reader *r, struct err *err)
{
    if (r->head[0] != 0)
        return err_set(err, ERR_UNSUPPORTED, "a compressed message, though no compression was offered");
    if (head_message_len(r->head) > r->max_message)
        return err_set(err, ERR_TOOBIG, "a message of %u bytes, over the limit of %zu", head_message_len(r->head),
                       r->max_message);
    return 0;
}

int frame_read(struct frame_reader *r, struct slice *in, struct slice *message, struct err *err)
{
    struct slice part;
    size_t left;
    int rc;

    if (r->head_len == 0 && r->body.len > 0) /* the message handed out last time */
        frame_reset(r);
    if (r->head_len < FRAME_HEAD_LEN) {
        part = take(in, FRAME_HEAD_LEN - r->head_len);
        for (size_t i = 0; i < part.len; i++)
            r->head[r->head_len++] = part.data[i];
        if (r->head_len < FRAME_HEAD_LEN)
            return 0;
        if ((rc = check_head(r, err)) != 0)
            return rc;
    }
    left = head_message_len(r->head) - r->body.len;
    if (!r->keep && r->body.len == 0 && in->len >= left) { /* whole in the input: no copy */
        *message = take(in, left);
        r->head_len = 0;
        return 1;
    }
    part = take(in, left);
    buf_put_slice(&r->body, part);
    if (!buf_ok(&r->body))
        return err_set(err, ERR_NOMEM, "no memory for a message of %u bytes", head_message_len(r->head));
    if (part.len < left)
        return 0;
    *message = buf_slice(&r->body);
    r->head_len = 0;
    return 1;
}

bool frame_at_boundary(const struct frame_reader *r)
{
    return r->head_len == 0;
}

void frame_put_head(uint8_t head[FRAME_HEAD_LEN], uint32_t len)
{
    head[0] = 0;
    head[1] = (uint8_t)(len >> 24);
    head[2] = (uint8_t)(len >> 16);
    head[3] = (uint8_t)(len >> 8);
    head[4] = (uint8_t)len;
}

void frame_put(struct buf *out, struct slice message)
{
    uint8_t head[FRAME_HEAD_LEN];

    frame_put_head(head, (uint32_t)message.len);
    buf_put(out, head, sizeof head);
    buf_put_slice(out, message);
}
