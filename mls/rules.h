/* Rules about leaves, capabilities and extensions (RFC 9420 sections 7.2, 7.3, 11.1 and 12.1.7).
 *
 * Extension types 1 to 5 and proposal types 1 to 7 are everybody's and need not be listed.
 * Thread: any. */
#pragma once
#include "base/bytes.h"
#include "mls/mls.h"

#include <stdbool.h>

struct err;

#define MLS_DEFAULT_EXTENSIONS 5
#define MLS_DEFAULT_PROPOSALS 7

/* Each type in the list is everybody's or among `listed`. */
bool mls_extensions_are_listed(struct slice extensions, struct slice listed);

struct mls_required {
    struct slice extensions, proposals, credentials;
};
/* From a GroupContext's list; all empty when it requires nothing.  ERR_MALFORMED. */
int mls_required_parse(struct slice context_extensions, struct mls_required *out, struct err *err);

/* What a leaf needs for a group with this suite and these context extensions: the suite, mls10, its
 * own credential type and extensions listed, everything required, every extension in use; and no
 * extension whose place is elsewhere (section 17.3, and `config`).  ERR_DENIED. */
int mls_leaf_fits(const struct mls_config *config, const struct mls_leaf *leaf, uint16_t suite,
                  struct slice context_extensions, struct err *err);

/* A new context list: no type twice, each type everybody's or in its own required_capabilities
 * (as OpenMLS has it).  ERR_DENIED, ERR_MALFORMED. */
int mls_context_extensions_check(struct slice extensions, struct err *err);

/* A serialised, signed leaf of source key_package.  ERR_NOMEM. */
int mls_leaf_make(const struct mls_leaf_params *params, const uint8_t encryption_key[MLS_KEY_LEN], struct buf *out);
