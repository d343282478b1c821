// The peer of the hot path: what bare libbson needs merely to build the same document.
#pragma once
#include <bson/bson.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

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

// The floor of the collect port: takes so many messages from a PULL socket with the port's options and looks at none. The endpoint that it bound is
// printed first; 0, or an errno.
static inline int skein_bench_pull(int64_t count) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_PULL);
    int high_water_mark = 10000, buffer = 4 << 20, result = 0;
    char endpoint[128];
    size_t length = sizeof endpoint;
    zmq_setsockopt(socket, ZMQ_RCVHWM, &high_water_mark, sizeof high_water_mark);
    zmq_setsockopt(socket, ZMQ_RCVBUF, &buffer, sizeof buffer);
    if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0
        || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &length) != 0) {
        result = zmq_errno();
    } else {
        printf("%s\n", endpoint);
        fflush(stdout);
        zmq_msg_t message;
        zmq_msg_init(&message);
        for (int64_t taken = 0; taken < count;) {
            if (zmq_msg_recv(&message, socket, 0) >= 0) {
                taken += 1;
            } else if (zmq_errno() != EINTR) {
                result = zmq_errno();
                break;
            }
        }
        zmq_msg_close(&message);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return result;
}

// Sends so many messages of the same bytes, one by one, and waits until they have left: 0, or an errno.
static inline int skein_bench_push(const char *endpoint, const void *bytes, size_t size, int64_t count) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_PUSH);
    int high_water_mark = 100000, buffer = 4 << 20, result = 0;
    zmq_setsockopt(socket, ZMQ_SNDHWM, &high_water_mark, sizeof high_water_mark);
    zmq_setsockopt(socket, ZMQ_SNDBUF, &buffer, sizeof buffer);
    if (zmq_connect(socket, endpoint) != 0) result = zmq_errno();
    for (int64_t sent = 0; result == 0 && sent < count;) {
        if (zmq_send(socket, bytes, size, 0) >= 0) {
            sent += 1;
        } else if (zmq_errno() != EINTR) {
            result = zmq_errno();
        }
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    return result;
}

