// LTTng-UST: one tracepoint of five fields. Prints nanoseconds an event, of this thread's processor time.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long long thread_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int count_of_arguments, char **arguments) {
    if (count_of_arguments < 2) return 2;
    long count = atol(arguments[1]);
    for (long n = 0; n < count / 4; n += 1)
        lttng_ust_tracepoint(skein_peer, request, "curl/7.88.1", "/search", 200, n, 0.0123);
    long long start = thread_time();
    for (long n = 0; n < count; n += 1)
        lttng_ust_tracepoint(skein_peer, request, "curl/7.88.1", "/search", 200, n, 0.0123);
    printf("%.1f\n", (double)(thread_time() - start) / (double)count);
    return 0;
}
