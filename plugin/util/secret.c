#include "util/secret.h"

#include <stdlib.h>
#include <string.h>

void f2m_secret_free(char *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret, strlen(secret));
    free(secret);
}
