/* A whole configuration.yaml: either it loads or it is told why not; and what loads is printed, loads again and is then
 * printed the same. */
#include "fuzz.h"

#include "config/load.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libfyaml 0.7.12 loses a buffer of some hundred bytes when a quote with '' inside is never closed. The parser is gone
 * then, so there is nobody to free it; it happens once per broken file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static char token[] = "FLIP_TOKEN=fl_x", password[] = "MQTT_PASSWORD=p",
            secret[] = "FLIP_WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static char *const environment[] = {token, password, secret, NULL};

static struct f2m_config *load(const void *text, size_t len, struct f2m_findings *findings)
{
    char path[64];
    int fd = memfd_create("configuration.yaml", MFD_CLOEXEC);

    F2M_FUZZ_CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const struct f2m_config_options options = {.file = path, .environ = environment};
    struct f2m_config *config = f2m_config_load(&options, findings);
    close(fd);
    F2M_FUZZ_CHECK((config == NULL) == f2m_findings_any_error(findings));
    return config;
}

static void check_findings(struct f2m_findings *findings)
{
    f2m_autostrbuf text = {0};

    f2m_strbuf_init(&text, 0);
    f2m_findings_print(findings, &text);
    f2m_findings_print_json(findings, &text);
    F2M_FUZZ_CHECK(!text.overflow);
    for (size_t i = 0; i < findings->len; i++)
        F2M_FUZZ_CHECK(findings->list[i].message[0] != '\0' && !strchr(findings->list[i].message, '\n'));
    f2m_findings_free(findings);
}

/* Takes the configuration. */
static void print(struct f2m_config *config, struct f2m_strbuf *out)
{
    f2m_strbuf_init(out, 0);
    f2m_config_print(config, out);
    f2m_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct f2m_findings findings;
    f2m_autostrbuf first = {0}, second = {0}, third = {0};

    struct f2m_config *config = load(data, size, &findings);
    check_findings(&findings);
    if (!config)
        return 0;
    print(config, &first);
    /* A path that is relative to this file is absolute from then on, and a preset's name a comment: two rounds. */
    config = load(first.data, first.len, &findings);
    if (!config) {
        f2m_strbuf_reset(&first);
        f2m_findings_print(&findings, &first);
        fprintf(stderr, "%s", first.data);
    }
    F2M_FUZZ_CHECK(config);
    f2m_findings_free(&findings);
    print(config, &second);
    config = load(second.data, second.len, &findings);
    F2M_FUZZ_CHECK(config);
    f2m_findings_free(&findings);
    print(config, &third);
    F2M_FUZZ_CHECK(strcmp(second.data, third.data) == 0);
    return 0;
}
