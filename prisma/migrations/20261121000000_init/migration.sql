-- CreateEnum
CREATE TYPE "UserRole" AS ENUM ('ADMIN', 'MEMBER');

-- CreateEnum
CREATE TYPE "ProjectRole" AS ENUM ('VIEWER', 'COMMENTER', 'EDITOR', 'OWNER');

-- CreateEnum
CREATE TYPE "TaskStatus" AS ENUM ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED');

-- CreateTable
CREATE TABLE "User" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "passwordHash" TEXT NOT NULL,
    "role" "UserRole" NOT NULL DEFAULT 'MEMBER',
    "disabledAt" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "inboxId" UUID,

    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Session" (
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "refreshTokenHash" BYTEA NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastUsedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Project" (
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "archivedAt" TIMESTAMPTZ(3),
    "taskCounter" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedById" UUID,

    CONSTRAINT "Project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Membership" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "role" "ProjectRole" NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedById" UUID,

    CONSTRAINT "Membership_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Task" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "number" INTEGER NOT NULL DEFAULT 0,
    "title" TEXT NOT NULL,
    "description" TEXT,
    "status" "TaskStatus" NOT NULL DEFAULT 'PENDING',
    "priority" SMALLINT NOT NULL DEFAULT 1,
    "dueAt" TIMESTAMPTZ(3),
    "completedAt" TIMESTAMPTZ(3),
    "creatorId" UUID,
    "deletedAt" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedById" UUID,

    CONSTRAINT "Task_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Event" (
    "seq" BIGSERIAL NOT NULL,
    "position" BIGINT,
    "type" TEXT NOT NULL,
    "projectId" UUID,
    "subjectId" UUID NOT NULL,
    "actorId" UUID,
    "version" INTEGER NOT NULL,
    "changes" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Event_pkey" PRIMARY KEY ("seq")
);

-- CreateIndex
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");

-- CreateIndex
CREATE UNIQUE INDEX "User_inboxId_key" ON "User"("inboxId");

-- CreateIndex
CREATE UNIQUE INDEX "Session_refreshTokenHash_key" ON "Session"("refreshTokenHash");

-- CreateIndex
CREATE INDEX "Session_userId_idx" ON "Session"("userId");

-- CreateIndex
CREATE UNIQUE INDEX "Project_key_key" ON "Project"("key");

-- CreateIndex
CREATE INDEX "Membership_projectId_idx" ON "Membership"("projectId");

-- CreateIndex
CREATE UNIQUE INDEX "Membership_userId_projectId_key" ON "Membership"("userId", "projectId");

-- CreateIndex
CREATE INDEX "Task_creatorId_idx" ON "Task"("creatorId");

-- CreateIndex
CREATE UNIQUE INDEX "Task_projectId_number_key" ON "Task"("projectId", "number");

-- CreateIndex
CREATE UNIQUE INDEX "Event_position_key" ON "Event"("position");

