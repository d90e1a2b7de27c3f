/* A string that must not leak: wiped when freed. */
#ifndef F2M_UTIL_SECRET_H
#define F2M_UTIL_SECRET_H

void f2m_secret_free(char *secret); /* explicit_bzero, then free; NULL is fine */

#endif
