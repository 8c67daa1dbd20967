/* TLS between our client and our server, with authorities made for the test. */
#define ERR_STATE openssl_err_state /* a type there, an error code here */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "tests/net/net_world.h"

#include "net/server_internal.h" /* to drop a connection from the server's side */
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/xmtui-tls-XXXXXX";
static char ca_file[64], other_ca_file[64], cert_file[64], key_file[64], wrong_name_file[64], expired_file[64],
    self_signed_file[64], wildcard_file[64], partial_file[64];

static void in_dir(char *out, const char *name)
{
    snprintf(out, 64, "%s/%s", dir, name);
}

static EVP_PKEY *new_key(void)
{
    return EVP_EC_gen("P-256");
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
}

/* A certificate; `issuer` NULL: an authority of its own. */
static X509 *new_cert(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const char *alt)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(cert, key);
    add_extension(cert, issuer ? issuer : cert, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (alt)
        add_extension(cert, issuer, NID_subject_alt_name, alt);
    assert_int_not_equal(X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()), 0);
    return cert;
}

/* As valid as `cert` was until a minute ago. */
static X509 *expired(X509 *cert, EVP_PKEY *issuer_key)
{
    X509 *old = X509_dup(cert);

    X509_gmtime_adj(X509_getm_notAfter(old), -60);
    assert_int_not_equal(X509_sign(old, issuer_key, EVP_sha256()), 0);
    return old;
}

static void write_cert(const char *path, X509 *cert)
{
    FILE *f = fopen(path, "w");

    assert_int_equal(PEM_write_X509(f, cert), 1);
    fclose(f);
}

static int make_files(void **state)
{
    EVP_PKEY *ca_key = new_key(), *other_key = new_key(), *key = new_key();
    X509 *ca = new_cert("test authority", ca_key, NULL, NULL, NULL);
    X509 *other = new_cert("another authority", other_key, NULL, NULL, NULL);
    X509 *cert = new_cert("node", key, ca, ca_key, "DNS:localhost,IP:127.0.0.1,IP:::1");
    X509 *wrong = new_cert("node", key, ca, ca_key, "DNS:elsewhere.example");
    X509 *wildcard = new_cert("node", key, ca, ca_key, "DNS:*.example.org");
    X509 *partial = new_cert("node", key, ca, ca_key, "DNS:f*.example.org,DNS:*r.example.org,DNS:x--*.example.org");
    X509 *old = expired(cert, ca_key), *self_signed = new_cert("localhost", key, NULL, NULL, NULL);
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(dir));
    in_dir(ca_file, "ca");
    in_dir(other_ca_file, "other");
    in_dir(cert_file, "cert");
    in_dir(key_file, "key");
    in_dir(wrong_name_file, "wrong");
    in_dir(expired_file, "expired");
    in_dir(self_signed_file, "self-signed");
    in_dir(wildcard_file, "wildcard");
    in_dir(partial_file, "partial");
    write_cert(ca_file, ca);
    write_cert(other_ca_file, other);
    write_cert(cert_file, cert);
    write_cert(wrong_name_file, wrong);
    write_cert(expired_file, old);
    write_cert(self_signed_file, self_signed);
    write_cert(wildcard_file, wildcard);
    write_cert(partial_file, partial);
    f = fopen(key_file, "w");
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    X509_free(ca);
    X509_free(other);
    X509_free(cert);
    X509_free(wrong);
    X509_free(old);
    X509_free(self_signed);
    X509_free(wildcard);
    X509_free(partial);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(key);
    return 0;
}

static int remove_files(void **state)
{
    const char *files[] = {ca_file,      other_ca_file,    cert_file,     key_file,    wrong_name_file,
                           expired_file, self_signed_file, wildcard_file, partial_file};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(files[i]);
    rmdir(dir);
    return 0;
}

static void open_tls(struct world *w, const char *cert)
{
    struct grpc_server_config config = {.tls_cert = cert, .tls_key = key_file};

    world_open(w, &config);
}

