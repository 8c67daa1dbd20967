#include "ui/terminal.h"

#include "base/alloc.h"
#include "base/i18n.h"

#include <curses.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <utf8proc.h>
#include <wchar.h>

/* Key codes of ours for what terminfo does not name. */
enum { CODE_PASTE_BEGIN = 0x1000, CODE_PASTE_END, CODE_FOCUS_IN, CODE_FOCUS_OUT, CODE_ALT_UP, CODE_ALT_DOWN, CODE_ALT_LEFT,
       CODE_ALT_RIGHT, CODE_ALT_ENTER };

#define ESC_DELAY_MS 25 /* Alt and Esc share a byte: so long a lone Esc waits */
#define MODES_ON "\033[?2004h\033[?1004h"
#define MODES_OFF "\033[?2004l\033[?1004l"
#define TITLE_KEEP "\033[22;2t" /* the old title onto the terminal's stack, and back from there */
#define TITLE_BACK "\033[23;2t"

struct terminal {
    SCREEN *screen;
    bool entered, has_title, colour_ready;
    int rows, cols;
    struct canvas shown;
    bool shown_colour;
    char title[256];
    char restore[256];
    uint8_t utf8[4]; /* bytes of a character whose last one has not come yet */
    int utf8_len;
    int again; /* a byte to be looked at again, -1 none */
};

static void define_keys(void)
{
    static const struct {
        const char *sequence;
        int code;
    } keys[] = {
        {"\033[200~", CODE_PASTE_BEGIN}, {"\033[201~", CODE_PASTE_END}, {"\033[I", CODE_FOCUS_IN},
        {"\033[O", CODE_FOCUS_OUT},      {"\033[1;3A", CODE_ALT_UP},    {"\033[1;3B", CODE_ALT_DOWN},
        {"\033[1;3D", CODE_ALT_LEFT},    {"\033[1;3C", CODE_ALT_RIGHT}, {"\033[1;5D", CODE_ALT_LEFT},
        {"\033[1;5C", CODE_ALT_RIGHT},   {"\033[A", KEY_UP},            {"\033[B", KEY_DOWN},
        {"\033[C", KEY_RIGHT},           {"\033[D", KEY_LEFT},          {"\033[H", KEY_HOME},
        {"\033[F", KEY_END},             {"\033OH", KEY_HOME},          {"\033OF", KEY_END},
        {"\033[1~", KEY_HOME},           {"\033[4~", KEY_END},          {"\033[Z", KEY_BTAB},
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        define_key(keys[i].sequence, keys[i].code);
}

/* Appends a capability without its padding ("$<50>"). */
static void add_capability(char *out, size_t size, const char *capability)
{
    size_t n = strlen(out);

    for (; capability && *capability && n + 1 < size; capability++) {
        if (capability[0] == '$' && capability[1] == '<' && strchr(capability, '>'))
            capability = strchr(capability, '>');
        else
            out[n++] = *capability;
    }
    out[n] = 0;
}

/* What a crash writes: everything that terminal_leave() does. */
static void prepare_restore(struct terminal *t)
{
    snprintf(t->restore, sizeof t->restore, "%s\033[0m", MODES_OFF);
    add_capability(t->restore, sizeof t->restore, cursor_normal);
    add_capability(t->restore, sizeof t->restore, keypad_local);
    add_capability(t->restore, sizeof t->restore, exit_ca_mode ? exit_ca_mode : clear_screen);
    if (t->has_title)
        add_capability(t->restore, sizeof t->restore, TITLE_BACK);
}

struct terminal *terminal_open(char *why, unsigned why_size)
{
    struct terminal *t;
    const char *type = getenv("TERM");

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        snprintf(why, why_size, "%s", _("the screen needs a terminal; commands do without one, see xmtui --help"));
        return NULL;
    }
    t = xm_alloc(sizeof *t);
    if (!t)
        return NULL;
    ESCDELAY = ESC_DELAY_MS;
    use_tioctl(TRUE);
    t->screen = newterm(NULL, stdout, stdin);
    if (!t->screen) {
        snprintf(why, why_size, _("terminal type \"%s\" is not known; set TERM to one that is, such as xterm"), type ? type : "");
        xm_free(t);
        return NULL;
    }
    set_term(t->screen);
    if (!cursor_address || !clear_screen) {
        reset_shell_mode();
        delscreen(t->screen);
        snprintf(why, why_size, _("a terminal of type \"%s\" cannot place text; set TERM to what it is, or use the commands"),
                 type ? type : "");
        xm_free(t);
        return NULL;
    }
    t->again = -1;
    set_escdelay(ESC_DELAY_MS);
    raw(); /* Ctrl-C, Ctrl-Z, Ctrl-S and Ctrl-Q are keys */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    scrollok(stdscr, FALSE);
    define_keys();
    /* the operating system's title exists where the type says xterm, screen, tmux and their kin */
    t->has_title = type && (strncmp(type, "xterm", 5) == 0 || strncmp(type, "screen", 6) == 0 || strncmp(type, "tmux", 4) == 0 ||
                            strncmp(type, "rxvt", 4) == 0 || strncmp(type, "alacritty", 9) == 0 || strncmp(type, "foot", 4) == 0);
    prepare_restore(t);
    getmaxyx(stdscr, t->rows, t->cols);
    t->entered = true;
    return t;
}

