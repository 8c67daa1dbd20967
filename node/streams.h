/* Server streams of group messages and welcomes.
 *
 * A stream is a fixed set of topics with a cursor each.  Every topic begins behind: its rows are read from
 * the database in pages until a page comes out short; from then on rows arrive as they are stored.  A
 * stream whose reader is slow fills its queue; the next row then sends that topic behind again, and it is
 * read from the database when the queue has drained.  So memory is bounded, nothing is dropped and no
 * stream is ended for being slow.
 *
 * Nothing falls between reading and live rows: rows are announced by the loop after their commit, reading
 * happens on the same loop, and ids not above the topic's cursor are dropped.
 *
 * Reading is cut into pages, one a round of the loop for each stream, so that a long replay keeps nobody
 * waiting.  Thread: the loop's. */
#pragma once
#include "node/topics.h"

#include <uv.h>

struct db;
struct group_row;
struct grpc_request;
struct streams;
struct welcome_row;

struct stream_filter {
    struct slice name;
    uint64_t cursor; /* exclusive; 0: from the beginning */
};

struct streams_config {
    uv_loop_t *loop;
    struct db *db;      /* the reader */
    size_t max_streams; /* open at once */
    size_t max_filters; /* of all streams together */
};

int streams_open(const struct streams_config *config, struct streams **out, struct err *err);
/* Every stream must have ended (streams_cancel). */
void streams_close(struct streams *streams, void (*on_closed)(void *ctx), void *ctx);

/* Answers the headers of `req` at once and keeps it open.  A topic named twice keeps the lower cursor; a
 * name longer than TOPIC_NAME_MAX never gets a row.  ERR_TOOBIG (limits), ERR_NOMEM: `req` is
 * untouched. */
int streams_add(struct streams *streams, struct grpc_request *req, enum topic_kind kind,
                const struct stream_filter *filters, size_t filters_n, struct err *err);
/* The client has gone.  False if `req` is no stream. */
bool streams_cancel(struct streams *streams, struct grpc_request *req);
/* The queue of `req` has room again. */
void streams_drained(struct streams *streams, struct grpc_request *req);

/* Rows that have been committed, in the order of their ids. */
void streams_announce_group(struct streams *streams, const struct group_row *row);
void streams_announce_welcome(struct streams *streams, const struct welcome_row *row);

size_t streams_count(const struct streams *streams);
