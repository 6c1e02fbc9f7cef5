-- Positions of events: the order in which readers see the log, and part of the cursor they resume from.

-- What changes when the log may go on from an earlier state of itself: the timeline of the database,
-- after a failover or a restore of a base backup; the cluster and the table, after a restore of a dump.
CREATE OR REPLACE FUNCTION event_log_signature() RETURNS text
  LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $$
  SELECT concat_ws(':', left(pg_walfile_name(pg_current_wal_lsn()), 8), (SELECT system_identifier FROM pg_control_system()),
    '"Event"'::regclass::oid)
$$;

-- Starts an epoch of the log. Cursors of earlier epochs beyond its present end have expired: their
-- positions are about to be given to other events. The caller holds the lock of positions.
CREATE OR REPLACE FUNCTION start_event_epoch(starts_after bigint) RETURNS void
  LANGUAGE sql SET search_path FROM CURRENT AS $$
  INSERT INTO "EventEpoch" ("id", "startsAfter", "signature")
    VALUES (left(replace(gen_random_uuid()::text, '-', ''), 12), starts_after, event_log_signature())
$$;

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
-- Where the signature of the log has changed, a new epoch starts in the same transaction, so that no
-- position is given twice in one epoch.
--
-- Pruning the log must leave its newest row: the next position derives from it.
CREATE OR REPLACE FUNCTION assign_event_positions(batch_size integer) RETURNS bigint
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  newest bigint;
  given integer;
  known text;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'assign_event_positions needs READ COMMITTED';
  END IF;
  IF EXISTS (SELECT FROM "Event" WHERE "position" IS NULL) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('taskwire.event_positions', 0));
    SELECT coalesce(max("position"), 0) INTO newest FROM "Event";
    SELECT "signature" INTO known FROM "EventEpoch" ORDER BY "number" DESC LIMIT 1;
    IF known IS DISTINCT FROM event_log_signature() THEN PERFORM start_event_epoch(newest); END IF;
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

-- Does the same, and returns the id of the present epoch besides. Starts the first one. A reader that
-- has delivered events which the log no longer has starts another: they were lost in a way that the
-- signature does not show.
CREATE OR REPLACE FUNCTION advance_event_log(batch_size integer, delivered bigint, OUT newest bigint, OUT epoch text)
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  newest := assign_event_positions(batch_size);
  SELECT "id" INTO epoch FROM "EventEpoch" ORDER BY "number" DESC LIMIT 1;
  IF epoch IS NOT NULL AND delivered <= newest THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('taskwire.event_positions', 0));
  SELECT coalesce(max("position"), 0) INTO newest FROM "Event";
  SELECT "id" INTO epoch FROM "EventEpoch" ORDER BY "number" DESC LIMIT 1;
  IF epoch IS NULL OR delivered > newest THEN
    PERFORM start_event_epoch(newest);
    SELECT "id" INTO epoch FROM "EventEpoch" ORDER BY "number" DESC LIMIT 1;
  END IF;
END
$$;
