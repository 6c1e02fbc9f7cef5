-- CreateTable
CREATE TABLE "AuditEntry" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "action" TEXT NOT NULL,
    "actorId" UUID,
    "sessionId" UUID,
    "apiKeyId" UUID,
    "requestId" TEXT,
    "userId" UUID,
    "subjectId" UUID,
    "projectId" UUID,
    "details" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "AuditEntry_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "AuditEntry_at_id_idx" ON "AuditEntry"("at", "id");

-- CreateIndex
CREATE INDEX "AuditEntry_action_at_id_idx" ON "AuditEntry"("action", "at", "id");

-- CreateIndex
CREATE INDEX "AuditEntry_actorId_at_id_idx" ON "AuditEntry"("actorId", "at", "id");

-- CreateIndex
CREATE INDEX "AuditEntry_userId_at_id_idx" ON "AuditEntry"("userId", "at", "id");

-- CreateIndex
CREATE INDEX "AuditEntry_subjectId_at_id_idx" ON "AuditEntry"("subjectId", "at", "id");

CREATE OR REPLACE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  before jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
  subject jsonb := coalesce(after, before);
  origin jsonb := nullif(current_setting('taskwire.origin', true), '')::jsonb;
  details jsonb := '{}';
  field text;
BEGIN
  FOREACH field IN ARRAY TG_ARGV[3:] LOOP
    details := details || jsonb_build_object(field, CASE TG_OP
      WHEN 'UPDATE' THEN jsonb_build_object('from', before -> field, 'to', after -> field)
      ELSE subject -> field END);
  END LOOP;
  INSERT INTO "AuditEntry" ("at", "action", "actorId", "sessionId", "apiKeyId", "requestId", "userId", "subjectId", "projectId", "details")
  VALUES (date_trunc('milliseconds', clock_timestamp()), TG_ARGV[0],
    nullif(coalesce(nullif(current_setting('taskwire.actor', true), ''), CASE WHEN TG_OP <> 'DELETE' THEN after ->> 'updatedById' END), 'nobody')::uuid,
    (origin ->> 'session')::uuid, (origin ->> 'apiKey')::uuid, origin ->> 'request',
    (subject ->> nullif(TG_ARGV[2], ''))::uuid, (subject ->> TG_ARGV[1])::uuid, (subject ->> 'projectId')::uuid, details);
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "Session_audit_opened" AFTER INSERT ON "Session" FOR EACH ROW
  EXECUTE FUNCTION audit_row('session.opened', 'id', 'userId');

CREATE OR REPLACE TRIGGER "Session_audit_revoked" AFTER UPDATE OF "revokedAt" ON "Session" FOR EACH ROW
  WHEN (OLD."revokedAt" IS NULL AND NEW."revokedAt" IS NOT NULL)
  EXECUTE FUNCTION audit_row('session.revoked', 'id', 'userId');

CREATE OR REPLACE TRIGGER "Identity_audit_linked" AFTER INSERT ON "Identity" FOR EACH ROW
  EXECUTE FUNCTION audit_row('identity.linked', 'userId', 'userId');

CREATE OR REPLACE TRIGGER "ApiKey_audit_created" AFTER INSERT ON "ApiKey" FOR EACH ROW
  EXECUTE FUNCTION audit_row('apiKey.created', 'id', 'userId', 'scopes', 'expiresAt');

CREATE OR REPLACE TRIGGER "ApiKey_audit_updated" AFTER UPDATE OF "scopes", "expiresAt" ON "ApiKey" FOR EACH ROW
  WHEN (OLD."scopes" IS DISTINCT FROM NEW."scopes" OR OLD."expiresAt" IS DISTINCT FROM NEW."expiresAt")
  EXECUTE FUNCTION audit_row('apiKey.updated', 'id', 'userId', 'scopes', 'expiresAt');

CREATE OR REPLACE TRIGGER "ApiKey_audit_revoked" AFTER UPDATE OF "revokedAt" ON "ApiKey" FOR EACH ROW
  WHEN (OLD."revokedAt" IS NULL AND NEW."revokedAt" IS NOT NULL)
  EXECUTE FUNCTION audit_row('apiKey.revoked', 'id', 'userId');

CREATE OR REPLACE TRIGGER "Membership_audit_added" AFTER INSERT ON "Membership" FOR EACH ROW
  EXECUTE FUNCTION audit_row('member.added', 'userId', 'userId', 'role');

CREATE OR REPLACE TRIGGER "Membership_audit_role" AFTER UPDATE OF "role" ON "Membership" FOR EACH ROW
  WHEN (OLD."role" IS DISTINCT FROM NEW."role")
  EXECUTE FUNCTION audit_row('member.roleChanged', 'userId', 'userId', 'role');

CREATE OR REPLACE TRIGGER "Membership_audit_removed" AFTER DELETE ON "Membership" FOR EACH ROW
  EXECUTE FUNCTION audit_row('member.removed', 'userId', 'userId', 'role');

