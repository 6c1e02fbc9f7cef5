-- AlterTable
ALTER TABLE "IdempotencyRecord" ADD COLUMN     "grants" JSONB;
