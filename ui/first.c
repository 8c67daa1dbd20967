#include "ui/first.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(struct screen *s, const char *text)
{
    xm_free(s->first.error);
    s->first.error = sanitize_str(text, SANITIZE_LINE);
}

static void go(struct screen *s, enum first_step step)
{
    struct first *f = &s->first;

    f->step = step;
    input_clear(&f->in);
    f->in.single = true;
    f->in.masked = step == FIRST_UNLOCK || step == FIRST_KEY || step == FIRST_PROTECT || step == FIRST_REPEAT;
    if (step == FIRST_HOME && s->options.other_home)
        input_set(&f->in, s->options.other_home);
    s->dirty = true;
}

static void settle(struct first *f)
{
    buf_free(&f->key);
    buf_free(&f->passphrase);
    f->key = f->passphrase = BUF_SECRET;
}

void first_free(struct screen *s)
{
    struct first *f = &s->first;

    settle(f);
    input_free(&f->in);
    xm_free(f->place);
    xm_free(f->to_sign);
    xm_free(f->request_id);
    xm_free(f->error);
    *f = (struct first){0};
}

/* ---- opening ---- */

static void opened(struct screen *s)
{
    json_t *info = screen_read(s, "client.info", NULL);

    s->first.opened = true;
    if (info)
        model_set_info(&s->model, info);
    json_decref(info);
    if (s->model.registered) {
        go(s, FIRST_NONE);
        main_begin(s);
    } else {
        go(s, FIRST_CHOOSE);
    }
}

static void fail_to_open(struct screen *s, const struct xm_error *error)
{
    char text[sizeof error->text + 100];

    snprintf(text, sizeof text, "%s%s%s", error->text, error->code == XM_LOCKED ? ": " : "",
             error->code == XM_LOCKED ? _("leave it first, or name another home (--home)") : "");
    fail(s, text);
}

bool first_is_set_up(const struct first *f)
{
    switch (f->step) {
    case FIRST_UNLOCK:
    case FIRST_NEEDS_KEY:
        return false;
    case FIRST_OPENING:
    case FIRST_FAILED:
        return f->opened || f->opening_new;
    default:
        return true;
    }
}

static void open_home(struct screen *s)
{
    struct first *f = &s->first;
    const char *passphrase = f->passphrase.len > 1 ? (const char *)f->passphrase.data : NULL;
    struct xm_error error = {0};
    int r = s->backend->ops->open(s->backend, passphrase, &error);

    if (r == XM_OK) {
        f->opened = true;
        buf_free(&f->passphrase);
        f->passphrase = BUF_SECRET;
        return;
    }
    fail_to_open(s, &error);
    if (!f->opening_new) /* a new home is tried again with the one that was chosen for it */
        buf_reset(&f->passphrase);
    if (r == XM_BAD_KEY && !f->opening_new)
        go(s, passphrase ? FIRST_UNLOCK : FIRST_NEEDS_KEY);
    else
        go(s, FIRST_FAILED);
}

void first_start(struct screen *s)
{
    struct first *f = &s->first;

    input_init(&f->in);
    f->key = f->passphrase = BUF_SECRET;
    switch (s->backend->ops->inspect(s->backend)) {
    case XM_HOME_NEEDS_PASSPHRASE:
        go(s, FIRST_UNLOCK);
        return;
    case XM_HOME_NEW:
        go(s, FIRST_CHOOSE);
        if (s->options.wallet_key) { /* given by option or environment: only the protection is asked */
            f->way = WAY_KEY;
            buf_put_str(&f->key, s->options.wallet_key);
            go(s, FIRST_PROTECT);
        }
        return;
    default:
        open_home(s);
        if (f->opened)
            opened(s);
    }
}

/* ---- registering ---- */

static void registered(struct screen *s, const json_t *result, const json_t *error, const char *arg);

/* The parameters by hand, so that the key passes through no buffer that is not wiped. */
static void ask_registration(struct screen *s, const char *signature)
{
    static const char *const modes[WAY_COUNT] = {"new", "walletKey", "walletKey", "external", "sameAs"};
    struct first *f = &s->first;
    struct buf params = BUF_SECRET;
    json_t *o = json_pack("{s:s}", "mode", modes[f->way]);
    char *text;

    if (f->way == WAY_EXTERNAL)
        json_object_set_new(o, "address", json_string(f->place));
    if (f->way == WAY_SAME_AS)
        json_object_set_new(o, "home", json_string(f->place));
    if (signature) {
        json_object_set_new(o, "requestId", json_string(f->request_id));
        json_object_set_new(o, "signature", json_string(signature));
    }
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (text)
        buf_put(&params, text, strlen(text) - 1);
    free(text);
    if (f->way == WAY_KEY || f->way == WAY_FILE) {
        buf_put_str(&params, ",\"walletKey\":\"");
        buf_put(&params, f->key.data, f->key.len);
        buf_put_u8(&params, '"');
    }
    buf_put(&params, "}", 2);
    if (buf_ok(&params))
        screen_call_text(s, "client.init", (const char *)params.data, registered, NULL);
    buf_free(&params);
}

