#include "ui/run.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/log.h"
#include "ui/signals.h"
#include "ui/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define END_WAIT_MS 2000   /* for the draft to be written when leaving */
#define EVENTS_A_ROUND 64  /* events taken before the screen is drawn and the keyboard looked at */

struct run {
    struct terminal *terminal;
    struct ui_backend *backend;
    struct screen *screen;
    struct signals signals;
    struct key_feed feed;
    struct canvas canvas;
    bool gone;      /* the terminal has hung up */
    bool no_colour; /* NO_COLOR */
    uint64_t end_by_ms;
};

static void tell_time(struct run *r)
{
    screen_time(r->screen, clock_now_ns(&clock_system), clock_monotonic_ms(&clock_system));
}

static void deliver(struct run *r, enum key_feed_result what, struct key key)
{
    if (what == FEED_KEY)
        screen_key(r->screen, key);
    else if (what == FEED_PASTE) {
        screen_paste(r->screen, (const char *)r->feed.paste.data, r->feed.paste.len);
        buf_reset(&r->feed.paste);
    }
}

static void take_keys(struct run *r)
{
    struct key in, out = {0};
    uint64_t now = clock_monotonic_ms(&clock_system);

    while (terminal_key(r->terminal, &in, &r->gone))
        deliver(r, key_feed_put(&r->feed, in, now, &out), out);
    deliver(r, key_feed_idle(&r->feed, now, &out), out);
}

/* False when there may be more: the screen is drawn in between, so that a flood from the network
 * never holds up the keyboard. */
static bool take_events(struct run *r)
{
    struct xm_event *event;

    for (int i = 0; i < EVENTS_A_ROUND; i++) {
        event = r->backend->ops->next(r->backend);
        if (!event)
            return true;
        screen_event(r->screen, event);
        r->backend->ops->event_free(event);
    }
    return false;
}

static void take_size(struct run *r)
{
    int rows, cols;

    terminal_size(r->terminal, &rows, &cols);
    screen_resize(r->screen, rows, cols);
}

static void suspend(struct run *r)
{
    terminal_leave(r->terminal);
    signals_suspend();
    terminal_enter(r->terminal);
    take_size(r);
}

static void take_signals(struct run *r)
{
    for (int number; (number = signals_next(&r->signals)) != 0;) {
        switch (number) {
        case SIGWINCH:
        case SIGCONT:
            take_size(r);
            break;
        case SIGTSTP:
            suspend(r);
            break;
        case SIGUSR1:
            log_reopen();
            break;
        case SIGINT:
            screen_interrupt(r->screen);
            break;
        default:
            screen_end(r->screen);
            break;
        }
    }
}

static void draw(struct run *r)
{
    bool all = screen_take_repaint(r->screen);
    const char *title;
    char *copied;

    if (!screen_is_dirty(r->screen) && !all)
        return;
    screen_draw(r->screen, &r->canvas);
    if (r->gone)
        return;
    title = screen_title(r->screen);
    terminal_show(r->terminal, &r->canvas, !r->no_colour && screen_wants_colour(r->screen), all);
    terminal_title(r->terminal, title);
    copied = screen_take_copy(r->screen);
    if (copied)
        terminal_copy(r->terminal, copied);
    xm_free(copied);
}

static int wait_ms(struct run *r, bool drained)
{
    uint64_t now = clock_monotonic_ms(&clock_system);
    int wait = screen_wait_ms(r->screen), feed = key_feed_wait_ms(&r->feed, now);

    if (feed >= 0 && (wait < 0 || feed < wait))
        wait = feed;
    if (r->end_by_ms && (wait < 0 || wait > 50))
        wait = 50;
    return drained && !screen_is_dirty(r->screen) ? wait : 0;
}

/* Leaving: the draft is written, or two seconds are over. */
static bool is_over(struct run *r)
{
    uint64_t now = clock_monotonic_ms(&clock_system);

    if (!screen_has_ended(r->screen))
        return false;
    if (!r->end_by_ms)
        r->end_by_ms = now + END_WAIT_MS;
    return screen_may_end(r->screen) || now >= r->end_by_ms;
}

static void loop(struct run *r)
{
    bool drained = true;

    while (!is_over(r)) {
        struct pollfd fds[3] = {{.fd = r->gone ? -1 : STDIN_FILENO, .events = POLLIN},
                                {.fd = r->signals.fd, .events = POLLIN},
                                {.fd = r->backend->ops->fd(r->backend), .events = POLLIN}};

        if (poll(fds, 3, wait_ms(r, drained)) < 0 && errno != EINTR)
            break;
        tell_time(r);
        take_signals(r);
        if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL) && !(fds[0].revents & POLLIN)) {
            r->gone = true; /* or poll() would spin */
            screen_end(r->screen);
        }
        if (!r->gone)
            take_keys(r);
        drained = take_events(r);
        if (screen_take_suspend(r->screen))
            suspend(r);
        draw(r);
        screen_work(r->screen);
    }
}

int run_screen(struct ui_backend *backend, const struct screen_options *options)
{
    struct run r = {.backend = backend};
    const char *no_colour = getenv("NO_COLOR");
    char why[200] = "";
    int status = 1;

    r.no_colour = no_colour && *no_colour;
    if (!signals_start(&r.signals)) {
        backend->ops->close(backend);
        return 1;
    }
    r.screen = screen_new(backend, options);
    if (!r.screen)
        goto done;
    r.terminal = terminal_open(why, sizeof why);
    if (!r.terminal) {
        fprintf(stderr, "xmtui: %s\n", why);
        goto done;
    }
    signals_rescue(terminal_restore_sequence(r.terminal));
    terminal_enter(r.terminal);
    tell_time(&r);
    take_size(&r);
    screen_start(r.screen);
    draw(&r);
    screen_work(r.screen);
    loop(&r);
    status = 0;
done:
    terminal_close(r.terminal); /* the terminal is given back before anything that may take time */
    backend->ops->close(backend);
    screen_free(r.screen);
    key_feed_free(&r.feed);
    canvas_free(&r.canvas);
    signals_stop(&r.signals);
    return status;
}
