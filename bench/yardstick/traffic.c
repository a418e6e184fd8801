/* The echo pattern: what the kernel allows for many connections that each send a packet at planned times and get it back, in the
 * protocol of `ctraffic` (the server puts its name over the beginning of a connection's first 64 bytes, then echoes everything).
 * One thread, one epoll instance and one send and one recv per packet on either side. It does the least that an honest test can
 * do: TCP over IPv4 only, no connection is made anew, first bytes that come in pieces and sends that are not taken whole end it. */
#define _GNU_SOURCE
#include "yardstick.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS = 512, FIRST_PACKET = 64,
    MOST_PACKET = 16384,      /* fits every send buffer (net.ipv4.tcp_wmem), so sends are taken whole */
    GRACE_MILLISECONDS = 1000 /* for the last echoes */
};

/* ---- echo: per packet recv and send ---- */

/* Takes all that wait; the first packet of each is still to come. */
static void accept_all(int epoll, int listening)
{
    for (int fd; (fd = accept_next(listening)) >= 0;) {
        struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = (uint64_t)fd << 1 | 1 };
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted))
            close(fd);
    }
}

int echo(int count, char **arguments)
{
    if (count != 3)
        fail("usage: yardstick echo ADDRESS PORT NAME");
    struct sockaddr_in at = target(arguments[0], arguments[1]);
    const char *name = arguments[2];
    size_t name_bytes = strlen(name);
    if (name_bytes == 0 || name_bytes >= FIRST_PACKET)
        fail("NAME must have 1 to %d bytes", FIRST_PACKET - 1);
    allow_many_descriptors();
    int on = 1, listening = listener(at, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
    setsockopt(listening, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
    struct epoll_event events[EVENTS], wanted = { .events = EPOLLIN, .data.u64 = (uint64_t)listening << 1 };
    static char buffer[64 * 1024];
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &wanted))
        fail("epoll: %s", strerror(errno));
    puts("ready");
    fflush(stdout);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = (int)(events[i].data.u64 >> 1), first = events[i].data.u64 & 1;
            if (fd == listening) {
                accept_all(epoll, listening);
                continue;
            }
            ssize_t bytes = recv(fd, buffer, sizeof buffer, 0);
            if (bytes <= 0) {
                if (bytes == 0 || errno != EAGAIN)
                    close(fd);
                continue;
            }
            if (first && bytes >= FIRST_PACKET) {
                struct epoll_event later = { .events = EPOLLIN, .data.u64 = (uint64_t)fd << 1 };
                memcpy(buffer, name, name_bytes);
                epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &later);
                first = 0;
            }
            if (first || send(fd, buffer, (size_t)bytes, MSG_NOSIGNAL) != bytes)
                close(fd); /* a first packet in pieces, or a client that does not read */
        }
    }
}

/* ---- traffic: connection i of N sends its k-th packet at t0 + (k * N + i) / rate ---- */

struct pair {
    int fd;
    uint32_t missing; /* bytes of the echo that are not here yet; 0: free to send */
    uint64_t due;     /* when the packet under way was due */
    uint64_t waiting; /* when the next one was, if it waits for the echo; else 0 */
};

struct run {
    struct pair *pairs;
    long connections, sent, received, dropped, failed, outstanding;
    int epoll;
    uint32_t packet;
    uint64_t grain;                    /* it wakes up for packets that are due at multiples of this, in ns */
    uint64_t latency_sum, latency_max; /* from when a packet was due to its whole echo, in ns */
};

static char out[MOST_PACKET], in[MOST_PACKET];

static void give_up(struct run *r, struct pair *p)
{
    if (p->missing)
        r->outstanding--;
    if (p->waiting)
        r->dropped++;
    close(p->fd);
    *p = (struct pair){ .fd = -1 };
    r->failed++;
}

static void send_packet(struct run *r, struct pair *p, uint64_t due)
{
    if (send(p->fd, out, r->packet, MSG_NOSIGNAL) != (ssize_t)r->packet) {
        give_up(r, p);
        return;
    }
    p->missing = r->packet;
    p->due = due;
    r->sent++;
    r->outstanding++;
}

/* A slot has come: send, wait for the echo, or, if one waits already, that one had its chance. */
static void slot(struct run *r, struct pair *p, uint64_t due)
{
    if (p->fd < 0) {
        r->dropped++;
    } else if (p->missing) {
        r->dropped += p->waiting != 0;
        p->waiting = due;
    } else {
        send_packet(r, p, due);
    }
}

