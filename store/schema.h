/* The tables, version by version, and which of their columns are sealed.
 *
 * A version that has been released never changes: a change is the next migration, and the file of the version
 * before joins tests/store/ so that its migration stays tested. */
#pragma once
#include "store/migrate.h"
#include "store/seal.h"

extern const struct migration schema_migrations[];
extern const size_t schema_version; /* how many */

enum sealed {
    SEALED_SECRET,
    SEALED_KEY_PACKAGE,
    SEALED_IDENTITY_UPDATE,
    SEALED_ASSOCIATION,
    SEALED_IDENTIFIER,
    SEALED_GROUP_NAME,
    SEALED_GROUP_DESCRIPTION,
    SEALED_GROUP_IMAGE_URL,
    SEALED_GROUP_APP_DATA,
    SEALED_DRAFT,
    SEALED_MESSAGE_BODY,
    SEALED_MLS_PIECE,
    SEALED_INTENT_DATA,
    SEALED_INTENT_STAGED,
    SEALED_INTENT_POST,
    SEALED_HMAC_KEY,
    SEALED_PREFERENCE,
    SEALED_TASK,
    SEALED_NICKNAME,
    SEALED_SETTING,
    SEALED_COUNT
};

/* `row_sql` gives the row id that is sealed with the column: the same bytes as the module that writes it. */
struct sealed_column {
    struct seal_column column;
    const char *row_sql;
};
extern const struct sealed_column sealed_columns[SEALED_COUNT];
