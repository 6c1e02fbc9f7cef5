-- Deleted accounts.

-- AFTER UPDATE of an account that becomes a deleted one: logs it. The row stays.
CREATE OR REPLACE TRIGGER "User_deleted" AFTER UPDATE OF "deletedAt" ON "User" FOR EACH ROW
  WHEN (OLD."deletedAt" IS NULL AND NEW."deletedAt" IS NOT NULL)
  EXECUTE FUNCTION log_change('{"noun":"user","verbs":{"update":"deleted"},"subject":"id","columns":["deletedAt"],"times":["deletedAt"]}');

-- Deletes what belongs to a user: the rows of all tables that the deletion of the user's row would
-- take with it. Each table has its own triggers, which log what is logged.
CREATE OR REPLACE FUNCTION delete_belongings(person uuid) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  owned record;
BEGIN
  FOR owned IN
    SELECT c.conrelid::regclass AS "table", a.attname AS "column"
    FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND c.confdeltype = 'c' AND c.confrelid = '"User"'::regclass
    ORDER BY 1, 2
  LOOP
    EXECUTE format('DELETE FROM %s WHERE %I = $1', owned."table", owned."column") USING person;
  END LOOP;
END
$$;
