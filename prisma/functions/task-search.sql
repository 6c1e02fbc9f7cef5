-- Full-text search of tasks. "TaskSearch" has the words of each task; a query is made of the same
-- words by the same rules.

-- Returns a text in lower case and without accents. Lower-cases by Unicode if the server has
-- ICU: a database's own collation may know ASCII only.
DO $do$
BEGIN
  EXECUTE format($fn$
    CREATE OR REPLACE FUNCTION fold_text(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT replace(replace(replace(replace(translate(
        lower(regexp_replace(normalize(value, NFKD), '[\u0300-\u036f]', '', 'g') COLLATE %I),
        'øłđðħıŧ', 'olddhit'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
    $$ $fn$,
    coalesce((SELECT collname FROM pg_collation WHERE collname = 'und-x-icu' LIMIT 1), 'default'));
END
$do$;

-- Returns the words of a text with single spaces between them. Punctuation is removed, so the
-- parser reads none of it as an address or an operator.
CREATE OR REPLACE FUNCTION split_words(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
  SELECT trim(regexp_replace(fold_text(value), '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g'))
$$;

-- Returns a word that marks the tasks of a project, so that the index finds a word within a
-- project. No word of a text contains "=".
CREATE OR REPLACE FUNCTION project_word(project uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT quote_literal('=' || replace(project::text, '-', ''))
$$;

-- Returns the words of a task, each as written and as its English stem.
CREATE OR REPLACE FUNCTION task_words(title text, description text, project uuid) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  first text := split_words(title);
  second text := split_words(coalesce(description, ''));
BEGIN
  RETURN setweight(to_tsvector('pg_catalog.english', first) || to_tsvector('pg_catalog.simple', first), 'A')
    || setweight(to_tsvector('pg_catalog.english', second) || to_tsvector('pg_catalog.simple', second), 'B')
    || project_word(project)::tsvector;
END
$$;

-- Turns typed text into a query: every word as written or by its stem, the last one also as a
-- prefix. Stop words like "the" count only in the last place, where they may begin a longer word.
-- NULL if the text has no word. Any input is safe: words are quoted and contain no quotes.
CREATE OR REPLACE FUNCTION search_query(typed text) RETURNS tsquery
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  -- Leaves out what the parser does not take for a word, like an emoji: no task has it.
  words text[] := ARRAY(SELECT one FROM unnest(string_to_array(split_words(typed), ' ')) WITH ORDINALITY AS split(one, place)
    WHERE to_tsvector('pg_catalog.simple', one) <> '' ORDER BY place);
  last integer := array_length(words, 1);
  stems tsvector;
  found text;
  query text := '';
BEGIN
  FOR place IN 1 .. coalesce(last, 0) LOOP
    stems := to_tsvector('pg_catalog.english', words[place]);
    CONTINUE WHEN place < last AND stems = '';
    SELECT string_agg(quote_literal(lexeme), ' | ') INTO found
      FROM unnest(tsvector_to_array(stems || to_tsvector('pg_catalog.simple', words[place]))) AS lexeme;
    IF place = last THEN found := found || ' | ' || quote_literal(words[place]) || ':*'; END IF;
    query := concat_ws(' & ', nullif(query, ''), '(' || found || ')');
  END LOOP;
  RETURN nullif(query, '')::tsquery;
END
$$;

-- AFTER INSERT, UPDATE of a searched column: brings the task's row in "TaskSearch" up to date.
CREATE OR REPLACE FUNCTION keep_task_words() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD."title" = NEW."title" AND OLD."projectId" = NEW."projectId"
    AND OLD."description" IS NOT DISTINCT FROM NEW."description" THEN
    UPDATE "TaskSearch" SET "live" = NEW."deletedAt" IS NULL WHERE "taskId" = NEW."id";
    RETURN NULL;
  END IF;
  INSERT INTO "TaskSearch" ("taskId", "projectId", "live", "createdAt", "words")
    VALUES (NEW."id", NEW."projectId", NEW."deletedAt" IS NULL, NEW."createdAt", task_words(NEW."title", NEW."description", NEW."projectId"))
    ON CONFLICT ("taskId") DO UPDATE SET "projectId" = excluded."projectId", "live" = excluded."live", "words" = excluded."words";
  RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER "Task_words_insert" AFTER INSERT ON "Task" FOR EACH ROW EXECUTE FUNCTION keep_task_words();

CREATE OR REPLACE TRIGGER "Task_words_update" AFTER UPDATE OF "title", "description", "projectId", "deletedAt" ON "Task" FOR EACH ROW
  WHEN (OLD."title" <> NEW."title" OR OLD."description" IS DISTINCT FROM NEW."description" OR OLD."projectId" <> NEW."projectId"
    OR (OLD."deletedAt" IS NULL) <> (NEW."deletedAt" IS NULL))
  EXECUTE FUNCTION keep_task_words();
