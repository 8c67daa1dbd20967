#include "ui/input.h"

#include "base/alloc.h"
#include "ui/sanitize.h"

#include <string.h>
#include <utf8proc.h>

void input_init(struct input *in)
{
    *in = (struct input){.want_col = -1, .cols = 78};
    in->text.secret = in->killed.secret = true; /* keys and passphrases pass here */
}

static void forget(char **text)
{
    if (*text)
        xm_free_secret(*text, strlen(*text));
    *text = NULL;
}

void input_free(struct input *in)
{
    buf_free(&in->text);
    buf_free(&in->killed);
    for (int i = 0; i < in->history_len; i++)
        forget(&in->history[i]);
    forget(&in->unsent);
    in->history_len = in->history_at = 0;
}

static const char *begin(const struct input *in)
{
    return in->text.data ? (const char *)in->text.data : "";
}

static const char *end(const struct input *in)
{
    return begin(in) + in->text.len;
}

const char *input_text(struct input *in)
{
    buf_put_u8(&in->text, 0);
    if (!buf_ok(&in->text))
        return "";
    in->text.len--;
    return (const char *)in->text.data;
}

void input_clear(struct input *in)
{
    if (in->text.data && in->masked)
        explicit_bzero(in->text.data, in->text.len);
    buf_reset(&in->text);
    in->at = 0;
    in->want_col = -1;
    in->history_at = in->history_len;
    forget(&in->unsent);
}

void input_set(struct input *in, const char *text)
{
    buf_reset(&in->text);
    buf_put_str(&in->text, text);
    in->at = in->text.len;
    in->want_col = -1;
}

static bool insert_raw(struct input *in, const char *text, size_t len)
{
    size_t tail = in->text.len - in->at;

    if (len == 0)
        return true;
    if (len > INPUT_MAX - in->text.len || !buf_grow(&in->text, len))
        return false;
    memmove(in->text.data + in->at + len, in->text.data + in->at, tail);
    memcpy(in->text.data + in->at, text, len);
    in->at += len;
    return true;
}

bool input_insert(struct input *in, const char *text, size_t len)
{
    struct buf clean = BUF_SECRET;
    bool ok;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n')
            continue;
        if (text[i] == '\r' || text[i] == '\n')
            buf_put_u8(&clean, in->single ? ' ' : '\n');
        else if (text[i] != 0)
            buf_put_u8(&clean, (uint8_t)text[i]);
    }
    ok = buf_ok(&clean) && insert_raw(in, (const char *)clean.data, clean.len);
    buf_free(&clean);
    in->want_col = -1;
    return ok;
}

static void remove_range(struct input *in, size_t from, size_t to)
{
    if (from == to)
        return;
    memmove(in->text.data + from, in->text.data + to, in->text.len - to);
    if (in->masked)
        explicit_bzero(in->text.data + in->text.len - (to - from), to - from);
    in->text.len -= to - from;
    in->at = from;
}

void input_replace(struct input *in, size_t from, const char *text)
{
    if (from > in->at)
        return;
    remove_range(in, from, in->at);
    insert_raw(in, text, strlen(text));
}

/* Cuts into the kill buffer; kills in a row join, on the side they were cut from. */
static enum input_result kill_range(struct input *in, size_t from, size_t to)
{
    bool backwards = to == in->at;

    if (from == to)
        return INPUT_MOVED;
    if (!in->killing)
        buf_reset(&in->killed);
    if (backwards && in->killed.len > 0) {
        size_t old = in->killed.len, len = to - from;

        if (buf_grow(&in->killed, len)) {
            memmove(in->killed.data + len, in->killed.data, old);
            memcpy(in->killed.data, in->text.data + from, len);
        }
    } else {
        buf_put(&in->killed, in->text.data + from, to - from);
    }
    remove_range(in, from, to);
    in->killing = true;
    return INPUT_CHANGED;
}

