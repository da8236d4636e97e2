// The pages: shell blocks are tested; links, scripts and files exist.

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { fencesIn } from "./pages.ts";

const PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...globSync("docs/**/*.md")];

const [README, PAGES_TEST, INTEROP] = [
  "test/readme.curl.test.ts",
  "test/cli/pages.test.ts",
  "test/interop/clients.test.ts",
];

/** The test that runs blocks of a page, or the reason why none does. The start of one of its lines names a block. */
const BLOCKS: readonly (readonly [testOrReason: string, page: string, ...starts: readonly string[]])[] = [
  [README, "README.md", "npx countersign sign --demo | curl", "npx countersign sign --demo | npx buf", "TOKEN="],
  [README, "docs/services.md", "TOKEN=", "npx buf curl"],
  [PAGES_TEST, "README.md", "npx countersign customers"],
  ...["dashboard", "explain", "import", "oauth", "operators", "registry", "signing-keys"].map(
    (name) => [PAGES_TEST, `docs/${name}.md`, "npx countersign "] as const,
  ),
  [PAGES_TEST, "docs/secrets.md", "npx countersign secrets", "npx countersign customer-keys"],
  ["test/cli/tls.openssl.test.ts", "docs/operators.md", "npx countersign serve", "openssl req"],
  ["test/backup.postgres.test.ts", "docs/secrets.md", "npx countersign backup", "npx countersign restore"],
  ["test/cli/maintenance.test.ts", "docs/secrets.md", "npx countersign serve"],
  ["test/backup.postgres.test.ts", "docs/postgresql.md", "read -rs", "npx node examples"],
  ["test/deploy.test.ts", "docs/production.md", "export COUNTERSIGN_PUBLIC_LISTEN", "openssl rand"],
  ["test/proxies/haproxy-keys.openssl.test.ts", "docs/proxies.md", "node haproxy-keys.mjs"],
  ["test/packed.test.ts", "docs/verify.md", "npm ci && npm pack"],
  [INTEROP, "docs/devices.md", "export GATEWAY"],
  ["test/migrating.test.ts", "docs/migrating.md", ""],
  ...["README", "cpp", "csharp", "go", "kotlin"].map(
    (name) => [INTEROP, `docs/clients/${name}.md`, "protoc "] as const,
  ),
  // Debian's packages replace the first line.
  ...["cpp", "go", "java", "kotlin", "php", "python", "ruby"].map(
    (name) => [INTEROP, `docs/clients/${name}.md`, "npx buf generate"] as const,
  ),
  [INTEROP, "docs/clients/rust.md", "cargo run"],
  [".ci/run does `npm ci`; test/cli/serve.test.ts starts `serve --dev`", "README.md", "npm ci && npm start"],
  [".ci/run does both", "README.md", "npm ci && npm test"],
  [".ci/run does those that check", "CONTRIBUTING.md", "npm ci"],
  ["takes minutes on a quiet machine", "docs/performance.md", "npm run bench"],
  ["asks for a password, as the server's administrator", "docs/postgresql.md", "createuser"],
  ["test/telemetry/tracing.test.ts", "docs/production.md", "npm install @opentelemetry"],
  ["Debian has no dotnet", "docs/clients/csharp.md", "cd examples/clients/csharp"],
  ["neither Debian nor npm has Swift's plugins", "docs/clients/swift.md", "npx buf generate", "protoc "],
];

test("every shell block is run by a test or has a reason why not", () => {
  const blocks = PAGES.flatMap((page) =>
    fencesIn(readFileSync(page, "utf8"), "sh").map((code) => ({
      page,
      lines: code.split("\n").map((line) => line.trimStart()),
    })),
  );
  const entries = BLOCKS.flatMap(([, page, ...starts]) => starts.map((start) => ({ page, start })));
  const isOf = (entry: (typeof entries)[number], { page, lines }: (typeof blocks)[number]) =>
    page === entry.page && lines.some((line) => line.startsWith(entry.start));
  expect(blocks.filter((block) => !entries.some((entry) => isOf(entry, block)))).toEqual([]);
  expect(entries.filter((entry) => !blocks.some((block) => isOf(entry, block)))).toEqual([]);
  expect(new Set(entries.map((entry) => JSON.stringify(entry))).size).toBe(entries.length);
  const tests = BLOCKS.map(([test]) => test).filter((test) => test.startsWith("test/"));
  expect(tests.filter((file) => !existsSync(file))).toEqual([]);
});

test("every script of npm that a page names exists", () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync("package.json", "utf8"));
  const named = PAGES.flatMap((page) => [...readFileSync(page, "utf8").matchAll(/npm run (?:-s )?([\w:-]+)/g)]);
  expect(named.length).toBeGreaterThan(20);
  expect([...new Set(named.map(([, name = ""]) => name))].filter((name) => !(name in scripts))).toEqual([]);
});

/** The text of a page without its code blocks. */
function proseOf(page: string): string {
  return readFileSync(page, "utf8").replace(/^[ \t]*```[\s\S]*?^[ \t]*```$/gm, "");
}

/** The matches of a pattern's group in the text of all pages. */
function namedIn(pattern: RegExp) {
  return PAGES.flatMap((page) => [...proseOf(page).matchAll(pattern)].map(([, name = ""]) => ({ page, name })));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.toLowerCase());
  return headings.map((heading) => heading.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-"));
}

test("every relative link and anchor exists", () => {
  const links = namedIn(/\]\(([^)\s]+)\)/g).filter(({ name }) => !/^\w+:/.test(name));
  expect(links.length).toBeGreaterThan(50);
  const wrong = links.filter(({ page, name }) => {
    const [path = "", anchor] = name.split("#");
    const target = path === "" ? page : normalize(join(dirname(page), path));
    return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
  });
  expect(wrong).toEqual([]);
});

test("every source file that a page names exists", () => {
  const files = namedIn(/`((?:[\w-]+\/)+[\w.-]+\.(?:test\.)?ts)`/g);
  expect(files.length).toBeGreaterThan(40);
  expect(files.filter(({ name }) => !existsSync(name) && !existsSync(`src/${name}`))).toEqual([]);
});

test("the Express service of docs/verify.md is the example", () => {
  const example = readFileSync("examples/verify-express.ts", "utf8");
  const blocks = fencesIn(readFileSync("docs/verify.md", "utf8"), "ts");
  expect(blocks).toContain(example.slice(example.indexOf("\n") + 1));
});

test("each framework of docs/verify.md is exported and has an example", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const page = readFileSync("docs/verify.md", "utf8");
  const frameworks = Object.keys(exports).flatMap((name) => /^\.\/verify\/(.+)$/.exec(name)?.[1] ?? []);
  expect(frameworks.length).toBe(5);
  const isNamed = (name: string): boolean =>
    page.includes(`| \`${name}\` |`) || page.includes(`countersign/verify/${name}"`);
  expect(frameworks.filter((name) => !isNamed(name))).toEqual([]);
  const examples = frameworks.map((name) => `examples/verify-${name}.ts`);
  expect(globSync("examples/verify-*.ts").sort()).toEqual(examples.sort());
});
