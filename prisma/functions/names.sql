-- Names that people compare, such as those of labels.

-- Returns the same text for names that differ only in case or in how accents are encoded: "École" and
-- "école", "Straße" and "STRASSE". Upper case comes first, because it has one form where lower case
-- has two, as of the Greek sigma. Unlike lower(), it does not depend on the locale of the database.
DO $do$
BEGIN
  EXECUTE format($fn$
    CREATE OR REPLACE FUNCTION fold_name(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT replace(normalize(lower(upper(normalize(value, NFC) COLLATE %1$I) COLLATE %1$I), NFC), 'ς', 'σ')
    $$ $fn$,
    coalesce((SELECT collname FROM pg_collation WHERE collname = 'und-x-icu' LIMIT 1), 'default'));
END
$do$;
