/* Who watches what: from a group id or installation key to the streams that want its rows.
 *
 * A topic exists as long as somebody watches it.  Names are hashed with a random key, since clients
 * choose them.  Thread: the loop's. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct stream;
struct topics;

enum topic_kind { TOPIC_GROUP, TOPIC_INSTALLATION };

#define TOPIC_NAME_MAX 32

struct topic {
    struct topic *hash_next;
    struct watch *watches;
    enum topic_kind kind;
    uint8_t name_len, name[TOPIC_NAME_MAX];
};

/* One filter of one stream. */
struct watch {
    struct stream *stream;
    struct topic *topic;
    struct watch *topic_prev, *topic_next;
    struct watch *behind_next; /* in its stream's list of topics to read from the database */
    int64_t cursor;            /* last id sent */
    bool behind;
};

int topics_new(struct topics **out, struct err *err);
void topics_free(struct topics *topics); /* no watch may be left */

struct topic *topics_find(const struct topics *topics, enum topic_kind kind, struct slice name);
/* Puts `watch` on the topic, which is made if need be.  `name` has at most TOPIC_NAME_MAX bytes.  ERR_NOMEM. */
int topics_watch(struct topics *topics, enum topic_kind kind, struct slice name, struct watch *watch, struct err *err);
void topics_unwatch(struct topics *topics, struct watch *watch);
