/* Preloaded into the station by the campaign `clock`: its wall clock and its count since boot are off by what the file
 * LOTLINE_WRONG_CLOCK says, and synchronised where that says so; its boot id is what the file LOTLINE_BOOT_ID says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timex.h>
#include <time.h>

struct wrong {
    volatile int64_t nanoseconds;
    volatile int64_t synchronised;
    volatile int64_t boot_nanoseconds;
};

static struct wrong *wrong;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("LOTLINE_WRONG_CLOCK");
    int file = path ? open(path, O_RDONLY) : -1;
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *wrong, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        abort();
    wrong = map;
}

int clock_gettime(clockid_t id, struct timespec *time)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, time);
    int64_t off = !wrong ? 0 : id == CLOCK_REALTIME ? wrong->nanoseconds : id == CLOCK_BOOTTIME ? wrong->boot_nanoseconds : 0;
    if (result == 0 && off) {
        int64_t nanoseconds = time->tv_nsec + off % 1000000000;
        time->tv_sec += off / 1000000000 + (nanoseconds >= 1000000000) - (nanoseconds < 0);
        time->tv_nsec = (nanoseconds + 1000000000) % 1000000000;
    }
    return result;
}

int adjtimex(struct timex *state)
{
    int result = ((int (*)(struct timex *))dlsym(RTLD_NEXT, "adjtimex"))(state);
    if (wrong->synchronised) {
        state->status &= ~STA_UNSYNC;
        return TIME_OK;
    }
    state->status |= STA_UNSYNC;
    return result < 0 ? result : TIME_ERROR;
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 && getenv("LOTLINE_BOOT_ID"))
        path = getenv("LOTLINE_BOOT_ID");
    return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64"))(path, flags, mode);
}
