-- CreateEnum
CREATE TYPE "TaskRelationType" AS ENUM ('BLOCKS', 'RELATES_TO', 'DUPLICATES');

-- DropIndex
DROP INDEX "Task_creatorId_idx";

-- AlterTable
ALTER TABLE "Task" ADD COLUMN     "assigneeIds" UUID[] DEFAULT ARRAY[]::UUID[],
ADD COLUMN     "key" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "labelIds" UUID[] DEFAULT ARRAY[]::UUID[],
ADD COLUMN     "parentId" UUID;

-- CreateTable
CREATE TABLE "TaskAssignee" (
    "taskId" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "status" "TaskStatus" NOT NULL,
    "live" BOOLEAN NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "TaskAssignee_pkey" PRIMARY KEY ("taskId","userId")
);

-- CreateTable
CREATE TABLE "Label" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "color" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedById" UUID,

    CONSTRAINT "Label_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "TaskLabel" (
    "taskId" UUID NOT NULL,
    "labelId" UUID NOT NULL,
    "live" BOOLEAN NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "TaskLabel_pkey" PRIMARY KEY ("taskId","labelId")
);

-- CreateTable
CREATE TABLE "TaskSearch" (
    "taskId" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "live" BOOLEAN NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "words" tsvector NOT NULL,

    CONSTRAINT "TaskSearch_pkey" PRIMARY KEY ("taskId")
);

