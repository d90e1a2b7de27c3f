/* Prints the bridge's table of endpoints, one a line: method, path, token kind, operation, group. */
#include "flip/endpoint.h"

#include <stdio.h>

int main(void)
{
    static const char *const methods[] = {
        [F2M_HTTP_GET] = "GET", [F2M_HTTP_POST] = "POST", [F2M_HTTP_PATCH] = "PATCH", [F2M_HTTP_DELETE] = "DELETE"};
    for (int i = 0; i < F2M_ENDPOINT_COUNT; i++) {
        const struct f2m_endpoint_info *info = &f2m_endpoint_info[i];
        printf("%s %s %s %s %s\n", methods[info->method], info->path,
               info->token == F2M_TOKEN_CLIENT ? "client" : "site", info->operation, f2m_group_name(info->group));
    }
    return 0;
}
