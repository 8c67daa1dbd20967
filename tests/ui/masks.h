/* Screens of real programs, with what differs from run to run masked: names made of keys get fixed ones of the
 * same width, times and ages lose their digits.  So they compare whole with the files of golden.h. */
#pragma once
#include <stddef.h>

struct pty;

struct masks {
    struct {
        char what[64], as[64];
    } words[24];
    size_t n;
    /* What may be drawn in one of several ways: a regular expression and what stands for all of them. */
    const char *either, *either_as;
};

/* From now on `what` is shown as `as`, of the same length; the first added is replaced first. */
void masks_add(struct masks *m, const char *what, const char *as);
/* The address of somebody, and as screens shorten it: 0xNAME..NAME, a name of four letters. */
void masks_add_person(struct masks *m, const char *address, const char *name);

/* Waits until the program has drawn tests/ui/screens/NAME.txt. */
void assert_comes_to(struct pty *p, const struct masks *m, const char *name);
