// libzmq, where Swift cannot reach it: zmq_msg_t asks for an alignment that Swift does not import, and
// eventfd is a Linux call outside Swift's view of the C library.
#pragma once
#include <errno.h>
#include <stdint.h>
#include <zmq.h>

#if defined(__linux__)
#include <sys/eventfd.h>
static inline int skein_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
#else
static inline int skein_eventfd(void) { errno = ENOSYS; return -1; }
#endif

// A zmq_msg_t as plain words. libzmq itself moves messages by copying their bytes (zmq_msg_move), so Swift
// may do the same.
typedef struct skein_zmq_message {
    uint64_t words[8];
} skein_zmq_message;

_Static_assert(sizeof(skein_zmq_message) == sizeof(zmq_msg_t), "a message is 64 bytes");
_Static_assert(_Alignof(skein_zmq_message) >= _Alignof(zmq_msg_t), "a message is aligned as words are");

static inline void skein_zmq_message_init(skein_zmq_message *message) {
    zmq_msg_init((zmq_msg_t *)message);
}
static inline int skein_zmq_message_init_size(skein_zmq_message *message, size_t size) {
    return zmq_msg_init_size((zmq_msg_t *)message, size);
}
static inline int skein_zmq_message_init_data(
    skein_zmq_message *message, void *data, size_t size, zmq_free_fn *release, void *hint) {
    return zmq_msg_init_data((zmq_msg_t *)message, data, size, release, hint);
}
static inline int skein_zmq_message_send(skein_zmq_message *message, void *socket, int flags) {
    return zmq_msg_send((zmq_msg_t *)message, socket, flags);
}
static inline int skein_zmq_message_receive(skein_zmq_message *message, void *socket, int flags) {
    return zmq_msg_recv((zmq_msg_t *)message, socket, flags);
}
static inline void skein_zmq_message_close(skein_zmq_message *message) {
    zmq_msg_close((zmq_msg_t *)message);
}
static inline void *skein_zmq_message_data(const skein_zmq_message *message) {
    return zmq_msg_data((zmq_msg_t *)message);
}
static inline size_t skein_zmq_message_size(const skein_zmq_message *message) {
    return zmq_msg_size((const zmq_msg_t *)message);
}
static inline int skein_zmq_message_more(const skein_zmq_message *message) {
    return zmq_msg_more((const zmq_msg_t *)message);
}
static inline const char *skein_zmq_message_property(const skein_zmq_message *message, const char *name) {
    return zmq_msg_gets((const zmq_msg_t *)message, name);
}
