# Fuzz targets of identity/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/identity_update fuzz/passkey fuzz/key_package
FUZZ_IDENTITY_LIBS = libidentity.la $(PROTO_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)
fuzz_identity_update_SOURCES = fuzz/identity_update.c
fuzz_identity_update_LDADD = $(FUZZ_IDENTITY_LIBS)
fuzz_identity_update_LDFLAGS = $(FUZZ_LINK)
fuzz_passkey_SOURCES = fuzz/passkey.c
fuzz_passkey_LDADD = $(FUZZ_IDENTITY_LIBS)
fuzz_passkey_LDFLAGS = $(FUZZ_LINK)
fuzz_key_package_SOURCES = fuzz/key_package.c
fuzz_key_package_LDADD = libidentity.la $(MLS_LIBS) $(PROTO_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)
fuzz_key_package_LDFLAGS = $(FUZZ_LINK)
endif
