# Tests of sync/; included by tests/module.mk.
include tests/sync/home.mk
