#include "net/turn.h"

#include <stddef.h>

static struct turn *turn_of_idle(uv_idle_t *idle)
{
    return (struct turn *)(void *)((char *)idle - offsetof(struct turn, idle));
}

static void on_idle(uv_idle_t *idle)
{
    uv_idle_stop(&turn_of_idle(idle)->idle);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct turn *turn = (struct turn *)(void *)((char *)prepare - offsetof(struct turn, prepare));

    if (turn->run(turn->ctx) && !uv_is_closing((uv_handle_t *)&turn->idle))
        uv_idle_start(&turn->idle, on_idle); /* an active idle handle makes the poll return at once */
}

static void on_check(uv_check_t *check)
{
    struct turn *turn = (struct turn *)(void *)((char *)check - offsetof(struct turn, check));

    turn->run(turn->ctx);
}

void turn_start(uv_loop_t *loop, struct turn *turn, bool (*run)(void *ctx), void *ctx)
{
    turn->run = run;
    turn->ctx = ctx;
    uv_prepare_init(loop, &turn->prepare);
    uv_check_init(loop, &turn->check);
    uv_idle_init(loop, &turn->idle);
    turn->prepare.data = turn->check.data = turn->idle.data = ctx;
    uv_prepare_start(&turn->prepare, on_prepare);
    uv_check_start(&turn->check, on_check);
}

void turn_close(struct turn *turn, uv_close_cb on_closed)
{
    uv_close((uv_handle_t *)&turn->prepare, on_closed);
    uv_close((uv_handle_t *)&turn->check, on_closed);
    uv_close((uv_handle_t *)&turn->idle, on_closed);
}
