// libbson where Swift cannot reach it: bson_t is aligned to 128 bytes, so it lives on the C stack or
// behind a pointer to void, and everything that takes one is wrapped here.
#pragma once
#include <bson/bson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "oracle.h"

// MARK: Extended JSON

// The JSON of a document, to be freed with skein_bson_free; NULL if the bytes are no document.
static inline char *skein_bson_to_json(const void *bytes, size_t length, bool canonical, size_t *json_length) {
    bson_t document;
    if (!bson_init_static(&document, (const uint8_t *)bytes, length)) return NULL;
    return canonical ? bson_as_canonical_extended_json(&document, json_length)
                     : bson_as_relaxed_extended_json(&document, json_length);
}

static inline void skein_bson_free(void *memory) { bson_free(memory); }

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

static inline const void *skein_bson_document_bytes(const void *document, size_t *length) {
    *length = ((const bson_t *)document)->len;
    return bson_get_data((const bson_t *)document);
}

static inline void skein_bson_document_free(void *document) { bson_destroy((bson_t *)document); }

// MARK: Decimal128

// `text` has room for 43 bytes (BSON_DECIMAL128_STRING).
static inline void skein_bson_decimal128_to_string(uint64_t low, uint64_t high, char *text) {
    bson_decimal128_t value;
    value.low = low;
    value.high = high;
    bson_decimal128_to_string(&value, text);
}

static inline bool skein_bson_decimal128_from_string(const char *text, int length, uint64_t *low, uint64_t *high) {
    bson_decimal128_t value;
    if (!bson_decimal128_from_string_w_len(text, length, &value)) return false;
    *low = value.low;
    *high = value.high;
    return true;
}
