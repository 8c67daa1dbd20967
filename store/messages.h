/* Messages of all groups, sent and received, SYNC ones too.  Bodies are sealed; the body is the serialised
 * EncodedContent, which this layer never looks into.
 *
 * Order within a conversation is (sent_at_ns, n): server time, replaced when our own is confirmed, then
 * insertion. */
#pragma once
#include "store/store.h"

#include <stdatomic.h>

#define STORE_MESSAGE_ID_LEN 32

enum store_message_kind { STORE_MESSAGE_APPLICATION = 1, STORE_MESSAGE_MEMBERSHIP = 2 };
enum store_message_status { STORE_UNPUBLISHED = 1, STORE_PUBLISHED = 2, STORE_FAILED = 3 };

/* How it shows, decided by the caller from the content type. */
enum store_message_shows {
    STORE_SHOWS_NOT = 0,     /* reactions, read receipts, deletions, device sync */
    STORE_SHOWS_NOTICE = 1,  /* in the scrollback only: group updates */
    STORE_SHOWS_MESSAGE = 2, /* counts as unread and as last message */
    STORE_SHOWS_DELETED = 3, /* one that was taken back: a last message still, but nothing to read */
};

struct store_message {
    int64_t n;            /* insertion number; given by the store */
    int64_t conversation; /* given by the store */
    struct slice id;      /* STORE_MESSAGE_ID_LEN bytes */
    struct slice group_id;
    const char *sender_inbox_id;
    struct slice sender_installation_id;
    int64_t sent_at_ns;
    int64_t inserted_at_ns;
    enum store_message_kind kind;
    enum store_message_status status;
    int content_type; /* store number of sync.md 8.6; 0 unknown */
    enum store_message_shows shows;
    bool own; /* sender is our inbox */
    bool should_push;
    bool damaged; /* read only: the body does not open; it is empty */
    struct slice body;
    struct slice reference; /* id of the message this one is about; data NULL: none */
    uint32_t originator;    /* with sequence_id; both 0 until published */
    int64_t sequence_id;
    int64_t expire_at_ns;        /* 0: never */
    const char *idempotency_key; /* may be NULL */
};

typedef int store_message_fn(void *ctx, const struct store_message *row); /* borrowed; non-zero stops */

/* Insert or ignore by id and by (group, originator, sequence id): *added (may be NULL) tells which.  Raises
 * the group's last_message_ns.  ERR_NOTFOUND: no such group. */
int store_message_put(struct store *store, const struct store_message *in, bool *added, struct err *err);
/* ERR_NOTFOUND; ERR_CORRUPT if the body does not open. */
int store_message_get(struct store *store, struct slice id, struct store_mem *mem, struct store_message *out,
                      struct err *err);
/* The stored copy of an envelope: an application message whose ratchet key is spent already. */
int store_message_by_cursor(struct store *store, struct slice group_id, uint32_t originator,
                            int64_t sequence_id, struct store_mem *mem, struct store_message *out,
                            struct err *err);
int store_message_seen(struct store *store, struct slice group_id, uint32_t originator, int64_t sequence_id,
                       bool *out, struct err *err);
/* Our own message came back: published, with the server's time and place. */
int store_message_set_published(struct store *store, struct slice id, int64_t sent_at_ns, uint32_t originator,
                                int64_t sequence_id, int64_t expire_at_ns, struct err *err);
int store_message_set_status(struct store *store, struct slice id, enum store_message_status status,
                             struct err *err);
int store_message_set_shows(struct store *store, struct slice id, enum store_message_shows shows, struct err *err);
/* Removes the row; *deleted (may be NULL) is false if there was none. */
int store_message_delete(struct store *store, struct slice id, bool *deleted, struct err *err);

/* Deletes what is due, at most `limit`, each handed to `fn` first (may be NULL). */
int store_messages_expire(struct store *store, int64_t now_ns, size_t limit,
                          int (*fn)(void *ctx, struct slice id, struct slice group_id), void *ctx,
                          struct err *err);
int store_messages_next_expiry(struct store *store, int64_t *out_ns, struct err *err); /* 0: none */

struct store_page_query {
    int64_t conversation; /* its duplicates' messages are in it */
    enum store_message_shows shows_at_least;
    int64_t before_ns, after_ns; /* exclusive bounds on sent_at_ns; 0: none */
    int64_t from_ns,
        from_n;     /* go on after this row, exclusive, in the direction of travel; 0, 0: from the end */
    int64_t now_ns; /* expired ones are left out; 0: kept */
    bool ascending; /* false: newest first */
    bool no_payloads; /* leave out what neither shows nor is of a known type: preferences put into a chat */
    size_t limit;   /* at most STORE_PAGE_MAX, to which larger ones are cut */
};

#define STORE_PAGE_MAX 10000

/* One page.  The array and all it points to live in `mem`.  A row whose body does not open has `damaged` set:
 * one bad row must not hide a conversation. */
int store_messages_page(struct store *store, const struct store_page_query *query, struct store_mem *mem,
                        struct store_message **out, size_t *count, struct err *err);
/* Messages about one message (reactions, replies, deletions) in order. */
int store_messages_about(struct store *store, struct slice reference, store_message_fn *fn, void *ctx,
                         struct err *err);
int store_messages_count(struct store *store, int64_t conversation, enum store_message_shows shows_at_least,
                         int64_t *out, struct err *err);
/* Messages stored by a stream above the cursor: fills a dedupe set. */
int store_messages_above(struct store *store, struct slice group_id, uint32_t originator, int64_t sequence_id,
                         int (*fn)(void *ctx, int64_t sequence_id), void *ctx, struct err *err);

/* Opens every body, newest arrival first, for searching on a thread of its own with a reader of its own: `fn`
 * decides what matches.  Works in slices, so that it never holds the WAL, and looks at `cancel` (may be NULL)
 * between rows: ERR_CANCELED.  Rows that do not open are passed over. */
int store_messages_scan(struct store *store, int64_t conversation /* 0: all */,
                        enum store_message_shows shows_at_least, const atomic_bool *cancel,
                        store_message_fn *fn, void *ctx, struct err *err);

/* Per inbox, the time of its latest read receipt (content type 5): "read up to". */
int store_messages_receipts(struct store *store, int64_t conversation,
                            int (*fn)(void *ctx, const char *inbox_id, int64_t sent_at_ns), void *ctx,
                            struct err *err);

/* When one of our own installations last wrote into a preferences group; 0: never. */
int store_installation_heard(struct store *store, struct slice installation_id, int64_t *out_ns, struct err *err);
