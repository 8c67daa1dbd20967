# Tests of store/; included by tests/module.mk.
