# Tests of crypto/; included by tests/module.mk.