static void assert_echo(struct world *w)
{
    struct answer a;

    ask(w, "/t/Echo", "secret", 6, 5000, &a);
    RUN_UNTIL(w, a.ends);
    assert_string_equal(a.message, "");
    assert_int_equal(a.status, GRPC_OK);
    assert_string_equal((char *)a.body, "secret");
    answer_free(&a);
}

static void a_trusted_server_is_talked_to(void **state)
{
    struct grpc_client_config config = {.ca_file = ca_file};
    struct world w;

    (void)state;
    open_tls(&w, cert_file);
    world_connect(&w, &config);
    assert_echo(&w);
    assert_int_equal(grpc_client_resumed(w.client), 0);
    world_close(&w);
}

static void a_restarted_connection_resumes_its_session(void **state)
{
    struct grpc_client_config config = {.ca_file = ca_file};
    struct world w;
    struct answer a = {0};

    (void)state;
    open_tls(&w, cert_file);
    world_connect(&w, &config);
    assert_echo(&w);
    listen_to(&w, "/t/Open", "", 0, 0, &a);
    RUN_UNTIL(&w, a.headers == 1);
    for (struct server_conn *conn = w.server->conns; conn; conn = conn->next)
        server_conn_drop(conn);
    RUN_UNTIL(&w, a.ends == 1 && grpc_client_link(w.client) == GRPC_LINK_LIVE);
    assert_echo(&w);
    assert_int_equal(grpc_client_connections(w.client), 2);
    assert_int_equal(grpc_client_resumed(w.client), 1);
    world_close(&w);
}

/* The call's end when the server cannot be trusted. */
static void assert_refused(const char *cert, const char *ca, const char *url_host, const char *why)
{
    struct grpc_client_config config = {.ca_file = ca};
    struct world w;
    struct answer a;
    char url[64];

    open_tls(&w, cert);
    snprintf(url, sizeof url, "https://%s:%u", url_host, grpc_server_port(w.server));
    config.url = url;
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "secret", 6, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    assert_true(a.local);
    if (!strstr(a.message, why))
        fail_msg("%s", a.message);
    assert_int_equal(w.requests, 0);
    answer_free(&a);
    world_close(&w);
}

static void an_unknown_authority_is_refused(void **state)
{
    (void)state;
    assert_refused(cert_file, other_ca_file, "localhost", "not trusted");
}

static void the_systems_roots_do_not_know_our_authority(void **state)
{
    (void)state;
    assert_refused(cert_file, NULL, "localhost", "not trusted");
}

static void a_certificate_whose_time_is_over_is_refused(void **state)
{
    (void)state;
    assert_refused(expired_file, ca_file, "localhost", "TLS: the certificate is not trusted: certificate has expired");
}

static void a_certificate_that_vouches_for_itself_is_refused(void **state)
{
    (void)state;
    assert_refused(self_signed_file, ca_file, "localhost",
                   "TLS: the certificate is not trusted: self-signed certificate");
}

static void another_host_name_is_refused(void **state)
{
    (void)state;
    assert_refused(wrong_name_file, ca_file, "localhost", "hostname mismatch");
}

static void an_address_is_checked_as_an_address(void **state)
{
    struct grpc_client_config config = {.ca_file = ca_file};
    struct world w;
    char url[64];

    (void)state;
    assert_refused(wrong_name_file, ca_file, "127.0.0.1", "IP address mismatch");
    open_tls(&w, cert_file);
    snprintf(url, sizeof url, "https://127.0.0.1:%u", grpc_server_port(w.server));
    config.url = url;
    world_connect(&w, &config);
    assert_echo(&w);
    world_close(&w);
}

static void plain_talk_to_a_tls_server_fails_clearly(void **state)
{
    struct grpc_client_config config = {0};
    struct world w;
    struct answer a;
    char url[64];

    (void)state;
    open_tls(&w, cert_file);
    snprintf(url, sizeof url, "http://localhost:%u", grpc_server_port(w.server));
    config.url = url;
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    if (!strstr(a.message, "(https:// instead of http://?)"))
        fail_msg("%s", a.message);
    answer_free(&a);
    world_close(&w);
}

