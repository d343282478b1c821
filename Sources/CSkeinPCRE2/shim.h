#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* What is left of one match's steps, and where the last callout stood. */
typedef struct {
    long left;
    size_t position;
} skein_pcre2_steps;

/* A callout that counts down: one for the item, and one for each eight bytes that a repeated item before it went over, which
   has no callouts of its own. Once the steps are used up the match ends as over its limit. */
static inline int skein_pcre2_count_down(pcre2_callout_block_8 *block, void *data) {
    skein_pcre2_steps *steps = (skein_pcre2_steps *)data;
    size_t position = block->current_position;
    steps->left -= 1 + (position > steps->position ? (long)((position - steps->position) / 8) : 0);
    steps->position = position;
    return steps->left < 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static inline void skein_pcre2_set_steps(pcre2_match_context_8 *context, skein_pcre2_steps *steps) {
    pcre2_set_callout_8(context, skein_pcre2_count_down, steps);
}
