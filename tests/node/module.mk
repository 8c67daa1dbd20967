# Tests of node/; included by tests/module.mk.
check_LTLIBRARIES += libtestnode.la
libtestnode_la_SOURCES = tests/node/world.c tests/node/world.h
TEST_NODE_LIBS = libtestnode.la $(NODE_LIBS) $(TEST_LIBS)

NODE_TESTS = tests/node/test_publish tests/node/test_streams
check_PROGRAMS += $(NODE_TESTS)
TESTS += $(NODE_TESTS)
tests_node_test_publish_SOURCES = tests/node/test_publish.c
tests_node_test_publish_LDADD = $(TEST_NODE_LIBS)
tests_node_test_streams_SOURCES = tests/node/test_streams.c
tests_node_test_streams_LDADD = $(TEST_NODE_LIBS)
