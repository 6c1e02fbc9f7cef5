-- The CHECK constraints as they are now: schema.prisma cannot express them.
-- Change a line here, then run "npm run migration -- NAME", which writes the migration.
--
-- A constraint is named Table_column_rule. Clients see the column and the rule in the error.

ALTER TABLE "ApiKey" ADD CONSTRAINT "ApiKey_name_length" CHECK (char_length("name") BETWEEN 1 AND 100);

ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_contentType_length" CHECK (char_length("contentType") BETWEEN 3 AND 127);
ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_filename_length" CHECK (char_length("filename") BETWEEN 1 AND 255);
ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_sha256_format" CHECK ("sha256" ~ '^[0-9a-f]{64}$');
ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_size_range" CHECK ("size" >= 0);

ALTER TABLE "AuditEntry" ADD CONSTRAINT "AuditEntry_action_format" CHECK ("action" ~ '^[a-zA-Z]+\.[a-zA-Z]+$' AND char_length("action") <= 50);
ALTER TABLE "AuditEntry" ADD CONSTRAINT "AuditEntry_requestId_length" CHECK (char_length("requestId") <= 200);

ALTER TABLE "Comment" ADD CONSTRAINT "Comment_body_length" CHECK (char_length("body") BETWEEN 1 AND 10000);
ALTER TABLE "Comment" ADD CONSTRAINT "Comment_mentionIds_limit" CHECK ("mentionIds" IS NOT NULL AND cardinality("mentionIds") <= 50);

ALTER TABLE "IdempotencyRecord" ADD CONSTRAINT "IdempotencyRecord_key_length" CHECK (char_length("key") BETWEEN 1 AND 255);

ALTER TABLE "Label" ADD CONSTRAINT "Label_color_format" CHECK ("color" ~ '^#[0-9a-f]{6}$');
ALTER TABLE "Label" ADD CONSTRAINT "Label_name_length" CHECK (char_length("name") BETWEEN 1 AND 50);

ALTER TABLE "Notification" ADD CONSTRAINT "Notification_message_length" CHECK (char_length("message") BETWEEN 1 AND 2000);

ALTER TABLE "NotificationSettings" ADD CONSTRAINT "NotificationSettings_pushUrl_length" CHECK (char_length("pushUrl") BETWEEN 1 AND 2000);

ALTER TABLE "Project" ADD CONSTRAINT "Project_key_format" CHECK ("key" ~ '^[A-Z][A-Z0-9]{1,9}$');

ALTER TABLE "Task" ADD CONSTRAINT "Task_assigneeIds_limit" CHECK ("assigneeIds" IS NOT NULL AND cardinality("assigneeIds") <= 20);
ALTER TABLE "Task" ADD CONSTRAINT "Task_description_length" CHECK (char_length("description") <= 2000);
-- Excludes "infinity", which means "no due date" in indexes, and years that ISO 8601 cannot write.
ALTER TABLE "Task" ADD CONSTRAINT "Task_dueAt_range" CHECK ("dueAt" >= '0001-01-01 00:00:00+00' AND "dueAt" < '10000-01-01 00:00:00+00');
ALTER TABLE "Task" ADD CONSTRAINT "Task_dueOn_exclusive" CHECK (num_nonnulls("dueAt", "dueOn") <= 1);
ALTER TABLE "Task" ADD CONSTRAINT "Task_dueOn_range" CHECK ("dueOn" BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE "Task" ADD CONSTRAINT "Task_externalId_length" CHECK (char_length("externalId") BETWEEN 1 AND 200);
ALTER TABLE "Task" ADD CONSTRAINT "Task_externalSource_length" CHECK (char_length("externalSource") BETWEEN 1 AND 50);
ALTER TABLE "Task" ADD CONSTRAINT "Task_externalId_together" CHECK (("externalSource" IS NULL) = ("externalId" IS NULL));
ALTER TABLE "Task" ADD CONSTRAINT "Task_labelIds_limit" CHECK ("labelIds" IS NOT NULL AND cardinality("labelIds") <= 20);
ALTER TABLE "Task" ADD CONSTRAINT "Task_priority_range" CHECK ("priority" BETWEEN 1 AND 5);
-- At most 1,000 characters, far below what fits into an index.
ALTER TABLE "Task" ADD CONSTRAINT "Task_rank_format" CHECK ("rank" ~ '^[0-9A-Za-z]+$' AND char_length("rank") <= 1000);
-- The due date ends 36 hours after it begins in UTC: then it is over in every time zone.
ALTER TABLE "Task" ADD CONSTRAINT "Task_startAt_order" CHECK ("startAt" <= COALESCE("dueAt", ("dueOn" + interval '36 hours') AT TIME ZONE 'UTC'));
ALTER TABLE "Task" ADD CONSTRAINT "Task_startAt_range" CHECK ("startAt" >= '0001-01-01 00:00:00+00' AND "startAt" < '10000-01-01 00:00:00+00');
ALTER TABLE "Task" ADD CONSTRAINT "Task_title_length" CHECK (char_length("title") BETWEEN 1 AND 200);

ALTER TABLE "TaskRelation" ADD CONSTRAINT "TaskRelation_targetId_another" CHECK ("sourceId" <> "targetId");

-- ASCII only, whatever the locale of the database.
ALTER TABLE "User" ADD CONSTRAINT "User_email_lower_case" CHECK ("email" = lower("email" COLLATE "C"));
ALTER TABLE "User" ADD CONSTRAINT "User_timeZone_length" CHECK (char_length("timeZone") BETWEEN 1 AND 100);
