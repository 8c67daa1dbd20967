/* TLS between our client and our server, with authorities made for the test. */
#define ERR_STATE openssl_err_state /* a type there, an error code here */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "tests/net/net_world.h"

#include "net/server_internal.h" /* to drop a connection from the server's side */
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/xmtui-tls-XXXXXX";
static char ca_file[64], other_ca_file[64], cert_file[64], key_file[64], wrong_name_file[64];

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
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(dir));
    in_dir(ca_file, "ca");
    in_dir(other_ca_file, "other");
    in_dir(cert_file, "cert");
    in_dir(key_file, "key");
    in_dir(wrong_name_file, "wrong");
    write_cert(ca_file, ca);
    write_cert(other_ca_file, other);
    write_cert(cert_file, cert);
    write_cert(wrong_name_file, wrong);
    f = fopen(key_file, "w");
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    X509_free(ca);
    X509_free(other);
    X509_free(cert);
    X509_free(wrong);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(key);
    return 0;
}

static int remove_files(void **state)
{
    const char *files[] = {ca_file, other_ca_file, cert_file, key_file, wrong_name_file};

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
    assert_non_null(strstr(a.message, "TLS"));
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
        cmocka_unit_test(another_host_name_is_refused),
        cmocka_unit_test(an_address_is_checked_as_an_address),
        cmocka_unit_test(plain_talk_to_a_tls_server_fails_clearly),
        cmocka_unit_test(tls_talk_to_a_plain_server_fails_clearly),
        cmocka_unit_test(large_messages_and_streams_go_through_tls),
        cmocka_unit_test(a_missing_or_foreign_key_is_named),
    };

    if (argc > 1) /* one test by name, for debugging */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
