/* Ourselves: the installation's ids and state, and named secrets.  One row, one home. */
#pragma once
#include "store/store.h"

enum store_registration {
    STORE_REGISTRATION_NONE = 0,    /* keys exist, nothing was published */
    STORE_REGISTRATION_PENDING = 1, /* signed or waiting for a signature; see STORE_SECRET_PENDING */
    STORE_REGISTRATION_DONE = 2,    /* the node has the identity update and a key package */
};

struct store_installation {
    const char *inbox_id;
    const char *env;              /* the network this home belongs to */
    struct slice installation_id; /* 32 bytes */
    enum store_registration registration;
    int64_t created_at_ns;
    int64_t next_rotation_ns; /* of the key package; 0: due */
};

/* ERR_NOTFOUND before the first put. */
int store_installation_get(struct store *store, struct store_mem *mem, struct store_installation *out,
                           struct err *err);
/* Writes all fields. */
int store_installation_put(struct store *store, const struct store_installation *in, struct err *err);
int store_installation_set_registration(struct store *store, enum store_registration state, struct err *err);
int store_installation_set_next_rotation(struct store *store, int64_t next_rotation_ns, struct err *err);

/* Named secrets, sealed.  These names are in use; others may be added. */
#define STORE_SECRET_SEED       "installation.seed"       /* Ed25519 seed */
#define STORE_SECRET_CREDENTIAL "installation.credential" /* serialised MlsCredential */
#define STORE_SECRET_LABEL      "installation.label"
#define STORE_SECRET_WALLET_KEY "wallet.key"     /* secp256k1, 32 bytes; absent for an external wallet */
#define STORE_SECRET_ADDRESS    "wallet.address" /* 0x... */
#define STORE_SECRET_PENDING    "registration.pending" /* unsigned update and the text to sign */

/* Bytes go into `mem`, which is wiped; ERR_NOTFOUND. */
int store_secret_get(struct store *store, const char *name, struct store_mem *mem, struct slice *out,
                     struct err *err);
int store_secret_put(struct store *store, const char *name, struct slice value, struct err *err);
int store_secret_delete(struct store *store, const char *name, struct err *err); /* absent is fine */
