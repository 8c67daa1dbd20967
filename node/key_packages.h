/* Table key_packages: the newest key package of each installation.  Fetching consumes none: they are
 * packages of last resort.  Threads as in node/messages.h. */
#pragma once
#include "base/bytes.h"

struct db;
struct err;
struct node_data;

int key_packages_put(struct node_data *data, struct slice installation_key, struct slice key_package, struct err *err);
/* Appends the key package to `out`; nothing if the installation has none. */
int key_packages_get(struct db *db, struct slice installation_key, struct buf *out, struct err *err);
