-- The triggers of versioned and logged rows now follow from the logged() declarations of the modules,
-- and log_change() reads its declaration as JSON. A row whose project was or becomes null counts as
-- moved. Nothing else changes what is logged. The other functions only get clearer comments.

DROP FUNCTION kept_state(jsonb,jsonb,text,text);

CREATE OR REPLACE FUNCTION kept_state(subject jsonb, before jsonb, columns jsonb, times jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT jsonb_object_agg(field, CASE WHEN times ? field THEN to_jsonb(iso_time(subject ->> field)) ELSE subject -> field END)
    || jsonb_build_object('earlierUpdatedAt', iso_time(before ->> 'updatedAt'))
  FROM jsonb_array_elements_text(columns) AS field
$$;

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
  verb text := verbs ->> lower(TG_OP);
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

CREATE OR REPLACE FUNCTION keep_task_links() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM "TaskAssignee" WHERE "taskId" = NEW."id" AND "userId" <> ALL (NEW."assigneeIds");
    DELETE FROM "TaskLabel" WHERE "taskId" = NEW."id" AND "labelId" <> ALL (NEW."labelIds");
    IF OLD."status" <> NEW."status" OR (OLD."deletedAt" IS NULL) <> (NEW."deletedAt" IS NULL) THEN
      UPDATE "TaskAssignee" SET "status" = NEW."status", "live" = NEW."deletedAt" IS NULL WHERE "taskId" = NEW."id";
      UPDATE "TaskLabel" SET "live" = NEW."deletedAt" IS NULL WHERE "taskId" = NEW."id" AND "live" <> (NEW."deletedAt" IS NULL);
    END IF;
  END IF;
  INSERT INTO "TaskAssignee" ("taskId", "userId", "status", "live", "createdAt")
    SELECT NEW."id", one, NEW."status", NEW."deletedAt" IS NULL, NEW."createdAt" FROM unnest(NEW."assigneeIds") AS one
    ON CONFLICT DO NOTHING;
  IF NEW."labelIds" <> '{}' THEN
    INSERT INTO "TaskLabel" ("taskId", "labelId", "live", "createdAt")
      SELECT NEW."id", one, NEW."deletedAt" IS NULL, NEW."createdAt" FROM unnest(NEW."labelIds") AS one
      ON CONFLICT DO NOTHING;
    IF EXISTS (SELECT FROM "Label" WHERE "id" = ANY (NEW."labelIds") AND "projectId" <> NEW."projectId") THEN
      RAISE EXCEPTION 'a label is of another project: "Task_labelIds_same project"' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION number_task() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  prefix text;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO "FormerTaskKey" ("key", "taskId") VALUES (OLD."key", OLD."id")
      ON CONFLICT ("key") DO UPDATE SET "taskId" = excluded."taskId";
  END IF;
  UPDATE "Project" SET "taskCounter" = "taskCounter" + 1 WHERE "id" = NEW."projectId"
    RETURNING "taskCounter", "Project"."key" INTO NEW."number", prefix;
  -- If the project does not exist, the foreign key must report it. A NULL would be reported first.
  NEW."number" := coalesce(NEW."number", 0);
  NEW."key" := coalesce(prefix, '?') || '-' || NEW."number";
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION check_relation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  swapped uuid := NEW."sourceId";
BEGIN
  IF NEW."type" = 'RELATES_TO' THEN
    IF NEW."targetId" < NEW."sourceId" THEN
      NEW."sourceId" := NEW."targetId";
      NEW."targetId" := swapped;
    END IF;
    RETURN NEW;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('taskwire.task_relations', 0));
  IF EXISTS (
    WITH RECURSIVE reached("id") AS (
      SELECT NEW."targetId"
      UNION
      SELECT r."targetId" FROM reached JOIN "TaskRelation" r ON r."sourceId" = reached."id" AND r."type" = NEW."type"
    ) SELECT FROM reached WHERE reached."id" = NEW."sourceId"
  ) THEN
    RAISE EXCEPTION 'the relation would close a cycle: "TaskRelation_targetId_no cycle"' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION log_relation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  present "TaskRelation" := CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END;
