/* The outer layers of an invitation: which of our key packages it was sealed for, and what is inside
 * (groups.md 7.2).  Thread: background. */
#pragma once
#include <stdint.h>

#include "base/bytes.h"

struct core;
struct err;
struct mls_group;
struct node_welcome_message;

struct opened_welcome {
    struct mls_group *mls;      /* the state it leads to, not stored yet */
    uint32_t adder_leaf;
    uint64_t message_cursor;    /* place of the commit that added us; 0 when it was not told */
};

/* ERR_NOTFOUND: sealed for a key package that we do not have (any more); ERR_AUTH, ERR_MALFORMED,
 * ERR_DENIED: not a valid Welcome; ERR_UNSUPPORTED: a form that we never advertise. */
int welcome_open(struct core *core, const struct node_welcome_message *welcome, struct opened_welcome *out,
                 struct err *err);
