#include "sync/core.h"

#include "base/alloc.h"
#include "base/log.h"
#include "store/db.h"

#include <assert.h>
#include <string.h>
