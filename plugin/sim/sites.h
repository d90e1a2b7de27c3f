/* Sites and devices. */
#ifndef SIM_SITES_H
#define SIM_SITES_H

#include "sim/request.h"
#include "sim/resource.h"
#include "sim/validate.h"

struct sim;

/* The fields of Site and of DeviceCreateIn, for commissioning and for the seed. */
extern const struct sim_field sim_site_fields[];
extern const struct sim_field sim_device_fields[];
/* A device's attributes by its type. */
void sim_validate_attributes(const cJSON *device, const struct sim_loc *, cJSON *detail);

/* Stores a site (every field present, null where not given), or updates the one that is known. Copies the object. */
struct sim_resource *sim_site_put(struct sim *, const cJSON *site);
/* Stores a new device of the site; NULL where the id is taken. Copies the object. */
struct sim_resource *sim_device_put(struct sim *, const cJSON *device, const char *site_id);
/* The device of that site; answers 404 and gives NULL where there is none. */
struct sim_resource *sim_device_of_site(struct sim *, struct sim_request *);

void sim_sites_get(struct sim *, struct sim_request *);
void sim_site_get(struct sim *, struct sim_request *);
void sim_site_patch(struct sim *, struct sim_request *);
void sim_devices_get(struct sim *, struct sim_request *);
void sim_device_get(struct sim *, struct sim_request *);
void sim_device_patch(struct sim *, struct sim_request *);
void sim_device_delete(struct sim *, struct sim_request *);

#endif
