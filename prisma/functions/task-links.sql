-- Assignees and labels of tasks. Writers set the lists assigneeIds and labelIds of a task;
-- triggers maintain a row for each entry in "TaskAssignee" and "TaskLabel", by which tasks are
-- found.

-- AFTER INSERT, UPDATE of a task: brings its rows in both tables up to date.
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

CREATE OR REPLACE TRIGGER "Task_links_insert" AFTER INSERT ON "Task" FOR EACH ROW
  WHEN (NEW."assigneeIds" <> '{}' OR NEW."labelIds" <> '{}') EXECUTE FUNCTION keep_task_links();

CREATE OR REPLACE TRIGGER "Task_links_update" AFTER UPDATE ON "Task" FOR EACH ROW
  WHEN (OLD."assigneeIds" <> NEW."assigneeIds" OR OLD."labelIds" <> NEW."labelIds" OR OLD."projectId" <> NEW."projectId"
    OR OLD."status" <> NEW."status" OR (OLD."deletedAt" IS NULL) <> (NEW."deletedAt" IS NULL))
  EXECUTE FUNCTION keep_task_links();

-- AFTER DELETE of such a row: removes the entry from the task's list.
-- A deleted user or label takes its rows with it.
CREATE OR REPLACE FUNCTION forget_link() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_TABLE_NAME = 'TaskAssignee' THEN
    UPDATE "Task" SET "assigneeIds" = array_remove("assigneeIds", OLD."userId")
      WHERE "id" = OLD."taskId" AND OLD."userId" = ANY ("assigneeIds");
  ELSE
    UPDATE "Task" SET "labelIds" = array_remove("labelIds", OLD."labelId")
      WHERE "id" = OLD."taskId" AND OLD."labelId" = ANY ("labelIds");
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "TaskAssignee_forget" AFTER DELETE ON "TaskAssignee" FOR EACH ROW EXECUTE FUNCTION forget_link();

CREATE OR REPLACE TRIGGER "TaskLabel_forget" AFTER DELETE ON "TaskLabel" FOR EACH ROW EXECUTE FUNCTION forget_link();
