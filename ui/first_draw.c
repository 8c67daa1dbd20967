/* Drawing of the set-up: what a step explains, what it asks, and what went wrong. */
#include "base/i18n.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

#define MAX_ROWS 64

/* The rows of a step, top to bottom; a low screen drops rows from the top, so that the question
 * itself is always seen. */
struct page {
    struct {
        const char *text;
        size_t len;
        enum style style;
        int input; /* 1: the input line stands here; 2: a choice that is selected */
    } rows[MAX_ROWS];
    int n, cols;
};

static void put(struct page *p, const char *text, size_t len, enum style style, int input)
{
    if (p->n == MAX_ROWS)
        return;
    p->rows[p->n].text = text;
    p->rows[p->n].len = len;
    p->rows[p->n].style = style;
    p->rows[p->n++].input = input;
}

static void para(struct page *p, enum style style, const char *text)
{
    struct text_wrap w = text_wrap(text, strlen(text), p->cols);
    const char *line;
    size_t len;

    if (!*text)
        return;
    while (text_wrap_next(&w, &line, &len))
        put(p, line, len, style, 0);
    put(p, "", 0, STYLE_NORMAL, 0);
}

static void ask(struct page *p, const char *question)
{
    para(p, STYLE_BOLD, question);
    put(p, "", 0, STYLE_NORMAL, 1);
}

static void choices(struct screen *s, struct page *p)
{
    static const char *const words[WAY_COUNT] = {
        N_("1  I am new: make a wallet key for me and keep it here"),
        N_("2  I have a wallet key: type or paste it (it is not shown)"),
        N_("3  I have a wallet key in a file"),
        N_("4  My wallet is elsewhere: I sign a text with it and paste the signature"),
        N_("5  I am here already: one more installation of the person in a folder"),
    };

    para(p, STYLE_NORMAL, _("xmtui sends end-to-end encrypted messages over XMTP. Others know you by the address of a wallet "
                            "key; this program, on this machine, becomes one of your installations (there may be ten)."));
    para(p, STYLE_BOLD, _("Who are you?"));
    for (int i = 0; i < WAY_COUNT; i++) {
        const char *text = _(words[i]);

        put(p, text, strlen(text), s->first.way == (enum first_way)i ? STYLE_SELECTED : STYLE_NORMAL,
            s->first.way == (enum first_way)i ? 2 : 0);
    }
}

static void protection(struct page *p)
{
    para(p, STYLE_NORMAL, _("Everything is kept encrypted in one database. What shall open it?"));
    para(p, STYLE_NORMAL, _("A passphrase: who gets the files of this machine can read nothing without it. You type it at each "
                            "start, and nobody can bring it back for you."));
    para(p, STYLE_NORMAL, _("Nothing: the key is kept in db.key beside the database, for your user alone. That protects a copy of "
                            "the database, not a copy of the whole folder, and not from somebody with your disk or account."));
    ask(p, _("Passphrase (empty: db.key)"));
}

static void step(struct screen *s, struct page *p)
{
    struct first *f = &s->first;

    switch (f->step) {
    case FIRST_UNLOCK:
        ask(p, _("Passphrase of this home"));
        break;
    case FIRST_NEEDS_KEY:
        para(p, STYLE_BOLD, _("This home was made with a key of its own. Start again with --db-key or XMTP_DB_ENCRYPTION_KEY."));
        break;
    case FIRST_OPENING:
        para(p, STYLE_NORMAL, _("Opening the database ..."));
        break;
    case FIRST_CHOOSE:
        choices(s, p);
        break;
    case FIRST_KEY:
        para(p, STYLE_NORMAL, _("The key stays in this home, sealed, and never leaves this machine."));
        ask(p, _("Wallet key, 64 hexadecimal digits"));
        break;
    case FIRST_FILE:
        ask(p, _("File with the wallet key"));
        break;
    case FIRST_ADDRESS:
        para(p, STYLE_NORMAL, _("The wallet signs once now. Later it is asked again only to revoke installations or to change accounts."));
        ask(p, _("Address of the wallet (0x...)"));
        break;
    case FIRST_HOME:
        para(p, STYLE_NORMAL, _("The wallet key is taken from that home, which is only read and may be in use."));
        ask(p, _("Folder of the other installation"));
        break;
    case FIRST_PROTECT:
        protection(p);
        break;
    case FIRST_REPEAT:
        ask(p, _("The same passphrase once more"));
        break;
    case FIRST_REGISTERING:
        para(p, STYLE_NORMAL, _("Database: made."));
        para(p, STYLE_NORMAL, _("Registering this installation with the network ..."));
        break;
    case FIRST_SIGN:
        para(p, STYLE_NORMAL, _("Sign exactly this text with your wallet (personal_sign):"));
        para(p, STYLE_QUOTE, f->to_sign ? f->to_sign : "");
        ask(p, _("Signature (0x...)"));
        break;
    case FIRST_FAILED:
        para(p, STYLE_BOLD, _("That did not work."));
        break;
    default:
        break;
    }
}

static const char *hints(const struct first *f)
{
    switch (f->step) {
    case FIRST_CHOOSE:
        return _("Up/Down or 1-5, Enter choose   Ctrl-C twice quit");
    case FIRST_FAILED:
        return first_is_set_up(f) ? _("Enter try again   Esc choose again   Ctrl-C twice quit")
                                  : _("Enter try again   Ctrl-C twice quit");
    case FIRST_OPENING:
    case FIRST_REGISTERING:
    case FIRST_NEEDS_KEY:
    case FIRST_UNLOCK:
        return _("Ctrl-C twice quit");
    default:
        return _("Enter go on   Esc back   Ctrl-C twice quit");
    }
}

void first_draw(struct screen *s, struct canvas *c)
{
    struct first *f = &s->first;
    struct page p = {.cols = c->cols - 4 > 74 ? 74 : c->cols - 4};
    int rows = c->rows - 2, skip, row = 1;

    if (p.cols < 1 || rows < 1)
        return;
    canvas_fill(c, 0, 0, c->cols, STYLE_TITLE, ' ');
    canvas_printf(c, 0, 1, c->cols - 2, STYLE_TITLE, first_is_set_up(f) ? _("xmtui set-up  %s") : "xmtui  %s",
                  s->options.env ? s->options.env : "local");
    if (rows > 12) {
        row++;
        rows--;
    }
    step(s, &p);
    if (f->error && *f->error) {
        put(&p, "", 0, STYLE_NORMAL, 0);
        para(&p, STYLE_BAD, f->error);
    }
    while (p.n > 0 && p.rows[p.n - 1].len == 0 && !p.rows[p.n - 1].input)
        p.n--;
    skip = p.n > rows ? p.n - rows : 0;
    for (int i = skip; i < p.n; i++, row++) {
        canvas_text_n(c, row, 2, c->cols - 2, p.rows[i].style, p.rows[i].text, p.rows[i].len);
        if (p.rows[i].input == 2)
            canvas_cursor(c, row, 2);
        if (p.rows[i].input == 1) {
            canvas_text(c, row, 2, 2, STYLE_BOLD, "> ");
            input_draw(&f->in, c, (struct rect){row, 4, 1, c->cols - 5}, true);
        }
    }
    canvas_text(c, c->rows - 1, 1, c->cols - 2, STYLE_DIM, *(s->notice ? s->notice : "") ? s->notice : hints(f));
}
