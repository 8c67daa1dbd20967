/* Text from outside on its way to the screen: sanitised, wrapped, put into cells.  Whatever comes in,
 * nothing but printable code points goes out, and only into the cells asked for. */
#include "base/alloc.h"
#include "ui/canvas.h"
#include "ui/sanitize.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cells(const struct canvas *c)
{
    for (int i = 0; i < c->rows * c->cols; i++) {
        int col = i % c->cols;

        for (int n = 0; n < c->cells[i].n; n++)
            if (!sanitize_cell_ok(c->cells[i].cp[n]))
                abort();
        if ((col < 4 || col >= 20) && (c->cells[i].n != 1 || c->cells[i].cp[0] != ' '))
            abort();
    }
}

static void draw(struct canvas *c, const char *clean)
{
    struct text_wrap w = text_wrap(clean, strlen(clean), 16);
    const char *line;
    size_t len;

    canvas_clear(c);
    for (int row = 0; row < c->rows && text_wrap_next(&w, &line, &len); row++)
        canvas_text_n(c, row, 4, 16, STYLE_NORMAL, line, len);
    check_cells(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct canvas canvas;
    static const enum sanitize_mode modes[] = {SANITIZE_LINE, SANITIZE_BODY};

    if (!canvas.cells) {
        setlocale(LC_ALL, "C.UTF-8");
        if (!canvas_resize(&canvas, 8, 24))
            abort();
    }
    for (int i = 0; i < 2; i++) {
        char *clean = sanitize((const char *)data, size, modes[i]);

        if (!clean || strlen(clean) > size * SANITIZE_GROWTH)
            abort();
        for (const char *p = clean; *p; p++)
            if (((unsigned char)*p < 0x20 && (*p != '\n' || modes[i] == SANITIZE_LINE)) || *p == 0x7f)
                abort();
        draw(&canvas, clean);
        xm_free(clean);
    }
    return 0;
}
