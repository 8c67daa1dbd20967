/* TLS for one connection over memory: cipher bytes in and out, plain bytes in and out, no socket.
 *
 * Client: TLS 1.2 or 1.3, the system's trust roots (or one CA file), host name checked, ALPN "h2"
 * required, the last session ticket kept in memory for resumption.  Server: certificate and key from
 * PEM files, ALPN "h2".  Thread: one at a time. */
#pragma once
#include "base/bytes.h"

#include <stdbool.h>

struct err;
struct tls_ctx; /* what the connections to, or of, one endpoint share */
struct tls;

/* `ca_file` NULL: the system's roots.  ERR_IO, ERR_NOMEM. */
int tls_client_ctx_new(const char *ca_file, struct tls_ctx **out, struct err *err);
int tls_server_ctx_new(const char *cert_file, const char *key_file, struct tls_ctx **out, struct err *err);
/* The connections must be gone.  NULL is fine. */
void tls_ctx_free(struct tls_ctx *ctx);

/* `host`: the name or IP address that the certificate must carry; NULL on a server.  ERR_NOMEM,
 * ERR_INVALID. */
int tls_new(struct tls_ctx *ctx, const char *host, struct tls **out, struct err *err);
void tls_free(struct tls *tls);

/* Cipher bytes from the peer.  ERR_NOMEM. */
int tls_feed(struct tls *tls, struct slice cipher, struct err *err);
/* Goes on with the handshake: 1 done, 0 waiting for the peer, ERR_AUTH (certificate, name),
 * ERR_OFFLINE (any other failure).  Look at tls_output() after each. */
int tls_handshake(struct tls *tls, struct err *err);
/* Plain bytes: their number, 0 when more cipher is needed; ERR_OFFLINE (broken); TLS_CLOSED. */
int tls_read(struct tls *tls, void *out, size_t room, struct err *err);
#define TLS_CLOSED (-1000)
/* All of `plain` becomes output.  ERR_OFFLINE, ERR_NOMEM. */
int tls_write(struct tls *tls, struct slice plain, struct err *err);
/* Says goodbye (close_notify). */
void tls_shutdown(struct tls *tls);
/* Cipher bytes for the peer, valid until the next call; tls_output_done() forgets them. */
struct slice tls_output(struct tls *tls);
void tls_output_done(struct tls *tls);
bool tls_resumed(const struct tls *tls);
