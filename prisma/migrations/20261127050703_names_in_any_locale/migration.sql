DROP INDEX "Label_projectId_name_key";

ALTER TABLE "User" DROP CONSTRAINT "User_email_lower_case";

DO $do$
BEGIN
  EXECUTE format($fn$
    CREATE OR REPLACE FUNCTION fold_name(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT replace(normalize(lower(upper(normalize(value, NFC) COLLATE %1$I) COLLATE %1$I), NFC), 'ς', 'σ')
    $$ $fn$,
    coalesce((SELECT collname FROM pg_collation WHERE collname = 'und-x-icu' LIMIT 1), 'default'));
END
$do$;

ALTER TABLE "User" ADD CONSTRAINT "User_email_lower_case" CHECK ("email" = lower("email" COLLATE "C"));

-- Labels that were different and are the same now keep their tasks. All but the oldest get a number.
DO $$
DECLARE
  twin record;
  number integer;
  renamed text;
BEGIN
  PERFORM set_config('taskwire.actor', 'nobody', true);
  FOR twin IN
    SELECT * FROM (
      SELECT "id", "projectId", "name",
        row_number() OVER (PARTITION BY "projectId", fold_name("name") COLLATE "C" ORDER BY "createdAt", "id") AS place
      FROM "Label") AS numbered
    WHERE place > 1 ORDER BY "projectId", place, "id"
  LOOP
    number := twin.place;
    LOOP
      renamed := left(twin."name", 50 - length(format(' (%s)', number))) || format(' (%s)', number);
      EXIT WHEN NOT EXISTS (SELECT FROM "Label"
        WHERE "projectId" = twin."projectId" AND fold_name("name") COLLATE "C" = fold_name(renamed));
      number := number + 1;
    END LOOP;
    UPDATE "Label" SET "name" = renamed WHERE "id" = twin."id";
  END LOOP;
  PERFORM set_config('taskwire.actor', '', true);
END
$$;

CREATE UNIQUE INDEX "Label_projectId_name_key" ON "Label"("projectId", (fold_name("name") COLLATE "C"));

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
