#include <arpa/inet.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#define ERR_STATE openssl_err_state /* a type there, an error code here */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "net/tls.h"

#include "base/alloc.h"
#include "base/err.h"

struct tls_ctx {
    SSL_CTX *ssl;
    SSL_SESSION *session; /* client: the newest ticket, for one use */
    bool server;
};

struct tls {
    struct tls_ctx *ctx;
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    bool broken;   /* the peer or the line garbled it */
};

static const unsigned char alpn_h2[] = "\x02h2";
#define ALPN_LEN (sizeof alpn_h2 - 1)

static void openssl_text(char *out, size_t room)
{
    unsigned long code = ERR_peek_error(); /* the cause; what follows it names the layers above */
    const char *reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);

    strncpy(out, reason ? reason : "unknown error", room - 1);
    out[room - 1] = 0;
    ERR_clear_error();
}

static int fail(struct err *err, int code, const char *what)
{
    char text[120];

    openssl_text(text, sizeof text);
    return err_set(err, code, "%s: %s", what, text);
}

/* Sessions arrive after the handshake.  Returning 1 keeps the reference. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *tls = SSL_get_app_data(ssl);

    SSL_SESSION_free(tls->ctx->session);
    tls->ctx->session = session;
    return 1;
}

static int on_select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                          unsigned in_len, void *arg)
{
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, alpn_h2, ALPN_LEN, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

static int ctx_new(bool server, struct tls_ctx **out, struct err *err)
{
    struct tls_ctx *ctx = xm_alloc(sizeof *ctx);

    if (!ctx)
        return err_set(err, ERR_NOMEM, "no memory for TLS");
    ctx->server = server;
    ERR_clear_error();
    ctx->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!ctx->ssl || !SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_2_VERSION)) {
        tls_ctx_free(ctx);
        return fail(err, ERR_NOMEM, "setting up TLS");
    }
    /* RELEASE_BUFFERS: an idle connection keeps 34 KiB less. */
    SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    *out = ctx;
    return 0;
}

int tls_client_ctx_new(const char *ca_file, struct tls_ctx **out, struct err *err)
{
    struct tls_ctx *ctx = NULL;
    int r;

    if ((r = ctx_new(false, &ctx, err)) != 0)
        return r;
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_protos(ctx->ssl, alpn_h2, ALPN_LEN);
    SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx->ssl, on_new_session);
    if (ca_file ? !SSL_CTX_load_verify_locations(ctx->ssl, ca_file, NULL)
                : !SSL_CTX_set_default_verify_paths(ctx->ssl)) {
        tls_ctx_free(ctx);
        return fail(err, ERR_IO, ca_file ? ca_file : "loading the system's trust roots");
    }
    *out = ctx;
    return 0;
}

int tls_server_ctx_new(const char *cert_file, const char *key_file, struct tls_ctx **out, struct err *err)
{
    static const unsigned char id[] = "xmtui";
    struct tls_ctx *ctx = NULL;
    int r;

    if ((r = ctx_new(true, &ctx, err)) != 0)
        return r;
    SSL_CTX_set_alpn_select_cb(ctx->ssl, on_select_alpn, NULL);
    SSL_CTX_set_session_id_context(ctx->ssl, id, sizeof id - 1);
    if (SSL_CTX_use_certificate_chain_file(ctx->ssl, cert_file) != 1) {
        tls_ctx_free(ctx);
        return fail(err, ERR_IO, cert_file);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx->ssl, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx->ssl) != 1) {
        tls_ctx_free(ctx);
        return fail(err, ERR_IO, key_file);
    }
    *out = ctx;
    return 0;
}

void tls_ctx_free(struct tls_ctx *ctx)
{
    if (!ctx)
        return;
    SSL_SESSION_free(ctx->session);
    SSL_CTX_free(ctx->ssl);
    xm_free(ctx);
}

static bool is_ip(const char *host)
{
    unsigned char addr[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1;
}

/* The name goes into SNI and into the check of the certificate; an address only into the check. */
static bool set_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (is_ip(host))
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
}

