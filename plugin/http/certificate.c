#include "http/certificate.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int note_index = -1; /* the place in an SSL_CTX for the caller's note */

static void make_index(void)
{
    note_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static void day_of(const ASN1_TIME *time, char day[16])
{
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1 || strftime(day, 16, "%Y-%m-%d", &tm) == 0)
        memcpy(day, "?", 2);
}

static void describe(X509 *certificate, struct f2m_certificate *note)
{
    char subject[120] = "?", from[16], to[16];
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE) >= 0) {
        int n = BIO_read(bio, subject, sizeof subject - 1);
        subject[n > 0 ? n : 0] = '\0';
    }
    BIO_free(bio);
    day_of(X509_get0_notBefore(certificate), from);
    day_of(X509_get0_notAfter(certificate), to);
    snprintf(note->text, sizeof note->text, "%s, valid %s to %s", subject, from, to);
}

static int on_verify(int ok, X509_STORE_CTX *store)
{
    if (ok)
        return 1;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    struct f2m_certificate *note = ssl ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), note_index) : NULL;
    if (note && certificate)
        describe(certificate, note);
    return 0;
}

void f2m_certificate_watch(void *ssl_context, struct f2m_certificate *note)
{
    SSL_CTX *context = ssl_context;
    pthread_once(&once, make_index);
    SSL_CTX_set_ex_data(context, note_index, note);
    SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), on_verify);
}
