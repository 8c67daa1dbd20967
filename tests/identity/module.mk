# Tests of identity/; included by tests/module.mk.
