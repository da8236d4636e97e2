// The dependency rule of docs/architecture.md, held against every import.

import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

interface Import {
  readonly file: string;
  /** A path from the root of the project, or a package's name. */
  readonly target: string;
}

const files = globSync("src/**/*.ts").sort();
const imports = files.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const source = readFileSync(file, "utf8");
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, target = ""]) => ({
    file,
    target: target.startsWith(".") ? relative(".", join(dirname(file), target)) : target,
  }));
}

function layerOf(path: string): string {
  return (
    /^src\/(?:(app|core|store|services|transports|telemetry|cli|grpc|verify)\/|(main|app|config|client-config|environment|settings|setting-names|setting-rules|database-url)\.ts$)/
      .exec(path)
      ?.slice(1)
      .find(Boolean) ??
    path.split("/")[0] ??
    ""
  );
}

/** What each layer may import of the others: layers, or single files. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  main: ["cli"],
  cli: ["cli", "app", "client-config", "config", "core", "telemetry", "gen"],
  app: ["app", "config", "core", "settings", "store", "services", "transports", "telemetry"],
  config: ["database-url", "environment", "setting-names", "setting-rules", "settings", "core"],
  "client-config": ["config", "environment", "settings"],
  "database-url": [],
  environment: ["settings"],
  "setting-names": ["environment"],
  "setting-rules": ["environment"],
  settings: ["core"],
  services: ["services", "core", "gen"],
  transports: ["transports", "core", "gen"],
  store: ["store", "core"],
  telemetry: ["telemetry", "core"],
  core: ["core"],
  // What is imported as countersign/grpc: the test below says what of the gateway goes along.
  grpc: ["grpc", "gen", "src/core/signature.ts", "src/verify/identity.ts"],
  // What is imported as countersign/verify: nothing of the gateway goes along.
  verify: ["verify"],
};

/** Where each driver may appear. */
const DRIVERS: Readonly<Record<string, RegExp>> = {
  ioredis: /^src\/core\/limiter\/(redis(-merges)?|connection(-cluster|-options|-server)?)\.ts$/,
  jose: /^src\/(core\/tokens|verify)\//,
  kysely: /^src\/store\//,
  "kysely/migration": /^src\/store\//,
  "node:sqlite": /^src\/store\//,
  pg: /^src\/store\/postgres(-pool|-session)?\.ts$/,
  commander: /^src\/cli\//,
  pino: /^src\/telemetry\//,
  "prom-client": /^src\/telemetry\//,
  "@grpc/grpc-js":
    /^src\/(grpc\/[^/]+|transports\/grpc(-admission|-backpressure|-health|-introspection|-metadata|-pings|-reflection|-refusals)?|cli\/login\/grpc)\.ts$/,
};

test("there is something to check", () => {
  expect(files.length).toBeGreaterThan(40);
  expect(imports.length).toBeGreaterThan(100);
});

test("every arrow points towards the core", () => {
  const wrong = imports.filter(({ file, target }) => {
    if (!target.startsWith("src/") && !target.startsWith("gen/")) return false;
    const allowed = ALLOWED[layerOf(file)] ?? [];
    return !allowed.includes(layerOf(target)) && !allowed.includes(target);
  });
  expect(wrong).toEqual([]);
});

test("a driver appears only in its adapter", () => {
  const wrong = imports.filter(({ file, target }) => DRIVERS[target] !== undefined && !DRIVERS[target].test(file));
  expect(wrong).toEqual([]);
});

test("use-cases of the core import ports and each other", () => {
  const isUseCase = (path: string): boolean => /^src\/core\/((registry|explain)\/)?[^/]+\.ts$/.test(path);
  const wrong = imports.filter(({ file, target }) => isUseCase(file) && target !== "node:crypto" && !isUseCase(target));
  expect(wrong).toEqual([]);
});

test("the environment is read in config.ts alone, clocks in clock.ts alone", () => {
  const reads = (pattern: RegExp): string[] => files.filter((file) => pattern.test(readFileSync(file, "utf8")));
  expect(reads(/process\.env\b/)).toEqual(["src/config.ts"]);
  expect(reads(/Date\.now\b|new Date\(\)|performance\.now\b/)).toEqual([
    // It runs in services, and so does a verifier: with nothing of the gateway.
    "src/grpc/clock.ts",
    "src/telemetry/clock.ts",
    "src/verify/clock.ts",
  ]);
});

/** The modules that one brings along, itself the first. */
function reachedFrom(entry: string): string[] {
  const seen = new Set([entry]);
  for (const file of seen) for (const { target } of importsOf(file)) if (target.endsWith(".ts")) seen.add(target);
  return [...seen];
}

test("what is imported as countersign/grpc brings nothing of the gateway but how a login is signed", () => {
  const seen = reachedFrom("src/grpc/exports.ts");
  const others = seen.filter((file) => !/^(src|gen)\/grpc\//.test(file)).sort();
  expect(others).toEqual([
    "src/core/errors.ts",
    "src/core/ports.ts",
    "src/core/signature.ts",
    "src/verify/identity.ts",
  ]);
  const packages = seen.flatMap(importsOf).filter(({ target }) => !/\.ts$|^node:/.test(target));
  expect([...new Set(packages.map(({ target }) => target))].sort()).toEqual([
    "@bufbuild/protobuf/wire",
    "@grpc/grpc-js",
  ]);
});

test("what is imported as countersign/verify needs jose and what every runtime has, nothing of Node's own", () => {
  const verify = imports.filter(({ file, target }) => file.startsWith("src/verify/") && !target.startsWith("src/"));
  expect([...new Set(verify.map(({ target }) => target))]).toEqual(["jose"]);
  const nodesOwn = /\bBuffer\b|\bprocess\.|\bNodeJS\./;
  expect(files.filter((file) => file.startsWith("src/verify/") && nodesOwn.test(readFileSync(file, "utf8")))).toEqual(
    [],
  );
});

test("services of Node 20 can import both: nothing that came later is called", () => {
  const entries = ["src/grpc/exports.ts", ...globSync("src/verify/*.ts")];
  const reached = [...new Set(entries.flatMap(reachedFrom))];
  expect(reached.length).toBeGreaterThan(30);
  const later = /\bURL\.parse\b|\bwithResolvers\b|\bgroupBy\b|\b(Array\.fromAsync|Promise\.try|Iterator\.from)\b/;
  expect(reached.filter((file) => later.test(readFileSync(file, "utf8")))).toEqual([]);
});

test("no folder or file has a name that says nothing", () => {
  const wrong = files.filter((file) =>
    /(^|\/)(utils?|helpers?|common|types|models?|middleware|manager|index)(\/|\.ts$)|impl/i.test(file),
  );
  expect(wrong).toEqual([]);
});

test("every module opens with a line on what it is", () => {
  const wrong = files.filter((file) => !/^\/\/ \S/.test(readFileSync(file, "utf8")));
  expect(wrong).toEqual([]);
});

test("what tests share registers its hooks when it is called, not once for all files of a worker", () => {
  const shared = globSync("test/**/*.ts").filter((file) => !file.endsWith(".test.ts"));
  const wrong = shared.filter((file) => /^(before|after)(All|Each)\(/m.test(readFileSync(file, "utf8")));
  expect([shared.length > 50, wrong]).toEqual([true, []]);
});
