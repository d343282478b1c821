// The processor and the C library, where Swift cannot reach them: the time-stamp counter,
// the CRC32C instruction, a pause in a spin loop, and variadic calls.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#if defined(__x86_64__)
#include <cpuid.h>

static inline uint64_t skein_cycle_counter(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return ((uint64_t)high << 32) | low;
}

// Whether the counter runs at one rate on all cores and in all sleep states (CPUID 0x80000007, EDX bit 8).
static inline int skein_cycle_counter_is_invariant(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(0x80000007, &a, &b, &c, &d)) return 0;
    return (d >> 8) & 1;
}

static inline int skein_has_crc32c(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    return (c >> 20) & 1;
}

__attribute__((target("sse4.2"))) static inline uint32_t skein_crc32c(
    uint32_t crc, const void *bytes, uint64_t count) {
    const unsigned char *p = (const unsigned char *)bytes;
    uint64_t state = crc;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        state = __builtin_ia32_crc32di(state, word);
        p += 8;
        count -= 8;
    }
    while (count > 0) {
        state = __builtin_ia32_crc32qi((uint32_t)state, *p++);
        count -= 1;
    }
    return (uint32_t)state;
}

static inline void skein_pause(void) { __builtin_ia32_pause(); }

#else

static inline uint64_t skein_cycle_counter(void) { return 0; }
static inline int skein_cycle_counter_is_invariant(void) { return 0; }
static inline int skein_has_crc32c(void) { return 0; }
static inline uint32_t skein_crc32c(uint32_t crc, const void *bytes, uint64_t count) {
    (void)bytes;
    (void)count;
    return crc;
}
#if defined(__aarch64__)
static inline void skein_pause(void) { __asm__ volatile("yield"); }
#else
static inline void skein_pause(void) {}
#endif

#endif

static inline int skein_open(const char *path, int flags, mode_t mode) {
    return open(path, flags, mode);
}

static inline int skein_fcntl(int descriptor, int command, int value) {
    return fcntl(descriptor, command, value);
}

// Names the calling thread; the first 15 bytes count.
static inline void skein_name_thread(const char *name) {
#if defined(__linux__)
    prctl(PR_SET_NAME, (unsigned long)name, 0, 0, 0);
#else
    (void)name;
#endif
}

// getopt_long keeps its state in variables that Swift 6 will not touch.
static inline int skein_getopt_long(
    int argc, char *const *argv, const char *letters, const struct option *options) {
    return getopt_long(argc, argv, letters, options, NULL);
}
static inline const char *skein_optarg(void) { return optarg; }
static inline int skein_optind(void) { return optind; }
static inline int skein_optopt(void) { return optopt; }
static inline void skein_getopt_restart(void) {
    opterr = 0;
#if defined(__GLIBC__)
    optind = 0;
#else
    optind = 1;
#endif
#if defined(__APPLE__)
    optreset = 1;
#endif
}

// The process's environment: a global that Swift cannot read safely otherwise.
extern char **environ;
static inline char *_Nullable *_Nonnull skein_environment(void) { return environ; }
