# Tests of node/; included by tests/module.mk.
check_LTLIBRARIES += libtestnode.la
libtestnode_la_SOURCES = tests/node/world.c tests/node/world.h
TEST_NODE_LIBS = libtestnode.la $(NODE_LIBS) $(TEST_LIBS)

NODE_TESTS = tests/node/test_batch tests/node/test_identity tests/node/test_program tests/node/test_publish \
	tests/node/test_rate tests/node/test_recorded tests/node/test_streams tests/node/test_topics
check_PROGRAMS += $(NODE_TESTS)
TESTS += $(NODE_TESTS)
tests_node_test_batch_SOURCES = tests/node/test_batch.c
tests_node_test_batch_LDADD = $(TEST_NODE_LIBS)
tests_node_test_identity_SOURCES = tests/node/test_identity.c tests/identity/forge.c
tests_node_test_identity_LDADD = $(TEST_NODE_LIBS)
tests_node_test_program_SOURCES = tests/node/test_program.c
tests_node_test_program_LDADD = $(TEST_NODE_LIBS)
tests_node_test_publish_SOURCES = tests/node/test_publish.c
tests_node_test_publish_LDADD = $(TEST_NODE_LIBS)
tests_node_test_rate_SOURCES = tests/node/test_rate.c
tests_node_test_rate_LDADD = $(TEST_NODE_LIBS)
tests_node_test_recorded_SOURCES = tests/node/test_recorded.c tests/identity/vectors.c tests/identity/vectors.h
tests_node_test_recorded_LDADD = $(TEST_NODE_LIBS)
tests_node_test_streams_SOURCES = tests/node/test_streams.c
tests_node_test_streams_LDADD = $(TEST_NODE_LIBS)
tests_node_test_topics_SOURCES = tests/node/test_topics.c
tests_node_test_topics_LDADD = $(TEST_NODE_LIBS)
