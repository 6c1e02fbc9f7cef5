-- DropIndex
DROP INDEX "Comment_authorId_idx";

-- CreateIndex
CREATE INDEX "Comment_authorId_createdAt_id_idx" ON "Comment"("authorId", "createdAt", "id");
