-- Positions of events: the order in which readers see the log, and the cursor they resume from.

-- Gives the next positions to at most batch_size committed events without one, in seq order.
-- Returns the newest position, 0 for an empty log.
--
-- Readers can trust the order. Positions are given under a lock held until commit. The next holder
-- reads the maximum in a later statement, and so, at READ COMMITTED, in a snapshot that has all
-- earlier positions. A position never becomes visible after a larger one.
--
-- Rows whose new positions are not committed yet look unpositioned to other callers, who then wait
-- for the lock. So when a call returns, everything committed before it has a position.
--
-- Pruning the log must leave its newest row: the next position derives from it.
CREATE OR REPLACE FUNCTION assign_event_positions(batch_size integer) RETURNS bigint
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  newest bigint;
  given integer;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'assign_event_positions needs READ COMMITTED';
  END IF;
  IF EXISTS (SELECT FROM "Event" WHERE "position" IS NULL) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('taskwire.event_positions', 0));
    SELECT coalesce(max("position"), 0) INTO newest FROM "Event";
    WITH batch AS (SELECT "seq" FROM "Event" WHERE "position" IS NULL ORDER BY "seq" LIMIT batch_size),
      numbered AS (SELECT "seq", row_number() OVER (ORDER BY "seq") AS place FROM batch)
    UPDATE "Event" SET "position" = newest + numbered.place FROM numbered WHERE "Event"."seq" = numbered."seq";
    GET DIAGNOSTICS given = ROW_COUNT;
    newest := newest + given;
    IF given > 0 THEN PERFORM pg_notify('taskwire_events', newest::text); END IF;
    RETURN newest;
  END IF;
  SELECT coalesce(max("position"), 0) INTO newest FROM "Event";
  RETURN newest;
END
$$;
