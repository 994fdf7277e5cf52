-- Erasure of a customer's data, and what analysts may read.
CREATE SCHEMA IF NOT EXISTS personal;
REVOKE ALL ON SCHEMA personal FROM PUBLIC;
COMMENT ON SCHEMA personal IS 'Personal data, apart from the facts, and what its erasure needs; for ingest only';

CREATE TABLE personal.salt (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    hmac_key bytea NOT NULL CHECK (length(hmac_key) = 32),
    lookup_key bytea NOT NULL CHECK (length(lookup_key) = 16),
    inner_pad bytea NOT NULL CHECK (length(inner_pad) = 64),
    outer_pad bytea NOT NULL CHECK (length(outer_pad) = 64)
);
REVOKE ALL ON personal.salt FROM PUBLIC;
COMMENT ON TABLE personal.salt IS
    'One row, made once: the keys of this installation''s tombstones. Without it they say nothing of anybody';
COMMENT ON COLUMN personal.salt.only_row IS 'Keeps it at one row';
COMMENT ON COLUMN personal.salt.hmac_key IS 'Key of personal.tombstone.customer_hmac';
COMMENT ON COLUMN personal.salt.lookup_key IS 'Key of personal.tombstone.lookup_hash';
COMMENT ON COLUMN personal.salt.inner_pad IS 'hmac_key as the inner hash of HMAC takes it (RFC 2104)';
COMMENT ON COLUMN personal.salt.outer_pad IS 'hmac_key as the outer hash of HMAC takes it (RFC 2104)';

DO $$
DECLARE
    key bytea := sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), 'UTF8'));
    inner_pad bytea := key || decode(repeat('00', 32), 'hex');
    outer_pad bytea := inner_pad;
BEGIN
    FOR i IN 0..63 LOOP
        inner_pad := set_byte(inner_pad, i, get_byte(inner_pad, i) # 54);
        outer_pad := set_byte(outer_pad, i, get_byte(outer_pad, i) # 92);
    END LOOP;
    INSERT INTO personal.salt (hmac_key, lookup_key, inner_pad, outer_pad)
    VALUES (key, substring(sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid()), 'UTF8')) FROM 1 FOR 16),
            inner_pad, outer_pad);
END
$$;

CREATE TABLE personal.tombstone (
    tombstone_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_hmac bytea NOT NULL UNIQUE CHECK (length(customer_hmac) = 32),
    lookup_hash bigint NOT NULL,
    id_bytes int NOT NULL CHECK (id_bytes > 0),
    buried_at timestamptz NOT NULL DEFAULT now()
);
REVOKE ALL ON personal.tombstone FROM PUBLIC;
COMMENT ON TABLE personal.tombstone IS
    'Customers whose data was erased, as keyed hashes: whatever comes of them later is stripped before it is stored';
COMMENT ON COLUMN personal.tombstone.tombstone_no IS
    'Counts in the order of the commits: whoever knows those up to N reads on from there';
COMMENT ON COLUMN personal.tombstone.customer_hmac IS 'HMAC-SHA256 of the customer''s id, with the key of personal.salt';
COMMENT ON COLUMN personal.tombstone.lookup_hash IS 'SipHash-2-4 of the id, with the key of personal.salt: to find it quickly';
COMMENT ON COLUMN personal.tombstone.id_bytes IS 'Length of the id: where to look for it in messages that can''t be parsed';
COMMENT ON COLUMN personal.tombstone.buried_at IS 'When it was recorded';

-- A volatile function takes a new snapshot for each of its statements: what was committed while it waited is seen.
CREATE FUNCTION personal.hold_tombstones() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('personal.tombstone', 0));
    RETURN (SELECT coalesce(max(tombstone_no), 0) FROM personal.tombstone);
END
$$;
COMMENT ON FUNCTION personal.hold_tombstones IS
    'Newest tombstone. None is added until the transaction ends: what it stores is to be stripped with those up to it';

CREATE FUNCTION personal.customer_hmac(customer_id text) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(outer_pad || sha256(inner_pad || convert_to(customer_id, 'UTF8'))) FROM personal.salt
$$;
COMMENT ON FUNCTION personal.customer_hmac IS 'personal.tombstone.customer_hmac of an id';

