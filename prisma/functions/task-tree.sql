-- The tree of tasks and sub-tasks.

-- Locks the tree until commit. Every change of a parent takes it: two changes that make a cycle
-- together would not see each other. New sub-tasks share it, because the tree they join must not
-- move meanwhile. Take it before any row, as a trigger runs after its row is locked.
CREATE OR REPLACE FUNCTION lock_task_tree(shared boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF shared THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended('taskwire.task_tree', 0));
  ELSE PERFORM pg_advisory_xact_lock(hashtextextended('taskwire.task_tree', 0));
  END IF;
END
$$;

-- AFTER INSERT, UPDATE: a parent must be in the task's project, no task may be its own ancestor,
-- and none may have more than ten ancestors.
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

CREATE OR REPLACE TRIGGER "Task_tree_insert" AFTER INSERT ON "Task" FOR EACH ROW
  WHEN (NEW."parentId" IS NOT NULL) EXECUTE FUNCTION check_parent();

CREATE OR REPLACE TRIGGER "Task_tree_update" AFTER UPDATE OF "parentId", "projectId" ON "Task" FOR EACH ROW
  WHEN (OLD."projectId" <> NEW."projectId" OR (OLD."parentId" IS DISTINCT FROM NEW."parentId" AND NEW."parentId" IS NOT NULL))
  EXECUTE FUNCTION check_parent();
