-- AlterTable
ALTER TABLE "Task" ADD COLUMN     "externalId" TEXT,
ADD COLUMN     "externalSource" TEXT;

ALTER TABLE "Task" ADD CONSTRAINT "Task_externalId_length" CHECK (char_length("externalId") BETWEEN 1 AND 200);

ALTER TABLE "Task" ADD CONSTRAINT "Task_externalSource_length" CHECK (char_length("externalSource") BETWEEN 1 AND 50);

ALTER TABLE "Task" ADD CONSTRAINT "Task_externalId_together" CHECK (("externalSource" IS NULL) = ("externalId" IS NULL));

CREATE UNIQUE INDEX "Task_projectId_externalSource_externalId_key" ON "Task"("projectId", "externalSource", "externalId") WHERE "externalId" IS NOT NULL;

CREATE OR REPLACE FUNCTION reserve_task_numbers(project uuid, amount integer) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  last integer;
  prefix text;
BEGIN
  UPDATE "Project" SET "taskCounter" = "taskCounter" + amount WHERE "id" = project RETURNING "taskCounter", "key" INTO last, prefix;
  PERFORM set_config('taskwire.numbers', concat_ws(' ', project, last - amount + 1, last, prefix), true);
END
$$;

CREATE OR REPLACE FUNCTION number_task() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  prefix text;
  -- Project, next number, last number, key of the project.
  reserved text[] := string_to_array(nullif(current_setting('taskwire.numbers', true), ''), ' ');
BEGIN
  IF TG_OP = 'INSERT' AND reserved[1] = NEW."projectId"::text AND reserved[2]::integer <= reserved[3]::integer THEN
    NEW."number" := reserved[2];
    NEW."key" := reserved[4] || '-' || reserved[2];
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
  RETURN NEW;
END
$$;
