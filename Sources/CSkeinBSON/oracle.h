// libbson's own builder and validator, for the tests that compare SkeinBSON's bytes with libbson's. A document is a
// pointer to void, from skein_bson_oracle_new to skein_bson_document_free. Each append returns whether libbson took it.
#pragma once
#include <bson/bson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline void *skein_bson_oracle_new(void) { return bson_new(); }

// How libbson's validator sees the bytes: 0 valid; else what failed: 1 no document at all, 2 the structure, 3 UTF-8.
// (Its depth limit is not ours, and its findings have no codes, hence the two passes.)
static inline int skein_bson_oracle_validate(const void *bytes, size_t length, size_t *offset) {
    bson_t document;
    *offset = 0;
    if (!bson_init_static(&document, (const uint8_t *)bytes, length)) return 1;
    if (!bson_validate(&document, BSON_VALIDATE_NONE, offset)) return 2;
    if (!bson_validate(&document, (bson_validate_flags_t)(BSON_VALIDATE_UTF8 | BSON_VALIDATE_UTF8_ALLOW_NULL), offset))
        return 3;
    return 0;
}

static inline bool skein_bson_oracle_utf8(const char *text, size_t length) {
    return bson_utf8_validate(text, length, true);
}

#define SKEIN_KEY const char *key, int key_length
#define SKEIN_DOCUMENT ((bson_t *)document)

static inline bool skein_bson_oracle_double(void *document, SKEIN_KEY, double value) {
    return bson_append_double(SKEIN_DOCUMENT, key, key_length, value);
}

static inline bool skein_bson_oracle_string(void *document, SKEIN_KEY, const char *text, int length) {
    return bson_append_utf8(SKEIN_DOCUMENT, key, key_length, text, length);
}

static inline bool skein_bson_oracle_document(void *document, SKEIN_KEY, const void *value) {
    return bson_append_document(SKEIN_DOCUMENT, key, key_length, (const bson_t *)value);
}

static inline bool skein_bson_oracle_array(void *document, SKEIN_KEY, const void *value) {
    return bson_append_array(SKEIN_DOCUMENT, key, key_length, (const bson_t *)value);
}

static inline bool skein_bson_oracle_binary(
    void *document, SKEIN_KEY, uint8_t subtype, const uint8_t *bytes, uint32_t length) {
    return bson_append_binary(SKEIN_DOCUMENT, key, key_length, (bson_subtype_t)subtype, bytes, length);
}

static inline bool skein_bson_oracle_undefined(void *document, SKEIN_KEY) {
    return bson_append_undefined(SKEIN_DOCUMENT, key, key_length);
}

static inline bool skein_bson_oracle_object_id(void *document, SKEIN_KEY, const uint8_t *bytes) {
    bson_oid_t id;
    bson_oid_init_from_data(&id, bytes);
    return bson_append_oid(SKEIN_DOCUMENT, key, key_length, &id);
}

static inline bool skein_bson_oracle_bool(void *document, SKEIN_KEY, bool value) {
    return bson_append_bool(SKEIN_DOCUMENT, key, key_length, value);
}

static inline bool skein_bson_oracle_datetime(void *document, SKEIN_KEY, int64_t milliseconds) {
    return bson_append_date_time(SKEIN_DOCUMENT, key, key_length, milliseconds);
}

static inline bool skein_bson_oracle_null(void *document, SKEIN_KEY) {
    return bson_append_null(SKEIN_DOCUMENT, key, key_length);
}

static inline bool skein_bson_oracle_regex(
    void *document, SKEIN_KEY, const char *pattern, int length, const char *options) {
    return bson_append_regex_w_len(SKEIN_DOCUMENT, key, key_length, pattern, length, options);
}

static inline bool skein_bson_oracle_db_pointer(
    void *document, SKEIN_KEY, const char *collection, const uint8_t *bytes) {
    bson_oid_t id;
    bson_oid_init_from_data(&id, bytes);
    return bson_append_dbpointer(SKEIN_DOCUMENT, key, key_length, collection, &id);
}

static inline bool skein_bson_oracle_javascript(void *document, SKEIN_KEY, const char *code) {
    return bson_append_code(SKEIN_DOCUMENT, key, key_length, code);
}

static inline bool skein_bson_oracle_symbol(void *document, SKEIN_KEY, const char *name, int length) {
    return bson_append_symbol(SKEIN_DOCUMENT, key, key_length, name, length);
}

static inline bool skein_bson_oracle_javascript_with_scope(
    void *document, SKEIN_KEY, const char *code, const void *scope) {
    return bson_append_code_with_scope(SKEIN_DOCUMENT, key, key_length, code, (const bson_t *)scope);
}

static inline bool skein_bson_oracle_int32(void *document, SKEIN_KEY, int32_t value) {
    return bson_append_int32(SKEIN_DOCUMENT, key, key_length, value);
}

static inline bool skein_bson_oracle_timestamp(void *document, SKEIN_KEY, uint32_t seconds, uint32_t increment) {
    return bson_append_timestamp(SKEIN_DOCUMENT, key, key_length, seconds, increment);
}

static inline bool skein_bson_oracle_int64(void *document, SKEIN_KEY, int64_t value) {
    return bson_append_int64(SKEIN_DOCUMENT, key, key_length, value);
}

static inline bool skein_bson_oracle_decimal128(void *document, SKEIN_KEY, uint64_t low, uint64_t high) {
    bson_decimal128_t value;
    value.low = low;
    value.high = high;
    return bson_append_decimal128(SKEIN_DOCUMENT, key, key_length, &value);
}

static inline bool skein_bson_oracle_min_key(void *document, SKEIN_KEY) {
    return bson_append_minkey(SKEIN_DOCUMENT, key, key_length);
}

static inline bool skein_bson_oracle_max_key(void *document, SKEIN_KEY) {
    return bson_append_maxkey(SKEIN_DOCUMENT, key, key_length);
}

#undef SKEIN_KEY
#undef SKEIN_DOCUMENT
