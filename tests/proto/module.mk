# Tests of proto/; included by tests/module.mk.
