/* Which certificate failed: curl says why verification failed, but not of whom. */
#ifndef F2M_HTTP_CERTIFICATE_H
#define F2M_HTTP_CERTIFICATE_H

struct f2m_certificate {
    char text[200]; /* "CN = api.example, valid 2024-01-01 to 2025-01-01"; "" = none was refused */
};

/* Makes a TLS context (SSL_CTX of OpenSSL) note the certificate that it refuses, which must outlive the handshake.
 * Changes nothing in the verdict. */
void f2m_certificate_watch(void *ssl_context, struct f2m_certificate *);

#endif
