-- AlterTable
ALTER TABLE "RefreshToken" ADD COLUMN     "answeredAt" TIMESTAMPTZ(3),
ADD COLUMN     "racedAt" TIMESTAMPTZ(3);
