-- Fills an empty, migrated database with {rows} tasks in 1,000 projects, and 10,000 users. Always
-- writes the same rows. Triggers are off: this script computes what they would maintain.

-- A number from 0 to below - 1 that depends only on the seed.
CREATE FUNCTION pg_temp.draw(seed text, below integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
  $$ SELECT mod(('x' || substr(md5(seed), 1, 7))::bit(28)::integer, below) $$;

-- A common word, or one with a number, which is rare.
CREATE FUNCTION pg_temp.word(seed text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (ARRAY['login','page','release','server','database','index','customer','report','invoice','button','layout',
    'cache','token','session','migration','query','export','upload','avatar','search','filter','cursor','stream',
    'socket','timeout','retry','queue','worker','metric','deploy'])[1 + pg_temp.draw(seed, 30)]
    || CASE pg_temp.draw('rare' || seed, 2) WHEN 1 THEN pg_temp.draw('number' || seed, 40)::text ELSE '' END $$;

CREATE FUNCTION pg_temp.words(seed text, count integer) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT string_agg(pg_temp.word(seed || '-' || w), ' ' ORDER BY w) FROM generate_series(1, count) AS w $$;

INSERT INTO "User" ("id", "email", "name", "createdAt", "updatedAt")
  SELECT md5('user' || u)::uuid, 'user' || u || '@example.org', 'User ' || u, made, made
  FROM generate_series(1, 10000) AS u, (VALUES (timestamptz '2025-01-01 00:00:00Z')) AS const(made);

INSERT INTO "Session" ("id", "userId", "createdAt", "lastUsedAt", "expiresAt")
  SELECT md5('session' || u)::uuid, md5('user' || u)::uuid, '2026-01-01 00:00:00Z', '2026-01-01 00:00:00Z', '2100-01-01 00:00:00Z'
  FROM generate_series(1, 10000) AS u;

INSERT INTO "Project" ("id", "key", "name", "createdAt", "updatedAt")
  SELECT md5('project' || p)::uuid, 'P' || p, 'Project ' || p, made, made
  FROM generate_series(1, 1000) AS p, (VALUES (timestamptz '2025-01-01 00:00:00Z')) AS const(made);

-- Every user is a member of five projects, so every project has fifty members.
INSERT INTO "Membership" ("id", "projectId", "userId", "role", "createdAt", "updatedAt")
  SELECT md5('member' || u || '-' || i)::uuid, md5('project' || 1 + (u + i * 201) % 1000)::uuid, md5('user' || u)::uuid,
    (ARRAY['OWNER','EDITOR','EDITOR','COMMENTER','VIEWER'])[1 + (u / 1000 + i) % 5]::"ProjectRole", made, made
  FROM generate_series(1, 10000) AS u, generate_series(0, 4) AS i, (VALUES (timestamptz '2025-01-01 00:00:00Z')) AS const(made);

INSERT INTO "Label" ("id", "projectId", "name", "color", "createdAt", "updatedAt")
  SELECT md5('label' || p || '-' || l)::uuid, md5('project' || p)::uuid, 'Label ' || l,
    '#' || substr(md5('color' || l), 1, 6), made, made
  FROM generate_series(1, 1000) AS p, generate_series(1, 8) AS l, (VALUES (timestamptz '2025-01-01 00:00:00Z')) AS const(made);

CREATE TEMPORARY TABLE made AS
  SELECT t, p, number, at,
    -- UUIDv7, like the server's ids: the time in milliseconds comes first.
    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5('task' || t), 1, 3)
      || '8' || substr(md5('task' || t), 5, 15))::uuid AS id,
    (ARRAY['PENDING','PENDING','IN_PROGRESS','COMPLETED','COMPLETED','CANCELLED'])[1 + pg_temp.draw('status' || t, 6)]::"TaskStatus" AS status
  FROM (
    SELECT t, 1 + t % 1000 AS p, 1 + t / 1000 AS number, timestamptz '2025-02-01 00:00:00Z' + t * interval '3 seconds' AS at
    FROM generate_series(0, {rows} - 1) AS t
  ) AS placed;
CREATE INDEX ON made (p, number);
ANALYZE made;

INSERT INTO "Task" ("id", "projectId", "number", "key", "title", "description", "status", "priority", "dueAt",
    "rank", "completedAt", "parentId", "assigneeIds", "labelIds", "creatorId", "createdAt", "updatedAt")
  SELECT m.id, md5('project' || m.p)::uuid, m.number, 'P' || m.p || '-' || m.number,
    initcap(pg_temp.words('title' || m.t, 4)) || ' ' || m.t, pg_temp.words('text' || m.t, 25),
    m.status, 1 + pg_temp.draw('priority' || m.t, 5),
    CASE WHEN m.t % 3 > 0 THEN m.at + pg_temp.draw('due' || m.t, 90) * interval '1 day' END,
    task_rank(m.number), CASE WHEN m.status = 'COMPLETED' THEN m.at + interval '1 day' END,
    parent.id,
    -- Members of a project are a thousand apart; 0 to 3 of them.
    ARRAY(SELECT md5('user' || CASE WHEN u = 0 THEN 10000 ELSE u END)::uuid FROM (
        SELECT (m.p - 1 + 1000 * ((pg_temp.draw('assignee' || m.t, 10) + a) % 10)) % 10000 AS u
        FROM generate_series(1, pg_temp.draw('assignees' || m.t, 4)) AS a) AS picked),
    ARRAY(SELECT md5('label' || m.p || '-' || 1 + (pg_temp.draw('label' || m.t, 8) + l) % 8)::uuid
        FROM generate_series(1, pg_temp.draw('labels' || m.t, 4)) AS l),
    md5('user' || CASE WHEN m.p = 1 THEN 10000 ELSE m.p - 1 END)::uuid, m.at, m.at
  FROM made AS m
    -- One task in five has a parent.
    LEFT JOIN made AS parent ON m.number % 5 = 3 AND parent.p = m.p AND parent.number = m.number - 2
  ORDER BY m.t;

UPDATE "Project" SET "taskCounter" = most
  FROM (SELECT "projectId", max("number") AS most FROM "Task" GROUP BY "projectId") AS counted
  WHERE "Project"."id" = counted."projectId";

INSERT INTO "TaskAssignee" ("taskId", "userId", "status", "live", "createdAt")
  SELECT "id", unnest("assigneeIds"), "status", TRUE, "createdAt" FROM "Task";

INSERT INTO "TaskLabel" ("taskId", "labelId", "live", "createdAt")
  SELECT "id", unnest("labelIds"), TRUE, "createdAt" FROM "Task";

INSERT INTO "TaskSearch" ("taskId", "projectId", "live", "createdAt", "words")
  SELECT "id", "projectId", TRUE, "createdAt", task_words("title", "description", "projectId") FROM "Task";
