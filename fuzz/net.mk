# Fuzz targets of net/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/grpc_frame fuzz/grpc_peer fuzz/node_answers
fuzz_grpc_frame_SOURCES = fuzz/grpc_frame.c
fuzz_grpc_frame_LDADD = $(NET_LIBS)
fuzz_grpc_frame_LDFLAGS = $(FUZZ_LINK)
fuzz_grpc_peer_SOURCES = fuzz/grpc_peer.c
fuzz_grpc_peer_LDADD = $(NET_LIBS)
fuzz_grpc_peer_LDFLAGS = $(FUZZ_LINK)
fuzz_node_answers_SOURCES = fuzz/node_answers.c
fuzz_node_answers_LDADD = $(NET_LIBS)
fuzz_node_answers_LDFLAGS = $(FUZZ_LINK)
endif
