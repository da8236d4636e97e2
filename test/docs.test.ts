// The pages: every shell block is run by a test, or is listed here with the reason why not; links, scripts and files exist.

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { fencesIn } from "./pages.ts";

const PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...globSync("docs/**/*.md")];

/** The test that runs each block of a page. The start of one of its lines names the block. */
const RUN: readonly (readonly [page: string, start: string, test: string])[] = [
  ["README.md", "npx countersign sign --demo | curl", "test/readme.curl.test.ts"],
  ["README.md", "npx countersign sign --demo | npx buf", "test/readme.curl.test.ts"],
  ["README.md", "TOKEN=", "test/readme.curl.test.ts"],
  ["README.md", "npx countersign customers", "test/cli/pages.test.ts"],
  ...["dashboard", "explain", "import", "oauth", "operators", "registry", "signing-keys"].map(
    (name) => [`docs/${name}.md`, "npx countersign ", "test/cli/pages.test.ts"] as const,
  ),
  ["docs/operators.md", "npx countersign serve", "test/operators-page.openssl.test.ts"],
  ["docs/operators.md", "openssl req", "test/operators-page.openssl.test.ts"],
  ["docs/secrets.md", "npx countersign secrets", "test/cli/pages.test.ts"],
  ["docs/secrets.md", "npx countersign customer-keys", "test/cli/pages.test.ts"],
  ["docs/secrets.md", "npx countersign backup", "test/backup.postgres.test.ts"],
  ["docs/secrets.md", "npx countersign restore", "test/backup.postgres.test.ts"],
  ["docs/secrets.md", "npx countersign serve", "test/cli/maintenance.test.ts"],
  ["docs/services.md", "TOKEN=", "test/readme.curl.test.ts"],
  ["docs/services.md", "npx buf curl", "test/readme.curl.test.ts"],
  ["docs/postgresql.md", "read -rs", "test/backup.postgres.test.ts"],
  ["docs/postgresql.md", "npx node examples", "test/backup.postgres.test.ts"],
  ["docs/production.md", "export COUNTERSIGN_PUBLIC_LISTEN", "test/deploy.test.ts"],
  ["docs/production.md", "openssl rand", "test/deploy.test.ts"],
  ["docs/proxies.md", "node haproxy-keys.mjs", "test/proxies/haproxy-keys.openssl.test.ts"],
  ["docs/verify.md", "npm ci && npm pack", "test/packed.test.ts"],
  ["docs/devices.md", "export GATEWAY", "test/interop/clients.test.ts"],
  ["docs/migrating.md", "", "test/migrating.test.ts"],
  ...["README", "cpp", "csharp", "go", "kotlin"].map(
    (name) => [`docs/clients/${name}.md`, "protoc ", "test/interop/clients.test.ts"] as const,
  ),
  // Debian's packages replace the first line.
  ...["cpp", "go", "java", "kotlin", "php", "python", "ruby"].map(
    (name) => [`docs/clients/${name}.md`, "npx buf generate", "test/interop/clients.test.ts"] as const,
  ),
  ["docs/clients/rust.md", "cargo run", "test/interop/clients.test.ts"],
];

const NOT_RUN: readonly (readonly [page: string, start: string, reason: string])[] = [
  ["README.md", "npm ci && npm start", ".ci/run does `npm ci`; test/cli/serve.test.ts starts `serve --dev`"],
  ["README.md", "npm ci && npm test", ".ci/run does both"],
  ["CONTRIBUTING.md", "npm ci", ".ci/run does those that check"],
  ["docs/performance.md", "npm run bench", "takes minutes on a quiet machine"],
  ["docs/postgresql.md", "createuser", "asks for a password, as the server's administrator"],
  [
    "docs/production.md",
    "npm install @opentelemetry",
    "a dependency of the tests already; test/telemetry/tracing.test.ts",
  ],
  ["docs/clients/csharp.md", "cd examples/clients/csharp", "Debian has no dotnet"],
  ["docs/clients/swift.md", "npx buf generate", "neither Debian nor npm has Swift's plugins"],
  ["docs/clients/swift.md", "protoc ", "neither Debian nor npm has Swift's plugins"],
];

interface Block {
  readonly page: string;
  readonly lines: readonly string[];
}

const blocks = PAGES.flatMap((page) =>
  fencesIn(readFileSync(page, "utf8"), "sh").map(
    (code): Block => ({ page, lines: code.split("\n").map((line) => line.trimStart()) }),
  ),
);

function isOf([page, start]: readonly [string, string, string], block: Block): boolean {
  return page === block.page && block.lines.some((line) => line.startsWith(start));
}

test("every shell block is run by a test or has a reason why not", () => {
  const entries = [...RUN, ...NOT_RUN];
  const unknown = blocks.filter((block) => !entries.some((entry) => isOf(entry, block)));
  expect(unknown.map(({ page, lines }) => `${page}: ${lines[0]}`)).toEqual([]);
  expect(entries.filter((entry) => !blocks.some((block) => isOf(entry, block)))).toEqual([]);
  expect(NOT_RUN.filter((entry) => RUN.some(([page, start]) => page === entry[0] && start === entry[1]))).toEqual([]);
  expect([...new Set(RUN.map(([, , file]) => file))].filter((file) => !existsSync(file))).toEqual([]);
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

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}

/** The mistake of a link, or undefined. */
function mistakeIn(page: string, link: string): string | undefined {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  if (!existsSync(target)) return `${page}: ${link} is no file`;
  return anchor === undefined || anchorsOf(target).includes(anchor) ? undefined : `${page}: ${link} is no heading`;
}

test("every relative link and anchor exists", () => {
  const links = PAGES.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => ({ page, link })),
  );
  const relative = links.filter(({ link }) => !/^\w+:/.test(link));
  expect(relative.length).toBeGreaterThan(50);
  expect(relative.map(({ page, link }) => mistakeIn(page, link)).filter((mistake) => mistake !== undefined)).toEqual(
    [],
  );
});

test("every source file that a page names exists", () => {
  const named = PAGES.flatMap((page) =>
    [...proseOf(page).matchAll(/`((?:[\w-]+\/)+[\w.-]+\.(?:test\.)?ts)`/g)].map(([, file = ""]) => ({ page, file })),
  );
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter(({ file }) => !existsSync(file) && !existsSync(`src/${file}`))).toEqual([]);
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
