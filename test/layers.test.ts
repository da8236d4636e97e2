// The dependency rule of docs/architecture.md, names, comments and the lockfile.

import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const files = globSync("src/**/*.{ts,tsx}").sort();
const imports = files.flatMap(importsOf);

/** The imports of a file; a target is a path from the root of the project, or a package's name. */
function importsOf(file: string) {
  const source = readFileSync(file, "utf8");
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, target = ""]) => ({
    file,
    target: target.startsWith(".") ? relative(".", join(dirname(file), target)) : target,
  }));
}

const LAYER = /^src\/(?:([\w-]+)\/|([\w-]+)\.ts$)/;

/** A folder of src/, or a file in it; `gen` for generated code. */
function layerOf(path: string): string {
  const [, folder, file] = LAYER.exec(path) ?? [];
  return folder ?? file ?? path.split("/")[0] ?? "";
}

/** Layers, or single files, that each layer may import besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  main: ["cli"],
  cli: ["app", "config", "setting-readers", "core", "telemetry", "gen"],
  app: ["config", "setting-readers", "core", "store", "services", "http", "protocols", "telemetry"],
  config: ["settings", "setting-readers"],
  settings: ["setting-readers", "database-url", "core"],
  "setting-readers": ["core"],
  "database-url": [],
  http: ["protocols", "core"],
  protocols: ["core", "gen"],
  services: ["core", "gen"],
  store: ["core"],
  telemetry: ["core"],
  core: [],
  // A separate bundle, which calls only AdminService.
  dashboard: ["gen", "src/cli/device-file/row.ts"],
  // Published as countersign/grpc.
  client: ["gen", "src/core/signature.ts"],
  // Published as countersign/verify.
  verify: [],
};

/** Files that may import a driver. */
const DRIVERS: Readonly<Record<string, RegExp>> = {
  ioredis: /^src\/core\/limiter\/(redis|connection)\.ts$/,
  jose: /^src\/(core\/tokens|verify)\//,
  kysely: /^src\/store\//,
  "kysely/migration": /^src\/store\//,
  "node:sqlite": /^src\/store\//,
  pg: /^src\/store\/postgres(\/pool)?\.ts$/,
  commander: /^src\/cli\//,
  pino: /^src\/telemetry\//,
  "prom-client": /^src\/telemetry\//,
  "@opentelemetry/api": /^src\/telemetry\//,
  "@opentelemetry/sdk-node": /^src\/telemetry\//,
  "@grpc/grpc-js": /^src\/client\//,
  "@connectrpc/connect-node": /^src\/cli\//,
};

test("every import points towards the core", () => {
  expect(imports.length).toBeGreaterThan(100);
  const wrong = imports.filter(({ file, target }) => {
    const [from, to] = [layerOf(file), layerOf(target)];
    const isOurs = target.startsWith("src/") || target.startsWith("gen/");
    return isOurs && from !== to && !ALLOWED[from]?.some((allowed) => allowed === to || allowed === target);
  });
  expect(wrong).toEqual([]);
});

test("no modules import each other in a circle, type imports included", () => {
  const reached = new Map(files.map((file) => [file, new Set(reachedFrom(file))]));
  const circles = files.map((file) =>
    files.filter((one) => reached.get(file)?.has(one) && reached.get(one)?.has(file)),
  );
  const distinct = new Set(circles.filter(({ length }) => length > 1).map((circle) => circle.join(" ")));
  expect([...distinct]).toEqual([]);
});

test("a driver appears only in its adapter", () => {
  const wrong = imports.filter(({ file, target }) => DRIVERS[target] !== undefined && !DRIVERS[target].test(file));
  expect(wrong).toEqual([]);
});

test("use cases of the core import only ports and each other", () => {
  const isUseCase = (path: string): boolean => /^src\/core\/((registry|explain)\/)?[^/]+\.ts$/.test(path);
  const wrong = imports.filter(({ file, target }) => isUseCase(file) && target !== "node:crypto" && !isUseCase(target));
  expect(wrong).toEqual([]);
});

test("only config.ts reads the environment, and only clock.ts a clock", () => {
  // The dashboard runs in a browser, with the browser's clock.
  const ofNode = files.filter((file) => !file.startsWith("src/dashboard/"));
  const reads = (pattern: RegExp): string[] => ofNode.filter((file) => pattern.test(readFileSync(file, "utf8")));
  expect(reads(/process\.env\b/)).toEqual(["src/config.ts"]);
  expect(reads(/Date\.now\b|new Date\(\)|performance\.now\b/)).toEqual([
    "src/client/clock.ts",
    "src/telemetry/clock.ts",
    "src/verify/clock.ts",
  ]);
});

/** A module, and every module that it imports. */
function reachedFrom(entry: string): string[] {
  const seen = new Set([entry]);
  for (const file of seen) for (const { target } of importsOf(file)) if (target.endsWith(".ts")) seen.add(target);
  return [...seen];
}

