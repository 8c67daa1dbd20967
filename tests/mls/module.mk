# Tests of mls/; included by tests/module.mk.
