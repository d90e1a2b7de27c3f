/* For tests that need other programs and certificates. Everything fails the test by itself. */
#ifndef F2M_TESTS_PROCESS_H
#define F2M_TESTS_PROCESS_H

int free_port(void); /* on 127.0.0.1 */
/* Runs a program to its end, without output; its exit code. argv[0] is found on the PATH. */
int run_program(const char *const argv[]);

/* A throw-away authority, and a certificate of it for a host name, valid for so many days ("-1": expired). */
struct certificates {
    char ca[128], cert[128], key[128]; /* files */
};
void certificates_make(struct certificates *, const char *dir, const char *name, const char *days);

#endif