static void receive(struct run *r, struct pair *p)
{
    ssize_t bytes = recv(p->fd, in, p->missing ? p->missing : 1, 0);
    if (bytes <= 0 || !p->missing) { /* an end, or more than was sent */
        if (bytes >= 0 || errno != EAGAIN)
            give_up(r, p);
        return;
    }
    p->missing -= (uint32_t)bytes;
    if (p->missing)
        return;
    uint64_t latency = nanoseconds() - p->due, waiting = p->waiting;
    r->latency_sum += latency;
    r->latency_max = latency > r->latency_max ? latency : r->latency_max;
    r->received++;
    r->outstanding--;
    p->waiting = 0;
    if (waiting)
        send_packet(r, p, waiting);
}

static void open_all(struct run *r, struct sockaddr_in at)
{
    for (long i = 0; i < r->connections; i++) {
        int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = (uint64_t)i };
        if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at))
            fail("connection %ld: %s", i, strerror(errno));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (fcntl(fd, F_SETFL, O_NONBLOCK) || epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &wanted))
            fail("connection %ld: %s", i, strerror(errno));
        r->pairs[i].fd = fd;
    }
}

/* Until all packets are sent and back, or the grace is over. */
static void send_and_receive(struct run *r, double rate, long slots)
{
    struct epoll_event events[EVENTS];
    uint64_t begin = nanoseconds();
    double gap = 1e9 / rate;
    for (long next = 0; next < slots || r->outstanding;) {
        uint64_t now = nanoseconds(), due = begin;
        while (next < slots && (due = begin + (uint64_t)((double)next * gap)) <= now) {
            slot(r, &r->pairs[next % r->connections], due);
            next++;
        }
        if (next == slots)
            due = begin + (uint64_t)((double)slots * gap) + GRACE_MILLISECONDS * 1000000ull;
        if (next == slots && now >= due)
            break;
        /* Not epoll_wait: its milliseconds are longer than the time between two packets. */
        due = begin + (due - begin + r->grain - 1) / r->grain * r->grain;
        uint64_t wait = due > now ? due - now : 0;
        struct timespec timeout = { .tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u) };
        long ready = syscall(SYS_epoll_pwait2, r->epoll, events, EVENTS, &timeout, NULL, 0);
        if (ready < 0 && errno != EINTR)
            fail("epoll_pwait2: %s", strerror(errno));
        for (long i = 0; i < ready; i++)
            receive(r, &r->pairs[events[i].data.u64]);
    }
    for (long i = 0; i < r->connections; i++)
        r->dropped += r->pairs[i].waiting != 0;
}

static double cpu_seconds(struct rusage *usage)
{
    getrusage(RUSAGE_SELF, usage);
    return seconds(usage->ru_utime) + seconds(usage->ru_stime);
}

int traffic(int count, char **arguments)
{
    if (count < 6 || count > 7)
        fail("usage: yardstick traffic ADDRESS PORT CONNECTIONS PACKETS_PER_SECOND PACKET_BYTES MILLISECONDS [GRAIN_MICROSECONDS]");
    struct sockaddr_in at = target(arguments[0], arguments[1]);
    struct run r = { .connections = number("CONNECTIONS", arguments[2], 1, 1000000) };
    double rate = (double)number("PACKETS_PER_SECOND", arguments[3], 1, 100000000);
    r.packet = (uint32_t)number("PACKET_BYTES", arguments[4], FIRST_PACKET, MOST_PACKET);
    r.grain = count > 6 ? 1000 * (uint64_t)number("GRAIN_MICROSECONDS", arguments[6], 1, 1000000) : 1;
    long slots = (long)(rate * (double)number("MILLISECONDS", arguments[5], 1, 86400000) / 1e3);
    struct rusage usage;
    allow_many_descriptors();
    r.epoll = epoll_create1(EPOLL_CLOEXEC);
    r.pairs = calloc((size_t)r.connections, sizeof *r.pairs);
    if (r.epoll < 0 || !r.pairs)
        fail("no memory or descriptor for %ld connections", r.connections);
    open_all(&r, at);
    uint64_t begin = nanoseconds();
    double cpu = cpu_seconds(&usage);
    send_and_receive(&r, rate, slots);
    double duration = (double)(nanoseconds() - begin) / 1e9;
    cpu = cpu_seconds(&usage) - cpu;
    printf("{\"connections\":%ld,\"sent\":%ld,\"received\":%ld,\"dropped\":%ld,\"failed\":%ld,\"durationSeconds\":%.6f,"
           "\"cpuMicrosecondsPer1000Packets\":%.1f,\"maxRssKiB\":%ld,\"latency\":{\"meanSeconds\":%.7f,\"maximumSeconds\":%.7f}}\n",
           r.connections, r.sent, r.received, r.dropped, r.failed, duration, r.sent ? cpu * 1e9 / (double)r.sent : 0, usage.ru_maxrss,
           r.received ? (double)r.latency_sum / 1e9 / (double)r.received : 0, (double)r.latency_max / 1e9);
    return r.received == 0 || r.failed ? 1 : 0;
}
