-- CreateTable
CREATE TABLE "RateCount" (
    "key" TEXT NOT NULL,
    "endsAt" TIMESTAMPTZ(3) NOT NULL,
    "points" BIGINT NOT NULL,

    CONSTRAINT "RateCount_pkey" PRIMARY KEY ("key","endsAt")
);

-- CreateIndex
CREATE INDEX "RateCount_endsAt_idx" ON "RateCount"("endsAt");
