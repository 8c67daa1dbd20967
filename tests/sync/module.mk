# Tests of sync/; included by tests/module.mk.
include tests/sync/home.mk

# The group core: flows between installations of our own, on a node in memory.
noinst_HEADERS += tests/sync/fake_node.h tests/sync/peers.h
SYNC_PEERS = tests/sync/fake_node.c tests/sync/peers.c
check_PROGRAMS += tests/sync/test_flows
TESTS += tests/sync/test_flows
tests_sync_test_flows_SOURCES = tests/sync/test_flows.c $(SYNC_PEERS)
tests_sync_test_flows_LDADD = $(SYNC_LIBS) $(TEST_LIBS)
