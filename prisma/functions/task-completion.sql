-- completedAt of tasks.

-- BEFORE INSERT, UPDATE: sets completedAt when the status becomes COMPLETED, and clears it in any
-- other status. A writer may give a time of its own.
CREATE OR REPLACE FUNCTION stamp_completion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."status" <> 'COMPLETED' THEN
    NEW."completedAt" := NULL;
  ELSIF TG_OP = 'INSERT' OR OLD."status" <> 'COMPLETED' THEN
    NEW."completedAt" := coalesce(NEW."completedAt", date_trunc('milliseconds', clock_timestamp()));
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER "Task_2_completed" BEFORE INSERT OR UPDATE OF "status", "completedAt" ON "Task"
  FOR EACH ROW EXECUTE FUNCTION stamp_completion();
