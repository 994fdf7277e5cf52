/* The simulated company's transactional SQL database: customers, products, inventory, sales, business events. */
#pragma once

#include "cli/city.h"
#include "common/pg.h"

/* Tables and everything but the sales; what is there stays. */
bool company_sql_fill(PgConnection *connection, const City *city, const ServiceArea *area, Error *err) MUST_CHECK;
/* A sale for each order among the events; what is there stays. */
bool company_sql_add_sales(PgConnection *connection, const City *city, const CityEvent *events, size_t count,
                           Error *err) MUST_CHECK;