static size_t line_begin(const struct input *in)
{
    size_t at = in->at;

    while (at > 0 && in->text.data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const struct input *in)
{
    size_t at = in->at;

    while (at < in->text.len && in->text.data[at] != '\n')
        at++;
    return at;
}

static size_t next(const struct input *in, size_t at)
{
    return at + text_raw_next(begin(in) + at, end(in));
}

static size_t prev(const struct input *in, size_t at)
{
    return at - text_raw_prev(begin(in), begin(in) + at);
}

static bool word_at(const struct input *in, size_t at)
{
    uint8_t c = at < in->text.len ? in->text.data[at] : ' ';

    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t word_right(const struct input *in)
{
    size_t at = in->at;

    while (at < in->text.len && !word_at(in, at))
        at = next(in, at);
    while (at < in->text.len && word_at(in, at))
        at = next(in, at);
    return at;
}

static size_t word_left(const struct input *in)
{
    size_t at = in->at;

    while (at > 0 && !word_at(in, prev(in, at)))
        at = prev(in, at);
    while (at > 0 && word_at(in, prev(in, at)))
        at = prev(in, at);
    return at;
}

/* Ctrl-W cuts to white space, as in a shell. */
static size_t blank_left(const struct input *in)
{
    size_t at = in->at;

    while (at > 0 && (in->text.data[at - 1] == ' ' || in->text.data[at - 1] == '\n'))
        at--;
    while (at > 0 && in->text.data[at - 1] != ' ' && in->text.data[at - 1] != '\n')
        at--;
    return at;
}

/* ---- lay-out: where each cluster stands ---- */

struct place {
    int row, col;
};

struct walk {
    const struct input *in;
    size_t at;
    struct place place; /* of the cluster at `at` */
    int cols;
};

/* The clean form and width of the cluster at w->at; 0 bytes at the end. */
static size_t cluster_clean(const struct walk *w, char *out, size_t size, int *width)
{
    size_t n = text_raw_next(begin(w->in) + w->at, end(w->in));
    char raw[128];

    *width = 0;
    out[0] = 0;
    if (n == 0)
        return 0;
    if (w->in->masked) {
        memcpy(out, "*", 2);
    } else {
        size_t keep = n < sizeof raw - 1 ? n : sizeof raw - 1; /* a cluster longer than that is an attack */

        memcpy(raw, begin(w->in) + w->at, keep);
        raw[keep] = 0;
        sanitize_into(out, size, raw, SANITIZE_LINE);
    }
    *width = text_width(out);
    return n;
}

/* One cluster on; `*clean` and `*drawn_at` say what stands where.  False at the end. */
static bool walk_next(struct walk *w, char *clean, size_t size, struct place *drawn_at)
{
    int width;
    size_t n;

    if (w->at < w->in->text.len && w->in->text.data[w->at] == '\n') {
        clean[0] = 0;
        *drawn_at = w->place;
        w->at++;
        w->place = (struct place){w->place.row + 1, 0};
        return true;
    }
    n = cluster_clean(w, clean, size, &width);
    if (n == 0)
        return false;
    if (w->place.col + width > w->cols && w->place.col > 0)
        w->place = (struct place){w->place.row + 1, 0};
    *drawn_at = w->place;
    w->at += n;
    w->place.col += width;
    return true;
}

static struct place place_of(const struct input *in, size_t target, int cols, int *rows)
{
    struct walk w = {.in = in, .cols = cols};
    struct place found = {0}, drawn;
    bool have = target == 0;
    char clean[SANITIZE_GROWTH * 128];

    while (walk_next(&w, clean, sizeof clean, &drawn)) {
        if (!have && w.at >= target) {
            found = w.place;
            have = true;
        }
    }
    if (found.col >= cols) /* the cursor after a full line stands on the next one */
        found = (struct place){found.row + 1, 0};
    if (rows)
        *rows = (w.place.row > found.row ? w.place.row : found.row) + 1;
    return found;
}

/* The offset nearest to `col` in visual row `row`. */
static size_t offset_at(const struct input *in, int row, int col, int cols)
{
    struct walk w = {.in = in, .cols = cols};
    struct place drawn;
    size_t before = 0;
    char clean[SANITIZE_GROWTH * 128];

    for (;;) {
        before = w.at;
        if (!walk_next(&w, clean, sizeof clean, &drawn))
            return before;
        if (drawn.row == row && (drawn.col >= col || in->text.data[before] == '\n'))
            return before;
        if (drawn.row > row)
            return before;
    }
}

static bool move_row(struct input *in, int by)
{
    int rows, cols = in->cols;
    struct place here = place_of(in, in->at, cols, &rows);
    int want = in->want_col >= 0 ? in->want_col : here.col;

    if (here.row + by < 0 || here.row + by >= rows)
        return false;
    in->at = offset_at(in, here.row + by, want, cols);
    in->want_col = want;
    return true;
}

int input_rows(struct input *in, int cols)
{
    int rows;

    place_of(in, in->at, cols, &rows);
    return rows;
}

void input_lines(struct input *in, int *line, int *lines)
{
    *line = *lines = 1;
    for (size_t i = 0; i < in->text.len; i++)
        if (in->text.data[i] == '\n') {
            (*lines)++;
            if (i < in->at)
                (*line)++;
        }
}

void input_draw(struct input *in, struct canvas *c, struct rect r, bool with_cursor)
{
    struct walk w = {.in = in, .cols = r.cols};
    int rows, scroll;
    struct place cursor = place_of(in, in->at, r.cols, &rows), drawn;
    char clean[SANITIZE_GROWTH * 128];

    in->cols = r.cols;
    scroll = cursor.row >= r.rows ? cursor.row - r.rows + 1 : 0;
    while (walk_next(&w, clean, sizeof clean, &drawn))
        if (drawn.row >= scroll && drawn.row < scroll + r.rows)
            canvas_text(c, r.row + drawn.row - scroll, r.col + drawn.col, r.cols - drawn.col, STYLE_NORMAL, clean);
    if (with_cursor)
        canvas_cursor(c, r.row + cursor.row - scroll, r.col + cursor.col);
}

/* ---- history ---- */

static enum input_result history_move(struct input *in, int by)
{
    int to = in->history_at + by;

    if (in->masked || to < 0 || to > in->history_len)
        return INPUT_IGNORED;
    if (in->history_at == in->history_len) {
        forget(&in->unsent);
        in->unsent = xm_strdup(input_text(in));
    }
    in->history_at = to;
    input_set(in, to == in->history_len ? (in->unsent ? in->unsent : "") : in->history[to]);
    return INPUT_CHANGED;
}

void input_trim(struct input *in)
{
    while (in->text.len > 0 && strchr(" \t\n", in->text.data[in->text.len - 1]))
        in->text.len--;
    if (in->at > in->text.len)
        in->at = in->text.len;
}

void input_done(struct input *in)
{
    const char *text = input_text(in);

    if (!in->masked && *text && (in->history_len == 0 || strcmp(in->history[in->history_len - 1], text) != 0)) {
        if (in->history_len == INPUT_HISTORY) {
            forget(&in->history[0]);
            memmove(in->history, in->history + 1, (INPUT_HISTORY - 1) * sizeof in->history[0]);
            in->history_len--;
        }
        in->history[in->history_len] = xm_strdup(text);
        if (in->history[in->history_len])
            in->history_len++;
    }
    input_clear(in);
}

/* ---- keys ---- */

static enum input_result move_to(struct input *in, size_t at)
{
    in->at = at;
    in->want_col = -1;
    return INPUT_MOVED;
}

static enum input_result erase(struct input *in, size_t from, size_t to)
{
    if (from == to)
        return INPUT_MOVED;
    remove_range(in, from, to);
    return INPUT_CHANGED;
}

static enum input_result newline(struct input *in)
{
    if (in->single)
        return INPUT_IGNORED;
    return insert_raw(in, "\n", 1) ? INPUT_CHANGED : INPUT_MOVED;
}

static enum input_result type_char(struct input *in, uint32_t ch)
{
    utf8proc_uint8_t utf8[4];
    utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)ch, utf8);

    return n > 0 && insert_raw(in, (const char *)utf8, (size_t)n) ? INPUT_CHANGED : INPUT_MOVED;
}

