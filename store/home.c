/* The folder of an installation, and the key file in it where there is no passphrase. */
#include "store/home.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "base/rand.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_LEN (2 * STORE_KEY_LEN + 1) /* with the line's end */

char *home_path(const char *home, const char *name)
{
    struct buf b = BUF_INIT;

    buf_printf(&b, "%s/%s", home, name);
    buf_put_u8(&b, 0);
    if (buf_ok(&b))
        return (char *)b.data;
    buf_free(&b);
    return NULL;
}

int store_home_make(const char *home, struct err *err)
{
    struct stat st;
    char *path;
    int r = 0;

    if (!*home)
        return err_set(err, ERR_INVALID, "the home has no name");
    if (!(path = xm_strdup(home)))
        return err_set(err, ERR_NOMEM, "making %s: out of memory", home);
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            r = err_set(err, ERR_IO, "making %s: %s", path, strerror(errno));
        *at = '/';
        if (r != 0)
            goto done;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        r = err_set(err, ERR_IO, "making %s: %s", home, strerror(errno));
    else if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        r = err_set(err, ERR_IO, "%s is no folder", home);
    else if ((st.st_mode & 077) && chmod(path, 0700) != 0)
        r = err_set(err, ERR_DENIED, "%s is open to other users and not ours to close: %s", home,
                    strerror(errno));
done:
    xm_free(path);
    return r;
}

int store_key_file_read(const char *home, uint8_t out[STORE_KEY_LEN], struct err *err)
{
    char *path = home_path(home, STORE_KEY_FILE);
    char text[TEXT_LEN + 1];
    struct stat st;
    ssize_t n;
    int fd = -1, r = 0;

    if (!path)
        return err_set(err, ERR_NOMEM, "reading the key file: out of memory");
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &st) != 0) {
        r = err_set(err, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "opening %s: %s", path, strerror(errno));
        goto done;
    }
    if (st.st_mode & 077) {
        r = err_set(err, ERR_DENIED, "%s can be read by others: chmod 600 it", path);
        goto done;
    }
    n = read(fd, text, sizeof text);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n < 0 || !hex_decode(text, (size_t)n, out, STORE_KEY_LEN))
        r = err_set(err, ERR_MALFORMED, "%s does not hold %d hex digits", path, 2 * STORE_KEY_LEN);
done:
    if (fd >= 0)
        close(fd);
    sodium_memzero(text, sizeof text);
    xm_free(path);
    return r;
}

static int write_new(const char *path, const char *text, size_t len, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = 0;

    if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, text, len) != (ssize_t)len || fsync(fd) != 0)
        r = err_set(err, ERR_IO, "writing %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && r != 0)
        unlink(path); /* half a key is nothing to leave */
    return r;
}

static void sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* Whole or not at all: written beside, then linked to its name, which refuses an existing one. */
int store_key_file_create(const char *home, const struct rand *rand, uint8_t out[STORE_KEY_LEN],
                          struct err *err)
{
    char *path = home_path(home, STORE_KEY_FILE), *beside = home_path(home, STORE_KEY_FILE ".new");
    uint8_t key[STORE_KEY_LEN];
    char text[TEXT_LEN + 1];
    int r;

    if (!path || !beside) {
        r = err_set(err, ERR_NOMEM, "writing the key file: out of memory");
        goto done;
    }
    if ((r = store_home_make(home, err)) != 0)
        goto done;
    rand_fill(rand, key, sizeof key);
    hex_encode(key, sizeof key, text);
    text[TEXT_LEN - 1] = '\n';
    if ((r = write_new(beside, text, TEXT_LEN, err)) != 0)
        goto done;
    if (link(beside, path) != 0)
        r = err_set(err, errno == EEXIST ? ERR_EXISTS : ERR_IO, "creating %s: %s", path, strerror(errno));
    unlink(beside);
    if (r != 0)
        goto done;
    sync_folder(home);
    memcpy(out, key, sizeof key);
done:
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    xm_free(path);
    xm_free(beside);
    return r;
}
