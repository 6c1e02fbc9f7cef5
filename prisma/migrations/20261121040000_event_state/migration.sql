-- AlterTable
ALTER TABLE "Event" ADD COLUMN "state" JSONB;

-- What Prisma cannot express, written by hand.

-- The columns of a row that its event keeps, by name, with the earlier updatedAt; times in UTC, whatever the writer's zone. Null where
-- none are kept.
CREATE FUNCTION kept_state(subject jsonb, before jsonb, fields text, times text) RETURNS jsonb LANGUAGE sql STABLE
  SET search_path FROM CURRENT AS $$
  SELECT jsonb_object_agg(field, CASE WHEN field = ANY (string_to_array(times, ' '))
      THEN to_jsonb(iso_time(subject ->> field)) ELSE subject -> field END)
    || jsonb_build_object('earlierUpdatedAt', iso_time(before ->> 'updatedAt'))
  FROM unnest(string_to_array(fields, ' ')) AS field
$$;

-- As it was, and it keeps the state that streams are filtered by. Further arguments: 1 may have a fourth verb, of a row that goes over
-- to another project, for those who follow the one it leaves; 7 the columns kept as the state, or
-- none; 8 which of them are times.
CREATE OR REPLACE FUNCTION log_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
  subject jsonb := CASE WHEN TG_OP = 'DELETE' THEN before ELSE after END;
  verbs text[] := string_to_array(TG_ARGV[1], ' ');
  life text[] := string_to_array(TG_ARGV[2], ' ');
  times text[] := string_to_array(TG_ARGV[6], ' ');
  verb text := verbs[CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'UPDATE' THEN 2 ELSE 3 END];
  changed jsonb := '{}';
  actor uuid;
  state jsonb := kept_state(subject, before, TG_ARGV[7], TG_ARGV[8]);
  -- What it was in another project is not told in this one, whose members need not see that.
  moved boolean := TG_OP = 'UPDATE' AND before ->> nullif(TG_ARGV[3], '') <> after ->> nullif(TG_ARGV[3], '');
BEGIN
  IF TG_OP = 'UPDATE' AND (before ->> life[1] IS NULL) <> (after ->> life[1] IS NULL) THEN
    verb := life[CASE WHEN before ->> life[1] IS NULL THEN 2 ELSE 3 END];
  ELSIF TG_OP = 'DELETE' AND before ->> life[1] IS NOT NULL THEN
    verb := '-';
  END IF;
  IF verb = '-' THEN RETURN NULL; END IF;

  IF TG_OP <> 'DELETE' THEN
    SELECT coalesce(jsonb_object_agg(field, jsonb_build_object(
        'from', CASE WHEN moved THEN NULL WHEN field = ANY (times) THEN to_jsonb(iso_time(before ->> field)) ELSE before -> field END,
        'to', CASE WHEN field = ANY (times) THEN to_jsonb(iso_time(after ->> field)) ELSE after -> field END)), '{}')
      INTO changed
      FROM unnest(string_to_array(TG_ARGV[5], ' ')) AS field
      WHERE coalesce(nullif(before -> field, '[]'), 'null') <> coalesce(nullif(after -> field, '[]'), 'null');
    IF verb = verbs[2] AND changed = '{}' THEN RETURN NULL; END IF;
  END IF;

  -- A deleted row's updatedById is who wrote it last, not who deleted it: only the setting knows.
  actor := nullif(coalesce(nullif(current_setting('taskwire.actor', true), ''), after ->> 'updatedById',
    CASE TG_OP WHEN 'INSERT' THEN after ->> 'creatorId' END), 'nobody')::uuid;
  IF TG_TABLE_NAME = 'Task' THEN
    state := state || jsonb_build_object('formerKeys',
      (SELECT coalesce(jsonb_agg("key"), '[]') FROM "FormerTaskKey" WHERE "taskId" = (subject ->> 'id')::uuid));
  END IF;
  IF moved AND verbs[4] IS NOT NULL THEN
    INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "state", "at") VALUES (
      TG_ARGV[0] || '.' || verbs[4], (before ->> TG_ARGV[3])::uuid, (before ->> TG_ARGV[4])::uuid, actor,
      coalesce((after ->> 'version')::integer, 1), '{}',
      state || kept_state(before, before, TG_ARGV[7], TG_ARGV[8]),
      date_trunc('milliseconds', clock_timestamp()));
  END IF;
  INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "state", "at") VALUES (
    TG_ARGV[0] || '.' || verb, (subject ->> nullif(TG_ARGV[3], ''))::uuid, (subject ->> TG_ARGV[4])::uuid, actor,
    coalesce((subject ->> 'version')::integer, 1), changed, state,
    date_trunc('milliseconds', clock_timestamp()));
  RETURN NULL;
END
$$;

DROP TRIGGER "Task_log" ON "Task";
CREATE TRIGGER "Task_log" AFTER INSERT OR DELETE OR UPDATE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('task', 'created updated deleted removed', 'deletedAt deleted restored', 'projectId', 'id',
    'projectId key title description status priority dueAt completedAt parentId assigneeIds labelIds', 'dueAt completedAt',
    'projectId key title description status priority dueAt completedAt parentId assigneeIds labelIds creatorId createdAt updatedAt deletedAt',
    'dueAt completedAt createdAt updatedAt deletedAt');
