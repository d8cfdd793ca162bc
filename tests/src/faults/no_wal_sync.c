/* Preloaded into the station by the control of the campaign `powercut`: syncs of the write-ahead log do nothing.
 * That is what SQLite does with synchronous=NORMAL: a commit is in the page cache, and on the disk at some time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int is_log(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length >= 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

int fsync(int fd)
{
    return is_log(fd) ? 0 : ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd)
{
    return is_log(fd) ? 0 : ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
