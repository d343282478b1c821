// libbson's own builder and validator, for the tests that compare SkeinBSON's bytes with libbson's. A document is a
// pointer to void, from skein_bson_oracle_new to skein_bson_document_free. Each append returns whether libbson took it.
#pragma once
#include <bson/bson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline void *skein_bson_oracle_new(void) { return bson_new(); }

// How libbson sees the bytes: 0 valid; else who objects: 1 no document at all, 2 the validator to the structure, 3 the
// validator to the text, 4 the JSON writer, which looks at text and scopes that the validator passes over.
static inline int skein_bson_oracle_verdict(const void *bytes, size_t length) {
    bson_t document;
    size_t offset;
    if (!bson_init_static(&document, (const uint8_t *)bytes, length)) return 1;
    if (!bson_validate(&document, BSON_VALIDATE_NONE, &offset)) return 2;
    if (!bson_validate(&document, (bson_validate_flags_t)(BSON_VALIDATE_UTF8 | BSON_VALIDATE_UTF8_ALLOW_NULL), &offset))
        return 3;
    char *json = bson_as_canonical_extended_json(&document, NULL);
    if (json == NULL) return 4;
    bson_free(json);
    return 0;
}

static inline bool skein_bson_oracle_utf8(const char *text, size_t length) {
    return bson_utf8_validate(text, length, true);
}

static inline const void *skein_bson_document_bytes(const void *document, size_t *length) {
    *length = ((const bson_t *)document)->len;
    return bson_get_data((const bson_t *)document);
}

static inline void skein_bson_document_free(void *document) { bson_destroy((bson_t *)document); }

// The document of one JSON text, to be freed with skein_bson_document_free; NULL with a message if there is none, or
// if something other than white space follows it.
static inline void *skein_bson_from_json(const void *json, size_t length, void *message, size_t message_size) {
    bson_error_t error;
    memset(&error, 0, sizeof error);
    bson_json_reader_t *reader = bson_json_data_reader_new(true, length < 16384 ? length + 1 : 16384);
    bson_json_data_reader_ingest(reader, (const uint8_t *)json, length);
    bson_t *document = bson_new();
    int result = bson_json_reader_read(reader, document, &error);
    if (result == 1) {
        bson_t rest = BSON_INITIALIZER;
        bson_error_t ignored;
        if (bson_json_reader_read(reader, &rest, &ignored) != 0) {
            result = -1;
            strncpy(error.message, "something follows the document", sizeof error.message - 1);
        }
        bson_destroy(&rest);
    } else if (result == 0) {
        strncpy(error.message, "there is no document", sizeof error.message - 1);
    }
    bson_json_reader_destroy(reader);
    if (result == 1) return document;
    bson_destroy(document);
    if (message_size > 0) {
        strncpy((char *)message, error.message, message_size - 1);
        ((char *)message)[message_size - 1] = 0;
    }
    return NULL;
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
