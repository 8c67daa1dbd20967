# Tests of ui/; included by tests/module.mk.
