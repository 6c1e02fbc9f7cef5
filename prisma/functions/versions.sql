-- Versions and columns that never change. logged-triggers.sql uses both functions.

-- BEFORE UPDATE: rejects the change described by the trigger's WHEN clause.
-- The argument names the columns, for the message.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of "%" never change', TG_ARGV[0], TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;

-- BEFORE UPDATE: raises the row's version by one if a watched column changes, and sets updatedAt.
-- Otherwise both stay as they are, whatever the statement sets. The arguments are the watched
-- columns.
CREATE OR REPLACE FUNCTION raise_version() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before jsonb := to_jsonb(OLD);
  after jsonb := to_jsonb(NEW);
  watched text;
BEGIN
  NEW."version" := OLD."version";
  NEW."updatedAt" := OLD."updatedAt";
  FOREACH watched IN ARRAY TG_ARGV LOOP
    IF before -> watched IS DISTINCT FROM after -> watched THEN
      NEW."version" := OLD."version" + 1;
      -- Truncated, because the column would round up into the future. Never earlier than before,
      -- even if the clock was set back.
      NEW."updatedAt" := greatest(OLD."updatedAt", date_trunc('milliseconds', clock_timestamp()));
      EXIT;
    END IF;
  END LOOP;
  RETURN NEW;
END
$$;
