// What Connect's transports are made with to reach an endpoint. Knows no service.

import type { createConnectTransport } from "@connectrpc/connect-node";
import { DEADLINE_MS, type Endpoint } from "./endpoint.ts";

/** HTTP/1.1, which every listener and proxy has, and the endpoint's TLS. */
export function transportOptions({ url, tls }: Endpoint): Parameters<typeof createConnectTransport>[0] {
  return { baseUrl: url, httpVersion: "1.1", nodeOptions: { ...tls }, defaultTimeoutMs: DEADLINE_MS };
}