static enum input_result ctrl(struct input *in, uint32_t ch)
{
    switch (ch) {
    case 'a':
        return move_to(in, line_begin(in));
    case 'e':
        return move_to(in, line_end(in));
    case 'b':
        return move_to(in, prev(in, in->at));
    case 'f':
        return move_to(in, next(in, in->at));
    case 'd':
        return erase(in, in->at, next(in, in->at));
    case 'h':
        return erase(in, prev(in, in->at), in->at);
    case 'j':
        return newline(in);
    case 'k':
        return kill_range(in, in->at, line_end(in));
    case 'u':
        return kill_range(in, line_begin(in), in->at);
    case 'w':
        return kill_range(in, blank_left(in), in->at);
    case 'y':
        if (in->killed.len == 0)
            return INPUT_MOVED;
        return insert_raw(in, (const char *)in->killed.data, in->killed.len) ? INPUT_CHANGED : INPUT_MOVED;
    default:
        return INPUT_IGNORED;
    }
}

static enum input_result alt(struct input *in, struct key key)
{
    if (key.kind == KEY_ENTER_)
        return newline(in);
    if (key.kind == KEY_BACK)
        return kill_range(in, word_left(in), in->at);
    if (key.kind == KEY_LEFT_)
        return move_to(in, word_left(in));
    if (key.kind == KEY_RIGHT_)
        return move_to(in, word_right(in));
    if (key.kind != KEY_CHAR)
        return INPUT_IGNORED;
    switch (key.ch) {
    case 'b':
        return move_to(in, word_left(in));
    case 'f':
        return move_to(in, word_right(in));
    case 'd':
        return kill_range(in, in->at, word_right(in));
    default:
        return INPUT_IGNORED;
    }
}