BEGIN
  INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "at")
  SELECT
    CASE TG_OP WHEN 'INSERT' THEN 'relation.created' ELSE 'relation.deleted' END,
    project, present."id",
    nullif(coalesce(nullif(current_setting('taskwire.actor', true), ''), CASE TG_OP WHEN 'INSERT' THEN present."creatorId"::text END), 'nobody')::uuid,
    1,
    CASE TG_OP WHEN 'DELETE' THEN '{}' ELSE jsonb_build_object('type', jsonb_build_object('from', NULL, 'to', present."type")) || ends END,
    date_trunc('milliseconds', clock_timestamp())
  FROM (SELECT "projectId", jsonb_object_agg(CASE "id" WHEN present."sourceId" THEN 'sourceId' ELSE 'targetId' END,
      jsonb_build_object('from', NULL, 'to', "id"))
    FROM "Task" WHERE "id" IN (present."sourceId", present."targetId") GROUP BY "projectId") AS touched(project, ends);
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION search_query(typed text) RETURNS tsquery
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  -- Leaves out what the parser does not take for a word, like an emoji: no task has it.
  words text[] := ARRAY(SELECT one FROM unnest(string_to_array(split_words(typed), ' ')) WITH ORDINALITY AS split(one, place)
    WHERE to_tsvector('pg_catalog.simple', one) <> '' ORDER BY place);
  last integer := array_length(words, 1);
  stems tsvector;
  found text;
  query text := '';
BEGIN
  FOR place IN 1 .. coalesce(last, 0) LOOP
    stems := to_tsvector('pg_catalog.english', words[place]);
    CONTINUE WHEN place < last AND stems = '';
    SELECT string_agg(quote_literal(lexeme), ' | ') INTO found
      FROM unnest(tsvector_to_array(stems || to_tsvector('pg_catalog.simple', words[place]))) AS lexeme;
    IF place = last THEN found := found || ' | ' || quote_literal(words[place]) || ':*'; END IF;
    query := concat_ws(' & ', nullif(query, ''), '(' || found || ')');
  END LOOP;
  RETURN nullif(query, '')::tsquery;
END
$$;

CREATE OR REPLACE FUNCTION check_parent() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  ancestor uuid := NEW."parentId";
  ancestors integer := 0;
  height integer := 0;
  project uuid;
BEGIN
  PERFORM lock_task_tree(TG_OP = 'INSERT');
  IF NEW."parentId" IS NOT NULL THEN
    -- The foreign key checks that the parent exists.
    SELECT "projectId" INTO project FROM "Task" WHERE "id" = NEW."parentId";
    IF project <> NEW."projectId" THEN
      RAISE EXCEPTION 'the parent is in another project: "Task_parentId_same project"' USING ERRCODE = 'check_violation';
    END IF;
    WHILE ancestor IS NOT NULL AND ancestors <= 10 LOOP
      IF ancestor = NEW."id" THEN
        RAISE EXCEPTION 'the task would be its own ancestor: "Task_parentId_no cycle"' USING ERRCODE = 'check_violation';
      END IF;
      ancestors := ancestors + 1;
      SELECT "parentId" INTO ancestor FROM "Task" WHERE "id" = ancestor;
    END LOOP;
    IF TG_OP = 'UPDATE' THEN
      WITH RECURSIVE below("id", "level") AS (
        SELECT NEW."id", 0
        UNION ALL SELECT t."id", "level" + 1 FROM below JOIN "Task" t ON t."parentId" = below."id" WHERE "level" <= 10
      ) SELECT max("level") INTO height FROM below;
    END IF;
    IF ancestors + height > 10 THEN
      RAISE EXCEPTION 'sub-tasks nest 10 deep: "Task_parentId_depth"' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' AND OLD."projectId" <> NEW."projectId"
    AND EXISTS (SELECT FROM "Task" WHERE "parentId" = NEW."id" AND "projectId" <> NEW."projectId") THEN
    RAISE EXCEPTION 'a sub-task is in another project: "Task_projectId_same project"' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END
$$;

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

CREATE OR REPLACE TRIGGER "ApiKey_log" AFTER UPDATE OF "revokedAt" ON "ApiKey" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"apiKey","verbs":{},"ends":{"column":"revokedAt","set":"revoked"},"subject":"id","columns":[],"times":[]}');

