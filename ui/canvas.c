#include "ui/canvas.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "ui/sanitize.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

bool canvas_resize(struct canvas *c, int rows, int cols)
{
    struct cell *cells = xm_calloc((size_t)rows * (size_t)cols, sizeof *cells);

    if (!cells)
        return false;
    xm_free(c->cells);
    c->cells = cells;
    c->rows = rows;
    c->cols = cols;
    canvas_clear(c);
    return true;
}

void canvas_free(struct canvas *c)
{
    xm_free(c->cells);
    *c = (struct canvas){0};
}

void canvas_clear(struct canvas *c)
{
    for (int i = 0; i < c->rows * c->cols; i++)
        c->cells[i] = (struct cell){.cp = {' '}, .n = 1, .width = 1};
    c->cursor_shown = false;
    c->cursor_row = c->cursor_col = 0;
}

static struct cell *cell_at(struct canvas *c, int row, int col)
{
    if (row < 0 || col < 0 || row >= c->rows || col >= c->cols)
        return NULL;
    return &c->cells[row * c->cols + col];
}

/* Overwriting half of a wide character leaves a space where its other half was. */
static void release(struct canvas *c, int row, int col)
{
    struct cell *here = cell_at(c, row, col), *other = NULL;

    if (here->width == 0)
        other = cell_at(c, row, col - 1);
    else if (here->width == 2)
        other = cell_at(c, row, col + 1);
    if (other)
        *other = (struct cell){.cp = {' '}, .n = 1, .width = 1, .style = other->style};
}

static void put(struct canvas *c, int row, int col, enum style style, const struct cluster *g)
{
    struct cell *cell = cell_at(c, row, col), *right = cell_at(c, row, col + 1);
    bool wide = g->width == 2 && !g->cp2;

    if (!cell || (wide && !right))
        return;
    release(c, row, col);
    if (wide)
        release(c, row, col + 1);
    *cell = (struct cell){.n = (uint8_t)g->n, .width = wide ? 2 : 1, .style = (uint8_t)style};
    for (int i = 0; i < g->n; i++)
        cell->cp[i] = sanitize_cell_ok(g->cp[i]) ? g->cp[i] : '?';
    if (wide)
        *right = (struct cell){.style = (uint8_t)style};
    if (g->cp2 && right) {
        release(c, row, col + 1);
        *right = (struct cell){.cp = {sanitize_cell_ok(g->cp2) ? g->cp2 : '?'}, .n = 1, .width = 1, .style = (uint8_t)style};
    }
}

int canvas_text_n(struct canvas *c, int row, int col, int cols, enum style style, const char *text, size_t len)
{
    const char *end = text + len;
    int used = 0;

    for (struct cluster g; (g = text_cluster(text, end)).len != 0; text += g.len) {
        if (used + g.width > cols)
            break;
        if (g.width == 0) /* a newline has no place in a line */
            continue;
        put(c, row, col + used, style, &g);
        used += g.width;
    }
    return used;
}

int canvas_text(struct canvas *c, int row, int col, int cols, enum style style, const char *text)
{
    return canvas_text_n(c, row, col, cols, style, text, strlen(text));
}

int canvas_printf(struct canvas *c, int row, int col, int cols, enum style style, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof text) /* never end inside a character */
        for (n = sizeof text - 1; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80; n--)
            ;
    return n <= 0 ? 0 : canvas_text_n(c, row, col, cols, style, text, (size_t)n);
}

void canvas_text_right(struct canvas *c, int row, int col, int cols, enum style style, const char *text)
{
    int width = text_width(text);

    if (width > cols)
        width = cols;
    canvas_text(c, row, col + cols - width, width, style, text);
}

void canvas_fill(struct canvas *c, int row, int col, int cols, enum style style, uint32_t cp)
{
    struct cluster g = {.cp = {cp}, .n = 1, .width = 1, .len = 1};

    for (int i = 0; i < cols; i++)
        put(c, row, col + i, style, &g);
}

void canvas_restyle(struct canvas *c, int row, int col, int cols, enum style style)
{
    for (int i = 0; i < cols; i++) {
        struct cell *cell = cell_at(c, row, col + i);

        if (cell)
            cell->style = (uint8_t)style;
    }
}

void canvas_hline(struct canvas *c, int row, int col, int cols, bool utf8)
{
    canvas_fill(c, row, col, cols, STYLE_DIM, utf8 ? 0x2500 : '-');
}

void canvas_vline(struct canvas *c, int row, int col, int rows, bool utf8)
{
    for (int i = 0; i < rows; i++)
        canvas_fill(c, row + i, col, 1, STYLE_DIM, utf8 ? 0x2502 : '|');
}

void canvas_cursor(struct canvas *c, int row, int col)
{
    if (!cell_at(c, row, col))
        return;
    c->cursor_row = row;
    c->cursor_col = col;
    c->cursor_shown = true;
}

char *canvas_dump(const struct canvas *c)
{
    struct buf out = BUF_INIT;

    for (int row = 0; row < c->rows; row++) {
        size_t keep = out.len; /* up to the last cell that is no space */

        for (int col = 0; col < c->cols; col++) {
            const struct cell *cell = &c->cells[row * c->cols + col];

            for (int i = 0; i < cell->n; i++) {
                utf8proc_uint8_t utf8[4];
                utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)cell->cp[i], utf8);

                buf_put(&out, utf8, (size_t)n);
            }
            if (cell->n > 1 || (cell->n == 1 && cell->cp[0] != ' '))
                keep = out.len;
        }
        out.len = keep;
        buf_put_u8(&out, '\n');
    }
    buf_put_u8(&out, 0);
    if (!buf_ok(&out)) {
        buf_free(&out);
        return NULL;
    }
    return (char *)out.data;
}
