-- Comments belong to the project of their task.

-- BEFORE INSERT: takes the project from the task, whatever the statement sets. Waits for a move of
-- the task that is running.
CREATE OR REPLACE FUNCTION set_comment_project() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  SELECT "projectId" INTO NEW."projectId" FROM "Task" WHERE "id" = NEW."taskId" FOR KEY SHARE;
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER "Comment_2_project" BEFORE INSERT ON "Comment" FOR EACH ROW EXECUTE FUNCTION set_comment_project();

-- AFTER UPDATE of a task that moves: its comments move with it.
CREATE OR REPLACE FUNCTION move_comments() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE "Comment" SET "projectId" = NEW."projectId" WHERE "taskId" = NEW."id";
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "Task_comments" AFTER UPDATE OF "projectId" ON "Task" FOR EACH ROW
  WHEN (OLD."projectId" <> NEW."projectId") EXECUTE FUNCTION move_comments();
