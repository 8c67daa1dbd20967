/* Bounded queue of pointers between two threads.
 *
 * Any number of producers and consumers, first in first out; an item is a whole allocation that
 * changes hands, never a pointer into a live object.  When it is full queue_put() refuses, and the
 * caller decides: a command is refused to the person, an event is dropped with one `lagged` mark.
 * Waking the other side (uv_async_send, eventfd) is the caller's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct queue;

/* NULL when out of memory. */
struct queue *queue_new(size_t capacity);
/* False when full; the item stays the caller's. */
bool queue_put(struct queue *q, void *item);
/* The oldest item, now the caller's, or NULL when empty. */
void *queue_take(struct queue *q);
size_t queue_len(struct queue *q);
/* Items left inside go to `free_item`.  NULL queue is fine. */
void queue_free(struct queue *q, void (*free_item)(void *item));
