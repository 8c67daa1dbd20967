#include "base/fiber.h"

#include "base/alloc.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* SQLite, OpenSSL and libsecp256k1 stay below 64 KiB; sanitizers multiply frames by about four. */
#define STACK_SIZE (256 * 1024)
#define POOL_MAX 16

struct fiber {
    ucontext_t context;
    ucontext_t *back;     /* whoever resumed it last */
    struct fiber *resumer; /* the fiber it was resumed from, NULL for the thread itself */
    struct fiber *next;   /* in the pool */
    void (*run)(void *ctx);
    void *ctx;
    char *stack; /* with the guard page in front */
    bool ended;
    void *asan_fake_stack;
    const void *asan_back_stack;
    size_t asan_back_size;
    void *tsan, *tsan_back;
};

static _Thread_local struct fiber *current, *pool;
static _Thread_local unsigned pooled, alive;

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void fiber_destroy(struct fiber *f)
{
    if (f->stack)
        munmap(f->stack, STACK_SIZE + page_size());
#ifdef WITH_TSAN
    if (f->tsan)
        __tsan_destroy_fiber(f->tsan);
#endif
    xm_free(f);
}

static struct fiber *fiber_create(void)
{
    struct fiber *f = pool;
    void *stack;

    if (f) {
        pool = f->next;
        pooled--;
        return f;
    }
    f = xm_alloc(sizeof *f);
    if (!f)
        return NULL;
    stack = mmap(NULL, STACK_SIZE + page_size(), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        xm_free(f);
        return NULL;
    }
    f->stack = stack;
    mprotect(stack, page_size(), PROT_NONE);
#ifdef WITH_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
    return f;
}

static void switched_in(struct fiber *f)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(f->asan_fake_stack, &f->asan_back_stack, &f->asan_back_size);
#else
    (void)f;
#endif
}

static void switch_back(struct fiber *f)
{
#ifdef WITH_ASAN
    /* A fiber that ends gives up its fake stack: NULL says so. */
    __sanitizer_start_switch_fiber(f->ended ? NULL : &f->asan_fake_stack, f->asan_back_stack, f->asan_back_size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(f->tsan_back, 0);
#endif
    swapcontext(&f->context, f->back);
    switched_in(f);
}

static void trampoline(unsigned low, unsigned high)
{
    struct fiber *f = (struct fiber *)((uintptr_t)low | (uintptr_t)high << 32);

    switched_in(f);
    f->run(f->ctx);
    f->ended = true;
    switch_back(f);
    assert(!"an ended fiber was resumed");
}

void fiber_resume(struct fiber *f)
{
    ucontext_t here;
#ifdef WITH_ASAN
    void *fake = NULL;
#endif

    assert(f != current && !f->ended);
    f->back = &here;
    f->resumer = current;
    current = f;
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(&fake, f->stack + page_size(), STACK_SIZE);
#endif
#ifdef WITH_TSAN
    f->tsan_back = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->tsan, 0);
#endif
    swapcontext(&here, &f->context);
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
    current = f->resumer;
    if (!f->ended)
        return;
    alive--;
    if (pooled < POOL_MAX) {
        f->next = pool;
        pool = f;
        pooled++;
    } else {
        fiber_destroy(f);
    }
}

/* A function of its own: the compiler treats getcontext() as one that returns twice. */
static void __attribute__((noinline)) aim_at_trampoline(struct fiber *f)
{
    uintptr_t at = (uintptr_t)f;

    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack + page_size();
    f->context.uc_stack.ss_size = STACK_SIZE;
    f->context.uc_link = NULL;
    makecontext(&f->context, (void (*)(void))trampoline, 2, (unsigned)at, (unsigned)(at >> 32));
}

int fiber_start(void (*run)(void *ctx), void *ctx, struct err *err)
{
    struct fiber *f = fiber_create();

    if (!f)
        return err_set(err, ERR_NOMEM, "no stack for another fiber: %s", strerror(errno));
    f->run = run;
    f->ctx = ctx;
    f->ended = false;
    f->asan_fake_stack = NULL;
    aim_at_trampoline(f);
    alive++;
    fiber_resume(f);
    return 0;
}

struct fiber *fiber_self(void)
{
    return current;
}

void fiber_suspend(void)
{
    assert(current);
    switch_back(current);
}

unsigned fiber_count(void)
{
    return alive;
}

void fiber_pool_clear(void)
{
    assert(alive == 0);
    while (pool) {
        struct fiber *f = pool;

        pool = f->next;
        fiber_destroy(f);
    }
    pooled = 0;
}

struct fiber_waiter {
    struct fiber *fiber;
    struct fiber_waiter *next;
};

void fiber_line_wait(struct fiber_line *line)
{
    struct fiber_waiter me = {current, NULL};

    if (line->last)
        line->last->next = &me;
    else
        line->first = &me;
    line->last = &me;
    fiber_suspend();
}

void fiber_line_go(struct fiber_line *line)
{
    struct fiber_waiter *at = line->first, *next;

    *line = (struct fiber_line){0};
    for (; at; at = next) {
        next = at->next; /* it stands on the stack of the fiber */
        fiber_resume(at->fiber);
    }
}

/* The lock passes straight from holder to first waiter, so nobody can slip in between. */
void fiber_lock_take(struct fiber_lock *lock)
{
    if (!lock->held)
        lock->held = true;
    else
        fiber_line_wait(&lock->line);
}

void fiber_lock_drop(struct fiber_lock *lock)
{
    struct fiber_waiter *next = lock->line.first;

    if (!next) {
        lock->held = false;
        return;
    }
    lock->line.first = next->next;
    if (!lock->line.first)
        lock->line.last = NULL;
    fiber_resume(next->fiber);
}
