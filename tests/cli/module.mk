# Tests of cli/; included by tests/module.mk.
