# Tests of sync/; included by tests/module.mk.
