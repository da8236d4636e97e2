// Reads the settings of commands that call a gateway.

import { readFileSync } from "node:fs";
import { ConfigError, dataDirOf } from "./config.ts";
import { type Environment, readPair, readParsed, readSetting } from "./environment.ts";
import { parseCertificateFile, parseHttpUrl } from "./settings.ts";

export interface ClientConfig {
  readonly internalUrl: string;
  readonly dataDir: string;
  readonly adminToken: string | undefined;
  readonly customerKey: string | undefined;
  /** An authority to trust beside the system's, in PEM. */
  readonly caCert: string | undefined;
  /** The client certificate, for a gateway that asks for one. */
  readonly clientCert: CertificateAndKey | undefined;
}

/** A certificate or chain, and its key, in PEM. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads the settings.
 * @throws ConfigError with every mistake; none of them repeats a secret
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
