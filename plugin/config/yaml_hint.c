#include "config/yaml_hint.h"

static const struct {
    const char *message; /* a part of the parser's own text */
    const char *hint;
} hints[] = {
    {"cannot start with '%'", "put it in quotes, as in unit: \"%\""},
    {"cannot start with '@'", "put it in quotes, as in \"@…\""},
    {"cannot start with '`'", "put it in quotes"},
    {"tab character", "indent with blanks"},
    {"invalid tab", "indent with blanks"},
    {"without closing quote", "the closing quote is missing"},
    {"after single-quoted", "write a single quote inside single quotes twice, as in 'it''s', or use double quotes"},
    {"missing comma in flow mapping", "is a comma, a quote or the closing } missing?"},
    {"missing comma in flow sequence", "is a comma, a quote or the closing ] missing?"},
    {"without a closing bracket", "is the closing ] or } missing?"},
    {"mismatched flow", "the brackets close in another order than they opened"},
    {"invalid indentation", "is the indentation right?"},
    {"extra closing bracket", "it closes nothing that is open"},
    {"nested block mapping on the same line", "put a text that holds ': ' in quotes"},
    {"invalid multiline plain key", "is the indentation of the next line right, or a ':' missing?"},
    {"block sequence on the same line", "put the '- ' on a line of its own, or write [a, b]"},
    {"at the end of block sequence", "is the indentation right?"},
    {"undefined tag prefix", "expected !env, !file or !secret"},
    {"missing document start", "is the indentation right?"},
};

const char *f2m_yaml_hint(const char *message, struct f2m_slice line)
{
    if (line.at && memchr(line.at, '\t', line.len) && strspn(line.at, " \t") > strspn(line.at, " "))
        return "indent with blanks";
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (strstr(message, hints[i].message))
            return hints[i].hint;
    if (line.at && memmem(line.at, line.len, "{{", 2))
        return "put a template in quotes, as in \"{{ setpoint_w }}\"";
    return "";
}
