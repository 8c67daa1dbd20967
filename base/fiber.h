/* Fibers: functions that may wait in the middle, all on one thread.
 *
 * The flows of the client (create a DM, join by a welcome, sync) are sequences of network calls and
 * transactions.  Written as fibers they read top to bottom: a call that has to wait suspends its
 * fiber, the loop goes on, and the callback resumes it.  Nothing runs in parallel: between two
 * waits a fiber has the thread to itself, but everything may have changed after one.
 *
 * A fiber has a stack of its own (256 KiB, guard page below; kept in a small pool).  Sanitizers are
 * told about each switch.  Thread: each thread has its own fibers; one never moves.
 *
 *   static void job(void *ctx) { ...; fiber_suspend(); ... }
 *   fiber_start(job, ctx);          // runs until its first fiber_suspend(), then returns here
 *   fiber_resume(f);                // from a callback: goes on until the next suspend or the end */
#pragma once
#include <stdbool.h>

struct fiber;
struct err;

/* Runs `run` in a new fiber until it first waits or ends.  May be called from inside a fiber, which
 * then goes on afterwards.  ERR_NOMEM. */
int fiber_start(void (*run)(void *ctx), void *ctx, struct err *err);

/* The fiber that runs now, NULL outside of all. */
struct fiber *fiber_self(void);

/* Gives the thread back to whoever started or resumed this fiber; returns when it is resumed. */
void fiber_suspend(void);

/* Lets a suspended fiber go on until it waits again or ends.  Called from outside the fiber, on its
 * thread: from the loop or from another fiber. */
void fiber_resume(struct fiber *f);

/* Number of fibers that have started and not ended, on this thread. */
unsigned fiber_count(void);

/* Frees the pool of stacks of this thread; no fiber may be alive. */
void fiber_pool_clear(void);

/* Fibers of one thread that wait for the same thing, in the order in which they came.  Zero-initialised is empty. */
struct fiber_waiter;
struct fiber_line {
    struct fiber_waiter *first, *last;
};
void fiber_line_wait(struct fiber_line *line); /* inside a fiber only; until the next fiber_line_go() */
/* All who wait go on, one after the other, each until it waits again or ends; not those who come meanwhile. */
void fiber_line_go(struct fiber_line *line);

/* A lock among fibers of one thread; first come, first served.  Zero-initialised is unlocked.  The next holder runs
 * inside of fiber_lock_drop(), before whoever drops it goes on. */
struct fiber_lock {
    bool held;
    struct fiber_line line;
};
void fiber_lock_take(struct fiber_lock *lock); /* inside a fiber only; may wait */
void fiber_lock_drop(struct fiber_lock *lock);
