/* Where the integration tests find their servers. A missing variable fails the test that needs it. */
#pragma once

#include <stddef.h>

/* RUSHCAST_TEST_POSTGRES (a connection string), RUSHCAST_TEST_REDIS (host:port), RUSHCAST_TEST_KAFKA (brokers). */
const char *test_server(const char *variable);
/* Connection string of an empty database of this process alone, made at the first call and dropped by
 * test_database_drop() (call it from the suite's .fini). */
const char *test_database(void);
void test_database_drop(void);
