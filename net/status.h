/* gRPC status codes: names, the text encoding of grpc-message, what they mean to us.
 *
 * Source: gRPC's "PROTOCOL-HTTP2" and "statuscodes" documents.  Pure.  Thread: any. */
#pragma once
#include "base/bytes.h"

struct err;

enum grpc_status {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16
};

/* "UNAVAILABLE"; "status 99" is not invented: anything unknown is "UNKNOWN". */
const char *grpc_status_name(int status);
/* The decimal value of a grpc-status header; GRPC_UNKNOWN for anything but 0 … 16. */
int grpc_status_parse(struct slice value);
/* The status that a non-200 HTTP answer stands for. */
int grpc_status_of_http(int http_status);
/* The status that a stream reset or ended with this HTTP/2 error code stands for. */
int grpc_status_of_h2(uint32_t error_code);

/* Percent-encodes for a grpc-message header into `out` (NUL-terminated, cut at `room`, never in the
 * middle of an escape); returns the length. */
size_t grpc_message_encode(const char *text, char *out, size_t room);
/* Undoes it; a stray '%' stays as it is, a NUL becomes '?'.  NUL-terminated, cut at `room`. */
size_t grpc_message_decode(struct slice value, char *out, size_t room);
