# Tests of net/; included by tests/module.mk.
