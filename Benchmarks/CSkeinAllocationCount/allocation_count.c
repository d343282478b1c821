#include "allocation_count.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SKEIN_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SKEIN_SANITIZED)

// The program's own malloc takes the place of the C library's in every library of the process.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread uint64_t allocations;

void *malloc(size_t bytes) {
    allocations += 1;
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    allocations += 1;
    return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
    allocations += 1;
    return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    allocations += 1;
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    allocations += 1;
    void *memory = __libc_memalign(alignment, bytes);
    if (memory == NULL) return ENOMEM;
    *result = memory;
    return 0;
}

uint64_t skein_allocation_count(void) { return allocations; }
int skein_counts_allocations(void) { return 1; }

#else

uint64_t skein_allocation_count(void) { return 0; }
int skein_counts_allocations(void) { return 0; }

#endif
