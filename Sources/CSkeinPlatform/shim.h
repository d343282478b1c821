// The processor and the C library, where Swift cannot reach them: the time-stamp counter,
// the CRC32C instruction, a pause in a spin loop, and variadic calls.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <getopt.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#endif
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#include <pthread.h>

// A number that no other living thread has: a register's worth of work where the register is known.
static inline uintptr_t skein_thread_number(void) {
#if defined(__x86_64__) && defined(__linux__)
    uintptr_t number;
    __asm__("mov %%fs:0, %0" : "=r"(number));
    return number;
#elif defined(__aarch64__) && defined(__linux__)
    uintptr_t number;
    __asm__("mrs %0, tpidr_el0" : "=r"(number));
    return number;
#else
    return (uintptr_t)pthread_self();
#endif
}

// What TaskLocal's own inlinable reading calls: where the value stands that the calling task, or the thread outside of tasks,
// has bound to the key; NULL if none. Read in place, it need not be copied, which counts references.
extern void *_Nullable swift_task_localValueGet(const void *_Nonnull key) __attribute__((swiftcall));
static inline void *_Nullable skein_task_local_value(const void *_Nonnull key) {
    return swift_task_localValueGet(key);
}

// Writes 16 lowercase digits, the most significant first.
static inline void skein_write_hex(uint64_t word, void *_Nonnull target) {
#if defined(__SSE2__)
    __m128i bytes = _mm_cvtsi64_si128((long long)__builtin_bswap64(word));
    __m128i mask = _mm_set1_epi8(0x0F);
    __m128i low = _mm_and_si128(bytes, mask);
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
    __m128i digits = _mm_unpacklo_epi8(high, low);
    __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)), _mm_set1_epi8(39));
    _mm_storeu_si128((__m128i *)target, _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters));
#else
    unsigned char *text = (unsigned char *)target;
    for (int index = 0; index < 16; index += 1) {
        unsigned digit = (unsigned)(word >> (60 - 4 * index)) & 15u;
        text[index] = (unsigned char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
    }
#endif
}

// The compiler moves no access to memory across; the processor may.
static inline void skein_compiler_fence(void) { __asm__ volatile("" : : : "memory"); }

// membarrier(2), private expedited: 0, or an errno. The numbers are those of linux/membarrier.h.
static inline int skein_membarrier_register(void) {
#if defined(__linux__) && defined(SYS_membarrier)
    return syscall(SYS_membarrier, 1 << 4, 0, 0) == 0 ? 0 : errno;
#else
    return ENOSYS;
#endif
}

static inline int skein_membarrier(void) {
#if defined(__linux__) && defined(SYS_membarrier)
    return syscall(SYS_membarrier, 1 << 3, 0, 0) == 0 ? 0 : errno;
#else
    return ENOSYS;
#endif
}

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

// Asks for a cache line to write to. Does nothing on processors that do not know it.
static inline void skein_prefetch_for_writing(const void *address) {
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
}

#else

static inline void skein_prefetch_for_writing(const void *address) { __builtin_prefetch(address, 1); }


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

// The name of the calling thread, empty if it cannot be had.
static inline void skein_thread_name(char *name, size_t capacity) {
    name[0] = 0;
#if defined(__linux__)
    char text[16] = {0};
    prctl(PR_GET_NAME, (unsigned long)text, 0, 0, 0);
    strncat(name, text, capacity - 1);
#elif defined(__APPLE__)
    pthread_getname_np(pthread_self(), name, capacity);
#endif
}

// The number by which the system's tools name the calling thread.
static inline uint64_t skein_system_thread_number(void) {
#if defined(__linux__)
    return (uint64_t)syscall(SYS_gettid);
#elif defined(__APPLE__)
    uint64_t number = 0;
    pthread_threadid_np(NULL, &number);
    return number;
#else
    return (uint64_t)(uintptr_t)pthread_self();
#endif
}