static enum input_result plain(struct input *in, struct key key)
{
    switch (key.kind) {
    case KEY_CHAR:
        in->want_col = -1;
        return type_char(in, key.ch);
    case KEY_CTRL:
        return ctrl(in, key.ch);
    case KEY_ENTER_:
        return INPUT_SUBMIT;
    case KEY_BACK:
        return erase(in, prev(in, in->at), in->at);
    case KEY_DELETE:
        return erase(in, in->at, next(in, in->at));
    case KEY_LEFT_:
        return move_to(in, prev(in, in->at));
    case KEY_RIGHT_:
        return move_to(in, next(in, in->at));
    case KEY_HOME_:
        return move_to(in, line_begin(in));
    case KEY_END_:
        return move_to(in, line_end(in));
    case KEY_UP_:
        return move_row(in, -1) ? INPUT_MOVED : history_move(in, -1);
    case KEY_DOWN_:
        return move_row(in, 1) ? INPUT_MOVED : history_move(in, 1);
    default:
        return INPUT_IGNORED;
    }
}

enum input_result input_key(struct input *in, struct key key)
{
    bool was_killing = in->killing;
    enum input_result r;

    in->killing = false;
    if (was_killing && ((key.kind == KEY_CTRL && strchr("kuw", (int)key.ch)) ||
                        (key.alt && (key.kind == KEY_BACK || (key.kind == KEY_CHAR && key.ch == 'd')))))
        in->killing = true; /* kill_range() joins */
    r = key.alt ? alt(in, key) : plain(in, key);
    if (r == INPUT_IGNORED)
        in->killing = false;
    return r;
}
