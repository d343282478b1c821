// How often the calling thread has asked for heap memory: malloc and its kin, counted where they are called.
#pragma once
#include <stdint.h>

// 0 for ever where it cannot be counted.
uint64_t skein_allocation_count(void);
// Whether it is counted: on glibc, without a sanitizer, which has a malloc of its own.
int skein_counts_allocations(void);
