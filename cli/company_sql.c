#include "cli/company_sql.h"

#include "cli/city_message.h"
#include "gen/cli_sql.h"

enum { LIST_LIMIT_BYTES = 1 << 20 };

static bool fill_products(PgConnection *connection, const City *city, Error *err)
{
    for (size_t i = 0; i < CITY_PRODUCTS; i++) {
        const CityProduct *product = &city->products[i];
        const char *vertical = product->restaurant ? "restaurant" : "goods";
        if (!pg_run(connection, &sql_insert_company_product,
                    PG_PARAMS(pg_text(product->sku), pg_text(product->name), pg_text(vertical),
                              pg_int(product->price_cents), pg_hour(city->first_hour)),
                    NULL, err))
            return false;
    }
    return true;
}

static bool fill_inventory(PgConnection *connection, const City *city, Error *err)
{
    BUFFER_SCOPED Buffer shops = {0};
    buffer_init(&shops, LIST_LIMIT_BYTES);
    for (size_t i = 0; i < city->branches_count; i++)
        if (!city->branches[i].restaurant)
            buffer_printf(&shops, "%s%s", shops.length_bytes ? "|" : "", city->branches[i].id);
    return buffer_ok(&shops, err) && pg_run(connection, &sql_fill_company_inventory,
                                            PG_PARAMS(pg_text(shops.data), pg_hour(city->first_hour)), NULL, err);
}

static bool fill_business_events(PgConnection *connection, const City *city, const ServiceArea *area, Error *err)
{
    for (size_t i = 0; i < area->count; i++) {
        if (!pg_run(connection, &sql_insert_business_event,
                    PG_PARAMS(pg_text("outage"), pg_text(area->cities[i].name),
                              pg_text("No requests could be made: the ordering app was down"),
                              pg_hour(city->outage_from), pg_hour(city->outage_to)),
                    NULL, err))
            return false;
    }
    return true;
}

static bool fill(PgConnection *connection, const City *city, const ServiceArea *area, Error *err)
{
    BUFFER_SCOPED Buffer names = {0};
    buffer_init(&names, LIST_LIMIT_BYTES);
    for (size_t i = 0; i < area->count; i++)
        buffer_printf(&names, "%s%s", i ? "|" : "", area->cities[i].name);
    return buffer_ok(&names, err) && pg_command(connection, sql_create_company.sql, err) &&
           pg_run(connection, &sql_fill_company_customers,
                  PG_PARAMS(pg_int(CITY_CUSTOMERS), pg_hour(city->first_hour), pg_text(names.data)), NULL, err) &&
           fill_products(connection, city, err) && fill_inventory(connection, city, err) &&
           fill_business_events(connection, city, area, err);
}

bool company_sql_fill(PgConnection *connection, const City *city, const ServiceArea *area, Error *err)
{
    if (!pg_begin(connection, err))
        return false;
    if (fill(connection, city, area, err) && pg_commit(connection, err))
        return true;
    pg_rollback(connection);
    return false;
}

static bool add_sales(PgConnection *connection, const City *city, const CityEvent *events, size_t count, Error *err)
{
    PgCopy *copy;
    if (!pg_copy_begin(connection, "sale_staging (order_id, customer_id, branch_id, cents, currency, sold_at)", &copy,
                       err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const CityEvent *event = &events[i];
        if (event->type != CITY_CREATED || event->duplicate)
            continue;
        char customer[16];
        snprintf(customer, sizeof customer, "C%06u", event->customer);
        pg_copy_row(copy, 6);
        pg_copy_text(copy, event->order_id);
        pg_copy_text(copy, customer);
        pg_copy_text(copy, event->branch->id);
        pg_copy_int8(copy, city_order_cents(city, event));
        pg_copy_text(copy, city_currency(event));
        pg_copy_instant(copy, event->occurred_at);
    }
    return pg_copy_end(copy, false, NULL, err) && pg_run(connection, &sql_merge_company_sales, PG_PARAMS(), NULL, err);
}

bool company_sql_add_sales(PgConnection *connection, const City *city, const CityEvent *events, size_t count,
                           Error *err)
{
    if (!pg_begin(connection, err))
        return false;
    if (add_sales(connection, city, events, count, err) && pg_commit(connection, err))
        return true;
    pg_rollback(connection);
    return false;
}
