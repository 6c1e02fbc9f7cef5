CREATE OR REPLACE FUNCTION number_task() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  prefix text;
  -- Project, next number, last number, key of the project.
  reserved text[] := string_to_array(nullif(current_setting('taskwire.numbers', true), ''), ' ');
BEGIN
  IF TG_OP = 'INSERT' AND reserved[1] = NEW."projectId"::text AND reserved[2]::integer <= reserved[3]::integer THEN
    NEW."number" := reserved[2];
    NEW."key" := reserved[4] || '-' || reserved[2];
    NEW."rank" := task_rank(NEW."number");
    PERFORM set_config('taskwire.numbers', concat_ws(' ', reserved[1], NEW."number" + 1, reserved[3], reserved[4]), true);
    RETURN NEW;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO "FormerTaskKey" ("key", "taskId") VALUES (OLD."key", OLD."id")
      ON CONFLICT ("key") DO UPDATE SET "taskId" = excluded."taskId";
  END IF;
  UPDATE "Project" SET "taskCounter" = "taskCounter" + 1 WHERE "id" = NEW."projectId"
    RETURNING "taskCounter", "Project"."key" INTO NEW."number", prefix;
  -- If the project does not exist, the foreign key must report it. A NULL would be reported first.
  NEW."number" := coalesce(NEW."number", 0);
  NEW."key" := coalesce(prefix, '?') || '-' || NEW."number";
  NEW."rank" := task_rank(NEW."number");
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER "Task_log" AFTER INSERT OR UPDATE OF "projectId", "key", "title", "description", "status", "priority", "startAt", "dueAt", "dueOn", "completedAt", "parentId", "assigneeIds", "labelIds", "rank", "deletedAt" ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed","purge":"purged"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","rank"],"state":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["startAt","dueAt","dueOn","completedAt","deletedAt","createdAt","updatedAt"]}');

CREATE OR REPLACE TRIGGER "Log_removed_task" AFTER DELETE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed","purge":"purged"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","rank"],"state":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["startAt","dueAt","dueOn","completedAt","deletedAt","createdAt","updatedAt"]}');
