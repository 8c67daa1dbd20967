/* Durable tasks: work that must happen once, perhaps later, across restarts (sync.md 5.5). */
#pragma once
#include "store/store.h"

struct store_task {
    int64_t id;
    int kind;          /* the caller's */
    struct slice hash; /* SHA-256 of kind and data: one row each */
    struct slice data; /* sealed */
    unsigned attempts, max_attempts;
    int64_t backoff_ms; /* before the second attempt */
    int64_t max_backoff_ms;
    int backoff_percent; /* growth, 150 = half as much again */
    int64_t created_at_ns;
    int64_t next_attempt_ns;
    int64_t expires_at_ns;
};

/* A known hash is left as it is; *added may be NULL. */
int store_task_put(struct store *store, const struct store_task *in, bool *added, struct err *err);
/* The one due first, at or before now_ns; those that have expired are removed.  ERR_NOTFOUND. */
int store_task_next(struct store *store, int64_t now_ns, struct store_mem *mem, struct store_task *out,
                    struct err *err);
/* When the next one is due; 0: no task. */
int store_tasks_next_due(struct store *store, int64_t *out_ns, struct err *err);
int store_task_done(struct store *store, int64_t id, struct err *err);
/* One more failed attempt: computes the next time, or removes it when attempts or time are used up: *gone. */
int store_task_retry(struct store *store, int64_t id, int64_t now_ns, bool *gone, struct err *err);
/* Brings a known task forward, never back. */
int store_task_pull_in(struct store *store, struct slice hash, int64_t due_ns, struct err *err);
/* Takes a task back; an unknown hash is fine. */
int store_task_drop(struct store *store, struct slice hash, struct err *err);
