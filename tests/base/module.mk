# Tests of base/; included by tests/module.mk.
