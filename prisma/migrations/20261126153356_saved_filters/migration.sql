-- CreateTable
CREATE TABLE "SavedFilter" (
    "id" UUID NOT NULL,
    "ownerId" UUID NOT NULL,
    "projectId" UUID,
    "name" TEXT NOT NULL,
    "filter" JSONB NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedById" UUID,

    CONSTRAINT "SavedFilter_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "SavedFilter_ownerId_createdAt_id_idx" ON "SavedFilter"("ownerId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "SavedFilter_projectId_createdAt_id_idx" ON "SavedFilter"("projectId", "createdAt", "id");

-- AddForeignKey
ALTER TABLE "SavedFilter" ADD CONSTRAINT "SavedFilter_ownerId_fkey" FOREIGN KEY ("ownerId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SavedFilter" ADD CONSTRAINT "SavedFilter_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

CREATE OR REPLACE TRIGGER "SavedFilter_1_fixed" BEFORE UPDATE ON "SavedFilter" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."ownerId" IS DISTINCT FROM NEW."ownerId")
  EXECUTE FUNCTION refuse_change('id, createdAt and ownerId');

CREATE OR REPLACE TRIGGER "SavedFilter_3_version" BEFORE UPDATE OF "name", "filter", "projectId", "version", "updatedAt" ON "SavedFilter"
  FOR EACH ROW EXECUTE FUNCTION raise_version('name', 'filter', 'projectId');

CREATE OR REPLACE TRIGGER "SavedFilter_log" AFTER INSERT OR UPDATE OF "name", "filter", "projectId" OR DELETE ON "SavedFilter" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"savedFilter","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed"},"project":"projectId","subject":"id","columns":["name","filter","projectId"],"times":[]}');
