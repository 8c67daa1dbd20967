#include "ui/links.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LINKS_MAX 99

struct link {
    const char *at; /* in a message's clean body */
    size_t len;
};

/* The next link of a clean text from `at` on; its length 0: none. */
static struct link next_link(const char *at)
{
    for (; *at; at++) {
        size_t scheme = strncasecmp(at, "https://", 8) == 0 ? 8 : strncasecmp(at, "http://", 7) == 0 ? 7 : 0, len;

        if (!scheme)
            continue;
        len = strcspn(at, " \n<>\"");
        while (len > scheme && strchr(".,;:!?)]}'", at[len - 1])) /* the sentence goes on around it */
            len--;
        if (len > scheme)
            return (struct link){at, len};
    }
    return (struct link){at, 0};
}

static size_t links_of(const struct message *m, struct link *out, size_t n)
{
    for (struct link l = next_link(m->body); l.len > 0 && n < LINKS_MAX; l = next_link(l.at + l.len))
        out[n++] = l;
    return n;
}

static size_t collect(struct screen *s, struct link *out)
{
    const struct talk *t = &s->talk;
    size_t n = 0;

    if (t->selected >= 0 && (size_t)t->selected < t->n)
        return links_of(&t->messages[t->selected], out, 0);
    for (size_t i = t->n; i > 0; i--)
        if (!message_is_hidden(s, &t->messages[i - 1]))
            n = links_of(&t->messages[i - 1], out, n);
    return n;
}

void links_list(struct screen *s)
{
    struct link links[LINKS_MAX];
    size_t n = collect(s, links);
    struct buf text = BUF_INIT;

    if (n == 0) {
        notice(s, STYLE_DIM, "%s", _("There is no link."));
        return;
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%2zu  %.*s\n", i + 1, (int)links[i].len, links[i].at);
    buf_printf(&text, "\n%s", _("/url NUMBER copies one"));
    buf_put_u8(&text, 0);
    if (buf_ok(&text))
        popup_open_list(s, _("links"), (const char *)text.data);
    buf_free(&text);
}

void copy_text(struct screen *s, const char *text, size_t len)
{
    char *kept = xm_alloc(len + 1);

    if (!kept)
        return;
    memcpy(kept, text, len);
    kept[len] = 0;
    xm_free(s->copied);
    s->copied = kept;
    notice(s, STYLE_GOOD, "%s", _("copied, where the terminal has a clipboard"));
}

void links_copy(struct screen *s, size_t n)
{
    struct link links[LINKS_MAX];

    if (n >= 1 && n <= collect(s, links))
        copy_text(s, links[n - 1].at, links[n - 1].len);
    else
        notice(s, STYLE_WARN, "%s", _("There is no link of that number; /url lists them."));
}

void message_copy(struct screen *s)
{
    const struct message *m = talk_target(s);

    if (m)
        copy_text(s, m->body, strlen(m->body));
    else
        notice(s, STYLE_WARN, "%s", _("There is no message to copy."));
}
