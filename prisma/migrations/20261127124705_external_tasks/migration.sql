-- AlterTable
ALTER TABLE "Task" ADD COLUMN     "externalId" TEXT,
ADD COLUMN     "externalSource" TEXT;

ALTER TABLE "Task" ADD CONSTRAINT "Task_externalId_length" CHECK (char_length("externalId") BETWEEN 1 AND 200);

ALTER TABLE "Task" ADD CONSTRAINT "Task_externalSource_length" CHECK (char_length("externalSource") BETWEEN 1 AND 50);

ALTER TABLE "Task" ADD CONSTRAINT "Task_externalId_together" CHECK (("externalSource" IS NULL) = ("externalId" IS NULL));

CREATE UNIQUE INDEX "Task_projectId_externalSource_externalId_key" ON "Task"("projectId", "externalSource", "externalId") WHERE "externalId" IS NOT NULL;
