/* yardstick: what the kernel allows. A small epoll server and client for the protocol of `mconnect` (on accept the
 * server sends its name, then answers every read with its name), and a way to measure any other command alike.
 *
 *   yardstick serve   ADDRESS PORT NAME [THREADS]
 *   yardstick connect ADDRESS PORT COUNT CONCURRENCY [THREADS] [SOURCE_CIDR]
 *   yardstick echo    ADDRESS PORT NAME
 *   yardstick traffic ADDRESS PORT CONNECTIONS PACKETS_PER_SECOND PACKET_BYTES MILLISECONDS [GRAIN_MICROSECONDS]
 *   yardstick measure COMMAND [ARGUMENT...]
 *
 * It does the least that an honest connect test can do, and nothing else: IPv4 only, no retry, a name that arrives in
 * two pieces is counted by its first. traffic.c has the echo pattern of `ctraffic`.
 * Build: cc -O2 -Wall -Wextra -Werror -pthread -o yardstick yardstick.c traffic.c */
#define _GNU_SOURCE
#include "yardstick.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS = 256, MAX_THREADS = 64, NAME_BYTES = 64,
    NAME_SLOTS = 8192,          /* distinct names that can be counted */
    STALL_MILLISECONDS = 10000, /* no event for so long: what is under way has failed */
    MEASURE_SECONDS = 900,      /* a measured command is killed after this time */
    PATIENCE_SECONDS = 5        /* and so long after it was asked to end */
};

long number(const char *what, const char *text, long low, long high)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < low || value > high)
        fail("%s must be a number from %ld to %ld, not '%s'", what, low, high, text);
    return value;
}

struct sockaddr_in target(const char *address, const char *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)number("PORT", port, 1, 65535)) };
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
        fail("ADDRESS must be an IPv4 address, not '%s'", address);
    return at;
}

uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void allow_many_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Runs the first of `count` bodies on this thread, the others on threads of their own; `size` is that of one item. */
static void run_threads(void *(*body)(void *), void *items, size_t size, long count)
{
    pthread_t threads[MAX_THREADS];
    for (long i = 1; i < count; i++)
        if (pthread_create(&threads[i], NULL, body, (char *)items + (size_t)i * size))
            fail("cannot start thread %ld", i);
    body(items);
    for (long i = 1; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* ---- serve: per connection accept4, send, epoll_ctl, read, close ---- */

static const char *server_name;

int listener(struct sockaddr_in at, int shared)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, BACKLOG))
        fail("cannot listen: %s", strerror(errno));
    return fd;
}

int accept_next(int listening)
{
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 || errno == EAGAIN)
            return fd;
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            fail("accept: %s", strerror(errno));
        /* else a connection that was gone before it was taken */
    }
}

static void accept_all(int epoll, int listening, size_t name_bytes)
{
    for (int fd; (fd = accept_next(listening)) >= 0;) {
        struct epoll_event wanted = { .events = EPOLLIN, .data.fd = fd };
        if (send(fd, server_name, name_bytes, MSG_NOSIGNAL) < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted))
            close(fd);
    }
}

static void *serve_thread(void *item)
{
    int listening = *(int *)item, epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS], wanted = { .events = EPOLLIN, .data.fd = listening };
    size_t name_bytes = strlen(server_name);
    char buffer[4096];
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &wanted))
        fail("epoll: %s", strerror(errno));
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listening)
                accept_all(epoll, listening, name_bytes);
            else if (read(fd, buffer, sizeof buffer) <= 0 || send(fd, server_name, name_bytes, MSG_NOSIGNAL) < 0)
                close(fd);
        }
    }
}

static int serve(int count, char **arguments)
{
    if (count < 3 || count > 4)
        fail("usage: yardstick serve ADDRESS PORT NAME [THREADS]");
    struct sockaddr_in at = target(arguments[0], arguments[1]);
    long threads = count > 3 ? number("THREADS", arguments[3], 1, MAX_THREADS) : 1;
    int listening[MAX_THREADS];
    server_name = arguments[2];
    allow_many_descriptors();
    for (long i = 0; i < threads; i++)
        listening[i] = listener(at, threads > 1);
    puts("ready");
    fflush(stdout);
    run_threads(serve_thread, listening, sizeof listening[0], threads);
    return 0;
}

/* ---- connect: per connection socket, (setsockopt, bind,) connect, epoll_ctl, read, close ---- */

struct name_count { char name[NAME_BYTES]; size_t bytes; long count; };
struct connection { int fd; uint64_t started; };

