/* Whatever the scanner accepts can be walked, found, decoded and written again; what it refuses is never read too far.
 */
#include "fuzz.h"

#include "util/json.h"
#include "util/json_writer.h"
#include "util/utf8.h"

static void write_value(struct f2m_jw *w, struct f2m_slice value);

/* Every element is also found by its index. */
static void write_array(struct f2m_jw *w, struct f2m_slice array)
{
    struct f2m_json_iter it = f2m_json_iter(array);
    struct f2m_slice name, value, found;
    char pointer[32];
    size_t n = 0;

    f2m_jw_raw(w, NULL, f2m_slice_of("["));
    w->comma = false;
    for (; f2m_json_next(&it, &name, &value); n++) {
        F2M_FUZZ_CHECK(name.at == NULL);
        if (n < 3) {
            snprintf(pointer, sizeof pointer, "/%zu", n);
            F2M_FUZZ_CHECK(f2m_json_find(array, pointer, &found) && found.at == value.at && found.len == value.len);
        }
        write_value(w, value);
    }
    f2m_strbuf_addc(w->out, ']');
    w->comma = true;
    F2M_FUZZ_CHECK(f2m_json_count(array) == n);
}

/* The pointer for a plain name. */
static void point_to(struct f2m_strbuf *pointer, struct f2m_slice name)
{
    f2m_strbuf_reset(pointer);
    f2m_strbuf_addc(pointer, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~' || name.at[i] == '/')
            f2m_strbuf_adds(pointer, name.at[i] == '~' ? "~0" : "~1");
        else
            f2m_strbuf_addc(pointer, name.at[i]);
    }
}

/* Both ways to a member agree, whatever escapes its name holds and however often it stands there. */
static void check_member(struct f2m_slice object, struct f2m_slice name, struct f2m_strbuf *text)
{
    f2m_autostrbuf pointer;
    struct f2m_slice found, member;

    f2m_strbuf_init(&pointer, 0);
    f2m_strbuf_reset(text);
    F2M_FUZZ_CHECK(f2m_json_string(name, text));
    point_to(&pointer, (struct f2m_slice){text->data, text->len});
    F2M_FUZZ_CHECK(f2m_json_pointer_valid(pointer.data));
    member = f2m_json_member(object, text->data);
    F2M_FUZZ_CHECK(f2m_json_find(object, pointer.data, &found));
    F2M_FUZZ_CHECK(found.at == member.at && found.len == member.len && found.len > 0);
}

static void write_object(struct f2m_jw *w, struct f2m_slice object)
{
    f2m_autostrbuf text;
    struct f2m_json_iter it = f2m_json_iter(object);
    struct f2m_slice name, value;
    size_t n = 0;

    f2m_strbuf_init(&text, 0);
    f2m_jw_raw(w, NULL, f2m_slice_of("{"));
    w->comma = false;
    for (; f2m_json_next(&it, &name, &value); n++) {
        F2M_FUZZ_CHECK(f2m_json_type(name) == F2M_JSON_STRING);
        if (n < 3)
            check_member(object, name, &text);
        f2m_strbuf_reset(&text);
        F2M_FUZZ_CHECK(f2m_json_string(name, &text));
        f2m_jw_key_text(w, (struct f2m_slice){text.data, text.len});
        write_value(w, value);
    }
    f2m_strbuf_addc(w->out, '}');
    w->comma = true;
    F2M_FUZZ_CHECK(f2m_json_count(object) == n);
}

static void write_string(struct f2m_jw *w, struct f2m_slice value)
{
    f2m_autostrbuf text;
    char copy[16];

    f2m_strbuf_init(&text, 0);
    F2M_FUZZ_CHECK(f2m_json_string(value, &text) && f2m_utf8_valid(text.data, text.len));
    F2M_FUZZ_CHECK(strlen(text.data) == text.len && f2m_json_string_is(value, text.data));
    F2M_FUZZ_CHECK(f2m_json_string_copy(value, copy, sizeof copy) == (text.len < sizeof copy));
    f2m_jw_text(w, NULL, (struct f2m_slice){text.data, text.len});
}

static void write_value(struct f2m_jw *w, struct f2m_slice value)
{
    bool boolean = false;
    double number = 0;

    switch (f2m_json_type(value)) {
    case F2M_JSON_OBJECT: write_object(w, value); break;
    case F2M_JSON_ARRAY: write_array(w, value); break;
    case F2M_JSON_STRING: write_string(w, value); break;
    case F2M_JSON_NUMBER:
        F2M_FUZZ_CHECK(f2m_json_number(value, &number));
        f2m_jw_raw(w, NULL, value);
        break;
    case F2M_JSON_BOOL:
        F2M_FUZZ_CHECK(f2m_json_bool(value, &boolean));
        f2m_jw_bool(w, NULL, boolean);
        break;
    case F2M_JSON_NULL: f2m_jw_null(w, NULL); break;
    case F2M_JSON_NONE: F2M_FUZZ_CHECK(value.len > 0);
    }
}

/* A caller that forgot to check gets nonsense, never a byte outside the text. */
static void poke(struct f2m_slice text)
{
    struct f2m_json_iter it = f2m_json_iter(text);
    struct f2m_slice name, value;
    f2m_autostrbuf out;
    int64_t integer;

    f2m_strbuf_init(&out, 0);
    while (f2m_json_next(&it, &name, &value)) {
        f2m_json_string(value, &out);
        f2m_json_string_is(name, "a");
        f2m_json_integer(value, &integer);
        f2m_json_count(value);
    }
    f2m_json_find(text, "/a/0/b~1", &value);
    f2m_json_member(text, "a");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct f2m_slice text = {(const char *)data, size};
    f2m_autostrbuf out, again;
    struct f2m_err err;

    f2m_strbuf_init(&out, 0);
    f2m_strbuf_init(&again, 0);
    poke(text);
    if (f2m_json_check(text, &err) != 0) {
        F2M_FUZZ_CHECK(strncmp(err.text, "at byte ", 8) == 0);
        return 0;
    }
    struct f2m_jw first = f2m_jw(&out), second = f2m_jw(&again);
    write_value(&first, f2m_json_root(text));
    F2M_FUZZ_CHECK(!out.overflow && f2m_json_check((struct f2m_slice){out.data, out.len}, &err) == 0);
    /* Written once it has its final form. */
    write_value(&second, (struct f2m_slice){out.data, out.len});
    F2M_FUZZ_CHECK(out.len == again.len && memcmp(out.data, again.data, out.len) == 0);
    return 0;
}
