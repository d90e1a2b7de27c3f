/* "did you mean": the nearest of the words that would have been right. */
#ifndef F2M_CONFIG_SUGGEST_H
#define F2M_CONFIG_SUGGEST_H

#include <stddef.h>

struct f2m_suggestion {
    const char *best; /* borrowed from the candidates; NULL = none is near */
    size_t distance;
};

/* Keeps the candidate where it is nearer than the best so far and near at all: at most a third of the word is wrong. */
void f2m_suggest(struct f2m_suggestion *, const char *word, const char *candidate);
/* "", or ", did you mean 'token'?" in buf. */
#define F2M_SUGGEST_SIZE 160
const char *f2m_suggestion_text(const struct f2m_suggestion *, char buf[F2M_SUGGEST_SIZE]);

#endif
