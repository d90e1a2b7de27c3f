/* Every maximum of the stand-in. They are its own, since plugin/util/limits.h speaks for the bridge. */
#ifndef SIM_LIMITS_H
#define SIM_LIMITS_H

#define SIM_MAX_BODY_BYTES          (16u << 20) /* a longer request is answered 413 */
#define SIM_MAX_REPLY_BYTES         (256u << 20)
#define SIM_MAX_HUGE_BYTES          (1u << 30) /* what a fault may pour out as a body */
#define SIM_MAX_ID_BYTES            256
#define SIM_MAX_QUERY               32
#define SIM_MAX_PARAMS              2
#define SIM_MAX_CONNECTIONS         256
#define SIM_CONNECTION_TIMEOUT_S    120
#define SIM_MAX_STALL_MS            600000
#define SIM_MAX_RESOURCES           100000 /* of each kind; commands and events that are over make room */
#define SIM_MAX_SITE_TOKENS         100000
#define SIM_MAX_POINTS_PER_REQUEST  1000    /* Flip: Battery telemetry */
#define SIM_MAX_DURATION_S          2678400 /* 31 days; Flip documents no maximum */
#define SIM_MAX_KEPT_POINTS         20000000
#define SIM_MAX_RAW_BYTES_PER_POINT 2048 /* oem_raw_data beyond this is compared but not shown */
#define SIM_MAX_RAW_BYTES           (64u << 20)
#define SIM_MAX_SHOWN_POINTS        200000
#define SIM_MAX_LOGGED_REQUESTS     2000
#define SIM_MAX_LOGGED_BODY         1024
#define SIM_MAX_PROBLEMS            1000
#define SIM_MAX_ACKNOWLEDGEMENTS    2000
#define SIM_MAX_SUPPLEMENTS         1000
#define SIM_MAX_FAULTS              200
#define SIM_MAX_WEBHOOKS_KEPT       2000 /* waiting, in flight and done together; the oldest go */
#define SIM_MAX_WEBHOOKS_IN_FLIGHT  8
#define SIM_MAX_SCHEDULE            100
#define SIM_MAX_SEED_BYTES          (64u << 20)

#endif
