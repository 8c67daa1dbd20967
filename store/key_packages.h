/* Our own key packages: private parts, looked up by reference or by the public key that a welcome was
 * sealed to, and their history (identity.md sections 6.5 and 7).  Superseded ones stay usable for a day. */
#pragma once
#include "store/store.h"

struct store_key_package {
    int64_t id;           /* ascending with creation; 0 on put */
    struct slice ref;     /* KeyPackageRef, RFC 9420 section 5.2 */
    struct slice package; /* the public KeyPackage */
    struct slice
        private_part; /* sealed: init and leaf private keys, X-Wing seed, in the form of the mls library */
    struct slice init_key;    /* public: welcomes name it */
    struct slice wrapper_key; /* public X-Wing key, data NULL if none: welcomes name it */
    int64_t created_at_ns;
    int64_t delete_at_ns; /* 0: not superseded */
};

/* Sets *id; ERR_EXISTS for a known ref. */
int store_key_package_put(struct store *store, const struct store_key_package *in, int64_t *id,
                          struct err *err);
int store_key_package_get(struct store *store, struct slice ref, struct store_mem *mem,
                          struct store_key_package *out, struct err *err);
/* By init_key or wrapper_key: the hpke_public_key of an incoming welcome. */
int store_key_package_find(struct store *store, struct slice public_key, struct store_mem *mem,
                           struct store_key_package *out, struct err *err);
/* The newest; ERR_NOTFOUND. */
int store_key_package_newest(struct store *store, struct store_mem *mem, struct store_key_package *out,
                             struct err *err);
/* After `id` was uploaded: all older ones without a time of deletion get this one. */
int store_key_packages_supersede(struct store *store, int64_t id, int64_t delete_at_ns, struct err *err);
int store_key_packages_delete_due(struct store *store, int64_t now_ns, int64_t *deleted, struct err *err);
/* The earliest time of deletion, 0 if none. */
int store_key_packages_next_delete(struct store *store, int64_t *out_ns, struct err *err);
