/* Programs: what a site's devices can join, by zip code and type of device. */
#ifndef SIM_PROGRAMS_H
#define SIM_PROGRAMS_H

#include "sim/request.h"
#include "sim/resource.h"
#include "sim/validate.h"

struct sim;

void sim_program_check(const cJSON *program, const struct sim_loc *, cJSON *detail);
/* Stores a program: what is missing gets a default, an id is made. Copies the object. A "zip_codes" member is kept
 * beside it and says where the program is offered; without it, everywhere. NULL where it cannot be stored. */
struct sim_resource *sim_program_put(struct sim *, const cJSON *program);
/* The two that are there without a seed: one open to automatic enrollment, one with terms and a form. */
void sim_programs_defaults(struct sim *);
bool sim_program_fits(const struct sim_resource *program, const char *zip_code, const char *device_type);
/* The programs that fit, as an array owned by the caller. NULL = any. */
cJSON *sim_programs_list(const struct sim *, const char *zip_code, const char *device_type);

void sim_programs_get(struct sim *, struct sim_request *);      /* client */
void sim_site_programs_get(struct sim *, struct sim_request *); /* site */
void sim_site_program_get(struct sim *, struct sim_request *);
/* POST /sim/program */
void sim_programs_post(struct sim *, struct sim_request *);

#endif
