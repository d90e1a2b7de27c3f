/* A real mosquitto on a free port for one test: started, stopped, killed, frozen. Everything fails the test by itself.
 */
#ifndef F2M_TESTS_BROKER_H
#define F2M_TESTS_BROKER_H

#include <stdbool.h>
#include <sys/types.h>

struct broker {
    int port;
    pid_t pid;
    char dir[64];         /* its configuration and whatever the test puts there */
    const char *settings; /* further lines of mosquitto.conf; NULL = "allow_anonymous true" */
};

void broker_prepare(struct broker *, const char *settings); /* a folder and a free port; nothing runs */
void broker_start(struct broker *);                         /* returns when it listens */
void broker_signal(struct broker *, int signal);            /* SIGSTOP, SIGCONT */
void broker_kill(struct broker *);                          /* SIGKILL, and gone; the port stays ours to restart on */
void broker_deinit(struct broker *);

#endif
