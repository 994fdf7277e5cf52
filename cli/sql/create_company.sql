-- The simulated company's transactional database.
CREATE TABLE IF NOT EXISTS customer (
    customer_id text PRIMARY KEY,
    full_name text NOT NULL,
    email text NOT NULL,
    city text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS product (
    sku text PRIMARY KEY,
    name text NOT NULL,
    vertical text NOT NULL CHECK (vertical IN ('restaurant', 'goods')),
    unit_price numeric(12, 2) NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS inventory (
    branch_id text NOT NULL,
    sku text NOT NULL REFERENCES product,
    quantity bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (branch_id, sku)
);
CREATE TABLE IF NOT EXISTS sale (
    order_id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customer,
    branch_id text NOT NULL,
    amount numeric(12, 2) NOT NULL,
    currency text NOT NULL,
    sold_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS sale_updated_at ON sale (updated_at);
CREATE TABLE IF NOT EXISTS business_event (
    business_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    city text NOT NULL,
    description text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (kind, city, starts_at)
);
CREATE TABLE IF NOT EXISTS sale_staging (
    order_id text,
    customer_id text,
    branch_id text,
    cents bigint,
    currency text,
    sold_at timestamptz
);
