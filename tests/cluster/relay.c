/* Lets programs on this machine reach a server inside a network namespace: listens on a free port of 127.0.0.1 here, which it prints, and passes every
 * connection on to a port of 127.0.0.1 in there.
 *
 *   relay /run/netns/<name> <port>
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_socket(void)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0) err(1, "socket");
    return s;
}

/* One direction of a connection, in a process of its own. */
static void copy(int from, int to)
{
    if (fork() != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char buffer[65536];
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0, written; done < length; done += written)
            if ((written = write(to, buffer + done, length - done)) < 0) _exit(0);
    shutdown(to, SHUT_WR);
    _exit(0);
}

int main(int count, char **arguments)
{
    if (count != 3) errx(2, "relay <network namespace> <port>");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, there = here;
    there.sin_port = htons(atoi(arguments[2]));
    socklen_t length = sizeof here;
    int listener = open_socket();
    if (bind(listener, (struct sockaddr *)&here, length) || listen(listener, 128) || getsockname(listener, (struct sockaddr *)&here, &length)) err(1, "listen");

    /* A socket stays in the namespace that it was made in. */
    int namespace = open(arguments[1], O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNET)) err(1, "%s", arguments[1]);
    dprintf(1, "%d\n", ntohs(here.sin_port));

    for (;;)
    {
        int client = accept4(listener, 0, 0, SOCK_CLOEXEC), server = open_socket();
        if (client >= 0 && connect(server, (struct sockaddr *)&there, sizeof there) == 0)
        {
            copy(client, server);
            copy(server, client);
        }
        close(client);
        close(server);
    }
}
