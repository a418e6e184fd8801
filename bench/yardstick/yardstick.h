/* What the two halves of the yardstick share. */
#ifndef YARDSTICK_H
#define YARDSTICK_H
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

enum { BACKLOG = 4096 };

#define fail(...) (fputs("yardstick: ", stderr), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(2))

long number(const char *what, const char *text, long low, long high);
struct sockaddr_in target(const char *address, const char *port);
uint64_t nanoseconds(void);
double seconds(struct timeval t);
void allow_many_descriptors(void);
int listener(struct sockaddr_in at, int shared);
int accept_next(int listening); /* the next connection that waits; -1 when none does */

int echo(int count, char **arguments);    /* traffic.c */
int traffic(int count, char **arguments); /* traffic.c */

#endif
