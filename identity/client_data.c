/* Follows serde_json 1.0 (src/de.rs and src/read.rs): values that nobody asks for are skipped by shape
 * alone, their strings unvalidated. */
#include "identity/client_data.h"

#include "base/err.h"
#include "base/reader.h"
#include "base/utf8.h"

/* The next byte, -1 at the end. */
static int peek(const struct reader *r)
{
    return reader_left(r) ? *r->at : -1;
}

static int peek_token(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\n' || peek(r) == '\t' || peek(r) == '\r')
        read_u8(r);
    return peek(r);
}

static bool take(struct reader *r, int c)
{
    if (peek(r) != c)
        return false;
    read_u8(r);
    return true;
}

static bool take_token(struct reader *r, int c)
{
    peek_token(r);
    return take(r, c);
}

/* ---- Strings; the opening quote is taken ---- */

static bool read_hex4(struct reader *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = read_u8(r), lower = c | 0x20;

        if (r->bad || !((c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f')))
            return false;
        *out = *out << 4 | (uint32_t)(c <= '9' ? c - '0' : lower - 'a' + 10);
    }
    return true;
}

static void put_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_put_u8(out, (uint8_t)c);
        return;
    }
    if (c < 0x800) {
        buf_put_u8(out, (uint8_t)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            buf_put_u8(out, (uint8_t)(0xe0 | c >> 12));
        } else {
            buf_put_u8(out, (uint8_t)(0xf0 | c >> 18));
            buf_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        }
        buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    }
    buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

/* \uXXXX, with its second half where it is one of a pair; halves alone are refused where it counts. */
static bool read_code_point(struct reader *r, struct buf *out)
{
    uint32_t c, low;

    if (!read_hex4(r, &c))
        return false;
    if (!out)
        return true;
    if (c >= 0xdc00 && c <= 0xdfff)
        return false;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (!take(r, '\\') || !take(r, 'u') || !read_hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
    }
    put_utf8(out, c);
    return true;
}

static bool read_escape(struct reader *r, struct buf *out)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint8_t c = read_u8(r);

    if (r->bad)
        return false;
    if (c == 'u')
        return read_code_point(r, out);
    for (size_t i = 0; names[i]; i++)
        if (c == (uint8_t)names[i]) {
            if (out)
                buf_put_u8(out, (uint8_t)meant[i]);
            return true;
        }
    return false;
}

/* `out` NULL: passed over. */
static bool read_string(struct reader *r, struct buf *out)
{
    if (out)
        buf_reset(out);
    for (;;) {
        uint8_t c = read_u8(r);

        if (r->bad || c < 0x20)
            return false;
        if (c == '"')
            return !out || !buf_ok(out) || utf8_valid(buf_slice(out));
        if (c != '\\') {
            if (out)
                buf_put_u8(out, c);
        } else if (!read_escape(r, out)) {
            return false;
        }
    }
}

/* ---- Values that nobody asks for ---- */

static bool skip_digits(struct reader *r)
{
    bool some = false;

    for (; peek(r) >= '0' && peek(r) <= '9'; some = true)
        read_u8(r);
    return some;
}

static bool skip_number(struct reader *r)
{
    take(r, '-');
    if (take(r, '0')) {
        if (peek(r) >= '0' && peek(r) <= '9')
            return false;
    } else if (!skip_digits(r)) {
        return false;
    }
    if (take(r, '.') && !skip_digits(r))
        return false;
    if (!take(r, 'e') && !take(r, 'E'))
        return true;
    if (!take(r, '+'))
        take(r, '-');
    return skip_digits(r);
}

static bool skip_word(struct reader *r, const char *word)
{
    for (; *word; word++)
        if (!take(r, *word))
            return false;
    return true;
}

static bool skip_scalar(struct reader *r)
{
    switch (peek(r)) {
    case 'n':
        return skip_word(r, "null");
    case 't':
        return skip_word(r, "true");
    case 'f':
        return skip_word(r, "false");
    case '"':
        return take(r, '"') && read_string(r, NULL);
    default:
        return skip_number(r);
    }
}

static bool skip_key(struct reader *r)
{
    return take_token(r, '"') && read_string(r, NULL) && take_token(r, ':');
}

/* `open`: the brackets around the place where the reader is; nesting goes as deep as the input is long. */
static bool skip_value(struct reader *r, struct buf *open)
{
    buf_reset(open);
    for (;;) {
        int c = peek_token(r);
        bool begins = c == '[' || c == '{';

        if (begins)
            buf_put_u8(open, read_u8(r));
        else if (!skip_scalar(r))
            return false;
        if (!buf_ok(open))
            return false;
        /* Out of what ends here, and on to the next value. */
        for (;; begins = false) {
            if (open->len == 0)
                return true;
            c = peek_token(r);
            if (c == (open->data[open->len - 1] == '[' ? ']' : '}')) {
                read_u8(r);
                open->len--;
                continue;
            }
            if (!begins && !take(r, ','))
                return false;
            if (open->data[open->len - 1] == '{' && !skip_key(r))
                return false;
            break;
        }
    }
}

/* ---- The two members ---- */

static bool read_array(struct reader *r, struct buf *challenge)
{
    struct buf origin = BUF_INIT;
    bool ok = take_token(r, '"') && read_string(r, &origin) && take_token(r, ',') && take_token(r, '"') &&
              read_string(r, challenge) && take_token(r, ']');

    ok &= buf_ok(&origin);
    buf_free(&origin);
    return ok;
}

struct members {
    struct buf key, origin, open;
    bool has_origin, has_challenge;
};

static bool read_member(struct reader *r, struct members *m, struct buf *challenge)
{
    bool is_origin, is_challenge;

    if (!take_token(r, '"') || !read_string(r, &m->key) || !take_token(r, ':'))
        return false;
    is_origin = slice_eq(buf_slice(&m->key), slice_str("origin"));
    is_challenge = slice_eq(buf_slice(&m->key), slice_str("challenge"));
    if (!is_origin && !is_challenge)
        return skip_value(r, &m->open);
    if (is_origin ? m->has_origin : m->has_challenge)
        return false;
    m->has_origin |= is_origin;
    m->has_challenge |= is_challenge;
    return take_token(r, '"') && read_string(r, is_origin ? &m->origin : challenge);
}

static bool read_object(struct reader *r, struct buf *challenge)
{
    struct members m = {BUF_INIT, BUF_INIT, BUF_INIT, false, false};
    bool ok = true;

    for (bool first = true; ok && !take_token(r, '}'); first = false)
        ok = (first || take(r, ',')) && read_member(r, &m, challenge);
    ok = ok && m.has_origin && m.has_challenge;
    challenge->bad |= m.key.bad || m.origin.bad || m.open.bad;
    buf_free(&m.key);
    buf_free(&m.origin);
    buf_free(&m.open);
    return ok;
}

int client_data_challenge(struct slice json, struct buf *challenge)
{
    struct reader r = reader_of(json);
    bool ok = take_token(&r, '[') ? read_array(&r, challenge) : take(&r, '{') && read_object(&r, challenge);

    if (!buf_ok(challenge))
        return ERR_NOMEM;
    return ok && peek_token(&r) == -1 && !r.bad ? 0 : ERR_MALFORMED;
}
