// The peer of the hot path: what bare libbson needs merely to build the same document.
#pragma once
#include <bson/bson.h>
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

static inline void *skein_bench_bson_new(void) { return bson_new(); }
static inline void skein_bench_bson_free(void *p) { bson_destroy((bson_t *)p); }

// The five-field event, buffer reused (bson_reinit). Returns its size in bytes.
static inline uint32_t skein_bench_bson_build(void *p, double now, int64_t n) {
    bson_t *b = (bson_t *)p;
    bson_t body, response;
    bson_reinit(b);
    bson_append_utf8(b, "id", 2, "673e2a0f8d1c4b5a9e7f001122334455", 32);
    bson_append_utf8(b, "type", 4, "request", 7);
    bson_append_utf8(b, "host", 4, "benchmark-host", 14);
    bson_append_int32(b, "pid", 3, 4711);
    bson_append_double(b, "start", 5, now);
    bson_append_double(b, "end", 3, now + 0.25);
    bson_append_document_begin(b, "body", 4, &body);
    bson_append_utf8(&body, "user_agent", 10, "curl/7.88.1", 11);
    bson_append_utf8(&body, "path", 4, "/search", 7);
    bson_append_document_begin(&body, "response", 8, &response);
    bson_append_int64(&response, "status", 6, 200);
    bson_append_int64(&response, "size", 4, n);
    bson_append_document_end(&body, &response);
    bson_append_bool(&body, "cached", 6, true);
    bson_append_double(&body, "request_time", 12, 0.0123);
    bson_append_document_end(b, &body);
    bson_append_utf8(b, "span", 4, "0011223344556677", 16);
    bson_append_utf8(b, "service", 7, "checkout", 8);
    return b->len;
}

// Allocations and releases balance out; the bytes in use tell of growth, mallinfo2's count of nothing cheaper exists.
static inline uint64_t skein_bench_heap_bytes(void) {
#if defined(__GLIBC__)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}
