# Tests of mls/; included by tests/module.mk.
TESTS += tests/mls/test_vectors.sh
EXTRA_DIST += tests/mls/test_vectors.sh tests/mls/vectors
