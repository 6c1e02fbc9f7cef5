-- DropIndex
DROP INDEX "Attachment_uploaderId_idx";

-- CreateIndex
CREATE INDEX "Attachment_uploaderId_createdAt_id_idx" ON "Attachment"("uploaderId", "createdAt", "id");
