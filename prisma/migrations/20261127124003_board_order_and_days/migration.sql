-- AlterTable
ALTER TABLE "User" ADD COLUMN     "timeZone" TEXT NOT NULL DEFAULT 'UTC';

-- AlterTable
ALTER TABLE "Task" ADD COLUMN     "dueOn" DATE,
ADD COLUMN     "rank" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "startAt" TIMESTAMPTZ(3);

DROP INDEX "Task_open_project_dueAt";

DROP INDEX "Task_open_dueAt";

DROP INDEX "Task_live_project_urgency";

DROP INDEX "Task_live_project_dueAt_desc";

DROP INDEX "Task_live_project_dueAt_asc";

DROP INDEX "Task_live_dueAt_desc";

DROP INDEX "Task_live_dueAt_asc";

CREATE OR REPLACE FUNCTION iso_time(value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN value ~ '^\d+-\d\d-\d\d$' THEN value
    ELSE to_char(value::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') END
$$;

CREATE OR REPLACE FUNCTION task_rank(number integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  digits CONSTANT text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
BEGIN
  RETURN 'h' || substr(digits, number / 916132832 + 1, 1) || substr(digits, number / 14776336 % 62 + 1, 1)
    || substr(digits, number / 238328 % 62 + 1, 1) || substr(digits, number / 3844 % 62 + 1, 1)
    || substr(digits, number / 62 % 62 + 1, 1) || substr(digits, number % 62 + 1, 1) || '00';
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
  NEW."rank" := task_rank(NEW."number");
  RETURN NEW;
END
$$;

-- Writes the table once, without triggers: nothing about a task changes but its rank.
ALTER TABLE "Task" ALTER COLUMN "rank" TYPE TEXT USING task_rank("number");

CREATE OR REPLACE TRIGGER "Task_3_version" BEFORE UPDATE OF "projectId", "key", "title", "description", "status", "priority", "startAt", "dueAt", "dueOn", "completedAt", "parentId", "assigneeIds", "labelIds", "rank", "deletedAt", "version", "updatedAt" ON "Task"
  FOR EACH ROW EXECUTE FUNCTION raise_version('projectId', 'key', 'title', 'description', 'status', 'priority', 'startAt', 'dueAt', 'dueOn', 'completedAt', 'parentId', 'assigneeIds', 'labelIds', 'rank', 'deletedAt');

CREATE OR REPLACE TRIGGER "Task_log" AFTER INSERT OR UPDATE OF "projectId", "key", "title", "description", "status", "priority", "startAt", "dueAt", "dueOn", "completedAt", "parentId", "assigneeIds", "labelIds", "rank", "deletedAt" ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","rank"],"state":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["startAt","dueAt","dueOn","completedAt","deletedAt","createdAt","updatedAt"]}');

CREATE OR REPLACE TRIGGER "Log_removed_task" AFTER DELETE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","rank"],"state":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["startAt","dueAt","dueOn","completedAt","deletedAt","createdAt","updatedAt"]}');

CREATE OR REPLACE TRIGGER "User_3_version" BEFORE UPDATE OF "email", "name", "role", "timeZone", "disabledAt", "version", "updatedAt" ON "User"
  FOR EACH ROW EXECUTE FUNCTION raise_version('email', 'name', 'role', 'timeZone', 'disabledAt');

ALTER TABLE "Task" ADD CONSTRAINT "Task_dueOn_exclusive" CHECK (num_nonnulls("dueAt", "dueOn") <= 1);

ALTER TABLE "Task" ADD CONSTRAINT "Task_dueOn_range" CHECK ("dueOn" BETWEEN '0001-01-01' AND '9999-12-31');

ALTER TABLE "Task" ADD CONSTRAINT "Task_rank_format" CHECK ("rank" ~ '^[0-9A-Za-z]+$' AND char_length("rank") <= 1000);

ALTER TABLE "Task" ADD CONSTRAINT "Task_startAt_order" CHECK ("startAt" <= COALESCE("dueAt", ("dueOn" + interval '36 hours') AT TIME ZONE 'UTC'));

ALTER TABLE "Task" ADD CONSTRAINT "Task_startAt_range" CHECK ("startAt" >= '0001-01-01 00:00:00+00' AND "startAt" < '10000-01-01 00:00:00+00');

ALTER TABLE "User" ADD CONSTRAINT "User_timeZone_length" CHECK (char_length("timeZone") BETWEEN 1 AND 100);

CREATE INDEX "Task_live_dueAt_asc" ON "Task"(COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;

CREATE INDEX "Task_live_dueAt_desc" ON "Task"(COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', '-infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;

CREATE INDEX "Task_live_project_dueAt_asc" ON "Task"("projectId", COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;

CREATE INDEX "Task_live_project_dueAt_desc" ON "Task"("projectId", COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', '-infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;

CREATE INDEX "Task_live_project_status_rank" ON "Task"("projectId", "status", "rank" COLLATE "C", "id") WHERE "deletedAt" IS NULL;

CREATE INDEX "Task_live_project_urgency" ON "Task"("projectId", (-"priority"), COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;

CREATE UNIQUE INDEX "Task_projectId_rank_key" ON "Task"("projectId", "rank" COLLATE "C");

CREATE INDEX "Task_open_dueAt" ON "Task"(COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL AND "status" IN ('PENDING', 'IN_PROGRESS');

CREATE INDEX "Task_open_project_dueAt" ON "Task"("projectId", COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL AND "status" IN ('PENDING', 'IN_PROGRESS');
