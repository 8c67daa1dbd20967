/* A disk that fails: SQLite's own way to files, with one call of a kind answered by an error. */
#pragma once
#include <stddef.h>

/* FULL: a write finds no room. */
enum faulty_call { FAULTY_READ, FAULTY_WRITE, FAULTY_FULL, FAULTY_SYNC, FAULTY_TRUNCATE, FAULTY_SHM, FAULTY_CALLS };

/* Becomes what SQLite uses, for every database opened from now on.  0, or -1. */
int faulty_vfs_install(void);
/* The nth call of this kind from now on fails, and with `for_good` every one after it. */
void faulty_vfs_arm(enum faulty_call call, unsigned n, int for_good);
/* From now on none does; whether any did. */
int faulty_vfs_disarm(void);
/* From now on a letter for each call: w and s when the WAL is written and brought to the disk, W and S for the
 * database.  NULL: no more. */
void faulty_vfs_note(char *out, size_t size);
