/* Settings requests and supplements: only their paths are documented, so bodies and answers are opaque objects. */
#ifndef SIM_SETTINGS_H
#define SIM_SETTINGS_H

#include "sim/request.h"

struct sim;

void sim_settings_patch(struct sim *, struct sim_request *);
void sim_supplements_post(struct sim *, struct sim_request *);
/* POST /sim/settings: any object becomes a settings_request, told by the webhook settings.apply. */
void sim_settings_control_post(struct sim *, struct sim_request *);

#endif
