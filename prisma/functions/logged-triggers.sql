-- The triggers that version and log rows. Generated from the logged() declarations in src/modules
-- by "npm run migration": do not edit.

CREATE OR REPLACE TRIGGER "ApiKey_log" AFTER UPDATE OF "scopes", "expiresAt", "revokedAt" ON "ApiKey" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"apiKey","verbs":{"update":"updated"},"ends":{"column":"revokedAt","set":"revoked"},"subject":"id","columns":["scopes","expiresAt"],"times":["expiresAt"]}');

CREATE OR REPLACE TRIGGER "Comment_1_fixed" BEFORE UPDATE ON "Comment" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."taskId" IS DISTINCT FROM NEW."taskId")
  EXECUTE FUNCTION refuse_change('id, createdAt and taskId');

CREATE OR REPLACE TRIGGER "Comment_3_version" BEFORE UPDATE OF "taskId", "body", "mentionIds", "editedAt", "version", "updatedAt" ON "Comment"
  FOR EACH ROW EXECUTE FUNCTION raise_version('taskId', 'body', 'mentionIds', 'editedAt');

CREATE OR REPLACE TRIGGER "Comment_log" AFTER INSERT OR UPDATE OF "taskId", "body", "mentionIds", "editedAt" OR DELETE ON "Comment" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"comment","verbs":{"insert":"created","update":"updated","delete":"deleted"},"project":"projectId","subject":"id","columns":["taskId","body","mentionIds","editedAt"],"times":["editedAt"]}');

CREATE OR REPLACE TRIGGER "Label_1_fixed" BEFORE UPDATE ON "Label" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."projectId" IS DISTINCT FROM NEW."projectId")
  EXECUTE FUNCTION refuse_change('id, createdAt and projectId');

CREATE OR REPLACE TRIGGER "Label_3_version" BEFORE UPDATE OF "name", "color", "version", "updatedAt" ON "Label"
  FOR EACH ROW EXECUTE FUNCTION raise_version('name', 'color');

CREATE OR REPLACE TRIGGER "Label_log" AFTER INSERT OR UPDATE OF "name", "color" OR DELETE ON "Label" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"label","verbs":{"insert":"created","update":"updated","delete":"deleted"},"project":"projectId","subject":"id","columns":["name","color"],"times":[]}');

CREATE OR REPLACE TRIGGER "Membership_1_fixed" BEFORE UPDATE ON "Membership" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."projectId" IS DISTINCT FROM NEW."projectId" OR OLD."userId" IS DISTINCT FROM NEW."userId")
  EXECUTE FUNCTION refuse_change('id, createdAt, projectId and userId');

CREATE OR REPLACE TRIGGER "Membership_3_version" BEFORE UPDATE OF "role", "version", "updatedAt" ON "Membership"
  FOR EACH ROW EXECUTE FUNCTION raise_version('role');

CREATE OR REPLACE TRIGGER "Membership_log" AFTER INSERT OR UPDATE OF "role" OR DELETE ON "Membership" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"member","verbs":{"insert":"added","update":"updated","delete":"removed"},"project":"projectId","subject":"userId","columns":["role"],"times":[]}');

CREATE OR REPLACE TRIGGER "Project_1_fixed" BEFORE UPDATE ON "Project" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."key" IS DISTINCT FROM NEW."key")
  EXECUTE FUNCTION refuse_change('id, createdAt and key');

CREATE OR REPLACE TRIGGER "Project_3_version" BEFORE UPDATE OF "key", "name", "description", "archivedAt", "version", "updatedAt" ON "Project"
  FOR EACH ROW EXECUTE FUNCTION raise_version('key', 'name', 'description', 'archivedAt');

CREATE OR REPLACE TRIGGER "Project_log" AFTER INSERT OR UPDATE OF "key", "name", "description", "archivedAt" OR DELETE ON "Project" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"project","verbs":{"insert":"created","update":"updated","delete":"deleted"},"project":"id","subject":"id","columns":["key","name","description","archivedAt"],"times":["archivedAt"]}');

CREATE OR REPLACE TRIGGER "TaskRelation_log" AFTER INSERT OR DELETE ON "TaskRelation" FOR EACH ROW
  EXECUTE FUNCTION log_relation();

