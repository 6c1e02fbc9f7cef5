-- Attachments belong to the project of their task.

-- BEFORE INSERT: takes the project from the task, whatever the statement sets. Waits for a move of
-- the task that is running.
CREATE OR REPLACE FUNCTION set_attachment_project() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  SELECT "projectId" INTO NEW."projectId" FROM "Task" WHERE "id" = NEW."taskId" FOR KEY SHARE;
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER "Attachment_2_project" BEFORE INSERT ON "Attachment" FOR EACH ROW
  EXECUTE FUNCTION set_attachment_project();

-- AFTER UPDATE of a task that moves: its attachments move with it.
CREATE OR REPLACE FUNCTION move_attachments() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE "Attachment" SET "projectId" = NEW."projectId" WHERE "taskId" = NEW."id";
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "Task_attachments" AFTER UPDATE OF "projectId" ON "Task" FOR EACH ROW
  WHEN (OLD."projectId" <> NEW."projectId") EXECUTE FUNCTION move_attachments();
