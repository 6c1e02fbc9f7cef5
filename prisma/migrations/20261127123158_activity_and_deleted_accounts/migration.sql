-- AlterTable
ALTER TABLE "User" ADD COLUMN     "deletedAt" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "Event" ADD COLUMN     "aboutId" UUID,
ADD COLUMN     "alsoAboutId" UUID;

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
    verb := verbs ->> 'purge';
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
    INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "state", "at", "aboutId") VALUES (
      rules ->> 'noun' || '.' || (verbs ->> 'leave'), (before ->> project)::uuid,
      (before ->> (rules ->> 'subject'))::uuid, actor, coalesce((after ->> 'version')::integer, 1), '{}',
      state || kept_state(before, before, rules -> 'state', times),
      date_trunc('milliseconds', clock_timestamp()), (before ->> 'taskId')::uuid);
  END IF;
  INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "state", "at", "aboutId") VALUES (
    rules ->> 'noun' || '.' || verb, (subject ->> project)::uuid,
    (subject ->> (rules ->> 'subject'))::uuid, actor, coalesce((subject ->> 'version')::integer, 1), changed, state,
    date_trunc('milliseconds', clock_timestamp()), (subject ->> 'taskId')::uuid);
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION log_relation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  present "TaskRelation" := CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END;
BEGIN
  INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "at", "aboutId", "alsoAboutId")
  SELECT
    CASE TG_OP WHEN 'INSERT' THEN 'relation.created' ELSE 'relation.deleted' END,
    project, present."id",
    nullif(coalesce(nullif(current_setting('taskwire.actor', true), ''), CASE TG_OP WHEN 'INSERT' THEN present."creatorId"::text END), 'nobody')::uuid,
    1,
    CASE TG_OP WHEN 'DELETE' THEN '{}' ELSE jsonb_build_object('type', jsonb_build_object('from', NULL, 'to', present."type")) || ends END,
    date_trunc('milliseconds', clock_timestamp()), tasks[1], tasks[2]
  FROM (SELECT "projectId", array_agg("id" ORDER BY "id" = present."targetId"), jsonb_object_agg(CASE "id" WHEN present."sourceId" THEN 'sourceId' ELSE 'targetId' END,
      jsonb_build_object('from', NULL, 'to', "id"))
    FROM "Task" WHERE "id" IN (present."sourceId", present."targetId") GROUP BY "projectId") AS touched(project, tasks, ends);
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "User_deleted" AFTER UPDATE OF "deletedAt" ON "User" FOR EACH ROW
  WHEN (OLD."deletedAt" IS NULL AND NEW."deletedAt" IS NOT NULL)
  EXECUTE FUNCTION log_change('{"noun":"user","verbs":{"update":"deleted"},"subject":"id","columns":["deletedAt"],"times":["deletedAt"]}');

CREATE OR REPLACE FUNCTION delete_belongings(person uuid) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  owned record;
BEGIN
  FOR owned IN
    SELECT c.conrelid::regclass AS "table", a.attname AS "column"
    FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND c.confdeltype = 'c' AND c.confrelid = '"User"'::regclass
    ORDER BY 1, 2
  LOOP
    EXECUTE format('DELETE FROM %s WHERE %I = $1', owned."table", owned."column") USING person;
  END LOOP;
END
$$;

CREATE OR REPLACE TRIGGER "Task_log" AFTER INSERT OR UPDATE OF "projectId", "key", "title", "description", "status", "priority", "dueAt", "completedAt", "parentId", "assigneeIds", "labelIds", "deletedAt" ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed","purge":"purged"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","dueAt","completedAt","parentId","assigneeIds","labelIds"],"state":["projectId","key","title","description","status","priority","dueAt","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["dueAt","completedAt","deletedAt","createdAt","updatedAt"]}');

CREATE OR REPLACE TRIGGER "Log_removed_task" AFTER DELETE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed","purge":"purged"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","dueAt","completedAt","parentId","assigneeIds","labelIds"],"state":["projectId","key","title","description","status","priority","dueAt","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["dueAt","completedAt","deletedAt","createdAt","updatedAt"]}');

-- Fills in the new columns of earlier events. Later events of a comment or a relation do not name
-- its tasks, but the event of its creation does.
UPDATE "Event" AS event
  SET "aboutId" = coalesce(made."changes" #>> '{taskId,to}', made."changes" #>> '{sourceId,to}', made."changes" #>> '{targetId,to}')::uuid,
    "alsoAboutId" = CASE WHEN made."changes" ? 'sourceId' THEN (made."changes" #>> '{targetId,to}')::uuid END
  FROM "Event" AS made
  WHERE made."type" IN ('comment.created', 'relation.created') AND made."subjectId" = event."subjectId"
    AND event."type" IN ('comment.created', 'comment.updated', 'comment.deleted', 'relation.created', 'relation.deleted')
    AND (made."projectId" = event."projectId" OR event."type" LIKE 'comment.%');

CREATE INDEX "Event_about_position" ON "Event"("aboutId", "position") WHERE "aboutId" IS NOT NULL AND "position" IS NOT NULL;

CREATE INDEX "Event_alsoAbout_position" ON "Event"("alsoAboutId", "position") WHERE "alsoAboutId" IS NOT NULL AND "position" IS NOT NULL;
