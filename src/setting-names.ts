// The names of all settings, and suggestions for unknown names.

import { closest, distance } from "fastest-levenshtein";
import { type Environment, PREFIX } from "./environment.ts";

const SERVER_SETTINGS = [
  "PUBLIC_LISTEN",
  "INTERNAL_LISTEN",
  "DATA_DIR",
  "DATABASE_URL",
  "DATABASE_URL_FILE",
  "REDIS_URL",
  "REDIS_URL_FILE",
  "REDIS_CA",
  "REDIS_CERT",
  "REDIS_KEY",
  "REDIS_DOWN",
  "REDIS_CLOCK",
  "INSTANCES",
  "MASTER_KEY",
  "MASTER_KEY_FILE",
  "OTHER_MASTER_KEYS",
  "OTHER_MASTER_KEYS_FILE",
  "ADMIN_TOKEN",
  "ADMIN_TOKEN_FILE",
  "OTHER_ADMIN_TOKEN",
  "OTHER_ADMIN_TOKEN_FILE",
  "AUDIT_RETENTION",
  "ISSUER",
  "AUDIENCE",
  "TOKEN_ALG",
  "TOKEN_TYPE",
  "KEY_ROTATION",
  "TOKEN_TTL",
  "CLOCK_SKEW",
  "LOGIN_LIMIT",
  "FAILURE_LIMIT",
  "ADDRESS_LIMIT",
  "ADDRESS_LIMIT_OVERRIDES",
  "TRUSTED_PROXIES",
  "FORWARDED_HEADER",
  "MAX_CONNECTIONS",
  "MAX_CONNECTIONS_PER_ADDRESS",
  "INTERNAL_HOSTS",
  "TLS_CERT",
  "TLS_KEY",
  "TLS_CLIENT_CA",
  "LOG_LEVEL",
  "DRAIN_DELAY",
] as const;
const CLIENT_SETTINGS = [
  "INTERNAL_URL",
  "CUSTOMER_KEY",
  "CUSTOMER_KEY_FILE",
  "CA_CERT",
  "CLIENT_CERT",
  "CLIENT_KEY",
] as const;
/** A setting of the gateway or of commands, without `…_FILE`; scripts/reference/settings.ts describes each. */
export type SettingName = Exclude<(typeof SERVER_SETTINGS | typeof CLIENT_SETTINGS)[number], `${string}_FILE`>;

/** The settings that `…_FILE` can read from a file. */
export const FILE_SETTINGS: readonly string[] = [...SERVER_SETTINGS, ...CLIENT_SETTINGS].flatMap((name) =>
  name.endsWith("_FILE") ? [name.slice(0, -"_FILE".length)] : [],
);

const TEST_SETTINGS = ["TEST_REDIS_URL", "TEST_POSTGRES_URL"];
const KNOWN: readonly string[] = [...SERVER_SETTINGS, ...CLIENT_SETTINGS, ...TEST_SETTINGS];

/** A line for each unknown setting in an environment, with the name that was probably meant. */
export function unknownSettings(environment: Environment): readonly string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !KNOWN.includes(name.slice(PREFIX.length)))
    .map((name) => {
      const near = closest(name.slice(PREFIX.length), KNOWN);
      const slip = distance(near, name.slice(PREFIX.length)) <= 3;
      return `${name} is not a setting.${slip ? ` Did you mean ${PREFIX}${near}?` : ""}`;
    });
}
