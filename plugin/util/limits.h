/* Every maximum of the program in one place. Whoever adds a queue, buffer or table adds its name here. */
#ifndef F2M_UTIL_LIMITS_H
#define F2M_UTIL_LIMITS_H

/* configuration */
#define F2M_MAX_CONFIG_BYTES      (8u << 20)
#define F2M_MAX_CONFIG_ERRORS     200
#define F2M_MAX_CONFIG_DEPTH      48           /* levels of maps and lists */
#define F2M_MAX_CONFIG_NODES      2000000      /* values, aliases written out */
#define F2M_MAX_CONFIG_LIST_BYTES (256u << 20) /* sites, devices and publishes as structs */
#define F2M_MAX_CONFIG_ANCHORS    256
#define F2M_MAX_TIMEZONE_BYTES    (256u << 10)
#define F2M_MAX_SOURCE_DEPTH      4  /* a sum of products of … */
#define F2M_MAX_SOURCE_PARTS      64 /* of one sum, difference or product */
#define F2M_MAX_SECRET_BYTES      (64u << 10)
#define F2M_MAX_ID_BYTES          256 /* a site's, device's or Flip's id, UTF-8 */

/* log */
#define F2M_MAX_LOG_LINE_BYTES    4096 /* = PIPE_BUF: a pipe that polls writable takes it whole */
#define F2M_MAX_LOG_MESSAGE_BYTES 1200 /* the quoted msg of a line */

/* MQTT */
#define F2M_MAX_PAYLOAD_BYTES         (1u << 20) /* announced as Maximum Packet Size on MQTT 5 */
#define F2M_MAX_INBOX_TELEMETRY       20000      /* messages; the oldest go, counted */
#define F2M_MAX_INBOX_CONTROL         4096       /* messages; never dropped: the reader waits */
#define F2M_MAX_INBOX_BYTES           (16u << 20)
#define F2M_MAX_UNACKED_PUBLISHES     2000  /* message ids that the broker has not acknowledged */
#define F2M_MAX_PENDING_SUBSCRIPTIONS 60000 /* SUBSCRIBEs without an answer; message ids end at 65535 */

/* Flip's cloud */
#define F2M_MAX_POINTS_PER_REQUEST 1000       /* Flip: Battery telemetry */
#define F2M_MAX_REPLY_BYTES        (4u << 20) /* a larger answer counts as "outcome unknown" */
#define F2M_MAX_HTTP_IN_FLIGHT     8
#define F2M_MAX_HTTP_WAITING       256
#define F2M_MAX_RETRY_AFTER_S      3600
#define F2M_MAX_BACKOFF_MS         300000
#define F2M_MAX_SITE_TOKENS        10000
#define F2M_MAX_SITE_TOKEN_BYTES   8192

/* store */
#define F2M_MAX_POINTS_IN_MEMORY 5000 /* closed points that wait while the disk refuses writes */
#define F2M_STORE_RESERVE_BYTES  (1u << 20)

/* telemetry */
#define F2M_MAX_DEVICE_PROBLEM_BYTES 1000 /* all that is wrong with one device, in device/<id>/state */

/* outbox and uploads */
#define F2M_MAX_OPEN_VERDICTS  20000 /* Flip's answers that the disk has not taken yet; then uploads from disk wait */
#define F2M_MAX_LATEST_POINTS  10000 /* devices with a topic device/<id>/telemetry; the first in the configuration */
#define F2M_MAX_SUSPECT_GROUPS 4     /* batches refused as a whole whose poison point is searched */
#define F2M_MAX_BATCH_BYTES    (8u << 20)

/* control */
#define F2M_MAX_COMMANDS          20000 /* remembered, of all devices; the oldest finished ones go first */
#define F2M_MAX_COMMAND_BYTES     65536 /* Flip's object */
#define F2M_MAX_UNKNOWN_COMMANDS  4096  /* of devices that are not configured, so that each is counted once */
#define F2M_MAX_UNUSABLE_COMMANDS 64    /* objects that are no command, each told once in the log */
#define F2M_MAX_ACKNOWLEDGEMENTS  4     /* PATCHes in flight */
#define F2M_MAX_CONTROL_BYTES     65536 /* a publish to a battery, filled in */
#define F2M_CONTROL_TRIES         3     /* of a publish that is not confirmed */

