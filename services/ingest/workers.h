/* Background work of the service: see the table in main.c. */
#pragma once

#include "common/worker.h"

/* Migrates, prepares memory, then keeps partitions ahead and notices when the server is gone. */
WorkerFunction ingest_work_postgres;
/* Reads the order stream. */
WorkerFunction ingest_work_kafka;
/* Stores what was read. */
WorkerFunction ingest_work_orders;
/* Tells the feature-store that demand changed, so that it looks sooner. */
WorkerFunction ingest_work_demand_hint;
/* Reads the company's database. */
WorkerFunction ingest_work_sql_source;
/* Watches over the log that it keeps for us. */
WorkerFunction ingest_work_sql_slot;
/* Does the long work that requests asked for. */
WorkerFunction ingest_work_jobs;
/* Checks what has come in, and whether all has. */
WorkerFunction ingest_work_quality;
/* Reads the company's document database. */
WorkerFunction ingest_work_documents;
/* Wakes that worker when the database tells of a change. */
WorkerFunction ingest_work_document_changes;