CREATE OR REPLACE TRIGGER "SavedFilter_1_fixed" BEFORE UPDATE ON "SavedFilter" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt" OR OLD."ownerId" IS DISTINCT FROM NEW."ownerId")
  EXECUTE FUNCTION refuse_change('id, createdAt and ownerId');

CREATE OR REPLACE TRIGGER "SavedFilter_3_version" BEFORE UPDATE OF "name", "filter", "projectId", "version", "updatedAt" ON "SavedFilter"
  FOR EACH ROW EXECUTE FUNCTION raise_version('name', 'filter', 'projectId');

CREATE OR REPLACE TRIGGER "SavedFilter_log" AFTER INSERT OR UPDATE OF "name", "filter", "projectId" OR DELETE ON "SavedFilter" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"savedFilter","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed"},"project":"projectId","subject":"id","columns":["name","filter","projectId"],"times":[]}');

CREATE OR REPLACE TRIGGER "Session_log" AFTER UPDATE OF "revokedAt" ON "Session" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"session","verbs":{},"ends":{"column":"revokedAt","set":"revoked"},"subject":"id","columns":[],"times":[]}');

CREATE OR REPLACE TRIGGER "Task_1_fixed" BEFORE UPDATE ON "Task" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt"
    OR ((OLD."number" IS DISTINCT FROM NEW."number" OR OLD."key" IS DISTINCT FROM NEW."key") AND OLD."projectId" IS NOT DISTINCT FROM NEW."projectId"))
  EXECUTE FUNCTION refuse_change('id, createdAt, number and key');

CREATE OR REPLACE TRIGGER "Task_3_version" BEFORE UPDATE OF "projectId", "key", "title", "description", "status", "priority", "startAt", "dueAt", "dueOn", "completedAt", "parentId", "assigneeIds", "labelIds", "rank", "deletedAt", "version", "updatedAt" ON "Task"
  FOR EACH ROW EXECUTE FUNCTION raise_version('projectId', 'key', 'title', 'description', 'status', 'priority', 'startAt', 'dueAt', 'dueOn', 'completedAt', 'parentId', 'assigneeIds', 'labelIds', 'rank', 'deletedAt');

CREATE OR REPLACE TRIGGER "Task_log" AFTER INSERT OR UPDATE OF "projectId", "key", "title", "description", "status", "priority", "startAt", "dueAt", "dueOn", "completedAt", "parentId", "assigneeIds", "labelIds", "rank", "deletedAt" ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","rank"],"state":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["startAt","dueAt","dueOn","completedAt","deletedAt","createdAt","updatedAt"]}');

CREATE OR REPLACE TRIGGER "Log_removed_task" AFTER DELETE ON "Task" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"task","verbs":{"insert":"created","update":"updated","delete":"deleted","leave":"removed"},"ends":{"column":"deletedAt","set":"deleted","cleared":"restored"},"project":"projectId","subject":"id","columns":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","rank"],"state":["projectId","key","title","description","status","priority","startAt","dueAt","dueOn","completedAt","parentId","assigneeIds","labelIds","creatorId","createdAt","updatedAt","deletedAt"],"times":["startAt","dueAt","dueOn","completedAt","deletedAt","createdAt","updatedAt"]}');

CREATE OR REPLACE TRIGGER "User_1_fixed" BEFORE UPDATE ON "User" FOR EACH ROW
  WHEN (OLD."id" IS DISTINCT FROM NEW."id" OR OLD."createdAt" IS DISTINCT FROM NEW."createdAt")
  EXECUTE FUNCTION refuse_change('id and createdAt');

CREATE OR REPLACE TRIGGER "User_3_version" BEFORE UPDATE OF "email", "name", "role", "timeZone", "disabledAt", "version", "updatedAt" ON "User"
  FOR EACH ROW EXECUTE FUNCTION raise_version('email', 'name', 'role', 'timeZone', 'disabledAt');

CREATE OR REPLACE TRIGGER "User_log" AFTER UPDATE OF "role", "disabledAt" OR DELETE ON "User" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"user","verbs":{"update":"updated","delete":"deleted"},"ends":{"column":"disabledAt","set":"disabled","cleared":"enabled"},"subject":"id","columns":["role"],"times":[]}');