CREATE OR REPLACE TRIGGER "Label_1_fixed" BEFORE UPDATE ON "Label" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."projectId" IS DISTINCT FROM NEW."projectId")
  EXECUTE FUNCTION refuse_change('id, createdAt and projectId');

CREATE OR REPLACE TRIGGER "Label_log" AFTER INSERT OR UPDATE OF "name", "color" OR DELETE ON "Label" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"label","verbs":{"insert":"created","update":"updated","delete":"deleted"},"project":"projectId","subject":"id","columns":["name","color"],"times":[]}');

CREATE OR REPLACE TRIGGER "Membership_1_fixed" BEFORE UPDATE ON "Membership" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."projectId" IS DISTINCT FROM NEW."projectId" OR OLD."userId" IS DISTINCT FROM NEW."userId")
  EXECUTE FUNCTION refuse_change('id, createdAt, projectId and userId');

CREATE OR REPLACE TRIGGER "Membership_log" AFTER INSERT OR UPDATE OF "role" OR DELETE ON "Membership" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"member","verbs":{"insert":"added","update":"updated","delete":"removed"},"project":"projectId","subject":"userId","columns":["role"],"times":[]}');

CREATE OR REPLACE TRIGGER "Project_1_fixed" BEFORE UPDATE ON "Project" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."key" IS DISTINCT FROM NEW."key")
  EXECUTE FUNCTION refuse_change('id, createdAt and key');

CREATE OR REPLACE TRIGGER "Project_log" AFTER INSERT OR UPDATE OF "key", "name", "description", "archivedAt" OR DELETE ON "Project" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"project","verbs":{"insert":"created","update":"updated","delete":"deleted"},"project":"id","subject":"id","columns":["key","name","description","archivedAt"],"times":["archivedAt"]}');

CREATE OR REPLACE TRIGGER "Session_log" AFTER UPDATE OF "revokedAt" ON "Session" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"session","verbs":{},"ends":{"column":"revokedAt","set":"revoked"},"subject":"id","columns":[],"times":[]}');

CREATE OR REPLACE TRIGGER "Task_1_fixed" BEFORE UPDATE ON "Task" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt"
    OR ((OLD."number" IS DISTINCT FROM NEW."number" OR OLD."key" IS DISTINCT FROM NEW."key") AND OLD."projectId" IS NOT DISTINCT FROM NEW."projectId"))
  EXECUTE FUNCTION refuse_change('id, createdAt, number and key');

CREATE OR REPLACE TRIGGER "Task_3_version" BEFORE UPDATE OF "projectId", "key", "title", "description", "status", "priority", "dueAt", "completedAt", "parentId", "assigneeIds", "labelIds", "deletedAt", "version", "updatedAt" ON "Task"
  FOR EACH ROW EXECUTE FUNCTION raise_version('projectId', 'key', 'title', 'description', 'status', 'priority', 'dueAt', 'completedAt', 'parentId', 'assigneeIds', 'labelIds', 'deletedAt');

CREATE OR REPLACE TRIGGER "Task_log" AFTER INSERT OR UPDATE OF "projectId", "key", "title", "description", "status", "priority", "dueAt", "completedAt", "parentId", "assigneeIds", "labelIds", "deletedAt" ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","dueAt","completedAt","parentId","assigneeIds","labelIds"],"state":["projectId","key","title","description","status","priority","dueAt","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["dueAt","completedAt","deletedAt","createdAt","updatedAt"]}');

CREATE OR REPLACE TRIGGER "Log_removed_task" AFTER DELETE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","dueAt","completedAt","parentId","assigneeIds","labelIds"],"state":["projectId","key","title","description","status","priority","dueAt","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["dueAt","completedAt","deletedAt","createdAt","updatedAt"]}');

CREATE OR REPLACE TRIGGER "User_1_fixed" BEFORE UPDATE ON "User" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt")
  EXECUTE FUNCTION refuse_change('id and createdAt');

CREATE OR REPLACE TRIGGER "User_log" AFTER UPDATE OF "role", "disabledAt" OR DELETE ON "User" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"user","verbs":{"update":"updated","delete":"deleted"},"ends":{"column":"disabledAt","set":"disabled","cleared":"enabled"},"subject":"id","columns":["role"],"times":[]}');
