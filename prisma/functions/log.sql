-- The event log: one row in "Event" for each logged change, written by triggers in the statement
-- that makes the change. No writer can forget it, psql included.

-- Formats a time like JavaScript's toISOString. A date, which has no time zone, stays as it is.
CREATE OR REPLACE FUNCTION iso_time(value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN value ~ '^\d+-\d\d-\d\d$' THEN value
    ELSE to_char(value::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') END
$$;

-- Returns the columns of a row that its event keeps, by name, and the updatedAt before the change.
-- Times are in UTC whatever the writer's time zone. Null if the event keeps no columns.
CREATE OR REPLACE FUNCTION kept_state(subject jsonb, before jsonb, columns jsonb, times jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT jsonb_object_agg(field, CASE WHEN times ? field THEN to_jsonb(iso_time(subject ->> field)) ELSE subject -> field END)
    || jsonb_build_object('earlierUpdatedAt', iso_time(before ->> 'updatedAt'))
  FROM jsonb_array_elements_text(columns) AS field
$$;

-- AFTER INSERT, UPDATE, DELETE: logs the change of a row as one event. The argument is the noun's
-- logged() declaration as JSON:
--   noun     first half of the event type, like "task"
--   verbs    {insert, update, delete, leave}: a missing one is not logged
--   ends     {column, set, cleared}: a nullable time that ends the row's life, with its verbs
--   project  column with the project the event belongs to; missing: internal, shown to nobody
--   subject  column with the event's subjectId
--   columns  columns whose changes the event shows
--   state    columns the event keeps for filtered streams
--   times    which of these columns are times
CREATE OR REPLACE FUNCTION log_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  rules jsonb := TG_ARGV[0];
  verbs jsonb := rules -> 'verbs';
  ends text := rules #>> '{ends,column}';
  project text := rules ->> 'project';
  times jsonb := rules -> 'times';
  before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
  subject jsonb := CASE WHEN TG_OP = 'DELETE' THEN before ELSE after END;
  -- In ASCII: a Turkish database would give "ınsert".
  verb text := verbs ->> lower(TG_OP COLLATE "C");
  moved boolean := TG_OP = 'UPDATE' AND before ->> project IS DISTINCT FROM after ->> project;
  changed jsonb := '{}';
  state jsonb := kept_state(subject, before, rules -> 'state', times);
  actor uuid;
BEGIN
  IF TG_OP = 'UPDATE' AND (before ->> ends IS NULL) <> (after ->> ends IS NULL) THEN
    verb := rules -> 'ends' ->> CASE WHEN before ->> ends IS NULL THEN 'set' ELSE 'cleared' END;
  ELSIF TG_OP = 'DELETE' AND before ->> ends IS NOT NULL THEN
    -- The end of the row's life is already in the log.
    verb := NULL;
  END IF;
  IF verb IS NULL THEN RETURN NULL; END IF;

  IF TG_OP <> 'DELETE' THEN
    -- Members of the new project may not see what a moved row was before: "from" is null then.
    -- An empty list counts as null, so a new row's empty lists are not changes.
    SELECT coalesce(jsonb_object_agg(field, jsonb_build_object(
        'from', CASE WHEN moved THEN NULL WHEN times ? field THEN to_jsonb(iso_time(before ->> field)) ELSE before -> field END,
        'to', CASE WHEN times ? field THEN to_jsonb(iso_time(after ->> field)) ELSE after -> field END)), '{}')
      INTO changed
      FROM jsonb_array_elements_text(rules -> 'columns') AS field
      WHERE coalesce(nullif(before -> field, '[]'), 'null') <> coalesce(nullif(after -> field, '[]'), 'null');
    IF verb = verbs ->> 'update' AND changed = '{}' THEN RETURN NULL; END IF;
  END IF;

  -- updatedById of a deleted row is its last writer, not who deleted it: only the setting names
  -- that person. The setting is "nobody" for what the server does by itself.
  actor := nullif(coalesce(nullif(current_setting('taskwire.actor', true), ''), after ->> 'updatedById',
    CASE TG_OP WHEN 'INSERT' THEN after ->> 'creatorId' END), 'nobody')::uuid;
  IF TG_TABLE_NAME = 'Task' THEN
    state := state || jsonb_build_object('formerKeys',
      (SELECT coalesce(jsonb_agg("key"), '[]') FROM "FormerTaskKey" WHERE "taskId" = (subject ->> 'id')::uuid));
  END IF;
  IF moved AND verbs ? 'leave' AND before ->> project IS NOT NULL THEN
    INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "state", "at") VALUES (
      rules ->> 'noun' || '.' || (verbs ->> 'leave'), (before ->> project)::uuid,
      (before ->> (rules ->> 'subject'))::uuid, actor, coalesce((after ->> 'version')::integer, 1), '{}',
      state || kept_state(before, before, rules -> 'state', times),
      date_trunc('milliseconds', clock_timestamp()));
  END IF;
  INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "state", "at") VALUES (
    rules ->> 'noun' || '.' || verb, (subject ->> project)::uuid,
    (subject ->> (rules ->> 'subject'))::uuid, actor, coalesce((subject ->> 'version')::integer, 1), changed, state,
    date_trunc('milliseconds', clock_timestamp()));
  RETURN NULL;
END
$$;