static void tls_talk_to_a_plain_server_fails_clearly(void **state)
{
    struct grpc_client_config config = {.ca_file = ca_file};
    struct world w;
    struct answer a;
    char url[64];

    (void)state;
    world_open(&w, NULL);
    snprintf(url, sizeof url, "https://localhost:%u", grpc_server_port(w.server));
    config.url = url;
    world_connect(&w, &config);
    ask(&w, "/t/Echo", "", 0, 5000, &a);
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    assert_string_equal(a.message, "TLS: what answers there does not speak TLS (http:// instead of https://?)");
    answer_free(&a);
    world_close(&w);
}

static void large_messages_and_streams_go_through_tls(void **state)
{
    struct grpc_client_config config = {.ca_file = ca_file};
    struct world w;
    struct answer a, stream = {.pause_after = 50};
    size_t len = 5 << 20;
    uint8_t *big = malloc(len);

    (void)state;
    for (size_t i = 0; i < len; i++)
        big[i] = (uint8_t)(i * 2654435761u >> 13);
    open_tls(&w, cert_file);
    world_connect(&w, &config);
    ask(&w, "/t/Echo", big, len, 20000, &a);
    listen_to(&w, "/t/Count", "200 20000", 9, 5000, &stream);
    while (!stream.ends && !w.late) {
        unsigned before = stream.messages;

        RUN_UNTIL(&w, stream.ends || stream.messages == before + 50);
        if (!stream.ends)
            grpc_call_resume(stream.call);
        RUN_UNTIL(&w, stream.ends || stream.messages > before);
    }
    RUN_UNTIL(&w, a.ends);
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(a.body_len, len);
    assert_memory_equal(a.body, big, len);
    assert_int_equal(stream.messages, 200);
    assert_int_equal(stream.status, GRPC_OK);
    answer_free(&a);
    free(big);
    world_close(&w);
}

/* ---- one end ours, the other one OpenSSL's as the test wants it ---- */

