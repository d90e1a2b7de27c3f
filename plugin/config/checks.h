/* What no single key can tell, and the keys with rules of their own. Private to the table. */
#ifndef F2M_CONFIG_CHECKS_H
#define F2M_CONFIG_CHECKS_H

#include "config/table.h"

/* Custom keys (custom.c). */
extern const struct f2m_key_custom f2m_custom_base_url;        /* char ** */
extern const struct f2m_key_custom f2m_custom_server;          /* struct f2m_mqtt_config, at its member host */
extern const struct f2m_key_custom f2m_custom_unknown_devices; /* bool: reject */
extern const struct f2m_key_custom f2m_custom_allow;           /* unsigned: bits of groups */
extern const struct f2m_key_custom f2m_custom_modes;           /* struct f2m_control_config */
extern const struct f2m_key_custom f2m_custom_attributes;      /* char **: a JSON object */
extern const struct f2m_key_custom f2m_custom_preset;          /* char **: its name */

/* Texts (check_text.c): false with what was expected. */
bool f2m_check_token(const char *text, struct f2m_err *expected);
bool f2m_check_url_path(const char *text, struct f2m_err *expected);
bool f2m_check_webhook_secret(const char *text, struct f2m_err *expected);
bool f2m_check_filter(const char *text, struct f2m_err *expected);
bool f2m_check_id(const char *text, struct f2m_err *expected);
bool f2m_check_timezone(const char *text, struct f2m_err *expected);
bool f2m_check_state_code(const char *text, struct f2m_err *expected);
bool f2m_check_zip_code(const char *text, struct f2m_err *expected);
bool f2m_check_email(const char *text, struct f2m_err *expected);
bool f2m_check_date(const char *text, struct f2m_err *expected);

/* Sections (check_bridge.c, check_device.c). */
void f2m_check_flip(struct f2m_loader *, const struct f2m_yaml *map, void *flip);
void f2m_check_mqtt(struct f2m_loader *, const struct f2m_yaml *map, void *mqtt);
void f2m_check_http(struct f2m_loader *, const struct f2m_yaml *map, void *http);
void f2m_check_root(struct f2m_loader *, const struct f2m_yaml *map, void *config);
void f2m_check_site(struct f2m_loader *, const struct f2m_yaml *map, void *site);
void f2m_check_device(struct f2m_loader *, const struct f2m_yaml *map, void *device);
void f2m_check_telemetry(struct f2m_loader *, const struct f2m_yaml *map, void *telemetry);
void f2m_check_sources(struct f2m_loader *, const struct f2m_yaml *map, void *sources);
void f2m_check_publish(struct f2m_loader *, const struct f2m_yaml *map, void *publish);
bool f2m_has_http(const void *http);
bool f2m_has_webhook(const void *http);
bool f2m_has_availability(const void *availability);
bool f2m_has_keepalive(const void *keepalive);
bool f2m_is_battery(const void *device);
bool f2m_has_confirm(const void *confirm);

#endif