test("countersign/grpc contains only the login signature of the gateway", () => {
  const seen = reachedFrom("src/client/exports.ts");
  const others = seen.filter((file) => !/^(src\/client|gen\/grpc)\//.test(file)).sort();
  expect(others).toEqual(["src/core/ports.ts", "src/core/signature.ts"]);
  const packages = seen.flatMap(importsOf).filter(({ target }) => !/\.ts$|^node:/.test(target));
  const names = [...new Set(packages.map(({ target }) => target))].sort();
  expect(names).toEqual(["@bufbuild/protobuf/wire", "@grpc/grpc-js"]);
  const page = readFileSync("docs/grpc-clients.md", "utf8");
  for (const name of names) expect(page).toContain(`\`${name.replace("/wire", "")}\``);
});

test("countersign/verify needs jose and nothing of Node's own", () => {
  const verify = imports.filter(({ file, target }) => file.startsWith("src/verify/") && !target.startsWith("src/"));
  expect([...new Set(verify.map(({ target }) => target))]).toEqual(["jose"]);
  const nodesOwn = /\bBuffer\b|\bprocess\.|\bNodeJS\./;
  const wrong = files.filter((file) => file.startsWith("src/verify/") && nodesOwn.test(readFileSync(file, "utf8")));
  expect(wrong).toEqual([]);
});

test("both published modules run on Node 20", () => {
  const entries = ["src/client/exports.ts", ...globSync("src/verify/*.ts")];
  const reached = [...new Set(entries.flatMap(reachedFrom))];
  expect(reached.length).toBeGreaterThan(20);
  const later = /\bURL\.parse\b|\bwithResolvers\b|\bgroupBy\b|\b(Array\.fromAsync|Promise\.try|Iterator\.from)\b/;
  expect(reached.filter((file) => later.test(readFileSync(file, "utf8")))).toEqual([]);
});

test("no folder or file has a name that says nothing, such as utils", () => {
  const saysNothing = /(^|\/)(utils?|helpers?|common|types|models?|middleware|manager|index)(\/|\.ts$)|impl/i;
  expect(files.filter((file) => saysNothing.test(file))).toEqual([]);
});

test("every module opens with a sentence of at most twelve words", () => {
  const modules = [...files, ...globSync("{test,bench,scripts}/**/*.ts")];
  const wrong = modules.filter((file) => {
    const lines = readFileSync(file, "utf8").split("\n");
    const opening = lines.find((line) => !/^(#!|\/\/ biome-ignore)/.test(line)) ?? "";
    const [sentence = ""] = opening.replace(/`[^`]*`/g, "code").split(/\. (?=[A-Z])/);
    return !/^\/\/ \S/.test(opening) || sentence.split(" ").filter((word) => /\w/.test(word)).length > 12;
  });
  expect(wrong).toEqual([]);
});

test("no comment, test name or heading opens with a word that hides its subject", () => {
  const words = "(?:Of|What|Whose|Whoever|Which|By which|So many|As many|From then on)\\b";
  const openings = [
    new RegExp(`(?:^|\\s)/\\*\\*? ${words}`),
    new RegExp(`\\b(?:test|describe)\\b.*\\(["\`]${words}`, "i"),
    new RegExp(`^#+ ${words}`),
  ];
  const comment = /^\s*\/\//;
  const lineOpening = new RegExp(`(?:^|\\s)// ${words}`);
  const written = globSync(["{src,test,bench,scripts,examples}/**/*.ts", "*.md", "docs/**/*.md"]);
  const wrong = written.flatMap((file) => {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.flatMap((line, at) => {
      const opens = lineOpening.test(line) && !comment.test(lines[at - 1] ?? "");
      return opens || openings.some((opening) => opening.test(line)) ? [`${file}:${at + 1}: ${line.trim()}`] : [];
    });
  });
  expect(written.length).toBeGreaterThan(300);
  expect(wrong).toEqual([]);
});

test("shared test modules register no hooks at import", () => {
  const shared = globSync("test/**/*.ts").filter((file) => !file.endsWith(".test.ts"));
  const wrong = shared.filter((file) => /^(before|after)(All|Each)\(/m.test(readFileSync(file, "utf8")));
  expect([shared.length > 20, wrong]).toEqual([true, []]);
});

test("the lockfile has each optional package of every platform: npm refuses one that lacks any", () => {
  const { packages }: { packages: Record<string, { optionalDependencies?: object }> } = JSON.parse(
    readFileSync("package-lock.json", "utf8"),
  );
  const wanted = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).map((name) => [`node_modules/${name}`, `${path}/node_modules/${name}`]),
  );
  expect(wanted.length).toBeGreaterThan(10);
  expect(wanted.filter((paths) => !paths.some((path) => path in packages))).toEqual([]);
});