static void registered(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    struct first *f = &s->first;
    const json_t *data = json_object_get(error, "data");

    (void)arg;
    if (result) {
        model_set_info(&s->model, result);
        settle(f);
        go(s, FIRST_NONE);
        main_begin(s);
        notice(s, STYLE_GOOD, _("You are registered. Start a chat with /dm ADDRESS; /help lists the rest."));
        return;
    }
    if (strcmp(js_str(data, "code"), "signature_needed") == 0) {
        xm_free(f->to_sign);
        xm_free(f->request_id);
        f->to_sign = sanitize_str(js_str(data, "text"), SANITIZE_BODY);
        f->request_id = xm_strdup(js_str(data, "requestId"));
        go(s, FIRST_SIGN);
        return;
    }
    fail(s, error_text(error));
    go(s, FIRST_FAILED);
}

static void register_now(struct screen *s)
{
    fail(s, "");
    go(s, FIRST_REGISTERING);
    ask_registration(s, NULL);
}

void first_work(struct screen *s)
{
    struct first *f = &s->first;
    bool new_home = f->opening_new;

    if (f->step != FIRST_OPENING)
        return;
    open_home(s);
    if (f->step != FIRST_OPENING)
        return;
    if (new_home)
        register_now(s);
    else
        opened(s);
}

/* ---- steps ---- */

static void protect_or_register(struct screen *s)
{
    if (s->first.opened)
        register_now(s);
    else
        go(s, FIRST_PROTECT);
}

/* 64 hex digits, with or without 0x, white space around them ignored. */
static bool take_key(struct screen *s, const char *text)
{
    struct first *f = &s->first;
    size_t len;

    text += strspn(text, " \t\r\n");
    if (strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0)
        text += 2;
    len = strcspn(text, " \t\r\n");
    if (len != 64 || strspn(text, "0123456789abcdefABCDEF") != 64 || text[len + strspn(text + len, " \t\r\n")] != 0) {
        fail(s, _("That is no wallet key: it has 64 hexadecimal digits."));
        return false;
    }
    buf_reset(&f->key);
    buf_put(&f->key, text, len);
    return buf_ok(&f->key);
}

static bool take_key_file(struct screen *s, const char *path)
{
    char text[256] = "", full[1024], why[1200];
    const char *home = getenv("HOME");
    struct stat st;
    ssize_t n = -1;
    bool ok = false;
    int fd;

    snprintf(full, sizeof full, "%s%s", path[0] == '~' && home ? home : "", path[0] == '~' && home ? path + 1 : path);
    fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        n = read(fd, text, sizeof text - 1);
    if (n < 0) {
        snprintf(why, sizeof why, "%s: %s", full, strerror(errno));
        fail(s, why);
    } else if (fstat(fd, &st) != 0 || (st.st_mode & 077)) {
        snprintf(why, sizeof why, _("%s can be read by others: chmod 600 it first"), full);
        fail(s, why);
    } else {
        ok = take_key(s, text);
    }
    if (fd >= 0)
        close(fd);
    explicit_bzero(text, sizeof text);
    return ok;
}

static void take_place(struct screen *s, const char *text)
{
    struct first *f = &s->first;
    const char *home = getenv("HOME");
    struct buf out = BUF_INIT;

    if (f->way == WAY_SAME_AS && text[0] == '~' && home) {
        buf_put_str(&out, home);
        text++;
    }
    buf_put_str(&out, text);
    buf_put_u8(&out, 0);
    xm_free(f->place);
    f->place = xm_strdup(buf_ok(&out) ? (const char *)out.data : "");
    buf_free(&out);
}

static bool is_address(const char *text)
{
    return strncmp(text, "0x", 2) == 0 && strlen(text) == 42 && strspn(text + 2, "0123456789abcdefABCDEF") == 40;
}

static void choose(struct screen *s, enum first_way way)
{
    static const enum first_step next[WAY_COUNT] = {FIRST_PROTECT, FIRST_KEY, FIRST_FILE, FIRST_ADDRESS, FIRST_HOME};

    s->first.way = way;
    fail(s, "");
    if (way == WAY_NEW)
        protect_or_register(s);
    else
        go(s, next[way]);
}

