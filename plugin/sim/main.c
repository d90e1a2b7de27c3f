/* flip-sim: a stand-in for Flip's cloud. */
#include "sim/server.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <sysexits.h>

static int announce(const struct sim_options *options, int port)
{
    bool is_v6 = strchr(options->host, ':') != NULL;
    printf("flip-sim listening on http://%s%s%s:%d\n", is_v6 ? "[" : "", options->host, is_v6 ? "]" : "", port);
    fflush(stdout);
    if (!options->port_file)
        return EX_OK;
    f2m_autofclose FILE *file = fopen(options->port_file, "we");
    if (file && fprintf(file, "%d\n", port) > 0 && fflush(file) == 0)
        return EX_OK;
    fprintf(stderr, "flip-sim: cannot write %s\n", options->port_file);
    return EX_CANTCREAT;
}

static int serve(struct sim *sim)
{
    struct sim_server *server = NULL;
    int port;
    int rc = sim_server_new(sim, &server, &port);
    if (rc == EX_OK)
        rc = announce(&sim->options, port);
    if (rc == EX_OK)
        rc = sim_server_run(server);
    sim_server_free(server);
    return rc;
}

int main(int argc, char **argv)
{
    static struct sim sim;
    int rc = sim_options_parse(&sim.options, argc, argv);
    if (rc < 0) {
        f2m_log_init(F2M_LOG_INFO, F2M_LOG_TEXT, true);
        curl_global_init(CURL_GLOBAL_DEFAULT);
        rc = sim_init(&sim);
        if (rc == EX_OK)
            rc = serve(&sim);
        sim_deinit(&sim);
        curl_global_cleanup();
    }
    sim_options_deinit(&sim.options);
    return rc;
}
