#include "ui/proof.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <qrencode.h>
#include <stdio.h>
#include <string.h>

/* ---- keys ---- */

/* 64 hexadecimal digits as two lines of eight groups. */
static void put_groups(struct buf *out, const char *id)
{
    size_t len = strlen(id);

    for (size_t i = 0; i < len; i += 4)
        buf_printf(out, "%s%.4s", i == 0 ? "  " : i % 32 == 0 ? "\n  " : " ", id + i);
    buf_put_str(out, "\n");
}

static void state_came(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    const json_t *list = json_object_get(result, "installations"), *o;
    struct buf out = BUF_INIT;
    char name[200];
    size_t i;

    if (error) {
        notice(s, STYLE_BAD, "%s", error_text(error));
        return;
    }
    person_name(&s->model, arg, name, sizeof name);
    json_array_foreach (list, i, o) {
        char *id = js_line(o, "id");

        if (id)
            put_groups(&out, id);
        xm_free(id);
        buf_put_str(&out, "\n");
    }
    buf_put_str(&out, strcmp(arg, s->model.inbox) == 0 ? _("The keys of your installations, as others see you.")
                                                       : _("Ask them, by another way than this chat, what \"/fingerprint me\" shows them."));
    buf_put_u8(&out, 0);
    if (buf_ok(&out))
        popup_open_list(s, strcmp(arg, s->model.inbox) == 0 ? _("you") : name, (const char *)out.data);
    buf_free(&out);
}

void proof_fingerprint(struct screen *s, const char *inbox)
{
    const char *whose = inbox ? inbox : s->model.inbox;

    screen_call(s, "client.inboxState", json_pack("{s:s}", "inboxId", whose), state_came, whose);
}

/* ---- the code ---- */

#define QUIET 2 /* light modules around it; scanners want some */

static bool is_light(const QRcode *code, int row, int col)
{
    row -= QUIET;
    col -= QUIET;
    return row < 0 || col < 0 || row >= code->width || col >= code->width || !(code->data[row * code->width + col] & 1);
}

/* Light modules are what is drawn: terminals are dark.  Two rows in one where the locale has half blocks. */
static void put_code(struct buf *out, const QRcode *code, bool utf8)
{
    static const char *const halves[] = {" ", "\xe2\x96\x84", "\xe2\x96\x80", "\xe2\x96\x88"};
    int size = code->width + 2 * QUIET;

    for (int row = 0; row < size; row += utf8 ? 2 : 1) {
        for (int col = 0; col < size; col++)
            if (utf8)
                buf_put_str(out, halves[is_light(code, row, col) * 2 + (row + 1 < size && is_light(code, row + 1, col))]);
            else
                buf_put_str(out, is_light(code, row, col) ? "##" : "  ");
        buf_put_str(out, "\n");
    }
}

void proof_qr(struct screen *s)
{
    QRcode *code = QRcode_encodeString(s->model.address, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
    int size = code ? code->width + 2 * QUIET : 0, rows = (s->utf8 ? (size + 1) / 2 : size) + 4, cols = s->utf8 ? size + 2 : 2 * size + 2;
    struct buf out = BUF_INIT;

    if (!code) {
        notice(s, STYLE_WARN, "%s", _("There is no address to show."));
        return;
    }
    if (rows > s->rows || cols > s->cols) {
        notice(s, STYLE_WARN, _("The code takes a window of %d columns and %d rows."), cols, rows);
    } else {
        put_code(&out, code, s->utf8);
        buf_put_str(&out, s->model.address);
        buf_put_u8(&out, 0);
        if (buf_ok(&out))
            popup_open_list(s, _("your address"), (const char *)out.data);
    }
    buf_free(&out);
    QRcode_free(code);
}
