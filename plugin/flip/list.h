/* Flip's collections. Flip, decision 3: a bare array, or one array inside an object under `data`,
 * `items` or the collection's own name. Flip, decision 7 leaves the name open for telemetry results. */
#ifndef F2M_FLIP_LIST_H
#define F2M_FLIP_LIST_H

#include "util/slice.h"

/* The array in a checked JSON value. `collection` is its own name ("sites"); NULL = any name, where the object holds
 * exactly one array. False where there is none. */
bool f2m_list_find(struct f2m_slice body, const char *collection, struct f2m_slice *array)
    __attribute__((warn_unused_result));

#endif
