/* Lines of a CSV file as the messages that the stream would have brought. Pure. */
#pragma once

#include "common/buffer.h"

enum { BACKFILL_COLUMNS_MAX = 64 };

/* Which column of the file holds what; -1: none does. */
typedef struct BackfillColumns {
    int event_id, event_type, order_id, occurred_at, branch_id, customer_id, vertical, lat, lon, amount, currency;
} BackfillColumns;

/* Reads the header line (changed in place). UNPROCESSABLE names the columns that are needed. */
bool backfill_columns_read(char *header, BackfillColumns *ret_columns, Error *err) MUST_CHECK;
/* Appends the event of a line (changed in place) as JSON: an order_created unless the line says otherwise, of the order
 * of the same id unless it names one. What can't be right is passed on as it is, for the reader of events to judge. */
void backfill_columns_write(const BackfillColumns *columns, char *line, Buffer *out);
