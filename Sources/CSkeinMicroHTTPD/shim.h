// libmicrohttpd's variadic calls, which Swift cannot make.
#pragma once
#include <microhttpd.h>
#include <netdb.h>
#include <sys/socket.h>
#include <netinet/in.h>

typedef void *(*skein_mhd_target_callback)(
    void *context, const char *target, struct MHD_Connection *connection);

// One polling thread that never blocks; requests are suspended while others work on them. With poll, not epoll:
// libmicrohttpd's edge-triggered epoll misses an end that arrives together with the last bytes, and the
// connection then stays until it is timed out.
static inline struct MHD_Daemon *skein_mhd_start(
    int listening_socket, unsigned int connections, unsigned int connections_per_address,
    unsigned int idle_seconds, size_t connection_memory, void *context, MHD_AccessHandlerCallback access,
    skein_mhd_target_callback target, MHD_RequestCompletedCallback completed,
    MHD_NotifyConnectionCallback connection) {
    return MHD_start_daemon(
        MHD_USE_POLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME, 0,
        (MHD_AcceptPolicyCallback)0, (void *)0, access, context,
        MHD_OPTION_LISTEN_SOCKET, listening_socket,
        MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, connections_per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, target, context,
        MHD_OPTION_NOTIFY_COMPLETED, completed, context,
        MHD_OPTION_NOTIFY_CONNECTION, connection, context,
        MHD_OPTION_END);
}

static inline int skein_mhd_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? (int)info->connect_fd : -1;
}

// Writes the peer's numeric address; 0 if there is none.
static inline int skein_mhd_peer(struct MHD_Connection *connection, char *text, unsigned int size) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr) return 0;
    socklen_t length = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                               : sizeof(struct sockaddr_in);
    if (info->client_addr->sa_family != AF_INET6 && info->client_addr->sa_family != AF_INET) return 0;
    return getnameinfo(info->client_addr, length, text, size, (char *)0, 0, NI_NUMERICHOST) == 0;
}

// Spelled here because Swift's names for the enumerations depend on the library's version.
static const enum MHD_Result skein_mhd_yes = MHD_YES;
static const enum MHD_Result skein_mhd_no = MHD_NO;

static inline int skein_mhd_is_started(enum MHD_ConnectionNotificationCode code) {
    return code == MHD_CONNECTION_NOTIFY_STARTED;
}

// The bytes are copied.
static inline struct MHD_Response *skein_mhd_response(const void *bytes, size_t count) {
    return MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}

static inline int skein_mhd_each_header(
    struct MHD_Connection *connection, MHD_KeyValueIteratorN each, void *context) {
    return MHD_get_connection_values_n(connection, MHD_HEADER_KIND, each, context);
}