CREATE OR REPLACE TRIGGER "Project_audit_deleted" AFTER DELETE ON "Project" FOR EACH ROW
  EXECUTE FUNCTION audit_row('project.deleted', 'id', '');

CREATE OR REPLACE TRIGGER "User_audit_created" AFTER INSERT ON "User" FOR EACH ROW
  EXECUTE FUNCTION audit_row('user.created', 'id', 'id', 'role');

CREATE OR REPLACE TRIGGER "User_audit_role" AFTER UPDATE OF "role" ON "User" FOR EACH ROW
  WHEN (OLD."role" IS DISTINCT FROM NEW."role" AND NEW."deletedAt" IS NULL)
  EXECUTE FUNCTION audit_row('user.roleChanged', 'id', 'id', 'role');

CREATE OR REPLACE TRIGGER "User_audit_password" AFTER UPDATE OF "passwordHash" ON "User" FOR EACH ROW
  WHEN (OLD."passwordHash" IS DISTINCT FROM NEW."passwordHash" AND NEW."deletedAt" IS NULL)
  EXECUTE FUNCTION audit_row('user.passwordChanged', 'id', 'id');

CREATE OR REPLACE TRIGGER "User_audit_email" AFTER UPDATE OF "email" ON "User" FOR EACH ROW
  WHEN (OLD."email" IS DISTINCT FROM NEW."email" AND NEW."deletedAt" IS NULL)
  EXECUTE FUNCTION audit_row('user.emailChanged', 'id', 'id');

CREATE OR REPLACE TRIGGER "User_audit_renamed" AFTER UPDATE OF "name" ON "User" FOR EACH ROW
  WHEN (OLD."name" IS DISTINCT FROM NEW."name" AND NEW."deletedAt" IS NULL
    AND coalesce(current_setting('taskwire.actor', true), '') NOT IN ('', NEW."id"::text))
  EXECUTE FUNCTION audit_row('user.renamed', 'id', 'id');

CREATE OR REPLACE TRIGGER "User_audit_disabled" AFTER UPDATE OF "disabledAt" ON "User" FOR EACH ROW
  WHEN (OLD."disabledAt" IS NULL AND NEW."disabledAt" IS NOT NULL AND NEW."deletedAt" IS NULL)
  EXECUTE FUNCTION audit_row('user.disabled', 'id', 'id');

CREATE OR REPLACE TRIGGER "User_audit_enabled" AFTER UPDATE OF "disabledAt" ON "User" FOR EACH ROW
  WHEN (OLD."disabledAt" IS NOT NULL AND NEW."disabledAt" IS NULL)
  EXECUTE FUNCTION audit_row('user.enabled', 'id', 'id');

CREATE OR REPLACE TRIGGER "User_audit_deleted" AFTER UPDATE OF "deletedAt" ON "User" FOR EACH ROW
  WHEN (OLD."deletedAt" IS NULL AND NEW."deletedAt" IS NOT NULL)
  EXECUTE FUNCTION audit_row('user.deleted', 'id', 'id');

CREATE OR REPLACE TRIGGER "User_audit_removed" AFTER DELETE ON "User" FOR EACH ROW
  WHEN (OLD."deletedAt" IS NULL)
  EXECUTE FUNCTION audit_row('user.deleted', 'id', 'id');

CREATE OR REPLACE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD."at" < nullif(current_setting('taskwire.audit_expired', true), '')::timestamptz THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'entries of the audit log are neither changed nor deleted' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE OR REPLACE TRIGGER "AuditEntry_kept" BEFORE UPDATE OR DELETE ON "AuditEntry" FOR EACH ROW
  EXECUTE FUNCTION keep_audit();

CREATE OR REPLACE TRIGGER "AuditEntry_not_truncated" BEFORE TRUNCATE ON "AuditEntry" FOR EACH STATEMENT
  EXECUTE FUNCTION keep_audit();

CREATE OR REPLACE FUNCTION purge_audit(before timestamptz, at_most integer) RETURNS integer
  LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  deleted integer;
BEGIN
  PERFORM set_config('taskwire.audit_expired', before::text, true);
  DELETE FROM "AuditEntry" WHERE "id" IN (
    SELECT "id" FROM "AuditEntry" WHERE "at" < before ORDER BY "at", "id" LIMIT at_most);
  GET DIAGNOSTICS deleted = ROW_COUNT;
  PERFORM set_config('taskwire.audit_expired', '', true);
  RETURN deleted;
END
$$;

ALTER TABLE "AuditEntry" ADD CONSTRAINT "AuditEntry_action_format" CHECK ("action" ~ '^[a-zA-Z]+\.[a-zA-Z]+$' AND char_length("action") <= 50);

ALTER TABLE "AuditEntry" ADD CONSTRAINT "AuditEntry_requestId_length" CHECK (char_length("requestId") <= 200);
