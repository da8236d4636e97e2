// The settings of the gateway and of commands, and its version. The only module that reads the process's environment.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { join } from "node:path";
import { closest, distance } from "fastest-levenshtein";
import { codeOf } from "./setting-readers.ts";
import { COMMAND_SETTINGS, PREFIX, SERVER_SETTINGS, type Setting } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** src/settings.ts describes each value. */
export interface Config extends Omit<SettingValues<typeof SERVER_SETTINGS>, "issuer"> {
  /** Undefined with --dev: the gateway's own URL is the issuer. */
  readonly issuer: string | undefined;
  /** Undefined without traces. `serviceName` is undefined where OpenTelemetry's own variables set it. */
  readonly tracing: { readonly serviceName: string | undefined } | undefined;
}

export type ClientConfig = SettingValues<typeof COMMAND_SETTINGS>;

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

/** The data directory. */
export function dataDirOf(environment: Environment): string {
  return environment[`${PREFIX}DATA_DIR`] || "data";
}

/** The environment with the settings that --dev adds: secrets from files, and an audience. */
export function devEnvironment(
  environment: Environment,
  files: { masterKey: string; adminToken: string },
): Environment {
  const dev: Record<string, string | undefined> = { ...environment };
  const unset = (name: string): boolean => !dev[`${PREFIX}${name}`] && !dev[`${PREFIX}${name}_FILE`];
  if (unset("MASTER_KEY")) dev[`${PREFIX}MASTER_KEY_FILE`] = files.masterKey;
  if (unset("ADMIN_TOKEN")) dev[`${PREFIX}ADMIN_TOKEN_FILE`] = files.adminToken;
  if (unset("AUDIENCE")) dev[`${PREFIX}AUDIENCE`] = "devices";
  return dev;
}

/** Reads the gateway's settings. @throws ConfigError with every mistake */
export function readConfig(environment: Environment, { dev }: { dev: boolean }): Config {
  const unknown = unknownSettings(environment, { ...SERVER_SETTINGS, ...COMMAND_SETTINGS });
  const { cure: _cure, ...issuer } = SERVER_SETTINGS.ISSUER;
  const settings = readSettings({ ...SERVER_SETTINGS, ...(dev && { ISSUER: issuer }) }, environment, unknown);
  return Object.freeze({ ...settings, tracing: readTracing(environment) });
}

const EXPORTERS = ["OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/** Reads whether OpenTelemetry's variables ask for traces. The SDK reads the other variables itself. */
function readTracing(environment: Environment): Config["tracing"] {
  const isOff =
    environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || environment["OTEL_TRACES_EXPORTER"] === "none";
  if (isOff || !EXPORTERS.some((name) => environment[name])) return undefined;
  const isNamed =
    environment["OTEL_SERVICE_NAME"] || environment["OTEL_RESOURCE_ATTRIBUTES"]?.includes("service.name=");
  return { serviceName: isNamed ? undefined : "countersign" };
}

/** Reads the settings of the database alone. @throws ConfigError */
export function readDatabaseLocation(): SettingValues<Pick<typeof SERVER_SETTINGS, "DATA_DIR" | "DATABASE_URL">> {
  const { DATA_DIR, DATABASE_URL } = SERVER_SETTINGS;
  return readSettings({ DATA_DIR, DATABASE_URL }, process.env);
}

/** Reads the settings of commands that call a gateway. @throws ConfigError with every mistake */
export function readClientConfig(): ClientConfig {
  return readSettings(COMMAND_SETTINGS, process.env);
}

type DataFile = "master-key" | "admin-token" | "demo-device" | "countersign.db";

/** The path of a file in the data directory. */
export function dataFile(dataDir: string, name: DataFile): string {
  return join(dataDir, name);
}

/** The version in package.json, found from the sources and from the built code alike. */
export function readVersion(): string {
  const file = findPackageJSON("..", import.meta.url);
  const content: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
  return typeof content === "object" && content !== null && "version" in content ? String(content.version) : "unknown";
}

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>;

/** The values of a table's settings: MAX_CONNECTIONS as `maxConnections`. */
export type SettingValues<Table> = {
  readonly [Name in keyof Table & string as CamelCase<Name>]: Table[Name] extends Setting<infer Value> ? Value : never;
};

type SettingTable = Readonly<Record<string, Setting<unknown>>>;

/** Every mistake in the settings, one line each. None of them repeats a secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

/** Reads the settings of a table. @throws ConfigError with `before` and every mistake */
function readSettings<Table extends SettingTable>(
  table: Table,
  environment: Environment,
  before: readonly string[] = [],
): SettingValues<Table> {
  const mistakes = [...before];
  const given = (name: string): boolean =>
    Boolean(environment[`${PREFIX}${name}`] || environment[`${PREFIX}${name}_FILE`]);
  const textOf = (name: string): string | undefined => readText(environment, name, []) ?? table[name]?.fallback;
  const values = Object.entries(table).map(([name, { read, fallback, cure, needs = [] }]) => {
    const missing = needs.filter((other) => !given(other)).map((other) => `${PREFIX}${other}`);
    if (given(name) && missing.length > 0) {
      mistakes.push(`${PREFIX}${name} has no effect without ${missing.join(" and ")}. Set all of them, or none`);
    }
    if (!given(name) && cure !== undefined) mistakes.push(`${PREFIX}${name} is not set. ${cure}, or start with --dev`);
    const text = readText(environment, name, mistakes) ?? fallback;
    try {
      return [camelCase(name), text === undefined ? undefined : read(text, textOf)];
    } catch (error) {
      mistakes.push(`${PREFIX}${name} ${error instanceof Error ? error.message : "is wrong"}`);
      return [name, undefined];
    }
  });
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  // Object.fromEntries loses the names in its type.
  return Object.freeze(Object.fromEntries(values)) as SettingValues<Table>;
}

function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
}

/** Reads a setting's text, from the environment or from the file that `…_FILE` names. */
function readText(environment: Environment, name: string, mistakes: string[]): string | undefined {
  const text = environment[`${PREFIX}${name}`] || undefined;
  const file = environment[`${PREFIX}${name}_FILE`] || undefined;
  if (file === undefined) return text;
  if (text !== undefined) {
    mistakes.push(`${PREFIX}${name} and ${PREFIX}${name}_FILE are both set. Keep one`);
    return text;
  }
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    mistakes.push(`${PREFIX}${name}_FILE is ${file}, which cannot be read (${codeOf(error)})`);
    return undefined;
  }
}

/** A line for each unknown setting in the environment, with the name that was probably meant. */
function unknownSettings(environment: Environment, tables: SettingTable): readonly string[] {
  const inFiles = Object.entries(tables).flatMap(([name, { inFile }]) => (inFile ? [`${name}_FILE`] : []));
  const known = [...Object.keys(tables), ...inFiles, "TEST_REDIS_URL", "TEST_POSTGRES_URL"];
  const names = Object.keys(environment).filter((name) => name.startsWith(PREFIX));
  return names
    .map((name) => name.slice(PREFIX.length))
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = closest(name, known);
      return `${PREFIX}${name} is not a setting.${distance(near, name) <= 3 ? ` Did you mean ${PREFIX}${near}?` : ""}`;
    });
}
