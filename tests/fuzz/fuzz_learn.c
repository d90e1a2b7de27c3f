/* Whatever is published, `learn` writes a configuration that loads, and its tables keep their bounds. The input is a
 * list of messages, "topic payload" up to a NUL each. */
#include "config/load.h"
#include "fuzz.h"
#include "learn/configuration.h"
#include "learn/report.h"
#include "util/xalloc.h"

#include <string.h>

static void publish(struct f2m_survey *s, const uint8_t *data, size_t len)
{
    const uint8_t *blank = memchr(data, ' ', len);
    size_t topic_len = blank ? (size_t)(blank - data) : len;
    char *topic = f2m_xmemdup0(data, topic_len);
    struct f2m_mqtt_message m = {.topic = {topic, topic_len}};

    if (blank)
        m.payload = (struct f2m_slice){(const char *)blank + 1, len - topic_len - 1};
    if (topic_len)
        f2m_survey_message(s, &m, NULL, NULL);
    free(topic);
}

static void check_configuration(struct f2m_survey *s)
{
    char host[] = "localhost";
    struct f2m_mqtt_config mqtt = {.host = host, .port = 1883, .version = 5};
    struct f2m_findings findings;
    f2m_autostrbuf text, report;

    f2m_strbuf_init(&text, 0);
    f2m_strbuf_init(&report, 0);
    size_t n = f2m_learn_report(s, &report);
    F2M_FUZZ_CHECK(f2m_learn_write_configuration(s, &mqtt, 1000, &text) == n && !text.overflow);
    F2M_FUZZ_CHECK(strpbrk(report.data, "\x1b\r\x7f") == NULL);
    if (n == 0)
        return;
    struct f2m_config *config =
        f2m_config_load(&(struct f2m_config_options){.file = "learnt.yaml", .text = text.data}, &findings);
    if (!config) {
        f2m_findings_print(&findings, &report);
        fprintf(stderr, "%s\n%s\n", text.data, report.data);
    }
    F2M_FUZZ_CHECK(config && config->sites[0].devices_len == n);
    f2m_findings_free(&findings);
    f2m_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct f2m_recognise *recognise;
    struct f2m_findings findings;

    if (!recognise)
        recognise = f2m_recognise_load(NULL, &findings);
    struct f2m_survey *s = f2m_survey_new(recognise, "flip2mqtt");
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\0', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;
        publish(s, data + at, len);
        at += len + 1;
    }
    check_configuration(s);
    f2m_survey_free(s);
    return 0;
}
