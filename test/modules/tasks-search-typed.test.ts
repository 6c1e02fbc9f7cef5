import { beforeAll, describe, expect, test } from 'vitest'
import { type Cast, newCast, newProject, newTask } from '../support/factories.ts'
import { type Caller, data, describeApi } from '../support/operations.ts'
import { sharedServer } from '../support/server.ts'

/** Titles of one project, then what is typed and what it finds there, in any order. */
const TABLE: [titles: string[], finds: Record<string, string[]>][] = [
  [
    ['Fix C++ build', 'Buy café beans', '#123 crash', 'co-op meeting', 'The Who concert'],
    {
      'C++': ['Fix C++ build'],
      'c+': ['Fix C++ build'],
      c: ['Fix C++ build'],
      'C++ bui': ['Fix C++ build'],
      'C#': [],
      b: [],
      caf: ['Buy café beans'],
      '#123': ['#123 crash'],
      '#1': ['#123 crash'],
      '#124': [],
      '123': ['#123 crash'],
      'co-op': ['co-op meeting'],
      coop: ['co-op meeting'],
      op: ['co-op meeting'],
      'The Who': ['The Who concert'],
      who: ['The Who concert'],
      'the crash': ['#123 crash'],
    },
  ],
  [
    ['C code', 'C# code', 'Visual C++/CLI code', 'F# code', 'ASP.NET code', 'the .NET code', 'net code'],
    {
      c: ['C code', 'C# code', 'Visual C++/CLI code'],
      'c#': ['C# code'],
      'c++ code': ['Visual C++/CLI code'],
      'c++/cli': ['Visual C++/CLI code'],
      '.net': ['ASP.NET code', 'the .NET code'],
      'asp.net code': ['ASP.NET code'],
      net: ['ASP.NET code', 'the .NET code', 'net code'],
    },
  ],
  [
    ['a_b naming', 'Buy café beans', 'e-mail Bob', 'a b naming'],
    { a_b: ['a_b naming'], 'a_b nam': ['a_b naming'], 'a-b': [], email: ['e-mail Bob'], emails: ['e-mail Bob'] },
  ],
  [
    ['don’t panic', 'Ωmega test', "Bob's e-mails", 'state-of-the-art', 'we were'],
    {
      "don't": ['don’t panic'],
      'don’t': ['don’t panic'],
      'don´t': ['don’t panic'],
      dont: ['don’t panic'],
      'dont pan': ['don’t panic'],
      ωmega: ['Ωmega test'],
      'e-mail': ["Bob's e-mails"],
      'e‑mails': ["Bob's e-mails"],
      email: ["Bob's e-mails"],
      bob: ["Bob's e-mails"],
      'of-the': ['state-of-the-art'],
      stateoftheart: ['state-of-the-art'],
      "we're": [],
    },
  ],
  [
    ['release v2.10', 'release v2.1', 'R&D budget', 'AT&T bill', 'R D', '50% off', '50 off', 'a\\b', 'x=1', 'std::map'],
    {
      'v2.10': ['release v2.10'],
      'v2.1': ['release v2.10', 'release v2.1'],
      'v2.1 release': ['release v2.1'],
      'R&D': ['R&D budget'],
      'r&': ['R&D budget'],
      'at&t': ['AT&T bill'],
      '50%': ['50% off'],
      50: ['50% off', '50 off'],
      'a\\b': ['a\\b'],
      'x=1': ['x=1'],
      'std::map': ['std::map'],
    },
  ],
  [
    ['see src/app/main.ts.', 'mail ann@example.org', '(user_profile.page)', '**bold** text', 'fix: "quoted"', 'end.'],
    {
      'src/app': ['see src/app/main.ts.'],
      'app/main.ts': ['see src/app/main.ts.'],
      'main.ts': ['see src/app/main.ts.'],
      'app/ts': [],
      'ann@example.org': ['mail ann@example.org'],
      '@example.org': ['mail ann@example.org'],
      user_profile: ['(user_profile.page)'],
      'profile.pa': ['(user_profile.page)'],
      'user_profile page': ['(user_profile.page)'],
      bold: ['**bold** text'],
      '**bold**': ['**bold** text'],
      'fix quoted': ['fix: "quoted"'],
      '"end"': ['end.'],
    },
  ],
  [
    ['日本語のタスク', '東京都の天気', '京都と東京', 'ガイド test', '회의록 작성', 'รายงานประจำปี', 'test日本語test'],
    {
      タスク: ['日本語のタスク'],
      語の: ['日本語のタスク'],
      ク: ['日本語のタスク'],
      本: ['日本語のタスク', 'test日本語test'],
      日本語: ['日本語のタスク', 'test日本語test'],
      東京都: ['東京都の天気'],
      京都: ['東京都の天気', '京都と東京'],
      ｶﾞｲﾄﾞ: ['ガイド test'],
      イド: ['ガイド test'],
      의록: ['회의록 작성'],
      ประจำ: ['รายงานประจำปี'],
      'test 日本': ['test日本語test'],
    },
  ],
  [
    ['over\u00adview', 'zero\u200bwidth', 'Σίσυφος', 'Straße', '½ price', 'join\u2060ed', '10:30 call', '5€ fee'],
    {
      overview: ['over\u00adview'],
      zerowidth: ['zero\u200bwidth'],
      'zero\u200dwid': ['zero\u200bwidth'],
      ΣΊΣΥΦΟΣ: ['Σίσυφος'],
      σισυφοσ: ['Σίσυφος'],
      STRASSE: ['Straße'],
      '1/2': ['½ price'],
      joined: ['join\u2060ed'],
      '10:30': ['10:30 call'],
      '5€': ['5€ fee'],
    },
  ],
]

