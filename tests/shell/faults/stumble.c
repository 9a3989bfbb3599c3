/* Preloaded into a service under test: while the file STUMBLE_WHILE exists, its system calls kill it or fail.
 *
 *   STUMBLE_CALL, STUMBLE_AT   `fdatasync` or `send`, and at the beginning of which of them to die, as by `kill -9`
 *   STUMBLE_ERROR              the errno that every write to a database gets instead of being done
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int armed(void)
{
    const char *file = getenv("STUMBLE_WHILE");
    return file && !access(file, F_OK);
}

static void step(const char *call)
{
    static atomic_int calls;
    const char *kind = getenv("STUMBLE_CALL"), *last = getenv("STUMBLE_AT");
    if (kind && last && !strcmp(kind, call) && armed() && atomic_fetch_add(&calls, 1) + 1 == atoi(last))
        kill(getpid(), SIGKILL);
}

static int fails(void)
{
    const char *error = getenv("STUMBLE_ERROR");
    if (!error || !armed())
        return 0;
    errno = atoi(error);
    return 1;
}

int fdatasync(int file)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    step("fdatasync");
    return real(file);
}

ssize_t send(int socket, const void *octets, size_t length, int flags)
{
    ssize_t (*real)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
    step("send");
    return real(socket, octets, length, flags);
}

ssize_t pwrite64(int file, const void *octets, size_t length, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return fails() ? -1 : real(file, octets, length, at);
}

ssize_t pwrite(int file, const void *octets, size_t length, off_t at)
{
    return pwrite64(file, octets, length, at);
}
