#include "node/topics.h"

#include "base/alloc.h"
#include "base/err.h"

#include <sodium.h>
#include <string.h>

struct topics {
    struct topic **slots;
    size_t slots_n, count; /* slots_n: a power of two */
    uint8_t key[crypto_shorthash_KEYBYTES];
};

enum { FIRST_SLOTS = 256 };

static size_t slot_of(const struct topics *t, size_t slots_n, enum topic_kind kind, struct slice name)
{
    uint8_t hash[crypto_shorthash_BYTES], text[1 + TOPIC_NAME_MAX];
    uint64_t value;

    text[0] = (uint8_t)kind;
    memcpy(text + 1, name.data, name.len);
    crypto_shorthash(hash, text, 1 + name.len, t->key);
    memcpy(&value, hash, sizeof value);
    return (size_t)value & (slots_n - 1);
}

static struct slice name_of(const struct topic *topic)
{
    return slice_of(topic->name, topic->name_len);
}

int topics_new(struct topics **out, struct err *err)
{
    struct topics *t = xm_alloc(sizeof *t);

    if (t != NULL)
        t->slots = xm_calloc(FIRST_SLOTS, sizeof *t->slots);
    if (t == NULL || t->slots == NULL) {
        xm_free(t);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    t->slots_n = FIRST_SLOTS;
    crypto_shorthash_keygen(t->key);
    *out = t;
    return 0;
}

void topics_free(struct topics *t)
{
    if (t == NULL)
        return;
    xm_free(t->slots);
    xm_free(t);
}

struct topic *topics_find(const struct topics *t, enum topic_kind kind, struct slice name)
{
    struct topic *at;

    if (name.len == 0 || name.len > TOPIC_NAME_MAX)
        return NULL;
    for (at = t->slots[slot_of(t, t->slots_n, kind, name)]; at != NULL; at = at->hash_next)
        if (at->kind == kind && slice_eq(name_of(at), name))
            return at;
    return NULL;
}

/* Out of memory the table just stays dense. */
static void grow(struct topics *t)
{
    size_t n = t->slots_n * 2, i;
    struct topic **slots = xm_calloc(n, sizeof *slots);

    if (slots == NULL)
        return;
    for (i = 0; i < t->slots_n; i++) {
        while (t->slots[i] != NULL) {
            struct topic *topic = t->slots[i];
            size_t to = slot_of(t, n, topic->kind, name_of(topic));

            t->slots[i] = topic->hash_next;
            topic->hash_next = slots[to];
            slots[to] = topic;
        }
    }
    xm_free(t->slots);
    t->slots = slots;
    t->slots_n = n;
}

static struct topic *make(struct topics *t, enum topic_kind kind, struct slice name)
{
    struct topic *topic = xm_alloc(sizeof *topic);
    size_t slot;

    if (topic == NULL)
        return NULL;
    topic->kind = kind;
    topic->name_len = (uint8_t)name.len;
    memcpy(topic->name, name.data, name.len);
    if (++t->count > t->slots_n)
        grow(t);
    slot = slot_of(t, t->slots_n, kind, name);
    topic->hash_next = t->slots[slot];
    t->slots[slot] = topic;
    return topic;
}

int topics_watch(struct topics *t, enum topic_kind kind, struct slice name, struct watch *watch, struct err *err)
{
    struct topic *topic = topics_find(t, kind, name);

    if (topic == NULL && (topic = make(t, kind, name)) == NULL)
        return err_set(err, ERR_NOMEM, "out of memory");
    watch->topic = topic;
    watch->topic_prev = NULL;
    watch->topic_next = topic->watches;
    if (topic->watches != NULL)
        topic->watches->topic_prev = watch;
    topic->watches = watch;
    return 0;
}

void topics_unwatch(struct topics *t, struct watch *watch)
{
    struct topic *topic = watch->topic, **at;

    if (watch->topic_next != NULL)
        watch->topic_next->topic_prev = watch->topic_prev;
    if (watch->topic_prev != NULL)
        watch->topic_prev->topic_next = watch->topic_next;
    else
        topic->watches = watch->topic_next;
    watch->topic = NULL;
    if (topic->watches != NULL)
        return;
    at = &t->slots[slot_of(t, t->slots_n, topic->kind, name_of(topic))];
    while (*at != topic)
        at = &(*at)->hash_next;
    *at = topic->hash_next;
    t->count--;
    xm_free(topic);
}
