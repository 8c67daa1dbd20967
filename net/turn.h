/* The point in each round of the loop where an object tells what happened and writes what is to go out.
 *
 * `run` is called before the loop waits and again right after it has read, so that everything one
 * round brought goes out in one write.  It returns whether it called anybody: then the loop does not
 * wait in this round, since a caller of uv_run(UV_RUN_ONCE) may have got what it is after.
 * Thread: the loop's. */
#pragma once
#include <stdbool.h>
#include <uv.h>

#define TURN_HANDLES 3

struct turn {
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    bool (*run)(void *ctx);
    void *ctx;
};

void turn_start(uv_loop_t *loop, struct turn *turn, bool (*run)(void *ctx), void *ctx);
/* `on_closed` is called for each of the TURN_HANDLES handles; its `data` is the ctx of turn_start(). */
void turn_close(struct turn *turn, uv_close_cb on_closed);
