// The settings of the gateway and of commands. The only module that reads the process's environment.

import { join } from "node:path";
import { type Environment, readSettings, unknownSettings, type Values } from "./environment.ts";
import { COMMAND_SETTINGS, PREFIX, SERVER_SETTINGS } from "./settings.ts";

/** src/settings.ts describes each value. */
export interface Config extends Omit<Values<typeof SERVER_SETTINGS>, "issuer"> {
  /** Undefined with --dev: the gateway's own URL is the issuer. */
  readonly issuer: string | undefined;
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
  return readSettings({ ...SERVER_SETTINGS, ...(dev && { ISSUER: issuer }) }, environment, unknown);
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
