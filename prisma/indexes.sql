-- The indexes that schema.prisma cannot express (partial, on an expression, gin), as they are now.
-- Change a line here, then run "npm run migration -- NAME", which writes the migration.

-- Keyset pages of tasks: one index for each order of a list, ending in the id. A task without a
-- due date comes last in both directions, hence two COALESCE indexes for each due date order. A task
-- due on a date comes at the end of that day in UTC. A query must repeat the expression literally to
-- use one.

CREATE INDEX "Task_live_createdAt" ON "Task"("createdAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_updatedAt" ON "Task"("updatedAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_priority" ON "Task"("priority", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_dueAt_asc" ON "Task"(COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_dueAt_desc" ON "Task"(COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', '-infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
-- Collation "C": titles sort the same in every database.
CREATE INDEX "Task_live_title" ON "Task"("title" COLLATE "C", "id") WHERE "deletedAt" IS NULL;

CREATE INDEX "Task_live_project_createdAt" ON "Task"("projectId", "createdAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_updatedAt" ON "Task"("projectId", "updatedAt", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_priority" ON "Task"("projectId", "priority", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_dueAt_asc" ON "Task"("projectId", COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_dueAt_desc" ON "Task"("projectId", COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', '-infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_title" ON "Task"("projectId", "title" COLLATE "C", "id") WHERE "deletedAt" IS NULL;
CREATE INDEX "Task_live_project_status_createdAt" ON "Task"("projectId", "status", "createdAt", "id") WHERE "deletedAt" IS NULL;
-- The columns of a board, in its order.
CREATE INDEX "Task_live_project_status_rank" ON "Task"("projectId", "status", "rank" COLLATE "C", "id") WHERE "deletedAt" IS NULL;
-- A row comparison has one direction. Highest priority first, then earliest date: negating the
-- priority makes both ascend.
CREATE INDEX "Task_live_project_urgency" ON "Task"("projectId", (-"priority"), COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL;

-- Includes soft-deleted tasks, which keep their places. Also finds the board order of a project.
CREATE UNIQUE INDEX "Task_projectId_rank_key" ON "Task"("projectId", "rank" COLLATE "C");

CREATE INDEX "Task_open_dueAt" ON "Task"(COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL AND "status" IN ('PENDING', 'IN_PROGRESS');
CREATE INDEX "Task_open_project_dueAt" ON "Task"("projectId", COALESCE("dueAt", ("dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC', 'infinity'::timestamptz), "id") WHERE "deletedAt" IS NULL AND "status" IN ('PENDING', 'IN_PROGRESS');

-- Includes soft-deleted tasks: deleting a task looks for its sub-tasks too.
CREATE INDEX "Task_parent_createdAt" ON "Task"("parentId", "createdAt", "id") WHERE "parentId" IS NOT NULL;
CREATE INDEX "Task_trash" ON "Task"("deletedAt", "id") WHERE "deletedAt" IS NOT NULL;

-- An import finds the tasks that it has made. Few tasks come from elsewhere.
CREATE UNIQUE INDEX "Task_projectId_externalSource_externalId_key" ON "Task"("projectId", "externalSource", "externalId") WHERE "externalId" IS NOT NULL;

-- Search, and label names that are unique in any case.

CREATE INDEX "TaskSearch_words" ON "TaskSearch" USING gin ("words") WITH (gin_pending_list_limit = 1024);
CREATE UNIQUE INDEX "Label_projectId_name_key" ON "Label"("projectId", (fold_name("name") COLLATE "C"));

-- The event log. Partial, so that an event enters the last two once, when it gets its position.

CREATE INDEX "Event_unpositioned" ON "Event"("seq") WHERE "position" IS NULL;
CREATE INDEX "Event_project_position" ON "Event"("projectId", "position") WHERE "position" IS NOT NULL;
CREATE INDEX "Event_subject_position" ON "Event"("subjectId", "position") WHERE "position" IS NOT NULL;
-- Few events have these columns: those of comments and relations.
CREATE INDEX "Event_about_position" ON "Event"("aboutId", "position") WHERE "aboutId" IS NOT NULL AND "position" IS NOT NULL;
CREATE INDEX "Event_alsoAbout_position" ON "Event"("alsoAboutId", "position") WHERE "alsoAboutId" IS NOT NULL AND "position" IS NOT NULL;

-- Notifications and their deliveries.

CREATE INDEX "Notification_unread" ON "Notification"("recipientId", "createdAt", "id") WHERE "readAt" IS NULL;
CREATE INDEX "Notification_read" ON "Notification"("readAt") WHERE "readAt" IS NOT NULL;
CREATE INDEX "Delivery_waiting" ON "Delivery"("channel", "nextAttemptAt") WHERE "sentAt" IS NULL AND "failedAt" IS NULL;