-- CreateTable
CREATE TABLE "FormerTaskKey" (
    "key" TEXT NOT NULL,
    "taskId" UUID NOT NULL,

    CONSTRAINT "FormerTaskKey_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "TaskRelation" (
    "id" UUID NOT NULL,
    "type" "TaskRelationType" NOT NULL,
    "sourceId" UUID NOT NULL,
    "targetId" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "creatorId" UUID,

    CONSTRAINT "TaskRelation_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "TaskAssignee_userId_live_status_createdAt_taskId_idx" ON "TaskAssignee"("userId", "live", "status", "createdAt", "taskId");

-- CreateIndex
CREATE INDEX "TaskAssignee_userId_live_createdAt_taskId_idx" ON "TaskAssignee"("userId", "live", "createdAt", "taskId");

-- CreateIndex
CREATE INDEX "TaskLabel_labelId_live_createdAt_taskId_idx" ON "TaskLabel"("labelId", "live", "createdAt", "taskId");

-- CreateIndex
CREATE INDEX "TaskSearch_live_createdAt_taskId_idx" ON "TaskSearch"("live", "createdAt", "taskId");

-- CreateIndex
CREATE INDEX "TaskSearch_projectId_live_createdAt_taskId_idx" ON "TaskSearch"("projectId", "live", "createdAt", "taskId");

-- CreateIndex
CREATE INDEX "FormerTaskKey_taskId_idx" ON "FormerTaskKey"("taskId");

-- CreateIndex
CREATE INDEX "TaskRelation_targetId_idx" ON "TaskRelation"("targetId");

-- CreateIndex
CREATE UNIQUE INDEX "TaskRelation_sourceId_targetId_type_key" ON "TaskRelation"("sourceId", "targetId", "type");

-- Tasks that were there before get their keys; that changes none of them.
ALTER TABLE "Task" DISABLE TRIGGER USER;
UPDATE "Task" t SET "key" = p."key" || '-' || t."number" FROM "Project" p WHERE p."id" = t."projectId";
ALTER TABLE "Task" ENABLE TRIGGER USER;

-- CreateIndex
CREATE UNIQUE INDEX "Task_key_key" ON "Task"("key");

-- CreateIndex
CREATE INDEX "Task_creatorId_createdAt_id_idx" ON "Task"("creatorId", "createdAt", "id");

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "Task"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskAssignee" ADD CONSTRAINT "TaskAssignee_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskAssignee" ADD CONSTRAINT "TaskAssignee_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Label" ADD CONSTRAINT "Label_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskLabel" ADD CONSTRAINT "TaskLabel_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskLabel" ADD CONSTRAINT "TaskLabel_labelId_fkey" FOREIGN KEY ("labelId") REFERENCES "Label"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskSearch" ADD CONSTRAINT "TaskSearch_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "FormerTaskKey" ADD CONSTRAINT "FormerTaskKey_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskRelation" ADD CONSTRAINT "TaskRelation_sourceId_fkey" FOREIGN KEY ("sourceId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskRelation" ADD CONSTRAINT "TaskRelation_targetId_fkey" FOREIGN KEY ("targetId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma cannot express, written by hand. scripts/beyond-prisma.ts lists each of these objects.

-- Checks

ALTER TABLE "Task" ADD CONSTRAINT "Task_assigneeIds_limit" CHECK ("assigneeIds" IS NOT NULL AND cardinality("assigneeIds") <= 20);
ALTER TABLE "Task" ADD CONSTRAINT "Task_labelIds_limit" CHECK ("labelIds" IS NOT NULL AND cardinality("labelIds") <= 20);
ALTER TABLE "Label" ADD CONSTRAINT "Label_name_length" CHECK (char_length("name") BETWEEN 1 AND 50);
ALTER TABLE "Label" ADD CONSTRAINT "Label_color_format" CHECK ("color" ~ '^#[0-9a-f]{6}$');
ALTER TABLE "TaskRelation" ADD CONSTRAINT "TaskRelation_targetId_another" CHECK ("sourceId" <> "targetId");

-- Indexes

CREATE UNIQUE INDEX "Label_projectId_name_key" ON "Label"("projectId", lower("name"));
CREATE INDEX "TaskSearch_words" ON "TaskSearch" USING gin ("words") WITH (gin_pending_list_limit = 1024);
-- How often a word occurs decides between the index of words and the order of time: know the frequent ones.
ALTER TABLE "TaskSearch" ALTER COLUMN "words" SET STATISTICS 1000;

-- Not partial in deletedAt: deleting a task looks for its sub-tasks, too.
CREATE INDEX "Task_parent_createdAt" ON "Task"("parentId", "createdAt", "id") WHERE "parentId" IS NOT NULL;
CREATE INDEX "Task_trash" ON "Task"("deletedAt", "id") WHERE "deletedAt" IS NOT NULL;
CREATE INDEX "Task_open_project_dueAt" ON "Task"("projectId", COALESCE("dueAt", 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL AND "status" IN ('PENDING', 'IN_PROGRESS');
CREATE INDEX "Task_open_dueAt" ON "Task"(COALESCE("dueAt", 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL AND "status" IN ('PENDING', 'IN_PROGRESS');
-- A row comparison has one direction: the highest priority first and then the earliest date is rising in both.
CREATE INDEX "Task_live_project_urgency" ON "Task"("projectId", (-"priority"), COALESCE("dueAt", 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
-- Titles sort the same in every database, whatever its collation.
DROP INDEX "Task_live_title";
CREATE INDEX "Task_live_title" ON "Task"("title" COLLATE "C", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_title" ON "Task"("projectId", "title" COLLATE "C", "id") WHERE "deletedAt" IS NULL;

-- Words

-- A text in lower case and without accents. Lower case by Unicode where the server has it: a database's own may know ASCII alone.
DO $do$
BEGIN
  EXECUTE format($fn$
    CREATE FUNCTION fold_text(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT replace(replace(replace(replace(translate(
        lower(regexp_replace(normalize(value, NFKD), '[\u0300-\u036f]', '', 'g') COLLATE %I),
        'øłđðħıŧ', 'olddhit'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
    $$ $fn$,
    coalesce((SELECT collname FROM pg_collation WHERE collname = 'und-x-icu' LIMIT 1), 'default'));
END
$do$;

-- The words of a text with single spaces between: no punctuation is left for a parser to read as an address or an operator.
CREATE FUNCTION split_words(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT trim(regexp_replace(fold_text(value), '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g'))
$$;

-- What marks the words of a project's tasks, so that the index finds a word within a project. No word contains "=".
CREATE FUNCTION project_word(project uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT quote_literal('=' || replace(project::text, '-', ''))
$$;

-- The words of a task, each as it stands and by its English stem.
CREATE FUNCTION task_words(title text, description text, project uuid) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  first text := split_words(title);
  second text := split_words(coalesce(description, ''));
BEGIN
  RETURN setweight(to_tsvector('pg_catalog.english', first) || to_tsvector('pg_catalog.simple', first), 'A')
    || setweight(to_tsvector('pg_catalog.english', second) || to_tsvector('pg_catalog.simple', second), 'B')
    || project_word(project)::tsvector;
END
$$;

-- What a person typed, as a query: every word as it stands or by its stem, the last one also as the beginning of a word.
-- Words that carry no meaning ("the") count only in the last place, where they may be the beginning of one that does.
-- NULL where there is no word in it. Any input is safe: its words are quoted, and contain no quotes.
CREATE FUNCTION search_query(typed text) RETURNS tsquery
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  -- Without what is no word to the parser, like an emoji: no task has it.
  words text[] := ARRAY(SELECT one FROM unnest(string_to_array(split_words(typed), ' ')) WITH ORDINALITY AS split(one, place)
    WHERE to_tsvector('pg_catalog.simple', one) <> '' ORDER BY place);
  last integer := array_length(words, 1);
  stems tsvector;
  found text;
  query text := '';
BEGIN
  FOR place IN 1 .. coalesce(last, 0) LOOP
    stems := to_tsvector('pg_catalog.english', words[place]);
    CONTINUE WHEN place < last AND stems = '';
    SELECT string_agg(quote_literal(lexeme), ' | ') INTO found
      FROM unnest(tsvector_to_array(stems || to_tsvector('pg_catalog.simple', words[place]))) AS lexeme;
    IF place = last THEN found := found || ' | ' || quote_literal(words[place]) || ':*'; END IF;
    query := concat_ws(' & ', nullif(query, ''), '(' || found || ')');
  END LOOP;
  RETURN nullif(query, '')::tsquery;
END
$$;

-- Triggers

-- A task's number and key come from its project's counter (see the first migration); a task that moves is still found by the key it had.
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
  -- No such project: any number will do for the foreign key to refuse, but NULL would be refused first, as something else.
  NEW."number" := coalesce(NEW."number", 0);
  NEW."key" := coalesce(prefix, '?') || '-' || NEW."number";
  RETURN NEW;
END
$$;

-- Held until commit by whoever changes who is below whom: of two changes that make a cycle together, each may see none. New sub-tasks
-- share it, as a tree they are put into must not move meanwhile. Take it before any row: a trigger comes after its row is locked.
CREATE FUNCTION lock_task_tree(shared boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF shared THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended('taskwire.task_tree', 0));
  ELSE PERFORM pg_advisory_xact_lock(hashtextextended('taskwire.task_tree', 0));
  END IF;
END
$$;

-- AFTER INSERT, UPDATE: a task's parent is in its project, no task is its own ancestor, and none has more than ten.
CREATE FUNCTION check_parent() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  ancestor uuid := NEW."parentId";
  ancestors integer := 0;
  height integer := 0;
  project uuid;
BEGIN
  PERFORM lock_task_tree(TG_OP = 'INSERT');
  IF NEW."parentId" IS NOT NULL THEN
    -- That it exists is the foreign key's to say.
    SELECT "projectId" INTO project FROM "Task" WHERE "id" = NEW."parentId";
    IF project <> NEW."projectId" THEN
      RAISE EXCEPTION 'the parent is in another project: "Task_parentId_same project"' USING ERRCODE = 'check_violation';
    END IF;
    WHILE ancestor IS NOT NULL AND ancestors <= 10 LOOP
      IF ancestor = NEW."id" THEN
        RAISE EXCEPTION 'the task would be its own ancestor: "Task_parentId_no cycle"' USING ERRCODE = 'check_violation';
      END IF;
      ancestors := ancestors + 1;
      SELECT "parentId" INTO ancestor FROM "Task" WHERE "id" = ancestor;
    END LOOP;
    IF TG_OP = 'UPDATE' THEN
      WITH RECURSIVE below("id", "level") AS (
        SELECT NEW."id", 0
        UNION ALL SELECT t."id", "level" + 1 FROM below JOIN "Task" t ON t."parentId" = below."id" WHERE "level" <= 10
      ) SELECT max("level") INTO height FROM below;
    END IF;
    IF ancestors + height > 10 THEN
      RAISE EXCEPTION 'sub-tasks nest 10 deep: "Task_parentId_depth"' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' AND OLD."projectId" <> NEW."projectId"
    AND EXISTS (SELECT FROM "Task" WHERE "parentId" = NEW."id" AND "projectId" <> NEW."projectId") THEN
    RAISE EXCEPTION 'a sub-task is in another project: "Task_projectId_same project"' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END
$$;

-- AFTER INSERT, UPDATE: keeps the rows by which a task is found in step with it.
CREATE FUNCTION keep_task_links() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  kept integer;
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

-- AFTER INSERT, UPDATE of what a task is searched by.
CREATE FUNCTION keep_task_words() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD."title" = NEW."title" AND OLD."projectId" = NEW."projectId"
    AND OLD."description" IS NOT DISTINCT FROM NEW."description" THEN
    UPDATE "TaskSearch" SET "live" = NEW."deletedAt" IS NULL WHERE "taskId" = NEW."id";
    RETURN NULL;
  END IF;
  INSERT INTO "TaskSearch" ("taskId", "projectId", "live", "createdAt", "words")
    VALUES (NEW."id", NEW."projectId", NEW."deletedAt" IS NULL, NEW."createdAt", task_words(NEW."title", NEW."description", NEW."projectId"))
    ON CONFLICT ("taskId") DO UPDATE SET "projectId" = excluded."projectId", "live" = excluded."live", "words" = excluded."words";
  RETURN NULL;
END
$$;

-- AFTER DELETE of an assignment or a label's use, as a deleted user or label takes them along: the task forgets it.
CREATE FUNCTION forget_link() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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

-- BEFORE INSERT: RELATES_TO has no direction, so that one row is both; nothing blocks or duplicates itself, over however many tasks.
CREATE FUNCTION check_relation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  swapped uuid := NEW."sourceId";
BEGIN
  IF NEW."type" = 'RELATES_TO' THEN
    IF NEW."targetId" < NEW."sourceId" THEN
      NEW."sourceId" := NEW."targetId";
      NEW."targetId" := swapped;
    END IF;
    RETURN NEW;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('taskwire.task_relations', 0));
  IF EXISTS (
    WITH RECURSIVE reached("id") AS (
      SELECT NEW."targetId"
      UNION
      SELECT r."targetId" FROM reached JOIN "TaskRelation" r ON r."sourceId" = reached."id" AND r."type" = NEW."type"
    ) SELECT FROM reached WHERE reached."id" = NEW."sourceId"
  ) THEN
    RAISE EXCEPTION 'the relation would close a circle: "TaskRelation_targetId_no cycle"' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END
$$;

-- AFTER INSERT, DELETE: an event in the project of either task.
CREATE FUNCTION log_relation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  present "TaskRelation" := CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END;
BEGIN
  INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "at")
  SELECT
    CASE TG_OP WHEN 'INSERT' THEN 'relation.created' ELSE 'relation.deleted' END,
    project, present."id",
    nullif(coalesce(nullif(current_setting('taskwire.actor', true), ''), CASE TG_OP WHEN 'INSERT' THEN present."creatorId"::text END), 'nobody')::uuid,
    1,
    CASE TG_OP WHEN 'DELETE' THEN '{}' ELSE jsonb_build_object('type', jsonb_build_object('from', NULL, 'to', present."type")) || ends END,
    date_trunc('milliseconds', clock_timestamp())
  -- Who sees one of the projects need not see the other: each is told of its own task.
  FROM (SELECT "projectId", jsonb_object_agg(CASE "id" WHEN present."sourceId" THEN 'sourceId' ELSE 'targetId' END,
      jsonb_build_object('from', NULL, 'to', "id"))
    FROM "Task" WHERE "id" IN (present."sourceId", present."targetId") GROUP BY "projectId") AS touched(project, ends);
  RETURN NULL;
END
$$;

-- As it was, but an empty list counts as nothing: a new thing's lists do not change from nothing to nothing. And the actor may
-- be "nobody", for what the server does by itself.
CREATE OR REPLACE FUNCTION log_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
  subject jsonb := CASE WHEN TG_OP = 'DELETE' THEN before ELSE after END;
  verbs text[] := string_to_array(TG_ARGV[1], ' ');
  life text[] := string_to_array(TG_ARGV[2], ' ');
  times text[] := string_to_array(TG_ARGV[6], ' ');
  verb text := verbs[CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'UPDATE' THEN 2 ELSE 3 END];
  changed jsonb := '{}';
  -- What it was in another project is not told in this one, whose members need not see that.
  moved boolean := TG_OP = 'UPDATE' AND before ->> nullif(TG_ARGV[3], '') <> after ->> nullif(TG_ARGV[3], '');
BEGIN
  IF TG_OP = 'UPDATE' AND (before ->> life[1] IS NULL) <> (after ->> life[1] IS NULL) THEN
    verb := life[CASE WHEN before ->> life[1] IS NULL THEN 2 ELSE 3 END];
  ELSIF TG_OP = 'DELETE' AND before ->> life[1] IS NOT NULL THEN
    verb := '-';
  END IF;
  IF verb = '-' THEN RETURN NULL; END IF;

  IF TG_OP <> 'DELETE' THEN
    SELECT coalesce(jsonb_object_agg(field, jsonb_build_object(
        'from', CASE WHEN moved THEN NULL WHEN field = ANY (times) THEN to_jsonb(iso_time(before ->> field)) ELSE before -> field END,
        'to', CASE WHEN field = ANY (times) THEN to_jsonb(iso_time(after ->> field)) ELSE after -> field END)), '{}')
      INTO changed
      FROM unnest(string_to_array(TG_ARGV[5], ' ')) AS field
      WHERE coalesce(nullif(before -> field, '[]'), 'null') <> coalesce(nullif(after -> field, '[]'), 'null');
    IF verb = verbs[2] AND changed = '{}' THEN RETURN NULL; END IF;
  END IF;

  INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "at") VALUES (
    TG_ARGV[0] || '.' || verb,
    (subject ->> nullif(TG_ARGV[3], ''))::uuid,
    (subject ->> TG_ARGV[4])::uuid,
    -- A deleted row's updatedById is who wrote it last, not who deleted it: only the setting knows.
    nullif(coalesce(nullif(current_setting('taskwire.actor', true), ''), after ->> 'updatedById',
      CASE TG_OP WHEN 'INSERT' THEN after ->> 'creatorId' END), 'nobody')::uuid,
    coalesce((subject ->> 'version')::integer, 1),
    changed,
    date_trunc('milliseconds', clock_timestamp()));
  RETURN NULL;
END
$$;


DROP TRIGGER "Project_1_fixed" ON "Project";
CREATE TRIGGER "Project_1_fixed" BEFORE UPDATE ON "Project" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id" OR OLD."createdAt" <> NEW."createdAt" OR OLD."key" <> NEW."key")
  EXECUTE FUNCTION refuse_change('id, createdAt and key');
DROP TRIGGER "Task_1_fixed" ON "Task";
CREATE TRIGGER "Task_1_fixed" BEFORE UPDATE ON "Task" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id" OR OLD."createdAt" <> NEW."createdAt"
    OR ((OLD."number" <> NEW."number" OR OLD."key" <> NEW."key") AND OLD."projectId" = NEW."projectId"))
  EXECUTE FUNCTION refuse_change('id, createdAt, number and key');
CREATE TRIGGER "Label_1_fixed" BEFORE UPDATE ON "Label" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id" OR OLD."createdAt" <> NEW."createdAt" OR OLD."projectId" <> NEW."projectId")
  EXECUTE FUNCTION refuse_change('id, createdAt and projectId');

CREATE TRIGGER "TaskRelation_1_check" BEFORE INSERT ON "TaskRelation" FOR EACH ROW EXECUTE FUNCTION check_relation();
CREATE TRIGGER "Label_3_version" BEFORE UPDATE OF "name", "color", "version", "updatedAt" ON "Label"
  FOR EACH ROW EXECUTE FUNCTION raise_version('name', 'color');
DROP TRIGGER "Task_3_version" ON "Task";
CREATE TRIGGER "Task_3_version" BEFORE UPDATE ON "Task"
  FOR EACH ROW EXECUTE FUNCTION raise_version('projectId', 'title', 'description', 'status', 'priority', 'dueAt', 'completedAt', 'parentId', 'assigneeIds', 'labelIds', 'deletedAt');

CREATE TRIGGER "Task_tree_insert" AFTER INSERT ON "Task" FOR EACH ROW WHEN (NEW."parentId" IS NOT NULL) EXECUTE FUNCTION check_parent();
CREATE TRIGGER "Task_tree_update" AFTER UPDATE OF "parentId", "projectId" ON "Task" FOR EACH ROW
  WHEN (OLD."projectId" <> NEW."projectId" OR (OLD."parentId" IS DISTINCT FROM NEW."parentId" AND NEW."parentId" IS NOT NULL))
  EXECUTE FUNCTION check_parent();
CREATE TRIGGER "Task_links_insert" AFTER INSERT ON "Task" FOR EACH ROW
  WHEN (NEW."assigneeIds" <> '{}' OR NEW."labelIds" <> '{}') EXECUTE FUNCTION keep_task_links();
CREATE TRIGGER "Task_links_update" AFTER UPDATE ON "Task" FOR EACH ROW
  WHEN (OLD."assigneeIds" <> NEW."assigneeIds" OR OLD."labelIds" <> NEW."labelIds" OR OLD."projectId" <> NEW."projectId"
    OR OLD."status" <> NEW."status" OR (OLD."deletedAt" IS NULL) <> (NEW."deletedAt" IS NULL))
  EXECUTE FUNCTION keep_task_links();
CREATE TRIGGER "Task_words_insert" AFTER INSERT ON "Task" FOR EACH ROW EXECUTE FUNCTION keep_task_words();
CREATE TRIGGER "Task_words_update" AFTER UPDATE OF "title", "description", "projectId", "deletedAt" ON "Task" FOR EACH ROW
  WHEN (OLD."title" <> NEW."title" OR OLD."description" IS DISTINCT FROM NEW."description" OR OLD."projectId" <> NEW."projectId"
    OR (OLD."deletedAt" IS NULL) <> (NEW."deletedAt" IS NULL))
  EXECUTE FUNCTION keep_task_words();
CREATE TRIGGER "TaskAssignee_forget" AFTER DELETE ON "TaskAssignee" FOR EACH ROW EXECUTE FUNCTION forget_link();
CREATE TRIGGER "TaskLabel_forget" AFTER DELETE ON "TaskLabel" FOR EACH ROW EXECUTE FUNCTION forget_link();

DROP TRIGGER "Task_log" ON "Task";
CREATE TRIGGER "Task_log" AFTER INSERT OR DELETE OR UPDATE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('task', 'created updated deleted', 'deletedAt deleted restored', 'projectId', 'id',
    'projectId key title description status priority dueAt completedAt parentId assigneeIds labelIds', 'dueAt completedAt');
CREATE TRIGGER "Label_log" AFTER INSERT OR DELETE OR UPDATE OF "name", "color" ON "Label" FOR EACH ROW
  EXECUTE FUNCTION log_change('label', 'created updated deleted', '', 'projectId', 'id', 'name color', '');
CREATE TRIGGER "TaskRelation_log" AFTER INSERT OR DELETE ON "TaskRelation" FOR EACH ROW EXECUTE FUNCTION log_relation();

-- Tasks that were there before get their words.
INSERT INTO "TaskSearch" ("taskId", "projectId", "live", "createdAt", "words")
  SELECT "id", "projectId", "deletedAt" IS NULL, "createdAt", task_words("title", "description", "projectId") FROM "Task";
