/* The window of messages: reading pages, keeping its size, scrolling.  Drawing is in talk_draw.c. */
#include "ui/talk.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/message.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAME_WITHIN_NS INT64_C(60000000000) /* between a text's being shown and the core's noting of it */

/* What stands before a message decides whether a day or the marker is told above it. */
static void forget_height(struct talk *t, size_t i)
{
    if (i < t->n)
        t->messages[i].rows = 0;
}

static void drop(struct talk *t, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        message_clear(&t->messages[i]);
    memmove(t->messages + from, t->messages + from + count, (t->n - from - count) * sizeof *t->messages);
    t->n -= count;
    forget_height(t, from);
}

void talk_close(struct screen *s)
{
    struct talk *t = &s->talk;

    if (t->n)
        drop(t, 0, t->n);
    xm_free(t->messages);
    xm_free(t->chat);
    *t = (struct talk){.selected = -1, .gen = t->gen + 1};
}

static long find(const struct talk *t, const char *id)
{
    for (size_t i = t->n; i > 0; i--)
        if (strcmp(t->messages[i - 1].id, id) == 0)
            return (long)i - 1;
    return -1;
}

/* A text of ours as the core tells of it, while the one shown at once still waits for its answer:
 * they are the same, and stand there once. */
static void replace_waiting(struct talk *t, const struct message *msg)
{
    for (size_t i = 0; msg->own && msg->status != MESSAGE_SENDING && i < t->n; i++) {
        const struct message *waits = &t->messages[i];

        if (waits->status == MESSAGE_SENDING && msg->sent_ns > waits->sent_ns - SAME_WITHIN_NS &&
            strcmp(waits->body, msg->body) == 0 && strcmp(waits->reply_to, msg->reply_to) == 0) {
            drop(t, i, 1);
            return;
        }
    }
}

/* Puts a filled message in its place by time; one with the same id is replaced.  The message then
 * belongs to the window. */
static void put(struct talk *t, struct message *msg)
{
    long at = find(t, msg->id);
    size_t i;

    if (at >= 0) {
        message_clear(&t->messages[at]);
        t->messages[at] = *msg;
        forget_height(t, (size_t)at + 1);
        return;
    }
    replace_waiting(t, msg);
    i = t->n;
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : TALK_PAGE * 2;
        struct message *grown = xm_realloc(t->messages, cap, sizeof *grown);

        if (!grown) {
            message_clear(msg);
            return;
        }
        t->messages = grown;
        t->cap = cap;
    }
    while (i > 0 && t->messages[i - 1].sent_ns > msg->sent_ns)
        i--;
    memmove(t->messages + i + 1, t->messages + i, (t->n - i) * sizeof *t->messages);
    t->messages[i] = *msg;
    t->n++;
    forget_height(t, i + 1);
    if (t->selected >= (int)i)
        t->selected++;
}

/* A reader has seen everything of ours that is older than a receipt of theirs. */
static void apply_receipt(struct talk *t, const json_t *o, const struct model *m)
{
    int64_t at = js_int(o, "sentAtNs");

    if (m->inbox && strcmp(js_str(o, "senderInboxId"), m->inbox) == 0)
        return;
    for (size_t i = 0; i < t->n; i++)
        if (t->messages[i].own && t->messages[i].sent_ns <= at)
            t->messages[i].receipt = true;
}

/* One page into the window; returns how many rows the store gave. */
static size_t load(struct screen *s, const char *bound_key, int64_t bound_ns, const char *direction)
{
    char ns[32];
    json_t *params = json_pack("{s:s, s:i, s:s}", "id", s->talk.chat, "limit", TALK_PAGE, "direction", direction), *list;
    size_t i, n;
    const json_t *o;

    if (bound_key) {
        snprintf(ns, sizeof ns, "%lld", (long long)bound_ns);
        json_object_set_new(params, bound_key, json_string(ns));
    }
    list = screen_read(s, "conversation.messages", params);
    n = json_array_size(list);
    json_array_foreach (list, i, o) {
        struct message msg = {0};

        if (message_fill(&msg, &s->model, o))
            put(&s->talk, &msg);
    }
    json_array_foreach (list, i, o) {
        char type[64];

        message_type(o, type, sizeof type);
        if (strcmp(type, "readReceipt") == 0)
            apply_receipt(&s->talk, o, &s->model);
    }
    json_decref(list);
    s->talk.gen++;
    return n;
}

/* Messages over the window's size, at its old end: they are far from whoever reads at the new one. */
static void trim(struct talk *t)
{
    size_t extra = t->n > TALK_WINDOW ? t->n - TALK_WINDOW : 0;

    if (!extra)
        return;
    drop(t, 0, extra);
    t->has_older = true;
    t->selected = t->selected >= (int)extra ? t->selected - (int)extra : -1;
}

/* Rows of the messages from `from` on. */
static int rows_from(struct screen *s, size_t from)
{
    int rows = 0;

    for (size_t i = from; s->talk.draw_cols > 0 && i < s->talk.n; i++)
        rows += talk_rows(s, i, s->talk.draw_cols);
    return rows;
}