static void begin_opening(struct screen *s, bool new_home)
{
    s->first.opening_new = new_home;
    fail(s, "");
    go(s, FIRST_OPENING);
}

/* Enter on the line of a step. */
static void submit(struct screen *s)
{
    struct first *f = &s->first;
    const char *text = input_text(&f->in);

    switch (f->step) {
    case FIRST_UNLOCK:
        buf_reset(&f->passphrase);
        buf_put(&f->passphrase, text, strlen(text) + 1);
        begin_opening(s, false);
        break;
    case FIRST_KEY:
        if (take_key(s, text))
            protect_or_register(s);
        else
            input_clear(&f->in);
        break;
    case FIRST_FILE:
        if (take_key_file(s, text))
            protect_or_register(s);
        break;
    case FIRST_ADDRESS:
        if (!is_address(text)) {
            fail(s, _("That is no address: it is 0x and 40 hexadecimal digits."));
            break;
        }
        take_place(s, text);
        protect_or_register(s);
        break;
    case FIRST_HOME:
        if (!*text)
            break;
        take_place(s, text);
        protect_or_register(s);
        break;
    case FIRST_PROTECT:
        buf_reset(&f->passphrase);
        if (!*text) {
            begin_opening(s, true);
            break;
        }
        buf_put(&f->passphrase, text, strlen(text) + 1);
        go(s, FIRST_REPEAT);
        break;
    case FIRST_REPEAT:
        if (slice_eq_secret(buf_slice(&f->passphrase), slice_of(text, strlen(text) + 1))) {
            begin_opening(s, true);
        } else {
            fail(s, _("The two were not the same. Once more."));
            go(s, FIRST_PROTECT);
        }
        break;
    case FIRST_SIGN:
        if (*text) {
            char *signature = xm_strdup(text);

            go(s, FIRST_REGISTERING);
            ask_registration(s, signature);
            xm_free(signature);
        }
        break;
    default:
        break;
    }
}

static bool choose_key(struct screen *s, struct key key)
{
    struct first *f = &s->first;

    if (key.kind == KEY_UP_ || (key.kind == KEY_CHAR && key.ch == 'k'))
        f->way = f->way == 0 ? WAY_COUNT - 1 : f->way - 1;
    else if (key.kind == KEY_DOWN_ || key.kind == KEY_TAB_ || (key.kind == KEY_CHAR && key.ch == 'j'))
        f->way = (f->way + 1) % WAY_COUNT;
    else if (key.kind == KEY_CHAR && key.ch >= '1' && key.ch < '1' + WAY_COUNT)
        choose(s, (enum first_way)(key.ch - '1'));
    else if (key.kind == KEY_ENTER_)
        choose(s, f->way);
    else
        return false;
    return true;
}

static void try_again(struct screen *s)
{
    struct first *f = &s->first;

    if (f->opened)
        register_now(s);
    else if (!f->opening_new && s->backend->ops->inspect(s->backend) == XM_HOME_NEEDS_PASSPHRASE)
        go(s, FIRST_UNLOCK);
    else
        begin_opening(s, f->opening_new);
}

static bool failed_key(struct screen *s, struct key key)
{
    if (key.kind == KEY_ENTER_)
        try_again(s);
    else if (key.kind == KEY_ESC_ && first_is_set_up(&s->first)) /* nothing to choose in a home that is there */
        go(s, FIRST_CHOOSE);
    else
        return false;
    return true;
}

bool first_key(struct screen *s, struct key key)
{
    struct first *f = &s->first;

    s->dirty = true;
    switch (f->step) {
    case FIRST_CHOOSE:
        return choose_key(s, key);
    case FIRST_OPENING:
    case FIRST_REGISTERING:
    case FIRST_NEEDS_KEY:
        return false;
    case FIRST_FAILED:
        return failed_key(s, key);
    default:
        break;
    }
    if (key.kind == KEY_ESC_ && f->step != FIRST_UNLOCK) {
        fail(s, "");
        go(s, f->step == FIRST_REPEAT ? FIRST_PROTECT : FIRST_CHOOSE);
        return true;
    }
    switch (input_key(&f->in, key)) {
    case INPUT_SUBMIT:
        submit(s);
        return true;
    case INPUT_CHANGED:
        fail(s, "");
        return true;
    case INPUT_MOVED:
        return true;
    default:
        return false;
    }
}

void first_paste(struct screen *s, const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        len--;
    for (; len > 0 && strchr(" \t\r\n", *text); text++)
        len--;
    input_insert(&s->first.in, text, len);
    s->dirty = true;
}