static void write_raw(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}

void terminal_enter(struct terminal *t)
{
    if (!t->entered) {
        reset_prog_mode();
        t->entered = true;
    }
    refresh();
    write_raw(MODES_ON);
    if (t->has_title)
        write_raw(TITLE_KEEP);
    t->title[0] = 0;
    clearok(stdscr, TRUE);
}

void terminal_leave(struct terminal *t)
{
    if (!t->entered)
        return;
    write_raw(MODES_OFF);
    if (t->has_title)
        write_raw(TITLE_BACK);
    curs_set(1);
    endwin();
    if (!exit_ca_mode) { /* one screen for all: what was said is not left to whoever comes next */
        putp(clear_screen);
        fflush(stdout);
    }
    t->entered = false;
}

void terminal_close(struct terminal *t)
{
    if (!t)
        return;
    terminal_leave(t);
    delscreen(t->screen);
    canvas_free(&t->shown);
    xm_free(t);
}

const char *terminal_restore_sequence(const struct terminal *t)
{
    return t->restore;
}

bool terminal_size(struct terminal *t, int *rows, int *cols)
{
    struct winsize ws = {0};
    bool changed;

    *rows = t->rows;
    *cols = t->cols;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 && ws.ws_col > 0) {
        *rows = ws.ws_row;
        *cols = ws.ws_col;
    }
    changed = *rows != t->rows || *cols != t->cols;
    if (changed)
        resizeterm(*rows, *cols);
    t->rows = *rows;
    t->cols = *cols;
    return changed;
}

/* ---- drawing ---- */

static void start_colours(struct terminal *t)
{
    if (t->colour_ready)
        return;
    t->colour_ready = true;
    if (!has_colors())
        return;
    start_color();
    use_default_colors();
    init_pair(1, COLOR_GREEN, -1);
    init_pair(2, COLOR_YELLOW, -1);
    init_pair(3, COLOR_RED, -1);
    init_pair(4, COLOR_CYAN, -1);
    init_pair(5, COLOR_BLUE, -1);
}

/* Meaning is never in the colour alone: every style has its words or marks too. */
static void look(enum style style, bool colour, attr_t *attr, short *pair)
{
    static const struct {
        attr_t attr;
        short pair;
    } looks[STYLE_COUNT] = {
        [STYLE_DIM] = {A_DIM, 0},          [STYLE_BOLD] = {A_BOLD, 0},  [STYLE_TITLE] = {A_REVERSE, 0},
        [STYLE_SELECTED] = {A_REVERSE, 0}, [STYLE_GOOD] = {0, 1},       [STYLE_WARN] = {A_BOLD, 2},
        [STYLE_BAD] = {A_BOLD, 3},         [STYLE_OWN] = {A_BOLD, 0},   [STYLE_OTHER] = {0, 4},
        [STYLE_QUOTE] = {A_DIM, 0},
    };

    *attr = looks[style].attr;
    *pair = colour && has_colors() ? looks[style].pair : 0;
}

static void put_cell(int row, int col, const struct cell *cell, bool colour)
{
    wchar_t text[CLUSTER_CPS + 1] = {0};
    attr_t attr;
    short pair;
    cchar_t cc;

    for (int i = 0; i < cell->n; i++)
        text[i] = (wchar_t)cell->cp[i];
    look((enum style)cell->style, colour, &attr, &pair);
    if (setcchar(&cc, text, attr, pair, NULL) == OK)
        mvadd_wch(row, col, &cc);
}

void terminal_show(struct terminal *t, const struct canvas *c, bool colour, bool all)
{
    bool fresh = t->shown.rows != c->rows || t->shown.cols != c->cols || t->shown_colour != colour || all;

    start_colours(t);
    if (fresh) {
        if (!canvas_resize(&t->shown, c->rows, c->cols))
            return;
        clearok(stdscr, TRUE);
        erase();
    }
    t->shown_colour = colour;
    for (int row = 0; row < c->rows; row++)
        for (int col = 0; col < c->cols; col++) {
            const struct cell *cell = &c->cells[row * c->cols + col];

            if ((fresh || memcmp(cell, &t->shown.cells[row * c->cols + col], sizeof *cell) != 0) && cell->width > 0)
                put_cell(row, col, cell, colour);
        }
    memcpy(t->shown.cells, c->cells, (size_t)c->rows * (size_t)c->cols * sizeof *c->cells);
    curs_set(c->cursor_shown ? 1 : 0);
    move(c->cursor_shown ? c->cursor_row : 0, c->cursor_shown ? c->cursor_col : 0);
    refresh();
}

void terminal_title(struct terminal *t, const char *title)
{
    if (!t->has_title || strcmp(t->title, title) == 0)
        return;
    snprintf(t->title, sizeof t->title, "%s", title);
    fprintf(stdout, "\033]2;%s\007", t->title);
    fflush(stdout);
}

