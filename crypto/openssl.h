/* OpenSSL's headers, made to live beside base/err.h: both have an ERR_STATE. */
#pragma once
#define ERR_STATE openssl_err_state
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#undef ERR_STATE
