/*
 * The supervisor of a test program: runs the tests in a child, and sees to it that no test can hang it, end it early or leave
 * anything behind. For test.c only.
 */
#ifndef SG_TESTS_KIT_SUPER_H
#define SG_TESTS_KIT_SUPER_H

#include <stdbool.h>
#include <stdint.h>

/* What the child writes and the supervisor reads, in memory that both share. The child writes a field before it moves `current`. */
struct sg_super {
    int total;              /* tests chosen */
    int next;               /* the first that has not been begun */
    volatile int current;   /* the one that runs, or -1 */
    volatile bool finished; /* the child ran the last one and what was to be done at the end */
    int passed, failed, skipped;
    int seconds;            /* the running one's limit */
    int64_t began_ms;       /* by sg_test_now_ms */
    char name[256];         /* the running one's name */
};

/*
 * Calls child(state), in a child process, again and again until it has finished: after a crash, a time-out, an exit() within a test
 * it goes on with the next one. Fills the counts. Gives false if it was ended by a signal; then too everything is cleaned up.
 */
bool sg_super_run(struct sg_super *state, void (*child)(struct sg_super *state));

/* Memory for a state; never NULL. */
struct sg_super *sg_super_new(void);
void sg_super_free(struct sg_super *state);

#endif