static inline int skein_is_main_thread(void) {
#if defined(__APPLE__)
    return pthread_main_np();
#else
    return skein_system_thread_number() == (uint64_t)getpid();
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

// Reserves the first bytes of a file on its disk, without the C library's emulation: 0, or an errno.
static inline int skein_reserve(int descriptor, int64_t bytes) {
#if defined(__linux__)
    while (fallocate(descriptor, 0, 0, bytes) != 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
#elif defined(__APPLE__)
    fstore_t store = {F_ALLOCATEALL, F_PEOFPOSMODE, 0, bytes, 0};
    struct stat status;
    if (fstat(descriptor, &status) != 0) return errno;
    if (status.st_size >= bytes) return 0;
    store.fst_length = bytes - status.st_size;
    if (fcntl(descriptor, F_PREALLOCATE, &store) != 0) return errno;
    return ftruncate(descriptor, bytes) == 0 ? 0 : errno;
#else
    (void)descriptor;
    (void)bytes;
    return EOPNOTSUPP;
#endif
}

// Whether the file system of an open file keeps a reservation through every later write: those that write
// in place do (ext, XFS, tmpfs, and overlays, which pass it on). Copy-on-write ones take new blocks.
static inline int skein_keeps_reservations(int descriptor) {
#if defined(__linux__)
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return 0;
    switch ((unsigned long)status.f_type & 0xFFFFFFFFul) {
    case 0xEF53ul: case 0x58465342ul: case 0x01021994ul: case 0x794C7630ul: return 1;
    default: return 0;
    }
#else
    (void)descriptor;
    return 0;
#endif
}

// A page behind the end of a mapped file is replaced by one of zeros; any other SIGBUS is what it always is. A handler may
// only make system calls: this one makes one. In C because of the platforms' siginfo_t.
#if !defined(MAP_ANONYMOUS) && defined(MAP_ANON)
#define MAP_ANONYMOUS MAP_ANON
#endif
static inline void skein_replace_missing_page(int signal, siginfo_t *info, void *context) {
    (void)context;
    const uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)4095;
    if (info->si_code != BUS_ADRERR ||
        mmap((void *)page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) {
        struct sigaction usual;
        memset(&usual, 0, sizeof usual);
        usual.sa_handler = SIG_DFL;
        sigaction(signal, &usual, NULL);
    }
}
static inline void skein_guard_mappings(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = skein_replace_missing_page;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &action, NULL);
}

// Exchanges two names at one instant: 0, or an errno. By number, since not every C library has the function.
#if defined(__linux__)
#include <sys/syscall.h>
static inline int skein_exchange(const char *first, const char *second) {
    return syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, 2u) == 0 ? 0 : errno;
}
#elif defined(__APPLE__)
#include <stdio.h>
static inline int skein_exchange(const char *first, const char *second) {
    return renamex_np(first, second, RENAME_SWAP) == 0 ? 0 : errno;
}
#else
static inline int skein_exchange(const char *first, const char *second) {
    (void)first;
    (void)second;
    return ENOSYS;
}
#endif

// syncfs and sync_file_range are declared for GNU sources only.
#if defined(__linux__)
extern int syncfs(int);
extern int sync_file_range(int, off_t, off_t, unsigned int);
// 2: SYNC_FILE_RANGE_WRITE, which begins and does not wait, nor takes a failure away from a later fsync.
static inline void skein_begin_writing(int descriptor, off_t offset, off_t count) {
    (void)sync_file_range(descriptor, offset, count, 2);
}
static inline void skein_release_cached(int descriptor, off_t offset, off_t count) {
    (void)posix_fadvise(descriptor, offset, count, POSIX_FADV_DONTNEED);
}
static inline int skein_can_syncfs(void) { return 1; }
static inline int skein_syncfs(int descriptor) { return syncfs(descriptor); }
#else
static inline void skein_begin_writing(int descriptor, off_t offset, off_t count) {
    (void)descriptor, (void)offset, (void)count;
}
static inline void skein_release_cached(int descriptor, off_t offset, off_t count) {
    (void)descriptor, (void)offset, (void)count;
}
static inline int skein_can_syncfs(void) { return 0; }
static inline int skein_syncfs(int descriptor) {
    (void)descriptor;
    errno = ENOSYS;
    return -1;
}
#endif

// Starts a program with these descriptors as its standard input, output and error (-1: this process's own), in a process
// group of its own, so that a Ctrl-C reaches only us, with no signal blocked or ignored. A name without a slash is searched in
// PATH. Returns errno's value or 0. In C because posix_spawn's types differ between the platforms.
static inline int skein_spawn(
    const char *path, char *const arguments[], char *const environment[], int input, int output, int error,
    int closes_others, pid_t *child) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) return result;
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGHUP);
    sigaddset(&usual, SIGPIPE);
    if (input >= 0) result = posix_spawn_file_actions_adddup2(&actions, input, 0);
    if (result == 0 && output >= 0) result = posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (result == 0 && error >= 0) result = posix_spawn_file_actions_adddup2(&actions, error, 2);
    if (closes_others) {
        // Ours are closed by exec anyway; these are what a library may have opened without saying so.
#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 34)
        if (result == 0) result = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
#elif defined(__APPLE__)
        flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    }
    if (result == 0) result = posix_spawnattr_setsigmask(&attributes, &none);
    if (result == 0) result = posix_spawnattr_setsigdefault(&attributes, &usual);
    if (result == 0) result = posix_spawnattr_setpgroup(&attributes, 0);
    if (result == 0) result = posix_spawnattr_setflags(&attributes, flags);
    if (result == 0) result = posix_spawnp(child, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

// How many bytes of a pipe nobody has read yet, from either end; -1 where the system does not tell. Not by <sys/ioctl.h>, whose
// struct winsize would then be this module's.
#if defined(__linux__)
#include <asm/ioctls.h>
#else
#include <sys/filio.h>
#endif
extern int ioctl(int descriptor, unsigned long request, ...);
static inline int skein_unread_bytes(int pipe) {
    int count = 0;
    return ioctl(pipe, FIONREAD, &count) == 0 ? count : -1;
}

// Waits until a child has ended, and leaves it to waitpid. Returns errno's value or 0.
static inline int skein_await_end(pid_t child) {
    siginfo_t info;
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0 ? 0 : errno;
}

// A pipe whose ends are closed in programs that this one starts.
static inline int skein_pipe(int ends[2]) {
#if defined(__linux__)
    return pipe2(ends, O_CLOEXEC);
#else
    if (pipe(ends) != 0) return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}
