#include "config/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 128 /* a topic */

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two short words (insert, delete, change, swap of neighbours); case counts for nothing. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            row[j] = min(min(row[j - 1], last[j]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]))
                row[j] = min(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_len];
}

void f2m_suggest(struct f2m_suggestion *suggestion, const char *word, const char *candidate)
{
    size_t len = strnlen(word, WORD_MAX + 1), other = strnlen(candidate, WORD_MAX + 1);

    if (len > WORD_MAX || other > WORD_MAX)
        return;
    size_t d = distance(word, len, candidate, other);
    size_t limit = len < 2 ? 0 : len < 4 ? 1 : len < 6 ? 2 : len / 3;
    if (d > limit || (suggestion->best && d >= suggestion->distance))
        return;
    *suggestion = (struct f2m_suggestion){candidate, d};
}

const char *f2m_suggestion_text(const struct f2m_suggestion *suggestion, char buf[F2M_SUGGEST_SIZE])
{
    if (suggestion->best)
        snprintf(buf, F2M_SUGGEST_SIZE, ", did you mean '%.100s'?", suggestion->best);
    else
        buf[0] = '\0';
    return buf;
}
