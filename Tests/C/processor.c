/* A processor for the tests of `kind: library`: writes what it gets to the file that its options name. */
#include <skein_processor.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    FILE *file;
    const skein_host *host;
    int crash, refuse, again, answers;
} processor_state;

static int number_of(const skein_option *option) { return atoi(option->value); }

static int open_it(
    const skein_option *options, size_t count, const skein_host *host, void **state, char *error, size_t capacity) {
    processor_state *own = calloc(1, sizeof *own);
    own->host = host;
    own->crash = own->refuse = own->again = -1;
    for (size_t index = 0; index < count; index += 1) {
        if (strcmp(options[index].name, "file") == 0) own->file = fopen(options[index].value, "a");
        if (strcmp(options[index].name, "crash") == 0) own->crash = number_of(&options[index]);
        if (strcmp(options[index].name, "refuse") == 0) own->refuse = number_of(&options[index]);
        if (strcmp(options[index].name, "again") == 0) own->again = number_of(&options[index]);
        if (strcmp(options[index].name, "answer") == 0) own->answers = 1;
    }
    if (own->file == NULL) {
        snprintf(error, capacity, "no file is given");
        free(own);
        return 1;
    }
    fprintf(own->file, "open");
    for (size_t index = 0; index < count; index += 1)
        fprintf(own->file, " %s=%s", options[index].name, options[index].value);
    fprintf(own->file, "\n");
    printf("printed by the library\n");
    fflush(stdout);
    host->log(host->context, "said to the host");
    *state = own;
    return 0;
}

/* `body.n`, an int32 or int64, wherever it is: the test's documents have no other "n". */
static long number_in(const skein_event *event) {
    for (uint64_t at = 4; at + 11 < event->length; at += 1) {
        if (memcmp(event->bytes + at, "\x12n", 3) == 0) {
            int64_t number;
            memcpy(&number, event->bytes + at + 3, 8);
            return (long)number;
        }
        if (memcmp(event->bytes + at, "\x10n", 3) == 0) {
            int32_t number;
            memcpy(&number, event->bytes + at + 3, 4);
            return number;
        }
    }
    return -1;
}

static int process(
    void *state, const skein_event *events, size_t count, size_t *taken, char *reason, size_t capacity) {
    processor_state *own = state;
    for (size_t index = 0; index < count; index += 1) {
        long number = number_in(&events[index]);
        *taken = index;
        // A fault, not raise(): that goes on where a handler of the process returns.
        if (number == own->crash) *(volatile int *)(uintptr_t)number = 1;
        if (number == own->refuse) {
            snprintf(reason, capacity, "%ld is refused", number);
            return SKEIN_REFUSED;
        }
        if (number == own->again) {
            own->again = -1;
            snprintf(reason, capacity, "%ld is too early", number);
            return SKEIN_AGAIN;
        }
        fprintf(own->file, "event %ld %llu %s %lld\n", number, (unsigned long long)events[index].number,
                events[index].stream, (long long)events[index].arrival);
        if (own->answers && number == 0) {
            static const unsigned char answer[] = "\x14\0\0\0\x02type\0\x05\0\0\0done\0";
            if (own->host->answer(own->host->context, answer, sizeof answer) != 0) return SKEIN_AGAIN;
        }
    }
    return SKEIN_TAKEN;
}

static int flush(void *state, char *reason, size_t capacity) {
    processor_state *own = state;
    fprintf(own->file, "flush\n");
    if (fflush(own->file) == 0) return 0;
    snprintf(reason, capacity, "cannot flush");
    return 1;
}

static void close_it(void *state) {
    processor_state *own = state;
    fprintf(own->file, "close\n");
    fclose(own->file);
    free(own);
}

#ifdef OTHER_ABI
#define ABI 7
#else
#define ABI SKEIN_PROCESSOR_ABI
#endif

static const skein_processor processor = {ABI, sizeof(skein_processor), open_it, process, flush, close_it};

#ifdef NO_ENTRY
const skein_processor *other_entry(void);
const skein_processor *other_entry(void) { return &processor; }
#else
const skein_processor *skein_processor_entry(void) { return &processor; }
#endif