/** What is typed, and titles in the order in which they are found. */
const RANKED: [typed: string, titles: string[]][] = [
  ['email', ['email Ann', 'e-mail Bob']],
  ['dont panic', ['dont panic', 'don’t panic']],
  ['running', ['Running late', 'he runs']],
  ['the who', ['the who', 'who is the tenor']],
  ['server log', ['a server log', 'log of the server']],
  ['release the notes', ['Release the notes', 'Release notes']],
]

let cast: Cast
let owner: Caller

beforeAll(async () => {
  cast = await newCast(await sharedServer())
  owner = cast.people.OWNER
})

describeApi('a search for typed text', (api) => {
  const find = async (projectId: string, search: string) =>
    data(await api.listTasks(owner, { filter: { search, projectId } })).nodes.map(
      ({ title }: { title: string }) => title,
    )

  describe.each(TABLE)('in %j', (titles, finds) => {
    test('finds what is listed', async () => {
      const { id } = await newProject(owner)
      for (const title of titles) await newTask(owner, { projectId: id, title })
      const found: Record<string, string[]> = {}
      for (const typed of Object.keys(finds)) found[typed] = (await find(id, typed)).sort()
      expect(found).toEqual(
        Object.fromEntries(Object.entries(finds).map(([typed, those]) => [typed, [...those].sort()])),
      )
    })
  })

  test.each(RANKED)('for %j ranks %j: tasks that contain it as written come first', async (typed, titles) => {
    for (const order of [titles, titles.toReversed()]) {
      const { id } = await newProject(owner)
      for (const title of order) await newTask(owner, { projectId: id, title })
      expect(await find(id, typed)).toEqual(titles)
    }
  })

  test('ranks a description that contains it as written before a title with another form', async () => {
    const { id } = await newProject(owner)
    await newTask(owner, { projectId: id, title: 'Deploying' })
    await newTask(owner, { projectId: id, title: 'Friday', description: 'two deployments at once' })
    expect(await find(id, 'deployments')).toEqual(['Friday', 'Deploying'])
  })
})