struct client {
    struct sockaddr_in at;
    uint32_t source_base, source_free; /* in host byte order: the fixed bits, and which bits are free */
    int epoll;
    long planned, concurrency, started, done, failed;
    uint64_t random, latency_sum, latency_max; /* from connect() to the event that brings the name, in ns */
    struct connection *connections;
    struct name_count names[NAME_SLOTS];
};

static uint32_t next_random(struct client *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (uint32_t)(c->random >> 32);
}

static void count_name(struct client *c, const char *name, size_t bytes, long count)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    for (uint32_t tried = 0; tried < NAME_SLOTS; tried++) {
        struct name_count *slot = &c->names[(hash + tried) % NAME_SLOTS];
        if (slot->count == 0) {
            memcpy(slot->name, name, bytes);
            slot->bytes = bytes;
        }
        if (slot->bytes == bytes && memcmp(slot->name, name, bytes) == 0) {
            slot->count += count;
            return;
        }
    }
    fail("more than %d names", NAME_SLOTS);
}

/* Starts one connection in `slot`; 0 if it is under way. Only EPOLLIN is asked for: a refusal or a reset is told anyway,
 * and an event of its own for "connected" would be one more wake-up for something that the arriving name says too. */
static int start(struct client *c, long slot)
{
    struct connection *connection = &c->connections[slot];
    struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = (uint64_t)slot };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->started++;
    if (fd < 0)
        return -1;
    if (c->source_base) {
        struct sockaddr_in from = { .sin_family = AF_INET };
        from.sin_addr.s_addr = htonl(c->source_base | (next_random(c) & c->source_free));
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&from, sizeof from))
            goto failed;
    }
    connection->fd = fd;
    connection->started = nanoseconds();
    if ((connect(fd, (struct sockaddr *)&c->at, sizeof c->at) == 0 || errno == EINPROGRESS)
        && epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &wanted) == 0)
        return 0;
failed:
    close(fd);
    return -1;
}

/* Keeps `slot` busy as long as there is something left to start. */
static void start_next(struct client *c, long slot)
{
    while (c->started < c->planned && start(c, slot) != 0)
        c->failed++, c->done++;
}

static void finish(struct client *c, long slot)
{
    struct connection *connection = &c->connections[slot];
    uint64_t latency = nanoseconds() - connection->started;
    char name[NAME_BYTES];
    ssize_t bytes = read(connection->fd, name, sizeof name);
    if (bytes < 0 && errno == EAGAIN)
        return;
    close(connection->fd); /* also takes it out of epoll */
    c->done++;
    if (bytes > 0) {
        count_name(c, name, (size_t)bytes, 1);
        c->latency_sum += latency;
        c->latency_max = latency > c->latency_max ? latency : c->latency_max;
    } else {
        c->failed++;
    }
    start_next(c, slot);
}

static void *client_thread(void *item)
{
    struct client *c = item;
    struct epoll_event events[EVENTS];
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->connections = calloc((size_t)c->concurrency, sizeof *c->connections);
    if (c->epoll < 0 || !c->connections)
        fail("no memory or descriptor for %ld connections", c->concurrency);
    for (long slot = 0; slot < c->concurrency; slot++)
        start_next(c, slot);
    while (c->done < c->planned) {
        int ready = epoll_wait(c->epoll, events, EVENTS, STALL_MILLISECONDS);
        if (ready == 0) { /* stalled: what did not answer, and what was never started, has failed */
            c->failed += c->planned - c->done;
            break;
        }
        for (int i = 0; i < ready; i++)
            finish(c, (long)events[i].data.u64);
    }
    return NULL;
}

static void set_source(struct client *c, const char *cidr)
{
    char address[32] = "";
    struct in_addr base;
    const char *slash = strchr(cidr, '/');
    if (slash && slash - cidr < (long)sizeof address)
        memcpy(address, cidr, (size_t)(slash - cidr));
    if (inet_pton(AF_INET, address, &base) != 1)
        fail("SOURCE_CIDR must look like 127.1.0.0/16, not '%s'", cidr);
    c->source_free = (uint32_t)(0xffffffffull >> number("the prefix of SOURCE_CIDR", slash + 1, 1, 32));
    c->source_base = ntohl(base.s_addr) & ~c->source_free;
}