/* The same at the new end, for a reader at the old one; what stands in the pane stays. */
static void trim_newest(struct screen *s)
{
    struct talk *t = &s->talk;

    while (t->n > TALK_WINDOW && t->selected < (int)t->n - 1 && t->scroll >= rows_from(s, t->n - 1) && t->draw_cols > 0) {
        t->scroll -= rows_from(s, t->n - 1);
        drop(t, t->n - 1, 1);
        t->has_newer = true;
    }
}

/* One page more at the new end; the reader stays where they are. */
static void load_newer(struct screen *s)
{
    struct talk *t = &s->talk;
    size_t before = t->n;

    if (!t->has_newer || t->n == 0)
        return;
    t->has_newer = load(s, "afterNs", t->messages[t->n - 1].sent_ns, "ascending") >= TALK_PAGE;
    t->scroll += rows_from(s, before);
    trim(t);
}

void talk_open(struct screen *s, const char *chat, bool peek)
{
    struct talk *t = &s->talk;
    struct chat *c = model_chat(&s->model, chat);
    unsigned unread = c ? c->unread : 0, seen = 0;
    char *id = xm_strdup(chat);

    talk_close(s);
    t->chat = id;
    t->peek = peek;
    t->opened_ns = s->now_ns;
    t->has_older = load(s, NULL, 0, "descending") >= TALK_PAGE;
    while (t->n < unread && t->n + TALK_PAGE <= TALK_WINDOW && talk_load_older(s))
        ; /* to where the unread ones begin */
    for (size_t i = t->n; i > 0 && seen < unread; i--) {
        if (t->messages[i - 1].own)
            continue;
        seen++;
        t->marker_ns = t->messages[i - 1].sent_ns - 1;
    }
    t->marker_count = unread;
}

void talk_refresh(struct screen *s)
{
    struct talk *t = &s->talk;

    if (!t->chat || t->has_newer)
        return;
    for (size_t i = t->n; i > 0; i--) /* our own unconfirmed ones are in the answer, by their real id */
        if (t->messages[i - 1].status == MESSAGE_SENDING && t->messages[i - 1].sent_ns < s->now_ns - 60000000000)
            drop(t, i - 1, 1);
    load(s, NULL, 0, "descending");
    trim(t);
}

void talk_follow(struct screen *s, const char *id)
{
    char *copy = xm_strdup(id);

    if (!copy)
        return;
    xm_free(s->talk.chat);
    s->talk.chat = copy;
    talk_refresh(s);
    s->talk.gen++;
}

/* Reads a message of the window once more, something having been said about it. */
static void read_again(struct screen *s, const char *id)
{
    struct talk *t = &s->talk;
    long at = find(t, id);
    size_t before = t->n;

    if (at < 0) /* further away: it is read when the person comes there */
        return;
    load(s, "afterNs", t->messages[at].sent_ns - 1, "ascending");
    if (t->has_newer)
        t->scroll += rows_from(s, before);
}

/* The rows a new message takes push a reader who has scrolled up no further down. */
static void keep_place(struct screen *s)
{
    struct talk *t = &s->talk;

    if (t->scroll > 0 && t->draw_cols > 0) {
        t->scroll += talk_rows(s, t->n - 1, t->draw_cols);
        t->newer++;
    }
}

bool talk_add(struct screen *s, const json_t *o)
{
    struct talk *t = &s->talk;
    struct message msg = {0};
    char type[64];

    if (!t->chat || strcmp(js_str(o, "conversationId"), t->chat) != 0)
        return false;
    message_type(o, type, sizeof type);
    if (strcmp(type, "readReceipt") == 0) {
        apply_receipt(t, o, &s->model);
        return false;
    }
    if (message_is_about_another(type)) { /* which says so itself when it is read again */
        if (*js_str(json_object_get(o, "content"), "reference"))
            read_again(s, js_str(json_object_get(o, "content"), "reference"));
        else
            talk_refresh(s);
        return false;
    }
    if (!message_fill(&msg, &s->model, o))
        return false;
    if (t->has_newer) { /* scrolled far up: it is read when the person comes back */
        message_clear(&msg);
        t->newer++;
        return true;
    }
    if (find(t, msg.id) >= 0) {
        put(t, &msg);
        return false;
    }
    put(t, &msg);
    keep_place(s);
    trim(t);
    return true;
}

void talk_add_own(struct screen *s, const char *id, const char *text, const char *reply_to)
{
    struct message msg = {.id = xm_strdup(id),
                          .sender = xm_strdup(s->model.inbox),
                          .nick = xm_strdup(""),
                          .body = sanitize_str(text, SANITIZE_BODY),
                          .reply_to = xm_strdup(reply_to),
                          .quote = xm_strdup(""),
                          .reactions = xm_strdup(""),
                          .type = xm_strdup("text"),
                          .sent_ns = s->now_ns,
                          .status = MESSAGE_SENDING,
                          .own = true};

    if (s->talk.has_newer)
        talk_end(s);
    put(&s->talk, &msg);
    s->talk.scroll = 0;
    s->talk.newer = 0;
    s->talk.marker_ns = 0; /* whoever answers has read */
    s->talk.selected = -1;
    trim(&s->talk);
    s->talk.gen++;
}

