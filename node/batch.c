#include "node/batch.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "net/grpc_server.h"
#include "node/data.h"
#include "store/db.h"

#include <stdarg.h>
#include <stdio.h>

struct batch {
    struct batch_config config;
    uv_idle_t idle; /* runs in the round after the one that brought jobs */
    uv_work_t work;
    struct job *first, **end; /* pending */
    size_t bytes; /* of all jobs, pending and running */
    struct job *running; /* in the pool while `busy` */
    bool busy;
    struct err failure; /* of the transaction; code 0: none */
    uint64_t usual_ns;  /* what the last transactions took */
    uint64_t count;
    bool closing, idle_closed;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

int job_refuse(struct job *job, int status, const char *fmt, ...)
{
    va_list args;

    job->status = status;
    va_start(args, fmt);
    vsnprintf(job->text, sizeof job->text, fmt, args);
    va_end(args);
    return JOB_REFUSED;
}

struct job *job_new(const struct job_kind *kind, struct grpc_request *req)
{
    struct job *job = xm_alloc(sizeof *job);

    if (job == NULL)
        return NULL;
    job->kind = kind;
    job->req = req;
    return job;
}

/* What came and what was made of it. */
static void release(struct job *job)
{
    proto_arena_free(&job->arena);
    bytes_free(&job->copy);
    xm_free(job->rows);
    job->message = job->rows = NULL;
    job->rows_n = 0;
}

void job_free(struct job *job)
{
    if (job == NULL)
        return;
    release(job);
    buf_free(&job->reply);
    xm_free(job);
}

/* ---- Pool ---- */

static int apply_all(struct batch *b)
{
    struct node_data *data = b->config.data;
    struct job *job;
    int r = db_begin(data->writer, DB_DURABLE, &b->failure);

    for (job = b->running; r == 0 && job != NULL; job = job->next) {
        if (job->status != GRPC_OK)
            continue;
        r = job->kind->apply(job, data, &b->failure);
        if (r == JOB_REFUSED)
            r = 0;
    }
    return r == 0 ? db_commit(data->writer, &b->failure) : r;
}

/* The worst counts at once and fades: after a slow transaction a dozen quick ones pass in the pool. */
static void note_time(struct batch *b, uint64_t took_ns)
{
    b->usual_ns -= b->usual_ns / 4;
    if (took_ns > b->usual_ns)
        b->usual_ns = took_ns;
}

static void run(uv_work_t *work)
{
    struct batch *b = work->data;
    struct job *job;
    bool any = false;
    uint64_t begun;

    b->failure = (struct err){0};
    for (job = b->running; job != NULL; job = job->next) {
        if (job->kind->prepare(job) == 0)
            any = true;
        else
            release(job); /* thousands may be refused here, and wait for the rest to be stored */
    }
    if (!any)
        return;
    begun = b->config.hrtime();
    if (apply_all(b) != 0)
        db_rollback(b->config.data->writer);
    note_time(b, b->config.hrtime() - begun);
}

/* ---- Loop ---- */

static void start(struct batch *b);

static void maybe_closed(struct batch *b)
{
    void (*on_closed)(void *) = b->on_closed;
    void *ctx = b->closed_ctx;

    if (!b->closing || b->busy || !b->idle_closed)
        return;
    xm_free(b);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void finish(struct batch *b, struct job *job)
{
    if (job->status == GRPC_OK && b->failure.code != 0)
        job_refuse(job, GRPC_UNAVAILABLE, "the node cannot write its database: %s", b->failure.text);
    if (job->status == GRPC_OK && !buf_ok(&job->reply))
        job_refuse(job, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    if (job->req != NULL && job->status == GRPC_OK)
        grpc_reply(job->req, buf_slice(&job->reply));
    else if (job->req != NULL)
        grpc_fail(job->req, job->status, "%s", job->text);
    job->req = NULL;
    if (job->status == GRPC_OK && job->kind->announce != NULL)
        job->kind->announce(job, b->config.ctx);
}

static void go_on(struct batch *b)
{
    b->busy = false;
    if (b->closing)
        maybe_closed(b);
    else if (b->first != NULL)
        start(b);
}

static void checkpoint(uv_work_t *work)
{
    struct batch *b = work->data;
    struct err why;

    if (db_checkpoint_some(b->config.data->writer, &why) != 0)
        log_warn("batch", "%s", why.text);
}

static void checkpointed(uv_work_t *work, int status)
{
    (void)status; /* never cancelled */
    go_on(work->data);
}

static void done(uv_work_t *work, int status)
{
    struct batch *b = work->data;

    (void)status; /* never cancelled */
    if (b->failure.code != 0)
        log_error("batch", "transaction failed: %s", b->failure.text);
    b->count++;
    /* A callback may forget other requests, so each job leaves the list before it is answered. */
    while (b->running != NULL) {
        struct job *job = b->running;

        b->running = job->next;
        b->bytes -= job->cost;
        finish(b, job);
        job_free(job);
    }
    if (b->closing || !db_checkpoint_is_due(b->config.data->writer) ||
        uv_queue_work(b->config.loop, &b->work, checkpoint, checkpointed) != 0)
        go_on(b);
}

static bool is_quick(const struct batch *b)
{
    const struct job *job = b->running;

    return job->next == NULL && job->kind->quick && job->cost <= BATCH_QUICK_BYTES && b->usual_ns < BATCH_QUICK_NS;
}

static void start(struct batch *b)
{
    struct job **last = &b->first;
    size_t n;

    uv_idle_stop(&b->idle);
    for (n = 0; n < b->config.max_jobs && *last != NULL; n++)
        last = &(*last)->next;
    b->running = b->first;
    b->first = *last;
    *last = NULL;
    if (b->first == NULL)
        b->end = &b->first;
    b->busy = true;
    b->work.data = b;
    if (!is_quick(b)) {
        uv_queue_work(b->config.loop, &b->work, run, done);
        return;
    }
    run(&b->work);
    done(&b->work, 0);
}

static void on_idle(uv_idle_t *idle)
{
    struct batch *b = idle->data;

    if (b->first != NULL && !b->busy)
        start(b);
    else
        uv_idle_stop(idle);
}

int batch_open(const struct batch_config *config, struct batch **out, struct err *err)
{
    struct batch *b = xm_alloc(sizeof *b);

    if (b == NULL)
        return err_set(err, ERR_NOMEM, "out of memory");
    b->config = *config;
    if (b->config.hrtime == NULL)
        b->config.hrtime = uv_hrtime;
    b->usual_ns = BATCH_QUICK_NS; /* nothing is known of the disk yet */
    b->end = &b->first;
    b->idle.data = b;
    uv_idle_init(config->loop, &b->idle);
    *out = b;
    return 0;
}

int batch_submit(struct batch *b, struct job *job, struct err *err)
{
    if (b->closing)
        return err_set(err, ERR_STATE, "the node is stopping");
    if (b->bytes > 0 && b->bytes + job->cost > b->config.max_pending_bytes)
        return err_set(err, ERR_TOOBIG, "%zu bytes wait to be stored already", b->bytes);
    *b->end = job;
    b->end = &job->next;
    b->bytes += job->cost;
    if (!b->busy)
        uv_idle_start(&b->idle, on_idle);
    return 0;
}

void batch_forget(struct batch *b, const struct grpc_request *req)
{
    struct job *job;

    for (job = b->running; job != NULL; job = job->next)
        if (job->req == req)
            job->req = NULL;
    for (job = b->first; job != NULL; job = job->next)
        if (job->req == req)
            job->req = NULL;
}

static void idle_closed(uv_handle_t *handle)
{
    struct batch *b = handle->data;

    b->idle_closed = true;
    maybe_closed(b);
}

void batch_close(struct batch *b, void (*on_closed)(void *ctx), void *ctx)
{
    b->closing = true;
    b->on_closed = on_closed;
    b->closed_ctx = ctx;
    while (b->first != NULL) {
        struct job *job = b->first;

        b->first = job->next;
        job_free(job);
    }
    uv_close((uv_handle_t *)&b->idle, idle_closed);
}

uint64_t batch_count(const struct batch *b)
{
    return b->count;
}
