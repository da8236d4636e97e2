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
    /^src\/(?:(app|core|store|services|transports|telemetry|cli)\/|(main|app|config|client-config|environment|settings|setting-names|setting-rules|database-url)\.ts$)/
      .exec(path)
      ?.slice(1)
      .find(Boolean) ??
    path.split("/")[0] ??
    ""
  );
}

/** What each layer may import of the others. */
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
};

/** Where each driver may appear. */
const DRIVERS: Readonly<Record<string, RegExp>> = {
  ioredis: /^src\/core\/limiter\/(redis(-merges)?|connection(-cluster|-options|-server)?)\.ts$/,
  jose: /^src\/core\/tokens\//,
  kysely: /^src\/store\//,
  "kysely/migration": /^src\/store\//,
  "node:sqlite": /^src\/store\//,
  pg: /^src\/store\/postgres(-pool|-session)?\.ts$/,
  commander: /^src\/cli\//,
  pino: /^src\/telemetry\//,
  "prom-client": /^src\/telemetry\//,
  "@grpc/grpc-js":
    /^src\/(transports\/grpc(-admission|-backpressure|-health|-introspection|-metadata|-pings|-refusals)?|cli\/login\/grpc)\.ts$/,
};

test("there is something to check", () => {
  expect(files.length).toBeGreaterThan(40);
  expect(imports.length).toBeGreaterThan(100);
});

test("every arrow points towards the core", () => {
  const wrong = imports.filter(({ file, target }) => {
    if (!target.startsWith("src/") && !target.startsWith("gen/")) return false;
    return !(ALLOWED[layerOf(file)] ?? []).includes(layerOf(target));
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

test("the environment is read in config.ts alone, the clock in telemetry alone", () => {
  const reads = (pattern: RegExp): string[] => files.filter((file) => pattern.test(readFileSync(file, "utf8")));
  expect(reads(/process\.env\b/)).toEqual(["src/config.ts"]);
  expect(reads(/Date\.now\b|new Date\(\)|performance\.now\b/)).toEqual(["src/telemetry/clock.ts"]);
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
