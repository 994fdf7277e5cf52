/* What `rushcast run` keeps running: the four servers in .local/ and the four services, with the environment that
 * tells them of each other. */
#pragma once

#include "cli/supervisor.h"

/* Sets each RUSHCAST_* variable that the user has not set, from the ports. */
void stack_set_environment(void);
bool stack_uses_default_ports(void);
/* How many events were ever sent to the topic. */
bool stack_topic_end(int64_t *ret_end, Error *err) MUST_CHECK;
/* UNAVAILABLE naming the port and the variable that changes it, when one is in use. */
bool stack_check_ports(Error *err) MUST_CHECK;
/* Prepares and starts Postgres, Redis, Kafka and the document server below data_dir, and waits until they answer. */
bool stack_start_servers(Supervisor *supervisor, const char *data_dir, bool (*tick)(void), Error *err) MUST_CHECK;
/* Starts the services' programs, which lie in program_dir, and waits until each answers /healthz. */
bool stack_start_services(Supervisor *supervisor, const char *program_dir, bool (*tick)(void), Error *err) MUST_CHECK;
