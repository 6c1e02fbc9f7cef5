-- Relations between tasks.

-- BEFORE INSERT: stores RELATES_TO, which has no direction, with the smaller id as its source, so
-- that one row stands for both directions. Rejects a task that would block or duplicate itself
-- through other tasks. The setting taskwire.relator names a user who does not see all projects:
-- relations with a task that is hidden from them do not count, so that they learn nothing of it.
CREATE OR REPLACE FUNCTION check_relation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  swapped uuid := NEW."sourceId";
  relator uuid := nullif(current_setting('taskwire.relator', true), '');
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
      JOIN "Task" t ON t."id" = r."targetId"
      WHERE relator IS NULL OR EXISTS (SELECT FROM "Membership" m WHERE m."userId" = relator AND m."projectId" = t."projectId")
    ) SELECT FROM reached WHERE reached."id" = NEW."sourceId"
  ) THEN
    RAISE EXCEPTION 'the relation would close a cycle: "TaskRelation_targetId_no cycle"' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER "TaskRelation_1_check" BEFORE INSERT ON "TaskRelation" FOR EACH ROW EXECUTE FUNCTION check_relation();

-- AFTER INSERT, DELETE: logs an event in the project of each task. Members of one project may not
-- see the other, so each event names only the tasks of its own project.
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

-- AFTER DELETE of a membership: ends the relations that the former member made between the project
-- and others. Nobody who is left may see both tasks, and so be able to delete the relation.
CREATE OR REPLACE FUNCTION end_relations() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM "TaskRelation" AS r USING "Task" AS source, "Task" AS target
    WHERE r."creatorId" = OLD."userId" AND source."id" = r."sourceId" AND target."id" = r."targetId"
      AND source."projectId" <> target."projectId" AND OLD."projectId" IN (source."projectId", target."projectId");
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "Membership_end_relations" AFTER DELETE ON "Membership" FOR EACH ROW EXECUTE FUNCTION end_relations();
