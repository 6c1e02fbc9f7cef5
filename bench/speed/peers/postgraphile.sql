-- What PostGraphile serves: functions that check the viewer, whose id is in the setting
-- "bench.viewer". Lists are plain SQL functions, which PostgreSQL inlines into the query.

CREATE SCHEMA IF NOT EXISTS api;

CREATE OR REPLACE FUNCTION api.viewer_id() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT nullif(current_setting('bench.viewer', true), '')::uuid $$;
CREATE OR REPLACE FUNCTION api.viewer_is_admin() RETURNS boolean LANGUAGE sql STABLE AS
  $$ SELECT coalesce(current_setting('bench.admin', true), '') = 'true' $$;
COMMENT ON FUNCTION api.viewer_id() IS '@behavior -*';
COMMENT ON FUNCTION api.viewer_is_admin() IS '@behavior -*';

CREATE OR REPLACE FUNCTION api.find_task(task_id uuid) RETURNS "Task" LANGUAGE plpgsql STABLE AS $$
DECLARE
  found_task "Task";
BEGIN
  IF api.viewer_id() IS NULL THEN RAISE EXCEPTION 'Sign in first.' USING ERRCODE = 'TW401'; END IF;
  SELECT t.* INTO found_task FROM "Task" t WHERE t."id" = task_id AND t."deletedAt" IS NULL
    AND (api.viewer_is_admin() OR EXISTS (
      SELECT FROM "Membership" m WHERE m."projectId" = t."projectId" AND m."userId" = api.viewer_id()));
  IF found_task."id" IS NULL THEN RAISE EXCEPTION 'The task does not exist or you cannot see it.' USING ERRCODE = 'TW404'; END IF;
  RETURN found_task;
END
$$;

CREATE OR REPLACE FUNCTION api.project_tasks(project uuid, task_status "TaskStatus") RETURNS SETOF "Task" LANGUAGE sql STABLE AS $$
  SELECT t.* FROM "Task" t WHERE t."projectId" = project AND t."status" = task_status AND t."deletedAt" IS NULL
    AND (api.viewer_is_admin() OR EXISTS (
      SELECT FROM "Membership" m WHERE m."projectId" = project AND m."userId" = api.viewer_id()))
$$;
COMMENT ON FUNCTION api.project_tasks(uuid, "TaskStatus") IS '@behavior +order';

-- EXECUTE plans for these words. One plan for all words is much slower.
CREATE OR REPLACE FUNCTION api.search_tasks(typed text) RETURNS SETOF "Task" LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY EXECUTE $query$
    SELECT t.* FROM (
        SELECT m."projectId" FROM "Membership" m WHERE m."userId" = $2 AND NOT $3
        UNION ALL SELECT p."id" FROM "Project" p WHERE $3
      ) AS visible JOIN "TaskSearch" s USING ("projectId") JOIN "Task" t ON t."id" = s."taskId"
    WHERE s."words" @@ search_query($1) AND s."live" AND t."deletedAt" IS NULL
    ORDER BY ts_rank(s."words", search_query($1), 1) + (s."words" @@ literal_query($1))::int DESC, t."id" DESC
  $query$ USING typed, api.viewer_id(), api.viewer_is_admin();
END
$$;

CREATE OR REPLACE FUNCTION api."Task_assignees"(task "Task") RETURNS SETOF "User" LANGUAGE sql STABLE AS $$
  SELECT u.* FROM "TaskAssignee" a JOIN "User" u ON u."id" = a."userId" WHERE a."taskId" = task."id" ORDER BY a."userId"
$$;
COMMENT ON FUNCTION api."Task_assignees"("Task") IS '@behavior +list -connection';

CREATE OR REPLACE FUNCTION api."Task_labels"(task "Task") RETURNS SETOF "Label" LANGUAGE sql STABLE AS $$
  SELECT l.* FROM "TaskLabel" x JOIN "Label" l ON l."id" = x."labelId" WHERE x."taskId" = task."id" ORDER BY l."name"
$$;
COMMENT ON FUNCTION api."Task_labels"("Task") IS '@behavior +list -connection';

CREATE OR REPLACE FUNCTION api.require_editor(project uuid) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
  own "ProjectRole";
BEGIN
  IF api.viewer_is_admin() THEN RETURN; END IF;
  SELECT m."role" INTO own FROM "Membership" m WHERE m."projectId" = project AND m."userId" = api.viewer_id();
  IF own IS NULL THEN RAISE EXCEPTION 'The project does not exist or you cannot see it.' USING ERRCODE = 'TW404'; END IF;
  IF own NOT IN ('EDITOR', 'OWNER') THEN RAISE EXCEPTION 'You need the EDITOR role in this project.' USING ERRCODE = 'TW403'; END IF;
END
$$;
COMMENT ON FUNCTION api.require_editor(uuid) IS '@behavior -*';

CREATE OR REPLACE FUNCTION api.add_task(
    project uuid, title text, description text, priority integer, due_at timestamptz, assignee_ids uuid[], label_ids uuid[]
  ) RETURNS "Task" LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  made "Task";
BEGIN
  PERFORM api.require_editor(project);
  IF (SELECT count(*) FROM "Membership" m WHERE m."projectId" = project AND m."userId" = ANY (assignee_ids)) < cardinality(assignee_ids)
    OR (SELECT count(*) FROM "Label" l WHERE l."projectId" = project AND l."id" = ANY (label_ids)) < cardinality(label_ids) THEN
    RAISE EXCEPTION 'An assignee or a label does not belong to the project.' USING ERRCODE = 'TW422';
  END IF;
  INSERT INTO "Task" ("id", "projectId", "title", "description", "priority", "dueAt", "assigneeIds", "labelIds", "creatorId", "updatedById")
    VALUES (gen_random_uuid(), project, title, description, coalesce(priority, 1), due_at, coalesce(assignee_ids, '{}'), coalesce(label_ids, '{}'),
      api.viewer_id(), api.viewer_id())
    RETURNING * INTO made;
  RETURN made;
END
$$;

CREATE OR REPLACE FUNCTION api.change_task(task_id uuid, title text, status "TaskStatus") RETURNS "Task" LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  changed "Task";
BEGIN
  PERFORM api.require_editor((api.find_task(task_id))."projectId");
  UPDATE "Task" t SET "title" = coalesce(change_task.title, t."title"), "status" = coalesce(change_task.status, t."status"),
      "updatedById" = api.viewer_id()
    WHERE t."id" = task_id RETURNING t.* INTO changed;
  RETURN changed;
END
$$;