-- AddForeignKey
ALTER TABLE "User" ADD CONSTRAINT "User_inboxId_fkey" FOREIGN KEY ("inboxId") REFERENCES "Project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Membership" ADD CONSTRAINT "Membership_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Membership" ADD CONSTRAINT "Membership_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_creatorId_fkey" FOREIGN KEY ("creatorId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- What Prisma cannot express, written by hand. scripts/check-migrations.ts lists each of these objects.

-- Checks

ALTER TABLE "User" ADD CONSTRAINT "User_email_lower_case" CHECK ("email" = lower("email"));
ALTER TABLE "Project" ADD CONSTRAINT "Project_key_format" CHECK ("key" ~ '^[A-Z][A-Z0-9]{1,9}$');
ALTER TABLE "Task" ADD CONSTRAINT "Task_title_length" CHECK (char_length("title") BETWEEN 1 AND 200);
ALTER TABLE "Task" ADD CONSTRAINT "Task_description_length" CHECK (char_length("description") <= 2000);
ALTER TABLE "Task" ADD CONSTRAINT "Task_priority_range" CHECK ("priority" BETWEEN 1 AND 5);
-- Keeps "infinity", which stands for "no due date" in the indexes below, and years that ISO 8601 cannot write, out of the data.
ALTER TABLE "Task" ADD CONSTRAINT "Task_dueAt_range" CHECK ("dueAt" >= '0001-01-01 00:00:00+00' AND "dueAt" < '10000-01-01 00:00:00+00');

-- Indexes for keyset pagination: each order a list offers, ending in the id. Rows without a due date sort last in
-- either direction, hence the two COALESCE indexes; a query must repeat the expression literally to use one.

CREATE INDEX "Task_live_project_createdAt" ON "Task"("projectId", "createdAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_updatedAt" ON "Task"("projectId", "updatedAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_priority" ON "Task"("projectId", "priority", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_dueAt_asc" ON "Task"("projectId", COALESCE("dueAt", 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_dueAt_desc" ON "Task"("projectId", COALESCE("dueAt", '-infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_status_createdAt" ON "Task"("projectId", "status", "createdAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_createdAt" ON "Task"("createdAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_updatedAt" ON "Task"("updatedAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_priority" ON "Task"("priority", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_dueAt_asc" ON "Task"(COALESCE("dueAt", 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_dueAt_desc" ON "Task"(COALESCE("dueAt", '-infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_title" ON "Task"("title", "id") WHERE "deletedAt" IS NULL;

-- Partial, so that a row enters them once, with its position, and not also before.
CREATE INDEX "Event_unpositioned" ON "Event"("seq") WHERE "position" IS NULL;
CREATE INDEX "Event_project_position" ON "Event"("projectId", "position") WHERE "position" IS NOT NULL;
CREATE INDEX "Event_subject_position" ON "Event"("subjectId", "position") WHERE "position" IS NOT NULL;

-- Functions. Each pins the search path, so that a writer with another one (psql, a restore) reaches the same tables.

-- BEFORE UPDATE: refuses the change that the trigger's WHEN clause describes. Argument: what never changes.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of "%" never change', TG_ARGV[0], TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;

-- BEFORE UPDATE: a row's version rises by one when a watched column changes, and at no other time, whatever the
-- statement says. Arguments: the watched columns.
CREATE FUNCTION raise_version() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before jsonb := to_jsonb(OLD);
  after jsonb := to_jsonb(NEW);
  watched text;
BEGIN
  NEW."version" := OLD."version";
  NEW."updatedAt" := OLD."updatedAt";
  FOREACH watched IN ARRAY TG_ARGV LOOP
    IF before -> watched IS DISTINCT FROM after -> watched THEN
      NEW."version" := OLD."version" + 1;
      -- Truncated, as the column would round up into the future; a clock set back must not turn a row's times around.
      NEW."updatedAt" := greatest(OLD."updatedAt", date_trunc('milliseconds', clock_timestamp()));
      EXIT;
    END IF;
  END LOOP;
  RETURN NEW;
END
$$;

-- BEFORE INSERT, or when a task moves: the next number of its project. The update holds the project's row until
-- commit, so parallel inserts queue for their numbers and a rolled-back one leaves no gap.
CREATE FUNCTION number_task() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE "Project" SET "taskCounter" = "taskCounter" + 1 WHERE "id" = NEW."projectId" RETURNING "taskCounter" INTO NEW."number";
  -- No such project: any number will do for the foreign key to refuse, but NULL would be refused first, as something else.
  NEW."number" := coalesce(NEW."number", 0);
  RETURN NEW;
END
$$;

-- BEFORE INSERT, UPDATE: completedAt is when the status became COMPLETED, and empty in any other, whoever writes.
CREATE FUNCTION stamp_completion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."status" <> 'COMPLETED' THEN
    NEW."completedAt" := NULL;
  ELSIF TG_OP = 'INSERT' OR OLD."status" <> 'COMPLETED' THEN
    NEW."completedAt" := coalesce(NEW."completedAt", date_trunc('milliseconds', clock_timestamp()));
  END IF;
  RETURN NEW;
END
$$;

-- AFTER INSERT, UPDATE, DELETE: logs the change as one Event, in the statement that makes it.
-- Arguments: 0 noun; 1 verbs of insert, update and delete ("-": not logged); 2 a nullable column that ends or resumes
-- the row's life, with the verb of each; 3 column of the project ("": internal, shown to nobody); 4 column of the
-- subject; 5 the columns whose values are logged; 6 which of them are times. Lists are separated by spaces.
CREATE FUNCTION log_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
  subject jsonb := CASE WHEN TG_OP = 'DELETE' THEN before ELSE after END;
  verbs text[] := string_to_array(TG_ARGV[1], ' ');
  life text[] := string_to_array(TG_ARGV[2], ' ');
  times text[] := string_to_array(TG_ARGV[6], ' ');
  verb text := verbs[CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'UPDATE' THEN 2 ELSE 3 END];
  changed jsonb := '{}';
BEGIN
  IF TG_OP = 'UPDATE' AND (before ->> life[1] IS NULL) <> (after ->> life[1] IS NULL) THEN
    verb := life[CASE WHEN before ->> life[1] IS NULL THEN 2 ELSE 3 END];
  ELSIF TG_OP = 'DELETE' AND before ->> life[1] IS NOT NULL THEN
    verb := '-';
  END IF;
  IF verb = '-' THEN RETURN NULL; END IF;

  IF TG_OP <> 'DELETE' THEN
    SELECT coalesce(jsonb_object_agg(field, jsonb_build_object(
        'from', CASE WHEN field = ANY (times) THEN to_jsonb(iso_time(before ->> field)) ELSE before -> field END,
        'to', CASE WHEN field = ANY (times) THEN to_jsonb(iso_time(after ->> field)) ELSE after -> field END)), '{}')
      INTO changed
      FROM unnest(string_to_array(TG_ARGV[5], ' ')) AS field
      WHERE coalesce(before -> field, 'null') <> coalesce(after -> field, 'null');
    IF verb = verbs[2] AND changed = '{}' THEN RETURN NULL; END IF;
  END IF;

  INSERT INTO "Event" ("type", "projectId", "subjectId", "actorId", "version", "changes", "at") VALUES (
    TG_ARGV[0] || '.' || verb,
    (subject ->> nullif(TG_ARGV[3], ''))::uuid,
    (subject ->> TG_ARGV[4])::uuid,
    -- A deleted row's updatedById is who wrote it last, not who deleted it: only the setting knows.
    coalesce(nullif(current_setting('taskwire.actor', true), ''), after ->> 'updatedById',
      CASE TG_OP WHEN 'INSERT' THEN after ->> 'creatorId' END)::uuid,
    coalesce((subject ->> 'version')::integer, 1),
    changed,
    date_trunc('milliseconds', clock_timestamp()));
  RETURN NULL;
END
$$;

-- A time as JavaScript's toISOString writes it.
CREATE FUNCTION iso_time(value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT to_char(value::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Gives the committed events without a position the next ones, at most batch_size of them in seq order, and answers
-- the newest position there is (0: an empty log). Why readers can trust the order: positions are given under a lock
-- that is held until commit, and the next holder reads "max" in a later statement, hence (at READ COMMITTED) with a
-- snapshot that has them all. So a position never becomes visible after a larger one. Rows whose positions a holder has not committed yet
-- look unpositioned to everyone else, who then waits for the lock: what was committed before a call has its position after it.
-- Pruning the log must leave its newest row, from which the next position derives.
CREATE FUNCTION assign_event_positions(batch_size integer) RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  newest bigint;
  given integer;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'assign_event_positions needs READ COMMITTED';
  END IF;
  IF EXISTS (SELECT FROM "Event" WHERE "position" IS NULL) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('taskwire.event_positions', 0));
    SELECT coalesce(max("position"), 0) INTO newest FROM "Event";
    WITH batch AS (SELECT "seq" FROM "Event" WHERE "position" IS NULL ORDER BY "seq" LIMIT batch_size),
      numbered AS (SELECT "seq", row_number() OVER (ORDER BY "seq") AS place FROM batch)
    UPDATE "Event" SET "position" = newest + numbered.place FROM numbered WHERE "Event"."seq" = numbered."seq";
    GET DIAGNOSTICS given = ROW_COUNT;
    newest := newest + given;
    IF given > 0 THEN PERFORM pg_notify('taskwire_events', newest::text); END IF;
    RETURN newest;
  END IF;
  SELECT coalesce(max("position"), 0) INTO newest FROM "Event";
  RETURN newest;
END
$$;

-- Triggers. BEFORE triggers of one table run in the order of their names.

CREATE TRIGGER "User_1_fixed" BEFORE UPDATE ON "User" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id" OR OLD."createdAt" <> NEW."createdAt")
  EXECUTE FUNCTION refuse_change('id and createdAt');
CREATE TRIGGER "Project_1_fixed" BEFORE UPDATE ON "Project" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id" OR OLD."createdAt" <> NEW."createdAt")
  EXECUTE FUNCTION refuse_change('id and createdAt');
CREATE TRIGGER "Membership_1_fixed" BEFORE UPDATE ON "Membership" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id" OR OLD."createdAt" <> NEW."createdAt" OR OLD."projectId" <> NEW."projectId" OR OLD."userId" <> NEW."userId")
  EXECUTE FUNCTION refuse_change('id, createdAt, projectId and userId');
CREATE TRIGGER "Task_1_fixed" BEFORE UPDATE ON "Task" FOR EACH ROW
  WHEN (OLD."id" <> NEW."id" OR OLD."createdAt" <> NEW."createdAt" OR (OLD."number" <> NEW."number" AND OLD."projectId" = NEW."projectId"))
  EXECUTE FUNCTION refuse_change('id, createdAt and number');

CREATE TRIGGER "Task_2_number" BEFORE INSERT ON "Task" FOR EACH ROW EXECUTE FUNCTION number_task();
CREATE TRIGGER "Task_2_completed" BEFORE INSERT OR UPDATE OF "status", "completedAt" ON "Task" FOR EACH ROW EXECUTE FUNCTION stamp_completion();
CREATE TRIGGER "Task_2_renumber" BEFORE UPDATE OF "projectId" ON "Task" FOR EACH ROW
  WHEN (OLD."projectId" <> NEW."projectId") EXECUTE FUNCTION number_task();

-- A project's counter is in neither list: a new task does not change its project.
CREATE TRIGGER "User_3_version" BEFORE UPDATE OF "email", "name", "role", "disabledAt", "version", "updatedAt" ON "User"
  FOR EACH ROW EXECUTE FUNCTION raise_version('email', 'name', 'role', 'disabledAt');
CREATE TRIGGER "Project_3_version" BEFORE UPDATE OF "key", "name", "description", "archivedAt", "version", "updatedAt" ON "Project"
  FOR EACH ROW EXECUTE FUNCTION raise_version('key', 'name', 'description', 'archivedAt');
CREATE TRIGGER "Membership_3_version" BEFORE UPDATE OF "role", "version", "updatedAt" ON "Membership"
  FOR EACH ROW EXECUTE FUNCTION raise_version('role');
CREATE TRIGGER "Task_3_version" BEFORE UPDATE ON "Task"
  FOR EACH ROW EXECUTE FUNCTION raise_version('projectId', 'title', 'description', 'status', 'priority', 'dueAt', 'completedAt', 'deletedAt');

CREATE TRIGGER "User_log" AFTER UPDATE OF "disabledAt" ON "User" FOR EACH ROW
  EXECUTE FUNCTION log_change('user', '- - -', 'disabledAt disabled enabled', '', 'id', '', '');
CREATE TRIGGER "Session_log" AFTER UPDATE OF "revokedAt" ON "Session" FOR EACH ROW
  EXECUTE FUNCTION log_change('session', '- - -', 'revokedAt revoked -', '', 'id', '', '');
CREATE TRIGGER "Project_log" AFTER INSERT OR DELETE OR UPDATE OF "key", "name", "description", "archivedAt" ON "Project" FOR EACH ROW
  EXECUTE FUNCTION log_change('project', 'created updated deleted', '', 'id', 'id', 'key name description archivedAt', 'archivedAt');
CREATE TRIGGER "Membership_log" AFTER INSERT OR DELETE OR UPDATE OF "role" ON "Membership" FOR EACH ROW
  EXECUTE FUNCTION log_change('member', 'added updated removed', '', 'projectId', 'userId', 'role', '');
CREATE TRIGGER "Task_log" AFTER INSERT OR DELETE OR UPDATE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('task', 'created updated deleted', 'deletedAt deleted restored', 'projectId', 'id',
    'projectId title description status priority dueAt completedAt', 'dueAt completedAt');
