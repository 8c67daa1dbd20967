#include "ui/search.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/message.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define PAGE 100        /* messages asked for at once */
#define STEP 300        /* messages before the screen is drawn: some ten milliseconds */
#define PAGE_COST 10    /* messages that asking takes as long as: most chats are short */
#define WORDS_BEFORE 16 /* bytes shown before what was found */

static void hits_clear(struct search *f)
{
    for (size_t i = 0; i < f->n_hits; i++) {
        xm_free(f->hits[i].chat);
        xm_free(f->hits[i].id);
        xm_free(f->hits[i].line);
    }
    xm_free(f->hits);
    for (size_t i = 0; i < f->n_chats; i++)
        xm_free(f->chats[i]);
    xm_free(f->chats);
}

void search_clear(struct search *f)
{
    hits_clear(f);
    xm_free(f->only);
    *f = (struct search){0};
}

/* ---- what is looked for ---- */

static size_t lower_at(const char *at, utf8proc_int32_t *lower)
{
    utf8proc_int32_t cp = 0;
    utf8proc_ssize_t n = *at ? utf8proc_iterate((const utf8proc_uint8_t *)at, -1, &cp) : 0;

    *lower = n > 0 ? utf8proc_tolower(cp) : (utf8proc_int32_t)(unsigned char)*at;
    return n > 0 ? (size_t)n : *at != 0;
}

static bool begins(const char *at, const char *part)
{
    utf8proc_int32_t a, b;
    size_t n, m;

    while (*part) {
        n = lower_at(at, &a);
        m = lower_at(part, &b);
        if (n == 0 || a != b)
            return false;
        at += n;
        part += m;
    }
    return true;
}

/* Where `part` stands in `text`, upper and lower case alike; NULL nowhere. */
static const char *find(const char *text, const char *part)
{
    utf8proc_int32_t cp;

    for (; *text; text += lower_at(text, &cp))
        if (begins(text, part))
            return text;
    return NULL;
}

void search_again(struct screen *s)
{
    struct search *f = &s->search;
    bool all = f->all;
    char *only = f->only;

    hits_clear(f);
    *f = (struct search){.all = all, .only = only, .chats = xm_calloc(s->model.n_chats + 1, sizeof *f->chats)};
    s->dirty = true;
    if (!f->chats || input_text(&s->ask)[strspn(input_text(&s->ask), " ")] == 0)
        return;
    for (size_t i = 0; i < s->model.n_chats; i++) {
        const struct chat *c = &s->model.chats[i];

        if (all ? !c->is_duplicate && chat_consent(&s->model, c) != CONSENT_DENIED : strcmp(c->id, only) == 0)
            f->chats[f->n_chats++] = xm_strdup(c->id);
    }
    f->running = f->n_chats > 0;
}

/* ---- finding ---- */

static bool is_hidden(struct screen *s, const struct message *m)
{
    const struct person *p = m->own ? NULL : model_person(&s->model, m->sender);

    return p && p->consent == CONSENT_DENIED;
}

static char *hit_line(struct screen *s, const struct chat *c, const struct message *m, const char *at)
{
    char when[16], day[24], chat[200] = "", who[200], words[300], text[1200];
    const char *from = at - m->body > WORDS_BEFORE ? at - WORDS_BEFORE : m->body;

    while (from > m->body && ((unsigned char)*from & 0xC0) == 0x80)
        from--;
    words_date(day, sizeof day, m->sent_ns);
    words_clock(when, sizeof when, m->sent_ns);
    if (s->search.all)
        chat_name(&s->model, c, chat, sizeof chat);
    if (m->own)
        snprintf(who, sizeof who, "%s", _("you"));
    else
        person_name(&s->model, m->sender, who, sizeof who);
    snprintf(words, sizeof words, "%s", from);
    for (char *nl = words; (nl = strchr(nl, '\n')) != NULL;)
        *nl = ' ';
    snprintf(text, sizeof text, "%s %s  %s%s%s: %s%s", day, when, chat, *chat ? "  " : "", who, from > m->body ? ".." : "", words);
    return sanitize_str(text, SANITIZE_LINE);
}

static void look_at(struct screen *s, const struct chat *c, const json_t *o)
{
    struct search *f = &s->search;
    struct message m = {0};
    const char *at;

    f->read++;
    if (f->n_hits >= SEARCH_HITS || !message_fill(&m, &s->model, o))
        return;
    at = m.system || is_hidden(s, &m) ? NULL : find(m.body, input_text(&s->ask));
    if (at) {
        if (!f->hits)
            f->hits = xm_calloc(SEARCH_HITS, sizeof *f->hits);
        if (f->hits)
            f->hits[f->n_hits++] = (struct hit){xm_strdup(c->id), xm_strdup(m.id), m.sent_ns, hit_line(s, c, &m, at)};
    }
    message_clear(&m);
}

