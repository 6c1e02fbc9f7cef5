-- CreateTable
CREATE TABLE "Attachment" (
    "id" UUID NOT NULL,
    "taskId" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "uploaderId" UUID,
    "filename" TEXT NOT NULL,
    "contentType" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "sha256" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Attachment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "FileStore" (
    "kind" TEXT NOT NULL,
    "id" UUID NOT NULL,

    CONSTRAINT "FileStore_pkey" PRIMARY KEY ("kind")
);

-- CreateIndex
CREATE INDEX "Attachment_taskId_createdAt_id_idx" ON "Attachment"("taskId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Attachment_projectId_size_idx" ON "Attachment"("projectId", "size");

-- CreateIndex
CREATE INDEX "Attachment_uploaderId_idx" ON "Attachment"("uploaderId");

-- AddForeignKey
ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_uploaderId_fkey" FOREIGN KEY ("uploaderId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;

CREATE OR REPLACE FUNCTION set_attachment_project() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  SELECT "projectId" INTO NEW."projectId" FROM "Task" WHERE "id" = NEW."taskId" FOR KEY SHARE;
  RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER "Attachment_2_project" BEFORE INSERT ON "Attachment" FOR EACH ROW
  EXECUTE FUNCTION set_attachment_project();

CREATE OR REPLACE FUNCTION move_attachments() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE "Attachment" SET "projectId" = NEW."projectId" WHERE "taskId" = NEW."id";
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "Task_attachments" AFTER UPDATE OF "projectId" ON "Task" FOR EACH ROW
  WHEN (OLD."projectId" <> NEW."projectId") EXECUTE FUNCTION move_attachments();

CREATE OR REPLACE TRIGGER "Attachment_log" AFTER INSERT OR DELETE ON "Attachment" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"attachment","verbs":{"insert":"created","delete":"deleted"},"project":"projectId","subject":"id","columns":["taskId","filename","contentType","size"],"times":[]}');

ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_contentType_length" CHECK (char_length("contentType") BETWEEN 3 AND 127);

ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_filename_length" CHECK (char_length("filename") BETWEEN 1 AND 255);

ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_sha256_format" CHECK ("sha256" ~ '^[0-9a-f]{64}$');

ALTER TABLE "Attachment" ADD CONSTRAINT "Attachment_size_range" CHECK ("size" >= 0);