CREATE FUNCTION personal.is_erased(customer_id text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM personal.tombstone t WHERE t.customer_hmac = personal.customer_hmac(customer_id))
$$;
COMMENT ON FUNCTION personal.is_erased IS
    'Whether the customer''s data was erased; after personal.hold_tombstones() it stays true or false until the '
    'transaction ends';

CREATE TABLE personal.erasure (
    job_id bigint PRIMARY KEY REFERENCES raw.job ON DELETE CASCADE,
    customer_hmac bytea NOT NULL,
    customer_id text COLLATE "C"
);
CREATE INDEX erasure_customer ON personal.erasure (customer_hmac);
REVOKE ALL ON personal.erasure FROM PUBLIC;
COMMENT ON TABLE personal.erasure IS 'Erasures that were asked for';
COMMENT ON COLUMN personal.erasure.job_id IS 'The job that does it (raw.job)';
COMMENT ON COLUMN personal.erasure.customer_hmac IS 'As in personal.tombstone';
COMMENT ON COLUMN personal.erasure.customer_id IS 'Whom to look for; null: done';

CREATE TABLE personal.erasure_batch (
    job_id bigint NOT NULL REFERENCES personal.erasure ON DELETE CASCADE,
    batch_id bigint NOT NULL,
    PRIMARY KEY (job_id, batch_id)
);
REVOKE ALL ON personal.erasure_batch FROM PUBLIC;
COMMENT ON TABLE personal.erasure_batch IS 'Batches in which a running erasure found the customer: read once more at the end';
COMMENT ON COLUMN personal.erasure_batch.job_id IS 'The erasure';
COMMENT ON COLUMN personal.erasure_batch.batch_id IS 'Batch (raw.batch)';

CREATE FUNCTION personal.has_backfills_before(erasure_job bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    has boolean := false;
BEGIN
    IF to_regclass('raw.backfill_chunk') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM raw.backfill_chunk WHERE job_id < $1)' INTO has USING erasure_job;
    END IF;
    RETURN has;
END
$$;
COMMENT ON FUNCTION personal.has_backfills_before IS
    'Whether files of backfills that were asked for before the erasure are still kept; they go when their jobs end';

