/* The two URLs of a configuration. */
#ifndef F2M_CONFIG_URL_H
#define F2M_CONFIG_URL_H

#include "config/config.h"
#include "util/err.h"

/* mqtt://[user:pw@]host[:port] or mqtts://…; default ports 1883 and 8883. User and password are percent-decoded into
 * username and password (replaced, owned by the configuration). 0, or -EINVAL with "expected …, found …" in err, which
 * never shows the password. */
int f2m_url_parse_server(const char *url, struct f2m_mqtt_config *, struct f2m_err *)
    __attribute__((warn_unused_result));
/* http(s)://host[:port][/path] -> the same without trailing slashes, to be freed; NULL with err likewise.
 * *plain_remote tells of plain http to another host than this one. */
char *f2m_url_parse_base(const char *url, bool *plain_remote, struct f2m_err *) __attribute__((warn_unused_result));
/* "host:port", "[::1]:port". */
bool f2m_url_listen_valid(const char *text, struct f2m_err *expected);

/* The password as it stands in scheme://user:password@host, and where the scheme was forgotten; .at NULL = none. */
struct f2m_slice f2m_url_password(const char *url);

#endif
