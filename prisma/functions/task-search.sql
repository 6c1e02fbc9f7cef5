-- Full-text search of tasks. "TaskSearch" has the words of each task; a query is made of the same
-- words by the same rules. No rule depends on the collation or on settings of the database.

-- Returns a text in lower case, without accents and invisible characters, and with one kind of
-- apostrophe and hyphen. Lower-cases by Unicode if the server has ICU: a database's own collation
-- may know ASCII only.
DO $do$
BEGIN
  EXECUTE format($fn$
    CREATE OR REPLACE FUNCTION fold_text(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    BEGIN
      IF octet_length(value) = char_length(value) THEN RETURN lower(value COLLATE "C"); END IF;
      RETURN replace(replace(replace(replace(translate(normalize(lower(regexp_replace(
        normalize(replace(value, E'\u00b4', E'\u2019'), NFKD),
        E'[\u0300-\u036f\u00ad\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]+',
        '', 'g') COLLATE %I), NFC),
        E'øłđðħıŧς\u2018\u2019\u201b\u02bb\u02bc\u2032\u2010\u2012\u2013\u2212\u2044', 'olddhitσ''''''''''''----/'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
    END
    $$ $fn$,
    coalesce((SELECT collname FROM pg_collation WHERE collname = 'und-x-icu' LIMIT 1), 'default'));
END
$do$;

-- Returns the letters of scripts written without spaces, and of Korean, whose compounds have none,
-- as the inside of a regular expression's bracket.
CREATE OR REPLACE FUNCTION unspaced_letters() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT E'\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9df\uaa00-\uaadf\u3005-\u3007\u3021-\u302f\u3031-\u3035\u3038-\u30ff'
    '\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff'
$$;

-- Returns the words of a text. A word keeps the symbols within it and around it, as in "c++" and
-- "a_b"; brackets, quotes, commas and pictures separate words. A run of letters that are written
-- without spaces is a word of its own.
CREATE OR REPLACE FUNCTION words_of(value text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  folded text := fold_text(value);
BEGIN
  IF octet_length(folded) > char_length(folded) OR folded ~ E'[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f]' THEN
    folded := regexp_replace(folded, E'[\u0001-\u001f\u007f-\u00a1\u00ab\u00ac\u00b6\u00b7\u00bb\u00bf'
      '\u0589\u05be\u05c0\u05c3\u05f3\u05f4\u060c\u061b\u061e\u061f\u066a-\u066d\u06d4\u0964\u0965\u0e5a\u0e5b\u104a\u104b\u1360-\u1368\u17d4-\u17da'
      '\u2000-\u206f\u2190-\u245f\u2500-\u2775\u2794-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u3036\u3037\u303d-\u303f\u30a0\u30fb'
      '\ufd3e\ufd3f\ufff9-\uffff\U0001f000-\U0001faff]+', ' ', 'g');
    folded := regexp_replace(folded, '([' || unspaced_letters() || ']+)', E' \\1 ', 'g');
  END IF;
  RETURN array_remove(string_to_array(regexp_replace(folded, E'[\t\n\r!"(),;?[\\]`{}]+', ' ', 'g'), ' '), '');
END
$$;

-- Returns the parts of a word and the symbols around them: symbols, part, symbols, part, symbols.
CREATE OR REPLACE FUNCTION word_parts(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT string_to_array(regexp_replace(word, E'([^-#$%&''*+./:<=>@\\\\^_|~\u00a2-\u00b1\u00d7\u00f7\u20a0-\u20cf]+)', E' \\1 ', 'g'), ' ')
$$;

-- Returns the symbols that belong to the part behind them, like the dot of ".net", at most eight. No
-- word begins with "=".
CREATE OR REPLACE FUNCTION leading_symbols(symbols text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT substring(symbols from E'[#$%&*+./@_~\u00a2-\u00b1\u20a0-\u20cf]{1,8}$')
$$;

-- Returns the symbols that belong to the part before them, like those of "c++". A dot ends a sentence.
CREATE OR REPLACE FUNCTION trailing_symbols(symbols text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT substring(symbols from E'^[#$%&*+=^_~\u00a2-\u00b1\u20a0-\u20cf]+')
$$;

-- Quotes a word for a tsvector or a tsquery, which take at most 2046 bytes.
CREATE OR REPLACE FUNCTION quote_word(word text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '''' || replace(replace(left(word, 500), E'\\', E'\\\\'), '''', '''''') || ''''
$$;

-- Returns a word that marks the tasks of a project, so that the index finds a word within a
-- project. No word of a text begins with "=".
CREATE OR REPLACE FUNCTION project_word(project uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT quote_literal('=' || replace(project::text, '-', ''))
$$;

-- Returns what a text is found by, as the text of a tsvector: its words as written with the weight
-- "strong", their English stems and words without their hyphens and apostrophes with "weak".
-- Places begin after "place".
CREATE OR REPLACE FUNCTION indexed_words(value text, place integer, strong text, weak text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  words text[] := words_of(value);
  word text;
  part text;
  parts text[];
  stem text;
  joined text;
  symbols text;
  mark text;
  list text := '';
BEGIN
  FOREACH word IN ARRAY words LOOP
    IF word !~ E'[-#$%&''*+./:<=>@\\\\^_|~\u00a2-\u00b1\u00d7\u00f7\u20a0-\u20cf\u0e00-\U000fffff]' THEN
      place := place + 1;
      word := left(word, 500);
      list := list || ' ''' || word || ''':' || place || strong;
      stem := (ts_lexize('pg_catalog.english_stem', word))[1];
      IF stem <> word THEN list := list || ' ''' || stem || ''':' || place || weak; END IF;
      CONTINUE;
    END IF;
    IF word ~ ('^[' || unspaced_letters() || ']') THEN
      list := list || (SELECT string_agg(' ''' || letter || coalesce(next, '') || ''':' || place + nth || strong, '')
        FROM (SELECT letter, nth, lead(letter) OVER (ORDER BY nth) AS next
          FROM unnest(string_to_array(word, NULL)) WITH ORDINALITY AS split(letter, nth)) AS pair);
      place := place + char_length(word);
      CONTINUE;
    END IF;
    parts := word_parts(word);
    joined := NULL;
    FOR i IN 2 .. array_length(parts, 1) - 1 BY 2 LOOP
      place := place + 1;
      mark := ':' || place || strong;
      part := parts[i];
      list := concat(list, ' ', quote_word(part), mark,
        ' ' || quote_word((ts_lexize('pg_catalog.english_stem', left(part, 500)))[1]) || ':' || place || weak);
      symbols := leading_symbols(parts[i - 1]);
      FOR length IN 1 .. coalesce(char_length(symbols), 0) LOOP
        list := concat(list, ' ', quote_word(right(symbols, length) || part), mark);
      END LOOP;
      symbols := trailing_symbols(parts[i + 1]);
      IF symbols <> '' THEN list := concat(list, ' ', quote_word(part || symbols), mark); END IF;
      joined := CASE WHEN parts[i - 1] IN ('-', '''') THEN joined || part ELSE part END;
      IF i + 2 < array_length(parts, 1) THEN
        list := concat(list, ' ', quote_word(part || parts[i + 1] || parts[i + 2]), mark,
          ' ' || quote_word(part || parts[i + 1] || (ts_lexize('pg_catalog.english_stem', left(parts[i + 2], 500)))[1]) || ':' || place || weak);
        CONTINUE WHEN parts[i + 1] IN ('-', '''');
      END IF;
      IF joined <> part THEN
        list := concat(list, ' ', quote_word(joined), ':', place, weak,
          ' ' || quote_word((ts_lexize('pg_catalog.english_stem', left(joined, 500)))[1]) || ':' || place || weak);
      END IF;
    END LOOP;
  END LOOP;
  RETURN list;
END
$$;

-- Returns the words of a task. Those of the description stand behind a gap, so that no phrase
-- reaches across.
CREATE OR REPLACE FUNCTION task_words(title text, description text, project uuid) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
BEGIN
  RETURN concat(indexed_words(title, 0, 'A', 'C'), indexed_words(coalesce(description, ''), 5000, 'B', 'D'), ' ', project_word(project))::tsvector;
END
$$;

-- Returns the words of typed text, without those that are only symbols: no task has them.
CREATE OR REPLACE FUNCTION typed_words(typed text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY(SELECT word FROM unnest(words_of(typed)) WITH ORDINALITY AS split(word, nth)
    WHERE array_length(word_parts(word), 1) > 1 ORDER BY nth)
$$;

-- Returns the query for a run of letters that are written without spaces: its pairs in order.
CREATE OR REPLACE FUNCTION run_query(run text, suffix text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN char_length(run) = 1 THEN quote_word(run) || ':*' || suffix
    ELSE (SELECT string_agg(quote_word(substr(run, i, 2)) || rtrim(':' || suffix, ':'), ' <-> ' ORDER BY i)
      FROM generate_series(1, char_length(run) - 1) AS i) END
$$;

-- Returns the query for one typed word. One with symbols is a phrase of its neighbouring parts.
CREATE OR REPLACE FUNCTION word_query(word text, is_last boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  parts text[] := word_parts(word);
  size integer := array_length(parts, 1);
  part text := parts[size - 1];
  lead text := leading_symbols(parts[1]);
  trail text := trailing_symbols(parts[size]);
  stems text[] := ts_lexize('pg_catalog.english_stem', left(part, 500));
  pair text := CASE WHEN size > 3 THEN parts[size - 3] || parts[size - 2] ELSE '' END;
  found text := quote_word(pair || part);
BEGIN
  IF is_last AND trail IS NULL AND char_length(pair || part) > 1 THEN found := found || ' | ' || found || ':*'; END IF;
  IF stems[1] <> part THEN found := found || ' | ' || quote_word(pair || stems[1]); END IF;
  found := '(' || found || ')';
  FOR i IN REVERSE size - 5 .. 2 BY 2 LOOP
    found := quote_word(parts[i] || parts[i + 1] || parts[i + 2]) || ' <-> ' || found;
  END LOOP;
  RETURN concat_ws(' & ',
    CASE WHEN size > 3 OR coalesce(lead, trail) IS NULL THEN '(' || found || ')' END,
    quote_word(lead || parts[2]) || CASE WHEN is_last AND size = 3 AND trail IS NULL THEN ':*' ELSE '' END,
    quote_word(part || trail) || ':*');
END
$$;

-- Turns typed text into a query: every word as written or by its stem, the last one also as a
-- prefix, unless it is a single letter. Stop words like "the" count only in the last place, where
-- they may begin a longer word, or if there are no others. Words with symbols are found as written.
-- NULL if the text has no word. Any input is safe: words are quoted.
CREATE OR REPLACE FUNCTION search_query(typed text) RETURNS tsquery
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  words text[] := typed_words(typed);
  last integer := array_length(words, 1);
  required text;
  stop_words text;
  only_stop_words boolean := true;
BEGIN
  FOR nth IN 1 .. coalesce(last, 0) LOOP
    only_stop_words := only_stop_words AND ts_lexize('pg_catalog.english_stem', left(words[nth], 500)) = '{}';
    IF words[nth] ~ ('^[' || unspaced_letters() || ']') THEN
      required := concat_ws(' & ', required, '(' || run_query(words[nth], '') || ')');
    ELSIF nth < last AND ts_lexize('pg_catalog.english_stem', left(words[nth], 500)) = '{}' THEN
      stop_words := concat(stop_words, quote_word(words[nth]), ' & ');
    ELSE
      required := concat_ws(' & ', required, '(' || word_query(words[nth], nth = last) || ')');
    END IF;
  END LOOP;
  RETURN nullif(CASE WHEN only_stop_words THEN concat(stop_words, required) ELSE required END, '')::tsquery;
END
$$;

-- Turns typed text into a query that finds it as written, as words in a row, the last one as a
-- prefix: what relevance puts first.
CREATE OR REPLACE FUNCTION literal_query(typed text) RETURNS tsquery
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
  words text[] := typed_words(typed);
  phrase text;
  step text := '';
  parts text[];
BEGIN
  FOR nth IN 1 .. coalesce(array_length(words, 1), 0) LOOP
    IF words[nth] ~ ('^[' || unspaced_letters() || ']') THEN
      phrase := concat(phrase, step, run_query(words[nth], 'AB'));
      step := CASE WHEN char_length(words[nth]) = 1 THEN ' <-> ' ELSE ' <2> ' END;
      CONTINUE;
    END IF;
    parts := word_parts(words[nth]);
    FOR i IN 2 .. array_length(parts, 1) - 1 BY 2 LOOP
      phrase := concat(phrase, step, quote_word(parts[i]),
        CASE WHEN nth < array_length(words, 1) OR i < array_length(parts, 1) - 1 OR char_length(parts[i]) = 1 THEN ':AB' ELSE ':*AB' END);
      step := ' <-> ';
    END LOOP;
  END LOOP;
  RETURN phrase::tsquery;
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
