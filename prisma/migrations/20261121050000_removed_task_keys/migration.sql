-- What Prisma cannot express, written by hand.

-- Triggers fire in the order of their names. The event of a task that is removed for good keeps the keys it had before it moved, so it
-- has to be logged before the foreign keys' own triggers, named RI_ConstraintTrigger_…, take those from it.
DROP TRIGGER "Task_log" ON "Task";
CREATE TRIGGER "Task_log" AFTER INSERT OR UPDATE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('task', 'created updated deleted removed', 'deletedAt deleted restored', 'projectId', 'id',
    'projectId key title description status priority dueAt completedAt parentId assigneeIds labelIds', 'dueAt completedAt',
    'projectId key title description status priority dueAt completedAt parentId assigneeIds labelIds creatorId createdAt updatedAt deletedAt',
    'dueAt completedAt createdAt updatedAt deletedAt');
CREATE TRIGGER "Log_removed_task" AFTER DELETE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('task', 'created updated deleted removed', 'deletedAt deleted restored', 'projectId', 'id',
    'projectId key title description status priority dueAt completedAt parentId assigneeIds labelIds', 'dueAt completedAt',
    'projectId key title description status priority dueAt completedAt parentId assigneeIds labelIds creatorId createdAt updatedAt deletedAt',
    'dueAt completedAt createdAt updatedAt deletedAt');
