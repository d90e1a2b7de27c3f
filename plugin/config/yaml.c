/*
 * libfyaml's events -> our tree. Events rather than its documents: they cost a tenth of the memory, keep duplicate
 * keys (its own check stops at the first one), and leave aliases to us, so that their expansion can be bounded.
 */
#include "config/yaml_hint.h"
#include "config/yaml_tree.h"
#include "util/limits.h"
#include "util/utf8.h"

#include <libfyaml.h>
#include <stdio.h>
#include <string.h>

struct frame {
    struct f2m_yaml *node;
    const char *key; /* a map's key that waits for its value */
    struct f2m_place key_at;
    const char *anchor; /* becomes known when the node is complete: no node may hold itself */
};

struct anchor {
    struct anchor *next;
    const char *name;
    struct f2m_yaml *node;
};

struct builder {
    struct f2m_arena *arena;
    struct f2m_report *report;
    struct fy_parser *parser;
    const char *file;
    struct frame stack[F2M_MAX_CONFIG_DEPTH];
    size_t depth;
    struct anchor *anchors; /* newest first: a name given again means the newer node */
    size_t anchors_len;
    struct f2m_yaml *root;
    size_t documents;
    size_t nodes;
};

/* The library's mark stands behind an opening quote; to its writer the quote belongs to the value. */
static bool quoted(struct fy_token *token)
{
    enum fy_scalar_style style = fy_token_scalar_style(token);

    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

static struct f2m_place token_place(const struct builder *b, struct fy_token *token)
{
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;

    if (!mark)
        return (struct f2m_place){b->file, 0, 0};
    return (struct f2m_place){b->file, mark->line + 1, mark->column + (quoted(token) ? 0 : 1)};
}

/* A value's place is where its tag or its text begins; where nothing stands there, its key's. */
static struct f2m_place value_place(const struct builder *b, struct fy_token *tag, struct fy_token *token)
{
    if (tag)
        return token_place(b, tag);
    if (token)
        return token_place(b, token);
    const struct frame *top = b->depth ? &b->stack[b->depth - 1] : NULL;
    return top && top->key ? top->key_at : (struct f2m_place){b->file, 1, 1};
}

static const char *copy_text(struct builder *b, struct fy_token *token, struct f2m_place at)
{
    size_t len = 0;
    const char *text = token ? fy_token_get_text(token, &len) : NULL;

    if (!text || len == 0)
        return "";
    if (memchr(text, '\0', len) || !f2m_utf8_valid(text, len)) {
        f2m_report_error(b->report, at, "expected UTF-8 text without a NUL character, found %s",
                         memchr(text, '\0', len) ? "one" : "other bytes");
        return NULL;
    }
    return f2m_arena_copy(b->arena, text, len);
}

static const char *tag_text(struct builder *b, struct fy_token *tag)
{
    if (!tag)
        return NULL;
    const char *handle = fy_tag_token_handle0(tag), *suffix = fy_tag_token_suffix0(tag);
    return f2m_arena_printf(b->arena, "%.40s%.80s", handle ? handle : "!", suffix ? suffix : "");
}

static const char *anchor_text(struct builder *b, struct fy_token *anchor)
{
    size_t len = 0;
    const char *text = anchor ? fy_token_get_text(anchor, &len) : NULL;

    return text ? f2m_arena_copy(b->arena, text, len) : NULL;
}

static bool add_anchor(struct builder *b, const char *name, struct f2m_yaml *node)
{
    if (!name)
        return true;
    if (++b->anchors_len > F2M_MAX_CONFIG_ANCHORS) {
        f2m_report_error(b->report, node->at, "expected at most %d anchors (&name), found more",
                         F2M_MAX_CONFIG_ANCHORS);
        return false;
    }
    struct anchor *anchor = f2m_arena_alloc(b->arena, sizeof *anchor);
    *anchor = (struct anchor){b->anchors, name, node};
    b->anchors = anchor;
    return true;
}

static bool within_bounds(struct builder *b, const struct f2m_yaml *node)
{
    if (node->weight <= F2M_MAX_CONFIG_NODES && b->nodes <= F2M_MAX_CONFIG_NODES &&
        b->depth + node->height <= F2M_MAX_CONFIG_DEPTH)
        return true;
    if (b->depth + node->height > F2M_MAX_CONFIG_DEPTH)
        f2m_report_error(b->report, node->at, "expected at most %d levels, found more", F2M_MAX_CONFIG_DEPTH);
    else
        f2m_report_error(b->report, node->at, "expected at most %d values, aliases written out, found more",
                         F2M_MAX_CONFIG_NODES);
    return false;
}

/* A complete node goes into the collection that is open. */
static bool attach(struct builder *b, struct f2m_yaml *node)
{
    b->nodes++;
    if (!within_bounds(b, node))
        return false;
    if (b->depth == 0) {
        b->root = node;
        return true;
    }
    struct frame *top = &b->stack[b->depth - 1];
    f2m_yaml_add(b->arena, top->node, top->key, top->key ? top->key_at : node->at, node);
    top->key = NULL;
    return within_bounds(b, top->node);
}

static bool expects_key(const struct builder *b)
{
    return b->depth && b->stack[b->depth - 1].node->type == F2M_YAML_MAP && !b->stack[b->depth - 1].key;
}

static bool on_scalar(struct builder *b, struct fy_event *event)
{
    struct fy_token *token = event->scalar.value;
    bool is_key = expects_key(b);
    struct f2m_place at = value_place(b, event->scalar.tag, token);
    const char *text = copy_text(b, token, at);
    const char *anchor = anchor_text(b, event->scalar.anchor);

    if (!text)
        return false;
    if (is_key) {
        b->stack[b->depth - 1].key = text;
        b->stack[b->depth - 1].key_at = at;
        return true;
    }
    struct f2m_yaml *node = f2m_yaml_scalar(b->arena, at, text);
    node->plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
    node->empty = node->plain && !*text;
    node->tag = tag_text(b, event->scalar.tag);
    return add_anchor(b, anchor, node) && attach(b, node);
}

static bool on_start(struct builder *b, enum f2m_yaml_type type, struct fy_token *token, struct fy_token *tag,
                     struct fy_token *anchor)
{
    struct f2m_place at = value_place(b, tag, token);

    if (expects_key(b)) {
        f2m_report_error(b->report, at, "expected a key, found %s: put a template such as {{ setpoint_w }} in quotes",
                         type == F2M_YAML_MAP ? "a mapping" : "a list");
        return false;
    }
    if (tag) {
        f2m_report_error(b->report, at, "expected a text after '%s', found %s", tag_text(b, tag),
                         type == F2M_YAML_MAP ? "a mapping" : "a list");
        return false;
    }
    if (b->depth == F2M_MAX_CONFIG_DEPTH) {
        f2m_report_error(b->report, at, "expected at most %d levels, found more", F2M_MAX_CONFIG_DEPTH);
        return false;
    }
    struct f2m_yaml *node = f2m_yaml_collection(b->arena, type, at);
    b->stack[b->depth++] = (struct frame){.node = node, .anchor = anchor_text(b, anchor)};
    return true;
}

static bool on_end(struct builder *b)
{
    struct frame done = b->stack[--b->depth];

    /* libfyaml ends only what it began, so a frame is there and its node is set; the analyzer cannot know that. */
    if (done.node->type == F2M_YAML_MAP) { /* NOLINT(clang-analyzer-core.NullDereference) */
        f2m_yaml_check_duplicates(b->report, done.node);
        f2m_yaml_merge_keys(b->arena, b->report, done.node);
    }
    return add_anchor(b, done.anchor, done.node) && attach(b, done.node);
}

static bool on_alias(struct builder *b, struct fy_event *event)
{
    struct f2m_place at = token_place(b, event->alias.anchor);
    const char *name = anchor_text(b, event->alias.anchor);

    if (expects_key(b)) {
        f2m_report_error(b->report, at, "expected a key, found the alias '*%.100s'", name);
        return false;
    }
    for (const struct anchor *anchor = b->anchors; anchor; anchor = anchor->next)
        if (strcmp(anchor->name, name) == 0)
            return attach(b, anchor->node);
    f2m_report_error(b->report, at, "unknown alias '*%.100s', expected an anchor '&%.100s' before it", name, name);
    return false;
}

static bool on_document(struct builder *b, struct fy_event *event)
{
    if (++b->documents == 1)
        return true;
    f2m_report_error(b->report, token_place(b, event->document_start.document_start),
                     "expected one document, found a second one after '---'");
    return false;
}

static bool on_event(struct builder *b, struct fy_event *event)
{
    switch (event->type) {
    case FYET_DOCUMENT_START: return on_document(b, event);
    case FYET_SCALAR: return on_scalar(b, event);
    case FYET_ALIAS: return on_alias(b, event);
    case FYET_MAPPING_START:
        return on_start(b, F2M_YAML_MAP, event->mapping_start.mapping_start, event->mapping_start.tag,
                        event->mapping_start.anchor);
    case FYET_SEQUENCE_START:
        return on_start(b, F2M_YAML_LIST, event->sequence_start.sequence_start, event->sequence_start.tag,
                        event->sequence_start.anchor);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END: return on_end(b);
    default: return true;
    }
}

static void report_syntax(struct builder *b, struct fy_diag *diag, const char *text, size_t len)
{
    void *previous = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &previous);

    if (!error) {
        f2m_report_error(b->report, (struct f2m_place){b->file, 1, 1}, "expected YAML, found something else");
        return;
    }
    struct f2m_slice line = {text, len};
    for (int i = 1; i < error->line && line.at; i++) {
        const char *next = memchr(line.at, '\n', line.len);
        line = next ? (struct f2m_slice){next + 1, len - (size_t)(next + 1 - text)} : (struct f2m_slice){NULL, 0};
    }
    const char *end = line.at ? memchr(line.at, '\n', line.len) : NULL;
    if (end)
        line.len = (size_t)(end - line.at);
    const char *hint = f2m_yaml_hint(error->msg, line);
    f2m_report_error(b->report, (struct f2m_place){b->file, error->line, error->column}, "YAML: %.200s%s%s", error->msg,
                     *hint ? "; " : "", hint);
}

