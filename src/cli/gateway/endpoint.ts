// A gateway to call: where it is and, over TLS, whom a command trusts and what it shows. Knows no protocol.

import { getCACertificates } from "node:tls";
import type { ClientConfig } from "../../client-config.ts";

/** What a TLS client is made of, in PEM, by the names that Node has for it. */
export interface ClientTls {
  readonly ca: string[];
  readonly cert?: string;
  readonly key?: string;
}

export interface Endpoint {
  readonly url: string;
  /** The setting or option that it comes from, for messages. */
  readonly namedBy: string;
  /** Undefined: in the clear. */
  readonly tls: ClientTls | undefined;
}

/** How long a call may take, in milliseconds. */
export const DEADLINE_MS = 10_000;

/** The gateway at a URL of http or https. */
export function endpointOf(url: string, namedBy: string, { caCert, clientCert }: ClientConfig): Endpoint {
  if (new URL(url).protocol !== "https:") return { url, namedBy, tls: undefined };
  // Named by hand: an authority of one's own is trusted beside those of Node and of the system, not instead of them.
  const ca = [...getCACertificates("default"), ...getCACertificates("system")];
  return { url, namedBy, tls: { ca: caCert === undefined ? ca : [...ca, caCert], ...clientCert } };
}
