/* The lock that keeps a second process from writing the same home.  It is the kernel's, so it goes with the
 * process that holds it, however that ends; the pid in the file is for people.  Thread: any. */
#pragma once
struct err;

/* Takes the lock of the file at `path`, made with mode 0600, and sets *fd, which holds it until closed.
 * ERR_LOCKED names the pid of the holder, where the file has one; ERR_IO. */
int lock_take(const char *path, int *fd, struct err *err);
void lock_drop(int fd); /* -1 is fine */
