-- CreateEnum
CREATE TYPE "NotificationKind" AS ENUM ('ASSIGNED', 'MENTIONED', 'COMMENTED', 'UPDATED', 'DUE_SOON', 'ADMIN_NOTICE');

-- CreateEnum
CREATE TYPE "DeliveryChannel" AS ENUM ('EMAIL', 'PUSH');

-- CreateTable
CREATE TABLE "Notification" (
    "id" UUID NOT NULL,
    "recipientId" UUID NOT NULL,
    "kind" "NotificationKind" NOT NULL,
    "cause" TEXT NOT NULL,
    "inProduct" BOOLEAN NOT NULL DEFAULT true,
    "actorId" UUID,
    "taskId" UUID,
    "commentId" UUID,
    "eventPosition" BIGINT,
    "message" TEXT,
    "dueAt" TIMESTAMPTZ(3),
    "readAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Notification_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "NotificationSettings" (
    "userId" UUID NOT NULL,
    "pushUrl" TEXT,
    "notShown" "NotificationKind"[] DEFAULT ARRAY[]::"NotificationKind"[],
    "notEmailed" "NotificationKind"[] DEFAULT ARRAY[]::"NotificationKind"[],
    "notPushed" "NotificationKind"[] DEFAULT ARRAY[]::"NotificationKind"[],

    CONSTRAINT "NotificationSettings_pkey" PRIMARY KEY ("userId")
);

-- CreateTable
CREATE TABLE "Delivery" (
    "notificationId" UUID NOT NULL,
    "channel" "DeliveryChannel" NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "nextAttemptAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sentAt" TIMESTAMPTZ(3),
    "failedAt" TIMESTAMPTZ(3),
    "lastError" TEXT,

    CONSTRAINT "Delivery_pkey" PRIMARY KEY ("notificationId","channel")
);

-- CreateTable
CREATE TABLE "Worker" (
    "name" TEXT NOT NULL,
    "holder" UUID,
    "heldUntil" TIMESTAMPTZ(3),
    "state" JSONB NOT NULL,

    CONSTRAINT "Worker_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE INDEX "Notification_recipientId_createdAt_id_idx" ON "Notification"("recipientId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Notification_actorId_idx" ON "Notification"("actorId");

-- CreateIndex
CREATE INDEX "Notification_taskId_idx" ON "Notification"("taskId");

-- CreateIndex
CREATE INDEX "Notification_commentId_idx" ON "Notification"("commentId");

-- CreateIndex
CREATE UNIQUE INDEX "Notification_recipientId_kind_cause_key" ON "Notification"("recipientId", "kind", "cause");

-- AddForeignKey
ALTER TABLE "Notification" ADD CONSTRAINT "Notification_recipientId_fkey" FOREIGN KEY ("recipientId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Notification" ADD CONSTRAINT "Notification_actorId_fkey" FOREIGN KEY ("actorId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Notification" ADD CONSTRAINT "Notification_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Notification" ADD CONSTRAINT "Notification_commentId_fkey" FOREIGN KEY ("commentId") REFERENCES "Comment"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "NotificationSettings" ADD CONSTRAINT "NotificationSettings_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Delivery" ADD CONSTRAINT "Delivery_notificationId_fkey" FOREIGN KEY ("notificationId") REFERENCES "Notification"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE OR REPLACE TRIGGER "Notification_log" AFTER INSERT ON "Notification" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"notification","verbs":{"insert":"created"},"subject":"recipientId","columns":[],"state":["id"],"times":[]}');

ALTER TABLE "Notification" ADD CONSTRAINT "Notification_message_length" CHECK (char_length("message") BETWEEN 1 AND 2000);

ALTER TABLE "NotificationSettings" ADD CONSTRAINT "NotificationSettings_pushUrl_length" CHECK (char_length("pushUrl") BETWEEN 1 AND 2000);

CREATE INDEX "Notification_unread" ON "Notification"("recipientId", "createdAt", "id") WHERE "readAt" IS NULL;

CREATE INDEX "Notification_read" ON "Notification"("readAt") WHERE "readAt" IS NOT NULL;

CREATE INDEX "Delivery_waiting" ON "Delivery"("channel", "nextAttemptAt") WHERE "sentAt" IS NULL AND "failedAt" IS NULL;