void talk_own_sent(struct screen *s, const char *local_id, const char *id, enum message_status status)
{
    struct talk *t = &s->talk;
    long at = find(t, local_id), told = *id ? find(t, id) : -1;

    if (told >= 0) { /* the stream was faster than the answer, which knows better */
        t->messages[told].status = status;
        if (at >= 0)
            drop(t, (size_t)at, 1);
    } else if (at >= 0) {
        if (*id) {
            xm_free(t->messages[at].id);
            t->messages[at].id = sanitize_str(id, SANITIZE_LINE);
        }
        t->messages[at].status = status;
    }
    t->gen++;
}

void talk_status(struct screen *s, const char *id, const char *status)
{
    long at = find(&s->talk, id);

    if (at < 0)
        return;
    s->talk.messages[at].status = message_status(status);
}

void talk_scroll(struct screen *s, int rows)
{
    struct talk *t = &s->talk;

    if (!t->chat)
        return;
    t->scroll += rows;
    if (t->scroll <= 0)
        load_newer(s);
    if (t->scroll < 0)
        t->scroll = 0;
    if (t->scroll == 0 && !t->has_newer)
        t->newer = 0;
}

bool talk_load_older(struct screen *s)
{
    struct talk *t = &s->talk;
    size_t before = t->n;
    bool more;

    if (!t->has_older || t->n == 0)
        return false;
    t->has_older = load(s, "beforeNs", t->messages[0].sent_ns, "descending") >= TALK_PAGE;
    more = t->n > before;
    trim_newest(s);
    return more;
}

void talk_top(struct screen *s)
{
    struct talk *t = &s->talk;

    if (t->chat && t->has_older) { /* the first page; not all that lies between */
        drop(t, 0, t->n);
        t->has_newer = load(s, NULL, 0, "ascending") >= TALK_PAGE;
        t->has_older = false;
    }
    t->selected = -1;
    t->scroll = 1 << 20; /* cut to what there is when drawn */
}

void talk_end(struct screen *s)
{
    struct talk *t = &s->talk;

    if (t->has_newer) {
        drop(t, 0, t->n);
        t->has_newer = false;
        t->has_older = load(s, NULL, 0, "descending") >= TALK_PAGE;
    }
    t->scroll = 0;
    t->newer = 0;
    t->selected = -1;
}

void talk_select(struct screen *s, int by)
{
    struct talk *t = &s->talk;
    int to = t->selected < 0 ? (int)t->n + (by < 0 ? by : 0) : t->selected + by;

    if (to >= (int)t->n && t->selected >= 0 && t->has_newer) {
        load_newer(s);
        to = t->selected + by;
    }
    if (to < 0 && talk_load_older(s))
        to = t->selected - 1;
    if (to < 0)
        to = 0;
    t->selected = to >= (int)t->n ? -1 : to;
    if (t->selected < 0)
        talk_end(s);
}

void talk_select_shown(struct screen *s)
{
    struct talk *t = &s->talk;
    int below = 0;

    for (size_t i = t->n; t->selected < 0 && i > 0; i--) {
        below += t->draw_cols > 0 ? talk_rows(s, i - 1, t->draw_cols) : 1;
        if (below > t->scroll + (t->scroll > 0))
            t->selected = (int)i - 1;
    }
}

void talk_show(struct screen *s, const char *id, int64_t sent_ns)
{
    struct talk *t = &s->talk;

    if (find(t, id) < 0) {
        drop(t, 0, t->n);
        t->has_older = load(s, "beforeNs", sent_ns + 1, "descending") >= TALK_PAGE;
        t->has_newer = load(s, "afterNs", sent_ns, "ascending") >= TALK_PAGE;
    }
    t->selected = (int)find(t, id);
    t->scroll = 0; /* drawing moves it to the selected one */
}

const struct message *talk_target(struct screen *s)
{
    struct talk *t = &s->talk;

    if (t->selected >= 0 && (size_t)t->selected < t->n)
        return &t->messages[t->selected];
    for (size_t i = t->n; i > 0; i--)
        if (!t->messages[i - 1].own && !t->messages[i - 1].system)
            return &t->messages[i - 1];
    return NULL;
}

bool talk_at_end(const struct screen *s)
{
    return s->talk.chat && s->talk.scroll == 0 && !s->talk.has_newer;
}

/* Scrolls so that the line of the new ones is on top. */
void talk_to_marker(struct screen *s)
{
    struct talk *t = &s->talk;
    int below = 0;

    if (!t->marker_ns || t->draw_cols == 0)
        return;
    if (t->has_newer)
        talk_end(s);
    while (t->n > 0 && t->messages[0].sent_ns > t->marker_ns && t->n + TALK_PAGE <= TALK_WINDOW && talk_load_older(s))
        ;
    for (size_t i = t->n; i > 0 && t->messages[i - 1].sent_ns > t->marker_ns; i--)
        below += talk_rows(s, i - 1, t->draw_cols);
    t->scroll = below > t->page_rows ? below - t->page_rows : 0;
}
