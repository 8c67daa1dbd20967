# What holds for the tree as a whole; included by tests/module.mk.
TESTS += tests/house/test_house.sh
EXTRA_DIST += tests/house/test_house.sh
