/* A database of its own for each test, with the trainer's schema. A missing server fails the test. */
#pragma once

#include "common/pg.h"

typedef struct TrainerDatabase {
    char name[64];
    char conninfo[1024];
    PgPool *pool;
    PgConnection *connection;
} TrainerDatabase;

extern TrainerDatabase trainer_database;

void trainer_database_begin(void);
void trainer_database_end(void);
/* Runs the SQL; a failure fails the test. */
void trainer_database_run(const char *sql, ...) PRINTF_LIKE(1, 2);
/* The one number that the query answers. */
int64_t trainer_database_number(const char *sql, ...) PRINTF_LIKE(1, 2);
/* The one text that the query answers, "" for null; valid until the next call. */
const char *trainer_database_text(const char *sql, ...) PRINTF_LIKE(1, 2);
