// The gateway that a command calls: its URL and, over TLS, certificates.

import { getCACertificates } from "node:tls";
import type { ClientConfig } from "../../client-config.ts";

/** TLS options in PEM, under the names that Node has for them. */
export interface ClientTls {
  readonly ca: string[];
  readonly cert?: string;
  readonly key?: string;
}

export interface Endpoint {
  readonly url: string;
  /** The setting or option that named the URL, for messages. */
  readonly namedBy: string;
  /** Undefined without TLS. */
  readonly tls: ClientTls | undefined;
}

/** Timeout of a call, in milliseconds. */
export const DEADLINE_MS = 10_000;

/** The endpoint at an http or https URL. */
export function endpointOf(url: string, namedBy: string, { caCert, clientCert }: ClientConfig): Endpoint {
  if (new URL(url).protocol !== "https:") return { url, namedBy, tls: undefined };
  // COUNTERSIGN_CA_CERT is trusted beside the authorities of Node and the system.
  const ca = [...getCACertificates("default"), ...getCACertificates("system")];
  return { url, namedBy, tls: { ca: caCert === undefined ? ca : [...ca, caCert], ...clientCert } };
}

/** Options of Connect's transports. */
export function transportOptions({ url, tls }: Endpoint): {
  baseUrl: string;
  nodeOptions: Partial<ClientTls>;
  defaultTimeoutMs: number;
} {
  return { baseUrl: url, nodeOptions: { ...tls }, defaultTimeoutMs: DEADLINE_MS };
}
