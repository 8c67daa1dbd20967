/* Small things of this installation alone: our own names for people and installations, and settings.
 * Both are sealed. */
#pragma once
#include "store/store.h"

enum store_nickname_of {
    STORE_NICKNAME_INBOX = 1,
    STORE_NICKNAME_INSTALLATION = 2,
    STORE_NICKNAME_CONVERSATION = 3
};

/* Empty: forgets it. */
int store_nickname_put(struct store *store, enum store_nickname_of of, const char *entity, const char *name,
                       struct err *err);
int store_nickname_get(struct store *store, enum store_nickname_of of, const char *entity,
                       struct store_mem *mem, const char **name, struct err *err); /* ERR_NOTFOUND */
int store_nicknames_each(struct store *store,
                         int (*fn)(void *ctx, enum store_nickname_of of, const char *entity,
                                   const char *name),
                         void *ctx, struct err *err);

int store_setting_put(struct store *store, const char *name, struct slice value, struct err *err);
int store_setting_get(struct store *store, const char *name, struct store_mem *mem, struct slice *out,
                      struct err *err); /* ERR_NOTFOUND */
int store_setting_delete(struct store *store, const char *name, struct err *err);
int store_setting_put_i64(struct store *store, const char *name, int64_t value, struct err *err);
int store_setting_get_i64(struct store *store, const char *name, int64_t if_absent, int64_t *out,
                          struct err *err);
