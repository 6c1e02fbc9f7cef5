-- CreateTable
CREATE TABLE "Comment" (
    "id" UUID NOT NULL,
    "taskId" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "authorId" UUID,
    "body" TEXT NOT NULL,
    "mentionIds" UUID[] DEFAULT ARRAY[]::UUID[],
    "editedAt" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedById" UUID,

    CONSTRAINT "Comment_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Comment_taskId_createdAt_id_idx" ON "Comment"("taskId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Comment_projectId_idx" ON "Comment"("projectId");

-- CreateIndex
CREATE INDEX "Comment_authorId_idx" ON "Comment"("authorId");

-- AddForeignKey
ALTER TABLE "Comment" ADD CONSTRAINT "Comment_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Comment" ADD CONSTRAINT "Comment_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Comment" ADD CONSTRAINT "Comment_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;

CREATE OR REPLACE FUNCTION set_comment_project() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  SELECT "projectId" INTO NEW."projectId" FROM "Task" WHERE "id" = NEW."taskId" FOR KEY SHARE;
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER "Comment_2_project" BEFORE INSERT ON "Comment" FOR EACH ROW EXECUTE FUNCTION set_comment_project();

CREATE OR REPLACE FUNCTION move_comments() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE "Comment" SET "projectId" = NEW."projectId" WHERE "taskId" = NEW."id";
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "Task_comments" AFTER UPDATE OF "projectId" ON "Task" FOR EACH ROW
  WHEN (OLD."projectId" <> NEW."projectId") EXECUTE FUNCTION move_comments();

CREATE OR REPLACE TRIGGER "Comment_1_fixed" BEFORE UPDATE ON "Comment" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."taskId" IS DISTINCT FROM NEW."taskId")
  EXECUTE FUNCTION refuse_change('id, createdAt and taskId');

CREATE OR REPLACE TRIGGER "Comment_3_version" BEFORE UPDATE OF "taskId", "body", "mentionIds", "editedAt", "version", "updatedAt" ON "Comment"
  FOR EACH ROW EXECUTE FUNCTION raise_version('taskId', 'body', 'mentionIds', 'editedAt');

CREATE OR REPLACE TRIGGER "Comment_log" AFTER INSERT OR UPDATE OF "taskId", "body", "mentionIds", "editedAt" OR DELETE ON "Comment" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"comment","verbs":{"insert":"created","update":"updated","delete":"deleted"},"project":"projectId","subject":"id","columns":["taskId","body","mentionIds","editedAt"],"times":["editedAt"]}');

ALTER TABLE "Comment" ADD CONSTRAINT "Comment_body_length" CHECK (char_length("body") BETWEEN 1 AND 10000);

ALTER TABLE "Comment" ADD CONSTRAINT "Comment_mentionIds_limit" CHECK ("mentionIds" IS NOT NULL AND cardinality("mentionIds") <= 50);
