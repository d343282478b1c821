#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A callout that counts down the steps of one match; once they are used up the match ends as over its limit. */
static inline int skein_pcre2_count_down(pcre2_callout_block_8 *block, void *left) {
    (void)block;
    return --*(long *)left < 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static inline void skein_pcre2_set_steps(pcre2_match_context_8 *context, long *left) {
    pcre2_set_callout_8(context, skein_pcre2_count_down, left);
}