/* False after an error, whether ours or the parser's. */
static bool run(struct builder *b, struct fy_diag *diag, const char *text, size_t len)
{
    struct fy_event *event;
    bool ended = false, ok = true;

    while (ok && !ended && (event = fy_parser_parse(b->parser))) {
        ended = event->type == FYET_STREAM_END;
        ok = on_event(b, event);
        fy_parser_event_free(b->parser, event);
    }
    if (ok && !ended)
        report_syntax(b, diag, text, len);
    return ok && ended;
}

/* libfyaml is not tried on bytes that can be no YAML. */
static bool check_bytes(struct f2m_report *report, const char *file, const char *text, size_t len)
{
    int line = 1, col = 1;

    for (size_t i = 0; i < len; col++) {
        unsigned char c = (unsigned char)text[i];
        size_t n = f2m_utf8_length(text + i, len - i);
        if (n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
            f2m_report_error(report, (struct f2m_place){file, line, col}, "expected UTF-8 text, found the byte 0x%02x",
                             c);
            return false;
        }
        i += n;
        if (c == '\n') {
            line++;
            col = 0;
        }
    }
    return true;
}

struct f2m_yaml *f2m_yaml_parse(struct f2m_arena *arena, struct f2m_report *report, const char *file, const char *text,
                                size_t len)
{
    struct builder b = {.arena = arena, .report = report, .file = file};
    struct fy_diag_cfg diag_cfg;

    if (!check_bytes(report, file, text, len))
        return NULL;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {
        .flags = FYPCF_ALLOW_DUPLICATE_KEYS | FYPCF_JSON_NONE | FYPCF_SLOPPY_FLOW_INDENTATION | FYPCF_COLLECT_DIAG,
        .diag = diag,
    };
    b.parser = fy_parser_create(&cfg);
    bool ok = b.parser && fy_parser_set_string(b.parser, text, len) == 0 && run(&b, diag, text, len);
    fy_parser_destroy(b.parser);
    fy_diag_destroy(diag);
    if (ok && (!b.root || f2m_yaml_is_null(b.root)))
        b.root = f2m_yaml_collection(arena, F2M_YAML_MAP, (struct f2m_place){file, 1, 1});
    return ok ? b.root : NULL;
}
