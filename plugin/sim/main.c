/* flip-sim: a stand-in for Flip's cloud. */
#include "sim/server.h"
#include "util/log.h"

#include <errno.h>
#include <sysexits.h>

/* By rename, so that who waits for the file never reads half of it. */
static int write_port_file(const char *path, int port)
{
    f2m_autostrbuf temporary;
    f2m_strbuf_init(&temporary, 0);
    f2m_strbuf_addf(&temporary, "%s.new", path);
    FILE *file = fopen(temporary.data, "we");
    bool written = file && fprintf(file, "%d\n", port) > 0;
    written = file && fclose(file) == 0 && written;
    if (written && rename(temporary.data, path) == 0)
        return EX_OK;
    fprintf(stderr, "flip-sim: cannot write %s: %s\n", path, strerror(errno));
    return EX_CANTCREAT;
}

static int announce(const struct sim_options *options, int port)
{
    bool is_v6 = strchr(options->host, ':') != NULL;
    int rc = options->port_file ? write_port_file(options->port_file, port) : EX_OK;
    if (rc == EX_OK) {
        printf("flip-sim listening on http://%s%s%s:%d\n", is_v6 ? "[" : "", options->host, is_v6 ? "]" : "", port);
        fflush(stdout);
    }
    return rc;
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
