#include "ui/complete.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CANDIDATES_MAX 200

void complete_end(struct completion *c)
{
    for (size_t i = 0; i < c->n; i++)
        xm_free(c->all[i]);
    xm_free(c->all);
    *c = (struct completion){0};
}

/* The word that the cursor ends: from the last space, or from a quote that is still open. */
static size_t word_begin(const char *text, size_t at)
{
    size_t from = 0;
    bool quoted = false;

    for (size_t i = 0; i < at; i++) {
        if (text[i] == '"') {
            quoted = !quoted;
            if (quoted)
                from = i;
        } else if (!quoted && (text[i] == ' ' || text[i] == '\n')) {
            from = i + 1;
        }
    }
    return from;
}

static void add(struct completion *c, char *text)
{
    for (size_t i = 0; text && i < c->n; i++)
        if (strcmp(c->all[i], text) == 0) { /* a name and a nickname may be the same */
            xm_free(text);
            return;
        }
    if (text && c->n < CANDIDATES_MAX)
        c->all[c->n++] = text;
    else
        xm_free(text);
}

/* `quote`: as a command takes a name with spaces in it. */
static void offer(struct completion *c, const char *prefix, const char *name, bool quote)
{
    char text[220];

    if (!*name || strncasecmp(name, prefix, strlen(prefix)) != 0)
        return;
    snprintf(text, sizeof text, quote && strchr(name, ' ') ? "\"%s\"" : "%s", name);
    add(c, xm_strdup(text));
}

static void offer_commands(struct completion *c, const char *prefix)
{
    const char *name;
    char text[40];

    for (size_t i = 0; (name = command_name(i)) != NULL; i++) {
        snprintf(text, sizeof text, "/%s", name);
        offer(c, prefix, text, false);
    }
}

static void offer_names(struct screen *s, struct completion *c, const char *prefix, bool in_command)
{
    for (size_t i = 0; i < s->model.n_people; i++) {
        offer(c, prefix, s->model.people[i].nick, in_command);
        offer(c, prefix, s->model.people[i].address, false);
    }
    for (size_t i = 0; in_command && i < s->model.n_chats; i++)
        if (chat_consent(&s->model, &s->model.chats[i]) == CONSENT_ALLOWED)
            offer(c, prefix, s->model.chats[i].title, true);
}

/* Words that a command has of its own. */
static bool offer_words(struct completion *c, const char *text, const char *prefix)
{
    static const char *const sync_words[] = {"all", "prefs", NULL};

    if (strncmp(text, "/help ", 6) == 0) {
        for (size_t i = 0; command_name(i); i++)
            offer(c, prefix, command_name(i), false);
        return true;
    }
    if (strncmp(text, "/set ", 5) == 0) {
        char line[80];

        for (size_t i = 0; config_line(&(struct config){0}, i, line, sizeof line); i++) {
            line[strcspn(line, " ")] = 0;
            offer(c, prefix, line, false);
        }
        offer(c, prefix, "on", false);
        offer(c, prefix, "off", false);
        return true;
    }
    if (strncmp(text, "/sync ", 6) == 0) {
        for (size_t i = 0; sync_words[i]; i++)
            offer(c, prefix, sync_words[i], false);
        return true;
    }
    return false;
}

static void collect(struct screen *s, struct completion *c, const char *text, size_t at)
{
    bool in_command = text[0] == '/' && text[1] != '/', quoted;
    char prefix[200];

    c->from = word_begin(text, at);
    quoted = text[c->from] == '"';
    snprintf(prefix, sizeof prefix, "%.*s", (int)(at - c->from - quoted), text + c->from + quoted);
    if (!*prefix)
        return;
    c->all = xm_calloc(CANDIDATES_MAX, sizeof *c->all);
    if (!c->all)
        return;
    if (c->from == 0 && in_command)
        offer_commands(c, prefix);
    else if (!in_command || !offer_words(c, text, prefix))
        offer_names(s, c, prefix, in_command);
    c->at = c->n;
}

/* What all candidates begin with. */
static void common(const struct completion *c, char *out, size_t size)
{
    snprintf(out, size, "%s", c->all[0]);
    for (size_t i = 1; i < c->n; i++) {
        size_t same = 0;

        while (out[same] && tolower((unsigned char)out[same]) == tolower((unsigned char)c->all[i][same]))
            same++;
        while (same > 0 && ((unsigned char)out[same] & 0xC0) == 0x80) /* never half a character */
            same--;
        out[same] = 0;
    }
}

static void list_candidates(struct screen *s, const struct completion *c)
{
    char text[500] = "";
    size_t n = 0;

    for (size_t i = 0; i < c->n && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, i == c->at ? "[%s] " : "%s ", c->all[i]);
    notice(s, STYLE_DIM, "%s", text);
}

bool complete(struct screen *s, int by)
{
    struct completion *c = &s->completion;
    char text[220];

    if (c->n > 1) { /* again: the next one, or the one before */
        c->at = c->at == c->n ? (by > 0 ? 0 : c->n - 1) : (c->at + (by > 0 ? 1 : c->n - 1)) % c->n;
        input_replace(&s->input, c->from, c->all[c->at]);
        list_candidates(s, c);
        return true;
    }
    complete_end(c);
    collect(s, c, input_text(&s->input), s->input.at);
    if (c->n == 0) {
        complete_end(c);
        return false;
    }
    if (c->n == 1) {
        snprintf(text, sizeof text, "%s ", c->all[0]);
        input_replace(&s->input, c->from, text);
        complete_end(c);
        return true;
    }
    common(c, text, sizeof text);
    if (strlen(text) > s->input.at - c->from)
        input_replace(&s->input, c->from, text);
    list_candidates(s, c);
    return true;
}
