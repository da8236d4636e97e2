// Every setting there is, by name, and what is said of a name that is none. Knows no setting's meaning.

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
];
const CLIENT_SETTINGS = ["INTERNAL_URL", "CUSTOMER_KEY", "CUSTOMER_KEY_FILE", "CA_CERT", "CLIENT_CERT", "CLIENT_KEY"];
const TEST_SETTINGS = ["TEST_REDIS_URL", "TEST_POSTGRES_URL"];
const KNOWN = [...SERVER_SETTINGS, ...CLIENT_SETTINGS, ...TEST_SETTINGS];

/** What is wrong with the names in an environment, a line each; one that is nearly a setting's is told that. */
export function unknownSettings(environment: Environment): readonly string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !KNOWN.includes(name.slice(PREFIX.length)))
    .map((name) => {
      const near = closest(name.slice(PREFIX.length), KNOWN);
      const slip = distance(near, name.slice(PREFIX.length)) <= 3;
      return `${name} is no setting.${slip ? ` Did you mean ${PREFIX}${near}?` : ""}`;
    });
}