-- The tables of the company's things are made from mapping files, so that this is written from what raw.entity says of
-- them. A thing whose key is the customer's id (the customer itself) gets a random key: it still counts as one.
CREATE FUNCTION personal.erase_things(erased_id text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    thing record;
    part text;
    same_key text;
    is_key boolean;
    substitute text := 'erased-' || gen_random_uuid();
    changed bigint;
    total bigint := 0;
BEGIN
    IF to_regclass('raw.entity') IS NULL THEN
        RETURN 0;
    END IF;
    FOR thing IN EXECUTE 'SELECT entity, subject FROM raw.entity WHERE subject IS NOT NULL ORDER BY entity' LOOP
        CONTINUE WHEN to_regclass(format('core.%I', thing.entity)) IS NULL;
        SELECT string_agg(format('p.%1$I = c.%1$I', a.attname), ' AND '), bool_or(a.attname = thing.subject)
        INTO same_key, is_key
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indisprimary AND i.indrelid = to_regclass(format('core.%I', thing.entity));
        -- What is kept apart: of the thing, and of its parts, whose keys begin with its key.
        FOR part IN EXECUTE 'SELECT entity FROM raw.entity WHERE entity = $1 OR parent = $1' USING thing.entity LOOP
            CONTINUE WHEN to_regclass(format('personal.%I', part)) IS NULL;
            EXECUTE format('DELETE FROM personal.%I p USING core.%I c WHERE c.%I = $1 AND %s', part, thing.entity,
                           thing.subject, same_key) USING erased_id;
            GET DIAGNOSTICS changed = ROW_COUNT;
            total := total + changed;
        END LOOP;
        IF is_key THEN
            FOR part IN EXECUTE 'SELECT entity FROM raw.entity WHERE parent = $1' USING thing.entity LOOP
                EXECUTE format('DELETE FROM core.%I WHERE %I = $1', part, thing.subject) USING erased_id;
                EXECUTE format('DELETE FROM core.%I WHERE %I = $1', part || '_history', thing.subject) USING erased_id;
            END LOOP;
        END IF;
        FOREACH part IN ARRAY ARRAY[thing.entity, thing.entity || '_history'] LOOP
            EXECUTE format('UPDATE core.%I SET %I = $2, extra = NULL WHERE %2$I = $1', part, thing.subject)
                USING erased_id, CASE WHEN is_key THEN substitute END;
            GET DIAGNOSTICS changed = ROW_COUNT;
            total := total + changed;
        END LOOP;
    END LOOP;
    IF to_regclass('raw.quarantine') IS NOT NULL THEN
        EXECUTE $quarantine$
            UPDATE raw.quarantine
            SET key = NULL, detail = 'what was wrong is not kept: it was an erased customer''s', missing_key = NULL,
                change = '{}', original = NULL, resolved_at = coalesce(resolved_at, now()),
                resolution = coalesce(resolution, 'superseded')
            WHERE strpos(concat_ws(' ', key::text, change::text, original), to_jsonb($1)::text) > 0
        $quarantine$ USING erased_id;
        GET DIAGNOSTICS changed = ROW_COUNT;
        total := total + changed;
    END IF;
    RETURN total;
END
$$;
COMMENT ON FUNCTION personal.erase_things IS
    'Takes a customer out of the company''s things: their present state, history, personal data and quarantine. Returns '
    'how many rows were changed';

ALTER TABLE raw.dead_letter ADD COLUMN erased_at timestamptz;
CREATE INDEX dead_letter_batch ON raw.dead_letter (batch_id);
COMMENT ON COLUMN raw.dead_letter.payload IS
    'The message as it was received, unless erased_at says otherwise';
COMMENT ON COLUMN raw.dead_letter.erased_at IS
    'When what it said of an erased customer was taken out of it, or all of it where that can''t be told; null: never';
COMMENT ON COLUMN core.order_event.customer_id IS 'Pseudonymous customer, if sent and not erased';
COMMENT ON COLUMN raw.batch_payload.payload IS
    'zstd frame of the messages one after another, each with a header of little-endian integers: partition (4 bytes), '
    'offset (8 bytes), length (4 bytes). Of erased customers'' messages only what totals need, of faulty ones nothing';

-- Roles belong to the whole cluster: another database may have made it, or be making it now.
CREATE FUNCTION personal.prepare_analysts() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rushcast_analyst') THEN
            CREATE ROLE rushcast_analyst NOLOGIN;
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
            RAISE NOTICE 'the role rushcast_analyst can''t be made by this user: docs/personal-data.md says what to do';
            RETURN false;
    END;
    GRANT USAGE ON SCHEMA warehouse TO rushcast_analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA warehouse TO rushcast_analyst;
    ALTER DEFAULT PRIVILEGES IN SCHEMA warehouse GRANT SELECT ON TABLES TO rushcast_analyst;
    BEGIN
        PERFORM personal.limit_analyst('rushcast_analyst');
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'the limits of rushcast_analyst can''t be set by this user: docs/personal-data.md says what to do';
    END;
    RETURN true;
END
$$;
COMMENT ON FUNCTION personal.prepare_analysts IS
    'Makes the role rushcast_analyst, which reads schema warehouse and nothing else; false: this user may not';

-- Settings are not inherited by a role's members, so each login needs them.
CREATE FUNCTION personal.limit_analyst(role_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY[
        'default_transaction_read_only = on', 'statement_timeout = ''5min''', 'lock_timeout = ''5s''',
        'idle_in_transaction_session_timeout = ''5min''', 'work_mem = ''32MB''', 'hash_mem_multiplier = 1',
        'max_parallel_workers_per_gather = 0'] LOOP
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET %s', role_name, current_database(), setting);
    END LOOP;
    BEGIN
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET temp_file_limit = ''4GB''', role_name, current_database());
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'only a superuser can limit the temporary files of %', role_name;
    END;
END
$$;
COMMENT ON FUNCTION personal.limit_analyst IS 'Sets the limits of a login of an analyst, so that it can''t hold ingest up';
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA personal FROM PUBLIC;
SELECT personal.prepare_analysts();
