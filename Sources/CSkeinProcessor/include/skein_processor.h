/* skein_processor.h: a processor of events as a shared library, for `kind: library` of skeind. Docs/Processors.md.
 *
 * The library exports skein_processor_entry(). It is loaded by a process of its own; one thread makes all calls. What it
 * prints, to either stream, goes to skeind's log. Version 1 of the ABI: later versions only append to the structs, and say so
 * in `size`. */
#ifndef SKEIN_PROCESSOR_H
#define SKEIN_PROCESSOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version that this header describes. */
#define SKEIN_PROCESSOR_ABI 1u

/* What process() answers. */
#define SKEIN_TAKEN 0   /* All events are taken; *taken is not looked at. */
#define SKEIN_AGAIN 1   /* The first *taken are taken; the rest is given again, after a pause. */
#define SKEIN_REFUSED 2 /* The first *taken are taken; the event at that index never will be; the rest is given again. */

/* An event, lent for the call. */
typedef struct skein_event {
    const uint8_t *bytes; /* One BSON document, checked: well-formed at every level, with a `type`. */
    uint64_t length;      /* Its bytes. */
    const char *stream;   /* Who numbers: text that ends in NUL. */
    uint64_t number;      /* The event's number there. Rises, with gaps; the same when it is given again. */
    int64_t arrival;      /* When it arrived at the collector, Unix nanoseconds. */
} skein_event;

/* One of `options:`, in their order. Text that ends in NUL; stays until close() returns. */
typedef struct skein_option {
    const char *name;
    const char *value;
} skein_option;

/* What the process around it offers. Stays until close() returns. To be called on the calling thread only. */
typedef struct skein_host {
    uint32_t abi;  /* SKEIN_PROCESSOR_ABI of the process. */
    uint32_t size; /* sizeof(skein_host) there. */
    void *context; /* To be handed back. */
    /* A line for skeind's log. */
    void (*log)(void *context, const char *text);
    /* An event in answer, one BSON document, copied: taken back if `answers: events` says so. 0, or 1 if it is no document. */
    int (*answer)(void *context, const void *document, uint64_t length);
} skein_host;

typedef struct skein_processor {
    uint32_t abi;  /* SKEIN_PROCESSOR_ABI. */
    uint32_t size; /* sizeof(skein_processor). */

    /* Makes ready. `state` is handed back to the others.
     * Returns 0; else why not goes into `error`, text that ends in NUL within `capacity` bytes, and it is tried again later. */
    int (*open)(const skein_option *options, size_t count, const skein_host *host, void **state, char *error,
                size_t capacity);

    /* Takes events, at least one, in order. Returns one of SKEIN_…; why, for the last two, goes into `reason`. */
    int (*process)(void *state, const skein_event *events, size_t count, size_t *taken, char *reason, size_t capacity);

    /* Makes what was taken durable, or hands it on: only then it counts as done. May be NULL.
     * Returns 0; else why not goes into `reason`, and it is called again after a pause. */
    int (*flush)(void *state, char *reason, size_t capacity);

    /* Ends; what was taken was flushed before. Nothing is called any more. May be NULL. */
    void (*close)(void *state);
} skein_processor;

/* The one symbol that a library exports. The struct stays where it is. */
const skein_processor *skein_processor_entry(void);

#ifdef __cplusplus
}
#endif

#endif