int tls_new(struct tls_ctx *ctx, const char *host, struct tls **out, struct err *err)
{
    struct tls *tls = xm_alloc(sizeof *tls);

    if (!tls)
        return err_set(err, ERR_NOMEM, "no memory for a TLS connection");
    tls->ctx = ctx;
    tls->ssl = SSL_new(ctx->ssl);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        SSL_free(tls->ssl);
        xm_free(tls);
        return fail(err, ERR_NOMEM, "TLS connection");
    }
    BIO_set_mem_eof_return(tls->in, -1); /* empty means "more to come" */
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_app_data(tls->ssl, tls);
    if (ctx->server) {
        SSL_set_accept_state(tls->ssl);
    } else {
        SSL_set_connect_state(tls->ssl);
        if (!set_host(tls->ssl, host)) {
            tls_free(tls);
            return fail(err, ERR_INVALID, host);
        }
        if (ctx->session) { /* each ticket once: a ticket seen twice links two connections */
            SSL_set_session(tls->ssl, ctx->session);
            SSL_SESSION_free(ctx->session);
            ctx->session = NULL;
        }
    }
    *out = tls;
    return 0;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    /* Without a goodbye OpenSSL takes the session for an attacked one and resumes it no more; but a line
     * that went dead is an everyday thing here. */
    if (tls->ssl && !tls->broken && SSL_is_init_finished(tls->ssl))
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    xm_free(tls);
}

int tls_feed(struct tls *tls, struct slice cipher, struct err *err)
{
    if (cipher.len > INT_MAX || BIO_write(tls->in, cipher.data, (int)cipher.len) != (int)cipher.len)
        return err_set(err, ERR_NOMEM, "no memory for %zu bytes of TLS", cipher.len);
    return 0;
}

#define NO_HTTP2 "the server does not speak HTTP/2 (ALPN h2)"

/* What people meet and OpenSSL names for those who know the protocol.  NULL: anything else. */
static const char *server_fault(unsigned long code)
{
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return NULL;
    switch (ERR_GET_REASON(code)) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "the server speaks no version from TLS 1.2 on";
    case SSL_R_WRONG_VERSION_NUMBER:
        return "what answers there does not speak TLS (http:// instead of https://?)";
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
        return NO_HTTP2;
    default:
        return NULL;
    }
}

static int handshake_failed(struct tls *tls, struct err *err)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *sentence;

    if (!tls->ctx->server && verdict != X509_V_OK) {
        ERR_clear_error();
        return err_set(err, ERR_AUTH, "TLS: the certificate is not trusted: %s", X509_verify_cert_error_string(verdict));
    }
    if (!tls->ctx->server && (sentence = server_fault(ERR_peek_error())) != NULL) {
        ERR_clear_error();
        return err_set(err, ERR_OFFLINE, "TLS: %s", sentence);
    }
    return fail(err, ERR_OFFLINE, "TLS handshake");
}

int tls_handshake(struct tls *tls, struct err *err)
{
    const unsigned char *proto;
    unsigned proto_len;
    int r, why;

    ERR_clear_error();
    r = SSL_do_handshake(tls->ssl);
    if (r != 1) {
        why = SSL_get_error(tls->ssl, r);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : handshake_failed(tls, err);
    }
    if (!tls->ctx->server) {
        SSL_get0_alpn_selected(tls->ssl, &proto, &proto_len);
        if (proto_len != ALPN_LEN - 1 || memcmp(proto, alpn_h2 + 1, proto_len) != 0)
            return err_set(err, ERR_OFFLINE, "TLS: " NO_HTTP2);
    }
    return 1;
}

int tls_read(struct tls *tls, void *out, size_t room, struct err *err)
{
    size_t n = 0;
    int why;

    ERR_clear_error();
    if (SSL_read_ex(tls->ssl, out, room < INT_MAX ? room : INT_MAX, &n))
        return (int)n;
    why = SSL_get_error(tls->ssl, 0);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    if (why == SSL_ERROR_ZERO_RETURN)
        return TLS_CLOSED;
    tls->broken = true;
    return fail(err, ERR_OFFLINE, "TLS");
}

int tls_write(struct tls *tls, struct slice plain, struct err *err)
{
    size_t n;

    while (plain.len > 0) {
        ERR_clear_error();
        if (!SSL_write_ex(tls->ssl, plain.data, plain.len, &n))
            return fail(err, ERR_OFFLINE, "TLS");
        plain.data += n;
        plain.len -= n;
    }
    return 0;
}

void tls_shutdown(struct tls *tls)
{
    if (SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

struct slice tls_output(struct tls *tls)
{
    char *data = NULL;
    long len = BIO_get_mem_data(tls->out, &data);

    return slice_of(data, len > 0 ? (size_t)len : 0);
}

void tls_output_done(struct tls *tls)
{
    (void)BIO_reset(tls->out);
}

bool tls_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}