/* One page of the chat at hand, or that there is no more of it; returns the messages read. */
static size_t read_page(struct screen *s)
{
    struct search *f = &s->search;
    const struct chat *c = model_chat(&s->model, f->chats[f->at_chat]);
    json_t *params, *list = NULL;
    char ns[32];
    size_t n;

    if (c) {
        params = json_pack("{s:s, s:i, s:s}", "id", c->id, "limit", PAGE, "direction", "descending");
        snprintf(ns, sizeof ns, "%lld", (long long)f->before_ns);
        if (f->before_ns)
            json_object_set_new(params, "beforeNs", json_string(ns));
        list = screen_read(s, "conversation.messages", params);
    }
    n = json_array_size(list);
    for (size_t i = n; i > 0; i--) /* the answer has the oldest first */
        look_at(s, c, json_array_get(list, i - 1));
    f->before_ns = js_int(json_array_get(list, 0), "sentAtNs");
    if (n < PAGE) {
        f->at_chat++;
        f->before_ns = 0;
    }
    f->running = f->at_chat < f->n_chats && f->n_hits < SEARCH_HITS;
    json_decref(list);
    return n;
}

void search_step(struct screen *s)
{
    size_t cost = 0;

    while (s->search.running && cost < STEP)
        cost += read_page(s) + PAGE_COST;
    s->dirty = true;
}

/* ---- the popup ---- */

void search_open(struct screen *s, bool all, const char *text)
{
    struct chat *c = chat_current(s);

    popup_open_search(s);
    s->search.all = all || !c;
    s->search.only = s->search.all ? NULL : xm_strdup(c->id);
    input_set(&s->ask, text);
    search_again(s);
}

static void take(struct screen *s)
{
    struct search *f = &s->search;
    struct hit hit;
    struct chat *c;

    if (f->at >= f->n_hits)
        return;
    hit = f->hits[f->at];
    f->hits[f->at] = (struct hit){0}; /* ours, whatever closing the popup frees */
    c = model_chat(&s->model, hit.chat);
    popup_close(s);
    if (c && (!s->talk.chat || strcmp(s->talk.chat, hit.chat) != 0))
        chat_open(s, hit.chat, chat_consent(&s->model, c) != CONSENT_ALLOWED);
    if (c) {
        focus_pane(s, PANE_TALK);
        talk_show(s, hit.id, hit.sent_ns);
    }
    xm_free(hit.chat);
    xm_free(hit.id);
    xm_free(hit.line);
}

void search_key(struct screen *s, struct key key)
{
    struct search *f = &s->search;

    if (key.kind == KEY_UP_)
        f->at -= f->at > 0;
    else if (key.kind == KEY_DOWN_)
        f->at += f->at + 1 < f->n_hits;
    else if (key.kind == KEY_PAGE_UP)
        f->at -= f->at > 10 ? 10 : f->at;
    else if (key.kind == KEY_PAGE_DOWN)
        f->at = f->at + 10 < f->n_hits ? f->at + 10 : f->n_hits ? f->n_hits - 1 : 0;
    else if (key.kind == KEY_TAB_ && (f->only || chat_current(s))) { /* this chat, or all */
        f->all = !f->all;
        if (!f->only)
            f->only = xm_strdup(chat_current(s)->id);
        search_again(s);
    } else if (key.kind == KEY_ENTER_)
        take(s);
    else if (input_key(&s->ask, key) == INPUT_CHANGED)
        search_again(s);
}

static void draw_where(struct screen *s, struct canvas *c, struct rect r)
{
    struct search *f = &s->search;
    const struct chat *chat = f->all ? NULL : model_chat(&s->model, f->only);
    char name[200], text[300];

    if (chat)
        chat_name(&s->model, chat, name, sizeof name);
    snprintf(text, sizeof text, _("search %s"), chat ? name : _("all chats"));
    popup_box(s, c, r, text);
    if (f->running)
        snprintf(text, sizeof text, _("%lu read ..."), f->read);
    else
        snprintf(text, sizeof text, f->n_hits >= SEARCH_HITS ? _("the newest %zu") : _("%zu found"), f->n_hits);
    if (f->n_chats > 0)
        canvas_printf(c, r.row + r.rows - 1, r.col + 2, r.cols - 4, STYLE_DIM, " %s ", text);
}

void search_draw(struct screen *s, struct canvas *c)
{
    struct search *f = &s->search;
    struct rect r = popup_area(s, s->rows > 30 ? 24 : s->rows - 4, 100);
    size_t rows = (size_t)(r.rows > 3 ? r.rows - 3 : 0), first = rows && f->at >= rows ? f->at - rows + 1 : 0;

    draw_where(s, c, r);
    for (size_t i = 0; i < rows && first + i < f->n_hits; i++) {
        int row = r.row + 2 + (int)i;
        char *cut = text_cut(f->hits[first + i].line ? f->hits[first + i].line : "", r.cols - 2);

        canvas_text(c, row, r.col + 1, r.cols - 2, STYLE_NORMAL, cut ? cut : "");
        if (first + i == f->at)
            canvas_restyle(c, row, r.col, r.cols, STYLE_SELECTED);
        xm_free(cut);
    }
    canvas_text(c, r.row + 1, r.col + 1, 2, STYLE_BOLD, "> ");
    input_draw(&s->ask, c, (struct rect){r.row + 1, r.col + 3, 1, r.cols - 4}, true);
}
