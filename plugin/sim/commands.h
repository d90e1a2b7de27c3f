/*
 * Commands: PENDING until the partner acknowledges. Nothing within 15 minutes counts as failed and a new one is sent;
 * a change of status (CANCELED, OPT_OUT) asks for a fresh acknowledgement. Flip: Control.
 */
#ifndef SIM_COMMANDS_H
#define SIM_COMMANDS_H

#include "sim/request.h"
#include "sim/resource.h"
#include "sim/schedule.h"

struct sim;

/* Makes a command for the device and tells by webhook. `in` may hold id, battery commands, is_preparatory_action,
 * status, device_status, and "extra": members set as they are. NULL where the id is taken or there are too many. */
struct sim_resource *sim_command_put(struct sim *, const cJSON *in, const char *device_id, const char *event_id,
                                     struct sim_span);
/* Moves one command to another status, where it is not there already: PENDING again, and the webhook. */
void sim_command_set_status(struct sim *, struct sim_resource *, const char *status);
/* Gives one command other times: PENDING again, and the webhook. */
void sim_command_move(struct sim *, struct sim_resource *, struct sim_span);
/* Sets what the partner's PATCH sets, without a webhook. */
void sim_command_set_device_status(struct sim *, struct sim_resource *, const char *device_status, const char *reason);
/* Checks and stores one command of the seed or of POST /sim/command. */
struct sim_resource *sim_command_add(struct sim *, const cJSON *in, const struct sim_loc *, cJSON *detail);
/* Starts, ends and re-sends what is due; returns when the next is (wall ms). */
int64_t sim_commands_tick(struct sim *);

void sim_commands_get(struct sim *, struct sim_request *);
void sim_command_patch(struct sim *, struct sim_request *);
void sim_command_control_post(struct sim *, struct sim_request *);
void sim_command_control_patch(struct sim *, struct sim_request *);

#endif
