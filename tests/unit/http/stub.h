/* A stand-in for an HTTP server in a thread: accepts, notes what was asked, and answers with given bytes. */
#ifndef F2M_TESTS_STUB_H
#define F2M_TESTS_STUB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

enum stub_end {
    STUB_CLOSE,  /* after the answer */
    STUB_KEEP,   /* keep-alive: on to the next request of the same connection */
    STUB_RESET,  /* RST instead of FIN */
    STUB_SILENT, /* answer nothing, keep it open */
    STUB_DRIP,   /* the answer one byte at a time, for ever */
};

struct stub {
    const char *answer; /* whole: status line, headers, body */
    size_t answer_len;  /* 0 = strlen */
    enum stub_end end;
    int port;
    int listener;
    int quit[2]; /* a pipe: closed to end the thread */
    pthread_t thread;
    atomic_int connections, requests;
    char seen[65536]; /* the last request, NUL-terminated; read it after the answer has come */
};

void stub_start(struct stub *, const char *answer, enum stub_end);
void stub_stop(struct stub *);

#endif
