// The settings of the commands that call a gateway, into one ClientConfig. Knows nothing of a gateway but where it keeps its files.

import { readFileSync } from "node:fs";
import { ConfigError, dataDirOf } from "./config.ts";
import { type Environment, readPair, readParsed, readSetting } from "./environment.ts";
import { parseCertificateFile, parseHttpUrl } from "./settings.ts";

/** What the commands that call a gateway take from the environment. */
export interface ClientConfig {
  readonly internalUrl: string;
  readonly dataDir: string;
  readonly adminToken: string | undefined;
  readonly customerKey: string | undefined;
  /** In PEM: an authority to trust beside the system's. */
  readonly caCert: string | undefined;
  /** In PEM: what to show to a gateway that asks. */
  readonly clientCert: CertificateAndKey | undefined;
}

/** A certificate, or a chain of them, and its key, in PEM. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads what the client commands need.
 * @throws ConfigError with every mistake there is, none of which repeats a secret
 */
export function readClientConfig(environment: Environment): ClientConfig {
  const mistakes: string[] = [];
  const url = { parse: parseHttpUrl, fallback: "http://127.0.0.1:9090" };
  const authority = { parse: parseCertificateFile, fallback: undefined };
  const internalUrl = readParsed(environment, "INTERNAL_URL", url, mistakes);
  const caCert = readParsed(environment, "CA_CERT", authority, mistakes);
  const client = readPair(environment, "CLIENT_CERT", "CLIENT_KEY", mistakes);
  const adminToken = readSetting(environment, "ADMIN_TOKEN", mistakes);
  const customerKey = readSetting(environment, "CUSTOMER_KEY", mistakes);
  if (mistakes.length > 0 || internalUrl === undefined) throw new ConfigError(mistakes);
  return {
    internalUrl,
    dataDir: dataDirOf(environment),
    adminToken,
    customerKey,
    caCert: caCert && readFileSync(caCert, "utf8"),
    clientCert: client && { cert: readFileSync(client.cert, "utf8"), key: readFileSync(client.key, "utf8") },
  };
}
