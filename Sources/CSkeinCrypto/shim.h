#pragma once
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

// EVP_sha256's result is a constant of the library; HMAC's one call needs neither context nor clean-up.
static inline int skein_hmac_sha256(
    const void *key, int key_length, const unsigned char *bytes, size_t count, unsigned char *digest) {
    unsigned int length = 0;
    return HMAC(EVP_sha256(), key, key_length, bytes, count, digest, &length) != NULL && length == 32;
}