static int connect_many(int count, char **arguments)
{
    if (count < 4 || count > 6)
        fail("usage: yardstick connect ADDRESS PORT COUNT CONCURRENCY [THREADS] [SOURCE_CIDR]");
    struct sockaddr_in at = target(arguments[0], arguments[1]);
    long planned = number("COUNT", arguments[2], 1, 1000000000), concurrency = number("CONCURRENCY", arguments[3], 1, 1000000);
    long threads = count > 4 ? number("THREADS", arguments[4], 1, MAX_THREADS) : 1;
    if (threads > concurrency)
        fail("CONCURRENCY must not be below THREADS");
    struct client *clients = calloc((size_t)threads, sizeof *clients);
    if (!clients)
        fail("no memory");
    allow_many_descriptors();
    for (long i = 0; i < threads; i++) {
        clients[i].at = at;
        clients[i].planned = planned * (i + 1) / threads - planned * i / threads;
        clients[i].concurrency = concurrency * (i + 1) / threads - concurrency * i / threads;
        clients[i].random = (nanoseconds() ^ (uint64_t)getpid() << 32) * 2 + 1 + (uint64_t)i * 0x9e3779b97f4a7c15u;
        if (count > 5)
            set_source(&clients[i], arguments[5]);
    }
    uint64_t begin = nanoseconds();
    run_threads(client_thread, clients, sizeof *clients, threads);
    double duration = (double)(nanoseconds() - begin) / 1e9;

    struct client *all = &clients[0]; /* the others are added to the first */
    long names = 0;
    for (long i = 1; i < threads; i++) {
        all->planned += clients[i].planned;
        all->failed += clients[i].failed;
        all->latency_sum += clients[i].latency_sum;
        all->latency_max = clients[i].latency_max > all->latency_max ? clients[i].latency_max : all->latency_max;
        for (struct name_count *n = clients[i].names; n < clients[i].names + NAME_SLOTS; n++)
            if (n->count)
                count_name(all, n->name, n->bytes, n->count);
    }
    for (int n = 0; n < NAME_SLOTS; n++)
        names += all->names[n].count > 0;
    long answered = all->planned - all->failed;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"connects\":%ld,\"failed\":%ld,\"durationSeconds\":%.6f,\"userSeconds\":%.6f,\"systemSeconds\":%.6f,"
           "\"maxRssKiB\":%ld,\"names\":%ld,\"answerMicroseconds\":{\"mean\":%.1f,\"max\":%.1f}}\n",
           all->planned, all->failed, duration, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss, names,
           answered ? (double)all->latency_sum / 1e3 / (double)answered : 0, (double)all->latency_max / 1e3);
    return all->failed ? 1 : 0;
}

/* ---- measure: what a command cost, seen from outside, as one JSON line on descriptor 3, or on stderr ---- */

static pid_t measured;

static void pass_on(int signal_number)
{
    kill(measured, signal_number == SIGALRM ? SIGKILL : signal_number);
    alarm(PATIENCE_SECONDS);
}

static int measure(int count, char **arguments)
{
    if (count < 1)
        fail("usage: yardstick measure COMMAND [ARGUMENT...]");
    int status, out = fcntl(3, F_SETFD, FD_CLOEXEC) < 0 ? 2 : 3; /* the command must not hold it open */
    struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
    struct rusage usage;
    sigset_t held, before;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGALRM);
    sigprocmask(SIG_BLOCK, &held, &before); /* until there is somebody to pass them on to */
    uint64_t begin = nanoseconds();
    measured = fork();
    if (measured < 0)
        fail("fork: %s", strerror(errno));
    if (measured == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* it never outlives its measurer */
        sigprocmask(SIG_SETMASK, &before, NULL);
        execvp(arguments[0], arguments);
        fprintf(stderr, "yardstick: cannot run %s: %s\n", arguments[0], strerror(errno));
        _exit(127);
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    alarm(MEASURE_SECONDS);
    while (wait4(measured, &status, 0, &usage) < 0)
        if (errno != EINTR)
            fail("wait4: %s", strerror(errno));
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    dprintf(out, "{\"wallSeconds\":%.6f,\"userSeconds\":%.6f,\"systemSeconds\":%.6f,\"maxRssKiB\":%ld,\"exitCode\":%d}\n",
            (double)(nanoseconds() - begin) / 1e9, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss, code);
    return code;
}

int main(int count, char **arguments)
{
    const char *verb = count > 1 ? arguments[1] : "";
    if (strcmp(verb, "serve") == 0)
        return serve(count - 2, arguments + 2);
    if (strcmp(verb, "connect") == 0)
        return connect_many(count - 2, arguments + 2);
    if (strcmp(verb, "echo") == 0)
        return echo(count - 2, arguments + 2);
    if (strcmp(verb, "traffic") == 0)
        return traffic(count - 2, arguments + 2);
    if (strcmp(verb, "measure") == 0)
        return measure(count - 2, arguments + 2);
    fail("usage: yardstick serve|connect|echo|traffic|measure ... (the top of yardstick.c says what follows)");
}