static SSL *new_peer(const SSL_METHOD *method, SSL_CTX **ctx)
{
    SSL *ssl;

    *ctx = SSL_CTX_new(method);
    assert_non_null(*ctx);
    SSL_CTX_set_security_level(*ctx, 0); /* old versions are wanted here */
    SSL_CTX_set_min_proto_version(*ctx, TLS1_VERSION);
    if (method == TLS_server_method()) {
        assert_int_equal(SSL_CTX_use_certificate_chain_file(*ctx, cert_file), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(*ctx, key_file, SSL_FILETYPE_PEM), 1);
    }
    ssl = SSL_new(*ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (method == TLS_server_method())
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

static void peer_free(SSL *ssl, SSL_CTX *ctx)
{
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

/* Until our end has a result: 1, or an error. */
static int shake_hands(struct tls *tls, SSL *peer, struct err *err)
{
    uint8_t bytes[16384];
    int n, r = 0;

    for (int round = 0; round < 10 && r == 0; round++) {
        struct slice out;

        r = tls_handshake(tls, err);
        out = tls_output(tls);
        if (out.len > 0)
            BIO_write(SSL_get_rbio(peer), out.data, (int)out.len);
        tls_output_done(tls);
        SSL_do_handshake(peer);
        ERR_clear_error();
        while ((n = BIO_read(SSL_get_wbio(peer), bytes, sizeof bytes)) > 0)
            assert_int_equal(tls_feed(tls, slice_of(bytes, (size_t)n), err), 0);
    }
    return r;
}

static int select_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                     unsigned in_len, void *arg)
{
    (void)ssl;
    (void)arg;
    assert_int_equal(in_len, 3);
    assert_memory_equal(in, "\x02h2", 3); /* and nothing else is offered */
    *out = in + 1;
    *out_len = 2;
    return SSL_TLSEXT_ERR_OK;
}

static int select_nothing(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                          unsigned in_len, void *arg)
{
    (void)ssl;
    (void)out;
    (void)out_len;
    (void)in;
    (void)in_len;
    (void)arg;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void an_old_version_is_refused_at_both_ends(void **state)
{
    struct tls_ctx *ctx;
    struct err err = {0};
    struct tls *tls;
    SSL_CTX *peer_ctx;
    SSL *peer;

    (void)state;
    peer = new_peer(TLS_server_method(), &peer_ctx);
    SSL_set_max_proto_version(peer, TLS1_1_VERSION);
    assert_int_equal(tls_client_ctx_new(ca_file, &ctx, &err), 0);
    assert_int_equal(tls_new(ctx, "localhost", &tls, &err), 0);
    assert_int_equal(shake_hands(tls, peer, &err), ERR_OFFLINE);
    assert_string_equal(err.text, "TLS: the server speaks no version from TLS 1.2 on");
    tls_free(tls);
    tls_ctx_free(ctx);
    peer_free(peer, peer_ctx);

    peer = new_peer(TLS_client_method(), &peer_ctx);
    SSL_set_max_proto_version(peer, TLS1_1_VERSION);
    assert_int_equal(SSL_set_alpn_protos(peer, (const unsigned char *)"\x02h2", 3), 0);
    assert_int_equal(tls_server_ctx_new(cert_file, key_file, &ctx, &err), 0);
    assert_int_equal(tls_new(ctx, NULL, &tls, &err), 0);
    assert_int_equal(shake_hands(tls, peer, &err), ERR_OFFLINE);
    tls_free(tls);
    tls_ctx_free(ctx);
    peer_free(peer, peer_ctx);
}

static void an_end_that_does_not_agree_on_http2_is_refused(void **state)
{
    static const struct {
        const char *offer;
        unsigned len;
    } clients[] = {{"\x08http/1.1", 9}, {"\x02h2", 3}};
    struct tls_ctx *ctx;
    struct err err = {0};
    struct tls *tls;
    SSL_CTX *peer_ctx;
    SSL *peer;

    (void)state;
    for (int says_so = 0; says_so < 2; says_so++) {
        peer = new_peer(TLS_server_method(), &peer_ctx);
        if (says_so)
            SSL_CTX_set_alpn_select_cb(peer_ctx, select_nothing, NULL);
        assert_int_equal(tls_client_ctx_new(ca_file, &ctx, &err), 0);
        assert_int_equal(tls_new(ctx, "localhost", &tls, &err), 0);
        assert_int_equal(shake_hands(tls, peer, &err), ERR_OFFLINE);
        assert_string_equal(err.text, "TLS: the server does not speak HTTP/2 (ALPN h2)");
        tls_free(tls);
        tls_ctx_free(ctx);
        peer_free(peer, peer_ctx);
    }

    for (int i = 0; i < 2; i++) {
        peer = new_peer(TLS_client_method(), &peer_ctx);
        assert_int_equal(SSL_set_alpn_protos(peer, (const unsigned char *)clients[i].offer, clients[i].len), 0);
        assert_int_equal(tls_server_ctx_new(cert_file, key_file, &ctx, &err), 0);
        assert_int_equal(tls_new(ctx, NULL, &tls, &err), 0);
        assert_int_equal(shake_hands(tls, peer, &err), i == 0 ? ERR_OFFLINE : 1);
        tls_free(tls);
        tls_ctx_free(ctx);
        peer_free(peer, peer_ctx);
    }
}

/* What a client that looks for `host` says to a server with this certificate: 1, or an error. */
static int greet(const char *host, const char *cert, struct err *err)
{
    struct tls_ctx *ctx;
    SSL_CTX *peer_ctx;
    struct tls *tls;
    SSL *peer = new_peer(TLS_server_method(), &peer_ctx);
    int r;

    SSL_CTX_set_alpn_select_cb(peer_ctx, select_h2, NULL);
    assert_int_equal(SSL_use_certificate_file(peer, cert, SSL_FILETYPE_PEM), 1);
    assert_int_equal(tls_client_ctx_new(ca_file, &ctx, err), 0);
    assert_int_equal(tls_new(ctx, host, &tls, err), 0);
    r = shake_hands(tls, peer, err);
    tls_free(tls);
    tls_ctx_free(ctx);
    peer_free(peer, peer_ctx);
    return r;
}

static void a_wildcard_stands_for_one_whole_label(void **state)
{
    static const struct {
        const char *host, *cert;
        bool fits;
    } cases[] = {
        {"foo.example.org", wildcard_file, true}, {"bar.example.org", wildcard_file, true},
        {"example.org", wildcard_file, false},    {"a.foo.example.org", wildcard_file, false},
        {"foo.example.org", partial_file, false}, {"bar.example.org", partial_file, false},
        {"f*.example.org", cert_file, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        int r = greet(cases[i].host, cases[i].cert, &err);

        if (r != (cases[i].fits ? 1 : ERR_AUTH))
            fail_msg("%s with %s: %d %s", cases[i].host, cases[i].cert, r, err.text);
        if (!cases[i].fits && !strstr(err.text, "hostname mismatch"))
            fail_msg("%s with %s: %s", cases[i].host, cases[i].cert, err.text);
    }
}

/* A ticket that is seen twice tells that two connections are one person's. */
static void the_name_is_asked_for_and_a_ticket_is_used_once(void **state)
{
    bool resumed[3];
    struct tls_ctx *ctx;
    struct err err = {0};
    struct tls *tls;
    SSL_CTX *peer_ctx;
    SSL *first, *peer;
    uint8_t bytes[100];

    (void)state;
    assert_int_equal(tls_client_ctx_new(ca_file, &ctx, &err), 0);
    first = new_peer(TLS_server_method(), &peer_ctx);
    SSL_CTX_set_alpn_select_cb(peer_ctx, select_h2, NULL);
    for (int i = 0; i < 3; i++) {
        peer = SSL_new(peer_ctx);
        SSL_set_bio(peer, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(peer);
        assert_int_equal(tls_new(ctx, "localhost", &tls, &err), 0);
        assert_int_equal(shake_hands(tls, peer, &err), 1);
        assert_string_equal(SSL_get_servername(peer, TLSEXT_NAMETYPE_host_name), "localhost");
        resumed[i] = tls_resumed(tls);
        if (i == 0)
            assert_int_equal(tls_read(tls, bytes, sizeof bytes, &err), 0); /* the ticket */
        tls_free(tls);
        SSL_free(peer);
    }
    assert_false(resumed[0]);
    assert_true(resumed[1]);
    assert_false(resumed[2]);
    tls_ctx_free(ctx);
    peer_free(first, peer_ctx);
}

static void a_missing_or_foreign_key_is_named(void **state)
{
    struct tls_ctx *ctx;
    struct err err;

    (void)state;
    assert_int_equal(tls_server_ctx_new("/nowhere/cert", key_file, &ctx, &err), ERR_IO);
    assert_string_equal(err.text, "/nowhere/cert: No such file or directory");
    assert_int_equal(tls_server_ctx_new(ca_file, key_file, &ctx, &err), ERR_IO);
    assert_non_null(strstr(err.text, key_file));
    assert_int_equal(tls_client_ctx_new("/nowhere/ca", &ctx, &err), ERR_IO);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_server_is_talked_to),
        cmocka_unit_test(a_restarted_connection_resumes_its_session),
        cmocka_unit_test(an_unknown_authority_is_refused),
        cmocka_unit_test(the_systems_roots_do_not_know_our_authority),
        cmocka_unit_test(a_certificate_whose_time_is_over_is_refused),
        cmocka_unit_test(a_certificate_that_vouches_for_itself_is_refused),
        cmocka_unit_test(another_host_name_is_refused),
        cmocka_unit_test(an_address_is_checked_as_an_address),
        cmocka_unit_test(plain_talk_to_a_tls_server_fails_clearly),
        cmocka_unit_test(tls_talk_to_a_plain_server_fails_clearly),
        cmocka_unit_test(large_messages_and_streams_go_through_tls),
        cmocka_unit_test(an_old_version_is_refused_at_both_ends),
        cmocka_unit_test(an_end_that_does_not_agree_on_http2_is_refused),
        cmocka_unit_test(a_wildcard_stands_for_one_whole_label),
        cmocka_unit_test(the_name_is_asked_for_and_a_ticket_is_used_once),
        cmocka_unit_test(a_missing_or_foreign_key_is_named),
    };

    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
