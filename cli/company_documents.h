/* The simulated company's document database (Mongo wire): branches and runners, nested and not all of one shape. */
#pragma once

#include "cli/city.h"

/* Upserts every branch and runner into database `company`; what is there is replaced. */
bool company_documents_fill(const char *uri, const City *city, Error *err) MUST_CHECK;
