/* What happened, for tests and demos: the newest requests, totals, and what was wrong with telemetry. */
#ifndef SIM_REQUEST_LOG_H
#define SIM_REQUEST_LOG_H

#include "sim/json.h"
#include "sim/points.h"
#include "sim/request.h"

struct sim_log {
    cJSON *requests; /* array, newest last, bounded */
    int n_requests;
    cJSON *problems; /* array, newest last, bounded */
    int n_problems;
    uint64_t total, bytes_in;
    uint64_t by_status[6]; /* 1xx … 5xx; 0: reset without an answer */
    uint64_t telemetry;    /* requests on the two telemetry endpoints */
    unsigned largest_batch;
};

struct sim;

void sim_log_init(struct sim_log *);
void sim_log_deinit(struct sim_log *);
/* One request of the API (not of the control interface), answered. */
void sim_log_request(struct sim_log *, const struct sim_request *, int64_t wall_ms);
/* A point that was stored or answered OK but shows a fault of the sender. */
void sim_log_problem(struct sim_log *, int64_t wall_ms, uint64_t request, enum sim_put_result, const char *device_id,
                     int64_t start_ms);
void sim_log_rejected(struct sim_log *, int64_t wall_ms, uint64_t request, int index, const char *device_id,
                      const char *message);

/* GET /sim/requests?since=&path=&limit= and GET /sim/problems */
void sim_log_get_requests(struct sim *, struct sim_request *);
void sim_log_get_problems(struct sim *, struct sim_request *);

#endif
