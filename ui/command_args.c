#include "ui/command_args.h"

#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void args_split(struct args *a, char *copy)
{
    char *at = copy;

    a->after = "";
    while (a->n < MAX_WORDS) {
        char *to;

        at += strspn(at, " \n");
        if (a->n == 1)
            a->after = a->rest + (at - copy);
        if (!*at)
            return;
        if (*at == '"') {
            a->words[a->n++] = ++at;
            to = at + strcspn(at, "\"");
        } else {
            a->words[a->n++] = at;
            to = at + strcspn(at, " \n");
        }
        if (!*to)
            return;
        *to = 0;
        at = to + 1;
    }
}

bool same_name(const char *a, const char *b)
{
    return *a && strcasecmp(a, b) == 0;
}

/* The one person with such an address: its beginning, or shortened as it stands on the screen. */
static const struct person *by_part_of_address(struct screen *s, const char *typed)
{
    const struct person *found = NULL;
    char shown[40];

    if (strncasecmp(typed, "0x", 2) != 0 || strlen(typed) < 6)
        return NULL;
    for (size_t i = 0; i < s->model.n_people; i++) {
        const struct person *p = &s->model.people[i];

        words_short(shown, sizeof shown, p->address);
        if (strncasecmp(p->address, typed, strlen(typed)) != 0 && !same_name(shown, typed))
            continue;
        if (found) /* the core says that it fits several */
            return NULL;
        found = p;
    }
    return found;
}

const char *who(struct screen *s, const char *typed)
{
    const struct person *person;
    struct model *m = &s->model;
    const char *name = typed[0] == '#' ? typed + 1 : typed;
    char *end;
    unsigned long number = strtoul(typed, &end, 10);

    if (*typed && !*end && number >= 1 && number <= m->n_shown && number < 100) /* its number in the list */
        return m->chats[m->shown[number - 1]].id;
    for (size_t i = 0; i < m->n_people; i++)
        if (same_name(m->people[i].nick, typed) || same_name(m->people[i].address, typed))
            return m->people[i].inbox;
    for (size_t i = 0; i < m->n_chats; i++) {
        struct chat *c = &m->chats[i];

        if (!c->is_duplicate && (same_name(c->title, name) || same_name(c->peer_nick, typed)))
            return c->id;
    }
    person = by_part_of_address(s, typed);
    return person ? person->inbox : typed;
}

const char *who_person(struct screen *s, const char *typed)
{
    const char *id = who(s, typed);
    const struct chat *c = model_chat(&s->model, id);

    return c && !c->is_group ? c->peer : id;
}

json_t *args_people(struct screen *s, const struct args *a, int from)
{
    json_t *list = json_array();

    for (int i = from; i < a->n; i++)
        json_array_append_new(list, json_string(who_person(s, a->words[i])));
    return list;
}

const char *args_whole(const struct args *a)
{
    return a->n == 1 ? a->words[0] : a->rest;
}

struct chat *need_chat(struct screen *s)
{
    struct chat *c = chat_current(s);

    if (!c)
        notice(s, STYLE_WARN, "%s", _("No chat is open."));
    return c;
}

struct chat *need_group(struct screen *s)
{
    struct chat *c = need_chat(s);

    if (c && !c->is_group) {
        notice(s, STYLE_WARN, "%s", _("That is for groups; this chat is 1:1."));
        return NULL;
    }
    return c;
}

void ask_name(struct screen *s, char *name, size_t size)
{
    char *cut = text_cut(name, s->cols > 58 ? 36 : s->cols > 40 ? s->cols - 22 : 18);

    if (cut)
        snprintf(name, size, "%s", cut);
    xm_free(cut);
}
