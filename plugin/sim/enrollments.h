/* Enrollments: PENDING, then ACTIVE, NEEDS_ACTION or REJECTED; UNENROLLED by the site. */
#ifndef SIM_ENROLLMENTS_H
#define SIM_ENROLLMENTS_H

#include "sim/request.h"
#include "sim/resource.h"
#include "sim/validate.h"

struct sim;

extern const struct sim_field sim_enrollment_fields[]; /* EnrollmentCreateIn */
/* Everything that the cloud checks before it enrolls, added to the detail. */
void sim_enrollment_check(struct sim *, const cJSON *in, const char *site_id, const struct sim_loc *, cJSON *detail);
/* Why this site cannot enroll in the program again, or NULL. */
const char *sim_enrollment_obstacle(const struct sim *, const char *site_id, const char *program_id);
/* Stores it as PENDING and tells by webhook; NULL where the table is full. */
struct sim_resource *sim_enrollment_put(struct sim *, const cJSON *in, const char *site_id);
/* The deleted device leaves its enrollments; one without devices is UNENROLLED. */
void sim_enrollments_forget_device(struct sim *, const char *site_id, const char *device_id);
/* Approves what is due; returns when the next is (wall ms). */
int64_t sim_enrollments_tick(struct sim *);

void sim_enrollments_post(struct sim *, struct sim_request *);
void sim_enrollments_get(struct sim *, struct sim_request *);
void sim_enrollment_delete(struct sim *, struct sim_request *);
/* PATCH /sim/enrollment/{id} {"status","status_reason"} */
void sim_enrollment_control(struct sim *, struct sim_request *);

#endif
