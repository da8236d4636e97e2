// The settings of the gateway and of commands, and its version. The only module that reads the process's environment.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { join } from "node:path";
import { type Environment, readSettings, unknownSettings, type Values } from "./environment.ts";
import { COMMAND_SETTINGS, PREFIX, SERVER_SETTINGS } from "./settings.ts";

/** src/settings.ts describes each value. */
export interface Config extends Omit<Values<typeof SERVER_SETTINGS>, "issuer"> {
  /** Undefined with --dev: the gateway's own URL is the issuer. */
  readonly issuer: string | undefined;
  /** Undefined: no traces. */
  readonly tracing: TracingConfig | undefined;
}

/** Traces by the standard variables of OpenTelemetry. */
export interface TracingConfig {
  /** Undefined where the variables have another name. */
  readonly serviceName: string | undefined;
}

export type ClientConfig = Values<typeof COMMAND_SETTINGS>;

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

/** Whether OpenTelemetry's variables say where traces go. Its SDK reads the others itself. */
function readTracing(environment: Environment): TracingConfig | undefined {
  const isOff =
    environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || environment["OTEL_TRACES_EXPORTER"] === "none";
  if (isOff || !EXPORTERS.some((name) => environment[name])) return undefined;
  const isNamed =
    environment["OTEL_SERVICE_NAME"] || environment["OTEL_RESOURCE_ATTRIBUTES"]?.includes("service.name=");
  return { serviceName: isNamed ? undefined : "countersign" };
}

/** Reads where the database is. @throws ConfigError */
export function readDatabasePlace(): Values<Pick<typeof SERVER_SETTINGS, "DATA_DIR" | "DATABASE_URL">> {
  const { DATA_DIR, DATABASE_URL } = SERVER_SETTINGS;
  return readSettings({ DATA_DIR, DATABASE_URL }, process.env);
}

/** Reads the settings of commands that call a gateway. @throws ConfigError with every mistake */
export function readClientConfig(): ClientConfig {
  return readSettings(COMMAND_SETTINGS, process.env);
}

/** The path of a file in the data directory. */
export function dataFile(
  dataDir: string,
  name: "master-key" | "admin-token" | "demo-device" | "countersign.db",
): string {
  return join(dataDir, name);
}

/** The version in package.json, which lies above the sources and above the built code alike. */
export function readVersion(): string {
  const file = findPackageJSON("..", import.meta.url);
  const content: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
  return typeof content === "object" && content !== null && "version" in content ? String(content.version) : "unknown";
}
