#include "base/queue.h"

#include "base/alloc.h"

#include <pthread.h>

struct queue {
    pthread_mutex_t lock;
    size_t capacity, head, len;
    void *items[];
};

struct queue *queue_new(size_t capacity)
{
    struct queue *q = xm_alloc(sizeof *q + capacity * sizeof q->items[0]);

    if (!q)
        return NULL;
    q->capacity = capacity;
    if (pthread_mutex_init(&q->lock, NULL) != 0) {
        xm_free(q);
        return NULL;
    }
    return q;
}

bool queue_put(struct queue *q, void *item)
{
    bool fits;

    pthread_mutex_lock(&q->lock);
    fits = q->len < q->capacity;
    if (fits) {
        q->items[(q->head + q->len) % q->capacity] = item;
        q->len++;
    }
    pthread_mutex_unlock(&q->lock);
    return fits;
}

void *queue_take(struct queue *q)
{
    void *item = NULL;

    pthread_mutex_lock(&q->lock);
    if (q->len) {
        item = q->items[q->head];
        q->head = (q->head + 1) % q->capacity;
        q->len--;
    }
    pthread_mutex_unlock(&q->lock);
    return item;
}

size_t queue_len(struct queue *q)
{
    size_t len;

    pthread_mutex_lock(&q->lock);
    len = q->len;
    pthread_mutex_unlock(&q->lock);
    return len;
}

void queue_free(struct queue *q, void (*free_item)(void *item))
{
    void *item;

    if (!q)
        return;
    while ((item = queue_take(q)))
        if (free_item)
            free_item(item);
    pthread_mutex_destroy(&q->lock);
    xm_free(q);
}
