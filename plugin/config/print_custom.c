#include "config/print.h"

#include <string.h>

void f2m_print_text(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    const char *text = *(char *const *)at;

    if (text)
        f2m_yaml_write_text(w, key->name, text);
}

/* User and password have keys of their own. */
void f2m_print_server(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    const struct f2m_mqtt_config *mqtt = at;
    bool v6 = strchr(mqtt->host, ':') != NULL;
    f2m_autostrbuf url = {0};

    f2m_strbuf_init(&url, 0);
    f2m_strbuf_addf(&url, "%s://%s%s%s:%d", mqtt->tls ? "mqtts" : "mqtt", v6 ? "[" : "", mqtt->host, v6 ? "]" : "",
                    mqtt->port);
    f2m_yaml_write_text(w, key->name, url.data);
}

void f2m_print_unknown_devices(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    f2m_yaml_write_raw(w, key->name, key->choices[*(const bool *)at].name);
}

void f2m_print_allow(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    unsigned allow = *(const unsigned *)at;
    f2m_autostrbuf list = {0};

    f2m_strbuf_init(&list, 0);
    for (int i = 0; i < F2M_GROUP_COUNT; i++)
        if (allow >> i & 1)
            f2m_strbuf_addf(&list, "%s%s", list.len ? ", " : "[", f2m_group_name((enum f2m_group)i));
    f2m_strbuf_adds(&list, list.len ? "]" : "[]");
    f2m_yaml_write_raw(w, key->name, list.data);
}

void f2m_print_modes(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    const struct f2m_control_config *control = at;

    if (!control->modes_len)
        return;
    f2m_yaml_write_open(w, key->name);
    for (size_t i = 0; i < control->modes_len; i++) {
        const struct f2m_control_mode *mode = &control->modes[i];
        f2m_autostrbuf name = {0};
        f2m_strbuf_init(&name, 0);
        f2m_strbuf_addf(&name, "%s%s%s", f2m_mode_name(mode->mode), mode->power_mode ? "/" : "",
                        mode->power_mode ? mode->power_mode : "");
        f2m_list_print(w, name.data, &f2m_section_publish, mode->publishes, mode->publishes_len);
    }
    f2m_yaml_write_close(w);
}

/* JSON is YAML. */
void f2m_print_attributes(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    const char *json = *(char *const *)at;

    if (json)
        f2m_yaml_write_raw(w, key->name, json);
}

/* What it brought stands in the other keys; named again, it would ask for its parameters again. */
void f2m_print_preset(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    const char *name = *(char *const *)at;
    f2m_autostrbuf text = {0};

    if (!name)
        return;
    f2m_strbuf_init(&text, 0);
    f2m_strbuf_addf(&text, "%s: %s", key->name, name);
    f2m_yaml_write_comment(w, text.data);
}
