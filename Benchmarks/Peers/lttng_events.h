#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER skein_peer

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./lttng_events.h"

#if !defined(SKEIN_PEER_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SKEIN_PEER_EVENTS_H

#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(
    skein_peer, request,
    LTTNG_UST_TP_ARGS(const char *, user_agent, const char *, path, int, status, long, size, double, request_time),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_string(user_agent, user_agent) lttng_ust_field_string(path, path)
        lttng_ust_field_integer(int, status, status) lttng_ust_field_integer(long, size, size)
        lttng_ust_field_float(double, request_time, request_time)))

#endif

#include <lttng/tracepoint-event.h>
