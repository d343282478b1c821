// libbson where Swift cannot reach it: bson_t is aligned to 128 bytes, so it lives on the C stack or
// behind a pointer to void, and everything that takes one is wrapped here.
#pragma once
#include <bson/bson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// MARK: Extended JSON

// The JSON of a document, to be freed with skein_bson_free; NULL if the bytes are no document.
static inline char *skein_bson_to_json(const void *bytes, size_t length, bool canonical, size_t *json_length) {
    bson_t document;
    if (!bson_init_static(&document, (const uint8_t *)bytes, length)) return NULL;
    return canonical ? bson_as_canonical_extended_json(&document, json_length)
                     : bson_as_relaxed_extended_json(&document, json_length);
}

static inline void skein_bson_free(void *memory) { bson_free(memory); }

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

#include "oracle.h"