void terminal_copy(struct terminal *t, const char *text)
{
    enum { VARIANT = sodium_base64_VARIANT_ORIGINAL };
    size_t len = strlen(text), size = sodium_base64_encoded_len(len, VARIANT);
    char *base64 = t->has_title ? xm_alloc(size) : NULL; /* the others may show an OSC rather than read it to its end */

    if (!base64)
        return;
    sodium_bin2base64(base64, size, (const unsigned char *)text, len, VARIANT);
    printf("\033]52;c;%s\007", base64);
    fflush(stdout);
    xm_free(base64);
}

/* ---- keys ---- */

static struct key special(wint_t code)
{
    static const struct {
        wint_t code;
        struct key key;
    } table[] = {
        {KEY_UP, {.kind = KEY_UP_}},          {KEY_DOWN, {.kind = KEY_DOWN_}},
        {KEY_LEFT, {.kind = KEY_LEFT_}},      {KEY_RIGHT, {.kind = KEY_RIGHT_}},
        {KEY_HOME, {.kind = KEY_HOME_}},      {KEY_END, {.kind = KEY_END_}},
        {KEY_PPAGE, {.kind = KEY_PAGE_UP}},   {KEY_NPAGE, {.kind = KEY_PAGE_DOWN}},
        {KEY_DC, {.kind = KEY_DELETE}},       {KEY_BACKSPACE, {.kind = KEY_BACK}},
        {KEY_ENTER, {.kind = KEY_ENTER_}},    {KEY_BTAB, {.kind = KEY_SHIFT_TAB}},
        {KEY_F(1), {.kind = KEY_F1_}},        {CODE_PASTE_BEGIN, {.kind = KEY_PASTE_BEGIN}},
        {CODE_PASTE_END, {.kind = KEY_PASTE_END}}, {CODE_FOCUS_IN, {.kind = KEY_FOCUS_IN}},
        {CODE_FOCUS_OUT, {.kind = KEY_FOCUS_OUT}}, {CODE_ALT_UP, {.kind = KEY_UP_, .alt = true}},
        {CODE_ALT_DOWN, {.kind = KEY_DOWN_, .alt = true}}, {CODE_ALT_LEFT, {.kind = KEY_LEFT_, .alt = true}},
        {CODE_ALT_RIGHT, {.kind = KEY_RIGHT_, .alt = true}},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return table[i].key;
    return (struct key){0};
}

static struct key plain(wint_t ch)
{
    switch (ch) {
    case '\r':
        return (struct key){.kind = KEY_ENTER_};
    case '\t':
        return (struct key){.kind = KEY_TAB_};
    case 0x1b:
        return (struct key){.kind = KEY_ESC_};
    case 0x7f:
    case 0x08:
        return (struct key){.kind = KEY_BACK};
    default:
        if (ch < 0x20)
            return (struct key){.kind = KEY_CTRL, .ch = (uint32_t)(ch | (ch <= 26 && ch > 0 ? 0x60 : 0x40))};
        return (struct key){.kind = KEY_CHAR, .ch = (uint32_t)ch};
    }
}

/* One byte on: true when a character is whole, or can never be one (then U+FFFD).  Read as UTF-8
 * whatever the locale, unless that gives the byte a meaning of its own. */
static bool take_byte(struct terminal *t, int byte, uint32_t *ch)
{
    int want = t->utf8_len ? t->utf8[0] : byte;
    utf8proc_int32_t cp = -1;

    if (t->utf8_len > 0 && (byte & 0xC0) != 0x80) {
        t->utf8_len = 0;
        t->again = byte;
        *ch = 0xFFFD;
        return true;
    }
    if (byte < 0x80 || (MB_CUR_MAX == 1 && btowc(byte) != WEOF)) {
        *ch = (uint32_t)(byte < 0x80 ? byte : (int)btowc(byte));
        return true;
    }
    want = want >= 0xC2 && want <= 0xDF ? 2 : (want & 0xF0) == 0xE0 ? 3 : want >= 0xF0 && want <= 0xF4 ? 4 : 1;
    t->utf8[t->utf8_len++] = (uint8_t)byte;
    if (t->utf8_len < want)
        return false;
    if (want > 1)
        utf8proc_iterate(t->utf8, t->utf8_len, &cp);
    t->utf8_len = 0;
    *ch = cp < 0 ? 0xFFFD : (uint32_t)cp;
    return true;
}

/* Bytes rather than get_wch(), which swallows whatever follows a byte that is no character. */
bool terminal_key(struct terminal *t, struct key *out, bool *gone)
{
    uint32_t ch;

    *gone = false;
    for (;;) {
        int c = t->again >= 0 ? t->again : getch();

        t->again = -1;
        if (c == ERR)
            return false;
        if (c > 0xff) {
            t->utf8_len = 0;
            *out = special((wint_t)c);
            return true;
        }
        if (take_byte(t, c, &ch)) {
            *out = plain((wint_t)ch);
            return true;
        }
    }
}
