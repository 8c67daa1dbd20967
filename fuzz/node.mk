# Fuzz targets of node/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/node_request
fuzz_node_request_SOURCES = fuzz/node_request.c
fuzz_node_request_LDADD = $(NODE_LIBS)
fuzz_node_request_LDFLAGS = $(FUZZ_LINK)
endif
