#include "util/boolean.h"

#include <strings.h>

bool f2m_boolean_parse(struct f2m_slice text, bool *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"on", true},     {"off", false},
                 {"1", true},    {"0", false},     {"online", true}, {"offline", false}};

    text = f2m_slice_trim(text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text.len == strlen(words[i].word) && strncasecmp(text.at, words[i].word, text.len) == 0) {
            *value = words[i].value;
            return true;
        }
    return false;
}