/* sites */
#define F2M_MAX_SITE_POLLS                  4 /* in flight, of all sites: uploads and acknowledgements find a place */
#define F2M_MAX_SITE_OBJECTS                5000 /* of one kind and site */
#define F2M_MAX_SITE_OBJECT_BYTES           (8u << 20)
#define F2M_MAX_SITE_PAGES                  50
#define F2M_MAX_SITE_PUBLISHES              200   /* retained topics in one turn */
#define F2M_MAX_CLEARINGS                   50    /* sites and devices whose topics are cleared at a time */
#define F2M_MAX_EVENT_LOOKUPS               8     /* of events that a poll does not show any more, per site */
#define F2M_MAX_PARTICIPATIONS              64    /* PATCHes in flight */
#define F2M_MAX_NOTIFICATIONS               50000 /* keys remembered, so that each is told once */
#define F2M_MAX_NOTIFICATIONS_WAITING       2000  /* for the broker; the oldest go, counted */
#define F2M_MAX_NOTIFICATIONS_WAITING_BYTES (8u << 20)
#define F2M_MAX_NOTIFICATIONS_IN_FLIGHT     200

/* the status page */
#define F2M_MAX_STATUS_DEVICES 100

/* Home Assistant */
#define F2M_MAX_DISCOVERY_IN_FLIGHT 16   /* discovery payloads that the broker has not acknowledged */
#define F2M_DISCOVERY_STATES_MS     1000 /* after the configurations of a birth */
#define F2M_DISCOVERY_SEARCH_MS     2000 /* for what a former run announced whose record is lost */
#define F2M_MAX_DISCOVERY_FOUND     1024

/* learn */
#define F2M_MAX_LEARN_SYSTEMS      32  /* of one preset; those of which least was seen go first */
#define F2M_MAX_LEARN_VALUES       16  /* of a system's further parameters */
#define F2M_MAX_LEARN_FACTS        8   /* of a system's device keys */
#define F2M_MAX_LEARN_TEXT_BYTES   128 /* of a parameter; longer ones are nobody's */
#define F2M_MAX_LEARN_SAMPLE_BYTES 40  /* of a payload that is shown */
#define F2M_MAX_LEARN_PREFIXES     128 /* the beginnings of topics that are counted; the rarest make room */

/* requests */
#define F2M_MAX_REQUESTS_IN_FLIGHT    32
#define F2M_REQUEST_DEADLINE_MS       60000
#define F2M_MAX_ANSWERS_WAITING       64 /* for the broker, or for a turn that the disk takes; the oldest go */
#define F2M_MAX_ANSWERS_WAITING_BYTES (32u << 20)

/* the process */
#define F2M_MIN_DESCRIPTORS    32  /* a home with everything but webhooks; without them nothing would work reliably */
#define F2M_WANTED_DESCRIPTORS 160 /* with F2M_MAX_HTTP_CONNECTIONS, and F2M_MAX_HTTP_IN_FLIGHT that resolve names */

/* webhooks */
#define F2M_MAX_WEBHOOK_BYTES     (1u << 20)
#define F2M_MAX_HTTP_CONNECTIONS  64
#define F2M_WEBHOOK_DEADLINE_MS   5000
#define F2M_HTTP_CROWDED_MS       500        /* for a request to come in while all connections are taken */
#define F2M_MAX_WEBHOOK_SWALLOWED (8u << 20) /* announced by Content-Length: read to its end to be refused politely */
#define F2M_MAX_WEBHOOK_BUFFERS   (4u << 20) /* bodies of all connections together, verified or not */
#define F2M_MAX_WEBHOOK_IDS       100000     /* remembered, newest kept */

#endif
