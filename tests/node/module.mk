# Tests of node/; included by tests/module.mk.
