DROP FUNCTION split_words(text);

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

CREATE OR REPLACE FUNCTION unspaced_letters() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT E'\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9df\uaa00-\uaadf\u3005-\u3007\u3021-\u302f\u3031-\u3035\u3038-\u30ff'
    '\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff'
$$;

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

CREATE OR REPLACE FUNCTION word_parts(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT string_to_array(regexp_replace(word, E'([^-#$%&''*+./:<=>@\\\\^_|~\u00a2-\u00b1\u00d7\u00f7\u20a0-\u20cf]+)', E' \\1 ', 'g'), ' ')
$$;

CREATE OR REPLACE FUNCTION leading_symbols(symbols text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT substring(symbols from E'[#$%&*+./@_~\u00a2-\u00b1\u20a0-\u20cf]{1,8}$')
$$;

CREATE OR REPLACE FUNCTION trailing_symbols(symbols text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT substring(symbols from E'^[#$%&*+=^_~\u00a2-\u00b1\u20a0-\u20cf]+')
$$;

CREATE OR REPLACE FUNCTION quote_word(word text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '''' || replace(replace(left(word, 500), E'\\', E'\\\\'), '''', '''''') || ''''
$$;

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

CREATE OR REPLACE FUNCTION task_words(title text, description text, project uuid) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
BEGIN
  RETURN concat(indexed_words(title, 0, 'A', 'C'), indexed_words(coalesce(description, ''), 5000, 'B', 'D'), ' ', project_word(project))::tsvector;
END
$$;

CREATE OR REPLACE FUNCTION typed_words(typed text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY(SELECT word FROM unnest(words_of(typed)) WITH ORDINALITY AS split(word, nth)
    WHERE array_length(word_parts(word), 1) > 1 ORDER BY nth)
$$;

CREATE OR REPLACE FUNCTION run_query(run text, suffix text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN char_length(run) = 1 THEN quote_word(run) || ':*' || suffix
    ELSE (SELECT string_agg(quote_word(substr(run, i, 2)) || rtrim(':' || suffix, ':'), ' <-> ' ORDER BY i)
      FROM generate_series(1, char_length(run) - 1) AS i) END
$$;

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

-- Indexes every task anew: about four minutes of CPU for a million tasks. Nothing is searched and no task
-- is written meanwhile, which the lock of TRUNCATE ensures. An index built at the end is several
-- times faster than one kept up to date, and a table filled anew has no dead rows.
TRUNCATE "TaskSearch";
DROP INDEX "TaskSearch_words";
INSERT INTO "TaskSearch" ("taskId", "projectId", "live", "createdAt", "words")
  SELECT "id", "projectId", "deletedAt" IS NULL, "createdAt", task_words("title", "description", "projectId") FROM "Task" ORDER BY "id";
CREATE INDEX "TaskSearch_words" ON "TaskSearch" USING gin ("words") WITH (gin_pending_list_limit = 1024);
ANALYZE "TaskSearch";
