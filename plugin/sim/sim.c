#include "sim/sim.h"

#include "sim/commands.h"
#include "sim/enrollments.h"
#include "sim/events.h"
#include "sim/programs.h"
#include "sim/seed.h"

#include <sys/random.h>
#include <sysexits.h>
#include <time.h>

void sim_read_clocks(struct sim *sim)
{
    struct timespec wall, mono;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    sim->wall_ms = wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
    sim->mono_ms = mono.tv_sec * 1000 + mono.tv_nsec / 1000000;
}

const char *sim_uuid(struct sim *sim, char buf[SIM_UUID_SIZE])
{
    uint64_t a = f2m_rng_next(&sim->rng), b = f2m_rng_next(&sim->rng);
    snprintf(buf, SIM_UUID_SIZE, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff,
             (unsigned)a & 0xfff, 0x8000 | ((unsigned)(b >> 48) & 0x3fff), (unsigned long long)b & 0xffffffffffff);
    return buf;
}

/* The state at the start. Returns 0 or an exit code. */
static int begin(struct sim *sim)
{
    struct f2m_err err;
    sim_state_init(&sim->state);
    sim_auth_init(&sim->auth, sim->options.token, sim->options.site_token_ttl_s);
    sim_points_init(&sim->points, (size_t)sim->options.keep_points);
    sim_log_init(&sim->log);
    sim->tick_at_ms = 0;
    if (!sim->options.seed_file) {
        sim_programs_defaults(sim);
        return 0;
    }
    if (sim_seed_file(sim, sim->options.seed_file, &err) == 0)
        return 0;
    fprintf(stderr, "flip-sim: %s\n", err.text);
    return EX_DATAERR;
}

static void end(struct sim *sim)
{
    sim_state_deinit(&sim->state);
    sim_auth_deinit(&sim->auth);
    sim_points_deinit(&sim->points);
    sim_log_deinit(&sim->log);
    sim_faults_clear(&sim->faults);
}

int sim_init(struct sim *sim)
{
    const struct sim_options *options = &sim->options;
    sim_read_clocks(sim);
    if (getrandom(&sim->rng.state, sizeof sim->rng.state, 0) < 0)
        return EX_OSERR;
    if (options->webhook_secret && !sim_webhook_secret_valid(options->webhook_secret)) {
        fprintf(stderr, "flip-sim: --webhook-secret: expected whsec_ and base64\n");
        return EX_USAGE;
    }
    if (sim_webhooks_init(&sim->webhooks, options->webhook_url, options->webhook_secret, options->webhook_retry_s) < 0)
        return EX_OSERR;
    return begin(sim);
}

void sim_deinit(struct sim *sim)
{
    end(sim);
    if (sim->webhooks.multi)
        sim_webhooks_deinit(&sim->webhooks);
}

void sim_reset(struct sim *sim)
{
    end(sim);
    sim_webhooks_clear(&sim->webhooks);
    begin(sim); /* the seed was good before; a file that went bad is told on stderr */
}

void sim_tick(struct sim *sim)
{
    int64_t next[] = {sim_enrollments_tick(sim), sim_events_tick(sim), sim_commands_tick(sim)};
    sim->tick_at_ms = SIM_NEVER;
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++) {
        if (next[i] < sim->tick_at_ms)
            sim->tick_at_ms = next[i];
    }
}
