-- Fills an empty, migrated database with {tasks} tasks in {projects} projects. A quarter of the
-- tasks are in the first project ("BIG"), the others are spread evenly. An eighth of them are
-- open, as in a project that is years old. Triggers are off: this script computes what they would
-- maintain, for all rows at once.

CREATE UNLOGGED TABLE sentence AS
  SELECT s AS id, string_agg(word, ' ') AS words FROM (
    SELECT s, (ARRAY['the','login','page','release','server','database','index','customer','report','invoice','button','layout','cache','token','session',
      'migration','query','export','upload','avatar','search','filter','cursor','stream','socket','timeout','retry','queue','worker','metrics'])[1 + floor(30 * power(random(), 2))::int]
      || CASE WHEN random() < 0.3 THEN floor(3000 * power(random(), 3))::int::text ELSE '' END AS word
    FROM generate_series(1, 5000) AS s, generate_series(1, 10)
  ) AS picked GROUP BY s;
ALTER TABLE sentence ADD PRIMARY KEY (id);

INSERT INTO "User" ("id", "email", "name", "role")
  SELECT md5('user' || u)::uuid, 'user' || u || '@example.org', 'User ' || u, CASE u WHEN 1 THEN 'ADMIN' ELSE 'MEMBER' END::"UserRole"
  FROM generate_series(1, {users}) AS u;
INSERT INTO "Project" ("id", "key", "name") SELECT md5('project' || p)::uuid, CASE p WHEN 1 THEN 'BIG' ELSE 'P' || p END, 'Project ' || p
  FROM generate_series(1, {projects}) AS p;
-- Every user is a member of the first project and of three others.
INSERT INTO "Membership" ("id", "projectId", "userId", "role")
  SELECT gen_random_uuid(), md5('project' || CASE i WHEN 0 THEN 1 ELSE 1 + (u + i - 1) % {projects} END)::uuid, md5('user' || u)::uuid, 'EDITOR'
  FROM generate_series(1, {users}) AS u, generate_series(0, 3) AS i ON CONFLICT DO NOTHING;
INSERT INTO "Label" ("id", "projectId", "name", "color")
  SELECT md5('label' || p || '-' || l)::uuid, md5('project' || p)::uuid, 'Label ' || l, '#1d76db'
  FROM generate_series(1, {projects}) AS p, generate_series(1, 10) AS l;

CREATE UNLOGGED TABLE made AS
  SELECT t, p, row_number() OVER (PARTITION BY p ORDER BY t)::int AS number, random() AS luck, now() - make_interval(mins => ({tasks} - t)::int) AS at,
    -- UUIDv7, like the server's ids: the time in milliseconds comes first.
    (lpad(to_hex((extract(epoch FROM now() - make_interval(mins => ({tasks} - t)::int)) * 1000)::bigint), 12, '0') || '7' || substr(md5(t::text), 1, 3) || '8' || substr(md5(t::text), 5, 15))::uuid AS id
  FROM (SELECT t, CASE WHEN t % 4 = 0 THEN 1 ELSE 1 + (t % {projects})::int END AS p FROM generate_series(1, {tasks}::bigint) AS t) AS placed;

CREATE INDEX ON made (p, number);
ANALYZE made;

INSERT INTO "Task" ("id", "projectId", "number", "key", "title", "description", "status", "priority", "dueAt", "rank", "completedAt", "parentId",
    "assigneeIds", "labelIds", "creatorId", "createdAt", "updatedAt")
  SELECT m.id, md5('project' || m.p)::uuid, m.number, CASE m.p WHEN 1 THEN 'BIG' ELSE 'P' || m.p END || '-' || m.number,
    initcap(left(first.words, 60)) || -- Forty tasks contain a rare word.
    CASE WHEN m.t % ({tasks} / 40) = 76 THEN ' zebra' ELSE ' task' END, second.words || ' ' || third.words,
    CASE WHEN m.luck < 0.1 THEN 'PENDING' WHEN m.luck < 0.125 THEN 'IN_PROGRESS' WHEN m.luck < 0.95 THEN 'COMPLETED' ELSE 'CANCELLED' END::"TaskStatus",
    1 + (m.t * 31 % 5)::int, CASE WHEN m.t % 3 > 0 THEN m.at + make_interval(days => (m.t * 37 % 60)::int) END,
    task_rank(m.number), CASE WHEN m.luck BETWEEN 0.125 AND 0.95 THEN m.at + interval '1 day' END,
    parent.id,
    CASE WHEN m.t % 5 > 0 THEN ARRAY[md5('user' || CASE m.p WHEN 1 THEN 1 + m.t / 4 % {users}
      ELSE 1 + ((m.p + {projects} - 2 - m.number % 3) % {projects} + m.number / 3 % ({users} / {projects}) * {projects}) % {users} END)::uuid] ELSE '{}' END,
    CASE WHEN m.number % 2 = 0 THEN ARRAY[md5('label' || m.p || '-' || (1 + m.number / 2 % 10))::uuid] ELSE '{}' END,
    md5('user' || (1 + (m.t * 11 % {users})))::uuid, m.at, m.at
  FROM made AS m
    JOIN sentence AS first ON first.id = 1 + (m.t * 7919 % 5000)
    JOIN sentence AS second ON second.id = 1 + (m.t * 104729 % 5000)
    JOIN sentence AS third ON third.id = 1 + (m.t * 1299709 % 5000)
    -- A fifth of the tasks are sub-tasks; one task in twenty is a parent.
    LEFT JOIN made AS parent ON m.number % 5 = 1 AND parent.p = m.p AND parent.number = m.number / 20 * 20
  ORDER BY m.t;
UPDATE "Project" SET "taskCounter" = counted.most FROM (SELECT p, max(number) AS most FROM made GROUP BY p) AS counted WHERE "Project"."id" = md5('project' || counted.p)::uuid;
INSERT INTO "TaskAssignee" ("taskId", "userId", "status", "live", "createdAt")
  SELECT "id", unnest("assigneeIds"), "status", TRUE, "createdAt" FROM "Task";
INSERT INTO "TaskLabel" ("taskId", "labelId", "live", "createdAt") SELECT "id", unnest("labelIds"), TRUE, "createdAt" FROM "Task";
DROP TABLE made, sentence;
