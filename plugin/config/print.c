/* The effective configuration, defaults filled in. Interface, section 1: config. */
#include "config/print.h"

static const char MASK[] = "***";

static void print_scalar(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    f2m_autostrbuf text = {0};

    /* refresh and the like: 0 is "not given" where the range begins above it. */
    if (!f2m_value_given(key, at) || (key->type == F2M_KEY_DURATION && key->min > 0 && *(const int64_t *)at == 0))
        return;
    f2m_strbuf_init(&text, 0);
    f2m_value_format(key, at, &text);
    if (key->secret)
        f2m_yaml_write_text(w, key->name, MASK);
    else if (f2m_value_is_text(key->type))
        f2m_yaml_write_text(w, key->name, text.data);
    else
        f2m_yaml_write_raw(w, key->name, text.data);
}

static void print_texts(struct f2m_yaml_writer *w, const struct f2m_key *key, char *const *texts, size_t len)
{
    if (!texts)
        return;
    if (len == 0) {
        f2m_yaml_write_raw(w, key->name, "[]");
        return;
    }
    f2m_yaml_write_open(w, key->name);
    for (size_t i = 0; i < len; i++)
        f2m_yaml_write_item(w, key->secret ? MASK : texts[i]);
    f2m_yaml_write_close(w);
}

/* Nothing inside, nothing at all. */
static void print_subsection(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *at)
{
    size_t before = w->out->len;
    bool item = w->item;

    if (key->section->present && !key->section->present(at))
        return;
    f2m_yaml_write_open(w, key->name);
    size_t opened = w->out->len;
    f2m_section_print(w, key->section, at);
    f2m_yaml_write_close(w);
    if (w->out->len != opened || w->out->overflow)
        return;
    f2m_strbuf_truncate(w->out, before);
    w->item = item;
}

static void print_key(struct f2m_yaml_writer *w, const struct f2m_key *key, const void *target)
{
    const char *base = target;
    const void *at = base + key->at;

    if (key->applies && !key->applies(target))
        return;
    if (key->unstored) {
        /* A constant, such as the version of the format. */
        if (key->fallback && key->min == key->max && key->min > 0)
            f2m_yaml_write_raw(w, key->name, key->fallback);
        return;
    }
    switch (key->type) {
    case F2M_KEY_SECTION: print_subsection(w, key, at); break;
    case F2M_KEY_LIST:
        f2m_list_print(w, key->name, key->section, *(void *const *)at,
                       *(const size_t *)(const void *)(base + key->len_at));
        break;
    case F2M_KEY_TEXTS:
        print_texts(w, key, *(char *const *const *)at, *(const size_t *)(const void *)(base + key->len_at));
        break;
    case F2M_KEY_CUSTOM: key->custom->print(w, key, at); break;
    default: print_scalar(w, key, at); break;
    }
}

void f2m_section_print(struct f2m_yaml_writer *w, const struct f2m_section *section, const void *target)
{
    for (size_t i = 0; i < section->keys_len; i++)
        print_key(w, &section->keys[i], target);
}

void f2m_list_print(struct f2m_yaml_writer *w, const char *key, const struct f2m_section *section, const void *list,
                    size_t len)
{
    const char *element = list;

    if (!list)
        return;
    if (len == 0) {
        f2m_yaml_write_raw(w, key, "[]");
        return;
    }
    f2m_yaml_write_open(w, key);
    w->indent++;
    for (size_t i = 0; i < len; i++, element += section->size) {
        w->item = true;
        f2m_section_print(w, section, element);
    }
    w->indent--;
    f2m_yaml_write_close(w);
}

void f2m_config_print(const struct f2m_config *config, struct f2m_strbuf *out)
{
    struct f2m_yaml_writer w = {.out = out};

    f2m_section_print(&w, &f2m_section_root, config);
}
