-- CreateIndex
CREATE INDEX "TaskRelation_creatorId_idx" ON "TaskRelation"("creatorId");

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

CREATE OR REPLACE FUNCTION end_relations() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM "TaskRelation" AS r USING "Task" AS source, "Task" AS target
    WHERE r."creatorId" = OLD."userId" AND source."id" = r."sourceId" AND target."id" = r."targetId"
      AND source."projectId" <> target."projectId" AND OLD."projectId" IN (source."projectId", target."projectId");
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "Membership_end_relations" AFTER DELETE ON "Membership" FOR EACH ROW EXECUTE FUNCTION end_relations();
