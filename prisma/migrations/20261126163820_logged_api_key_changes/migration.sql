CREATE OR REPLACE TRIGGER "ApiKey_log" AFTER UPDATE OF "scopes", "expiresAt", "revokedAt" ON "ApiKey" FOR EACH ROW
  EXECUTE FUNCTION log_change('{"noun":"apiKey","verbs":{"update":"updated"},"ends":{"column":"revokedAt","set":"revoked"},"subject":"id","columns":["scopes","expiresAt"],"times":["expiresAt"]}');
