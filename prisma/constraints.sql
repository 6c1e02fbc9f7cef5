-- The CHECK constraints as they are now: schema.prisma cannot express them.
-- Change a line here, then run "npm run migration -- NAME", which writes the migration.
--
-- A constraint is named Table_column_rule. Clients see the column and the rule in the error.

ALTER TABLE "ApiKey" ADD CONSTRAINT "ApiKey_name_length" CHECK (char_length("name") BETWEEN 1 AND 100);

ALTER TABLE "Comment" ADD CONSTRAINT "Comment_body_length" CHECK (char_length("body") BETWEEN 1 AND 10000);
ALTER TABLE "Comment" ADD CONSTRAINT "Comment_mentionIds_limit" CHECK ("mentionIds" IS NOT NULL AND cardinality("mentionIds") <= 50);

ALTER TABLE "IdempotencyRecord" ADD CONSTRAINT "IdempotencyRecord_key_length" CHECK (char_length("key") BETWEEN 1 AND 255);

ALTER TABLE "Label" ADD CONSTRAINT "Label_color_format" CHECK ("color" ~ '^#[0-9a-f]{6}$');
ALTER TABLE "Label" ADD CONSTRAINT "Label_name_length" CHECK (char_length("name") BETWEEN 1 AND 50);

ALTER TABLE "Project" ADD CONSTRAINT "Project_key_format" CHECK ("key" ~ '^[A-Z][A-Z0-9]{1,9}$');

ALTER TABLE "Task" ADD CONSTRAINT "Task_assigneeIds_limit" CHECK ("assigneeIds" IS NOT NULL AND cardinality("assigneeIds") <= 20);
ALTER TABLE "Task" ADD CONSTRAINT "Task_description_length" CHECK (char_length("description") <= 2000);
-- Excludes "infinity", which means "no due date" in indexes, and years that ISO 8601 cannot write.
ALTER TABLE "Task" ADD CONSTRAINT "Task_dueAt_range" CHECK ("dueAt" >= '0001-01-01 00:00:00+00' AND "dueAt" < '10000-01-01 00:00:00+00');
ALTER TABLE "Task" ADD CONSTRAINT "Task_externalId_length" CHECK (char_length("externalId") BETWEEN 1 AND 200);
ALTER TABLE "Task" ADD CONSTRAINT "Task_externalSource_length" CHECK (char_length("externalSource") BETWEEN 1 AND 50);
ALTER TABLE "Task" ADD CONSTRAINT "Task_externalId_together" CHECK (("externalSource" IS NULL) = ("externalId" IS NULL));
ALTER TABLE "Task" ADD CONSTRAINT "Task_labelIds_limit" CHECK ("labelIds" IS NOT NULL AND cardinality("labelIds") <= 20);
ALTER TABLE "Task" ADD CONSTRAINT "Task_priority_range" CHECK ("priority" BETWEEN 1 AND 5);
ALTER TABLE "Task" ADD CONSTRAINT "Task_title_length" CHECK (char_length("title") BETWEEN 1 AND 200);

ALTER TABLE "TaskRelation" ADD CONSTRAINT "TaskRelation_targetId_another" CHECK ("sourceId" <> "targetId");

-- ASCII only, whatever the locale of the database.
ALTER TABLE "User" ADD CONSTRAINT "User_email_lower_case" CHECK ("email" = lower("email" COLLATE "C"));
