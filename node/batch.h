/* Group commit: publishes that arrive together are stored by one transaction, and answered when it is on
 * the disk.
 *
 * A publish becomes a job.  Jobs that arrive while the loop handles one round of input, or while a
 * transaction is under way, form the next one: one client alone never waits for a timer, a hundred
 * share one fsync.  Checking (signatures) and storing run in the thread pool, so the loop never blocks.
 * One exception: a quick job by itself is stored on the loop, as long as the disk is one that answers within
 * BATCH_QUICK_NS, since changing threads twice takes a good part of that time.
 *
 *   job_new -> batch_submit -> [pool: prepare, BEGIN, apply ..., COMMIT] -> [loop: answer, announce] -> freed
 *
 * When the WAL has grown long it is moved into the database in the pool, after the answers and before the next
 * transaction.
 *
 * A job that is refused (prepare, apply) does not disturb the others.  A failing database fails all jobs
 * of the transaction with UNAVAILABLE, and nothing of them is stored.
 *
 * Thread: the loop's, except where a callback says pool; a callback of a quick job runs on either. */
#pragma once
#include "base/bytes.h"
#include "proto/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct batch;
struct err;
struct grpc_request;
struct job;
struct node_data;

/* Results of prepare and apply besides 0 and a negative error of the database. */
enum { JOB_REFUSED = 1 };

/* For so long the loop may wait for a lone job. */
#define BATCH_QUICK_NS    UINT64_C(1000000)
#define BATCH_QUICK_BYTES ((size_t)64 * 1024)

struct job_kind {
    bool quick; /* checking it takes microseconds: no signature */
    bool allow_nul; /* in the request's strings, which are then read as they came and not as C strings */
    /* Pool, before the transaction: checks that need no database.  0 or job_refuse(). */
    int (*prepare)(struct job *job);
    /* Pool, inside the transaction.  0, or job_refuse() before anything was written, or a database error. */
    int (*apply)(struct job *job, struct node_data *data, struct err *err);
    /* Loop, after the commit; may be NULL. */
    void (*announce)(struct job *job, void *ctx);
};

struct job {
    struct job *next;
    const struct job_kind *kind;
    struct grpc_request *req; /* NULL once the client has gone; the job is stored all the same */
    struct proto_arena arena; /* holds `message` and whatever prepare puts aside */
    void *message;            /* the unpacked request */
    struct slice raw;         /* the request's bytes, for kinds that store parts as received; in `copy` */
    struct bytes copy;
    void *rows;               /* what prepare made of the message: xm_alloc'ed, freed with the job */
    size_t rows_n;
    int64_t now_ns;           /* when it came */
    size_t cost;              /* bytes it holds on to */
    struct buf reply;         /* empty: google.protobuf.Empty */
    int status;               /* gRPC */
    char text[200];
};

/* Pool: the job will be answered with `status` and the text.  Returns JOB_REFUSED. */
int job_refuse(struct job *job, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct job *job_new(const struct job_kind *kind, struct grpc_request *req); /* NULL: out of memory */
void job_free(struct job *job);

struct batch_config {
    uv_loop_t *loop;
    struct node_data *data;
    size_t max_jobs;          /* of one transaction, so that the first does not wait for thousands */
    size_t max_pending_bytes; /* of jobs that are not answered yet; one alone may have more */
    void *ctx;                /* for announce */
    uint64_t (*hrtime)(void); /* NULL: uv_hrtime */
};

int batch_open(const struct batch_config *config, struct batch **out, struct err *err);
/* Takes the job.  ERR_TOOBIG when too much is pending: the job stays the caller's. */
int batch_submit(struct batch *batch, struct job *job, struct err *err);
/* The client of `req` has gone: its job will answer nobody. */
void batch_forget(struct batch *batch, const struct grpc_request *req);
/* Drops jobs not yet begun, waits for the transaction under way, then calls `on_closed` from the loop.
 * No request of a dropped job is answered: close the server first. */
void batch_close(struct batch *batch, void (*on_closed)(void *ctx), void *ctx);
/* For tests: transactions so far. */
uint64_t batch_count(const struct batch *batch);
