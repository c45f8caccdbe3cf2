// A clock of the system that is wrong by as many seconds as the file $CLOCK_OFFSET holds, eight bytes that may change.
// With the smallest number it fails, and Rust panics.
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile long *offset;

__attribute__((constructor)) static void start(void) {
    int file = open(getenv("CLOCK_OFFSET"), O_RDONLY);
    offset = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    if (offset == MAP_FAILED) _exit(99);
}

int clock_gettime(clockid_t id, struct timespec *time) {
    int result = syscall(SYS_clock_gettime, id, time);
    if (id != CLOCK_REALTIME || !offset) return result;
    if (*offset == LONG_MIN) return -1;
    time->tv_sec += *offset;
    return result;
}
