/*
 * Inside the listener: one request and its answer. server.c keeps the connections and their deadlines, exchange.c reads
 * requests and answers them. One connection carries one request: every answer says `Connection: close`.
 */
#ifndef F2M_HTTP_EXCHANGE_H
#define F2M_HTTP_EXCHANGE_H

#include "http/server.h"
#include "http/signature.h"

#include <microhttpd.h>

enum f2m_exchange_state {
    F2M_EXCHANGE_READING,  /* headers and body are coming in */
    F2M_EXCHANGE_VERIFIED, /* a webhook; suspended; the engine does not know of it yet */
    F2M_EXCHANGE_TOLD,     /* suspended; the engine has it */
    F2M_EXCHANGE_ANSWERED, /* the answer is on its way out */
};

struct f2m_exchange {
    struct f2m_exchange *prev, *next; /* in the server's list, oldest first */
    struct f2m_server *server;
    struct MHD_Connection *connection;
    enum f2m_exchange_state state;
    int64_t due_mono_ms; /* when it must be over */
    bool is_webhook;
    uint64_t tag;
    int status;     /* of the answer, once known; 0 = not yet */
    const char *id; /* Webhook-Id; libmicrohttpd's, as long as the request lasts */
    struct f2m_strbuf body;
};

struct f2m_server {
    struct f2m_server_options options; /* strings owned */
    struct f2m_webhook_keys *keys;
    struct MHD_Daemon *daemon;
    struct f2m_now now; /* of the present f2m_server_run() */
    struct f2m_exchange *exchanges;
    size_t open;              /* of them */
    int64_t starved_until_ms; /* mono: no descriptor for the connection that waits; 0 = all is well */
    bool closing;             /* nothing is handed to the engine any more */
    bool again;               /* a run is due that the library tells of neither by descriptor nor by timeout */
    size_t buffered;          /* bytes of all bodies: ≤ F2M_MAX_WEBHOOK_BUFFERS */
    uint64_t last_tag;
    uint64_t refused;
    struct f2m_strbuf page;
};

/* libmicrohttpd's access handler; cls = the server. */
enum MHD_Result f2m_exchange_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *data, size_t *size, void **request);

#endif
