-- Numbers and keys of tasks, like 42 and "WEB-42", and the rank that follows from the number.

-- Returns the rank of a task that was never moved: a fractional index of fixed length, so that ranks
-- sort like numbers. Between two of them are 3,843 ranks of the same length.
CREATE OR REPLACE FUNCTION task_rank(number integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  digits CONSTANT text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
BEGIN
  RETURN 'h' || substr(digits, number / 916132832 + 1, 1) || substr(digits, number / 14776336 % 62 + 1, 1)
    || substr(digits, number / 238328 % 62 + 1, 1) || substr(digits, number / 3844 % 62 + 1, 1)
    || substr(digits, number / 62 % 62 + 1, 1) || substr(digits, number % 62 + 1, 1) || '00';
END
$$;

-- Reserves the next numbers of a project for the rows that this transaction inserts into it. Without
-- it each row updates the project, and finding its newest version takes longer with each of them.
CREATE OR REPLACE FUNCTION reserve_task_numbers(project uuid, amount integer) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  last integer;
  prefix text;
BEGIN
  UPDATE "Project" SET "taskCounter" = "taskCounter" + amount WHERE "id" = project RETURNING "taskCounter", "key" INTO last, prefix;
  PERFORM set_config('taskwire.numbers', concat_ws(' ', project, last - amount + 1, last, prefix), true);
END
$$;

-- BEFORE INSERT, and when a task moves: takes the next number of the task's project. The update
-- holds the project's row until commit, so parallel inserts queue for their numbers and a rolled
-- back insert leaves no gap. The rank puts the task at the end of its project. A task that moves can
-- still be found by its earlier keys.
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

CREATE OR REPLACE TRIGGER "Task_2_number" BEFORE INSERT ON "Task" FOR EACH ROW EXECUTE FUNCTION number_task();

CREATE OR REPLACE TRIGGER "Task_2_renumber" BEFORE UPDATE OF "projectId" ON "Task" FOR EACH ROW
  WHEN (OLD."projectId" <> NEW."projectId") EXECUTE FUNCTION number_task();
