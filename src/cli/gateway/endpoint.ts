// The gateway that a command calls: URL, certificates, and failures of calls.

import { getCACertificates } from "node:tls";
import { Code, type ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/es/google/rpc/error_details_pb.ts";
import type { ClientConfig } from "../../config.ts";
import { CommandFailure } from "../terminal/output.ts";

/** TLS options in PEM, under Node's names. */
export interface EndpointTls {
  readonly ca: string[];
  readonly cert?: string;
  readonly key?: string;
}

export interface GatewayEndpoint {
  readonly url: string;
  /** The setting or option that named the URL, for messages. */
  readonly namedBy: string;
  /** Undefined without TLS. */
  readonly tls: EndpointTls | undefined;
}

/** Timeout of a call, in milliseconds. */
export const DEADLINE_MS = 10_000;

/** Creates the endpoint of an http or https URL. */
export function endpointOf(
  url: string,
  namedBy: string,
  { caCert, clientCert: cert, clientKey: key }: ClientConfig,
): GatewayEndpoint {
  if (new URL(url).protocol !== "https:") return { url, namedBy, tls: undefined };
  // COUNTERSIGN_CA_CERT is trusted besides the authorities of Node and the system.
  const ca = [...getCACertificates("default"), ...getCACertificates("system")];
  return {
    url,
    namedBy,
    tls: {
      ca: caCert === undefined ? ca : [...ca, caCert],
      ...(cert !== undefined && key !== undefined && { cert, key }),
    },
  };
}

/** Details that messages mention by name, with their units. */
const MENTIONED = { server_time: "", retry_after: " s", request_id: "" };

/** The failure for an error of the gateway, with the values that its message mentions. */
export function gatewayFailure(
  reason: string,
  message: string,
  details: Readonly<Record<string, unknown>>,
): CommandFailure {
  const values = Object.entries(MENTIONED)
    .filter(([name]) => details[name] !== undefined)
    .map(([name, unit]) => `${name} ${details[name]}${unit}`);
  const text = values.length > 0 ? `${message} (${values.join(", ")})` : message;
  return new CommandFailure(`${reason}: ${text}`, { ...details, reason });
}

/** The failure for an error of Connect's client, with the same details as an error over REST. */
export function connectFailure(error: ConnectError, endpoint: GatewayEndpoint): CommandFailure {
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const code = codeToString(error.code);
  if (info === undefined) {
    // An error of Node's has a code: the connection failed, and no gateway answered.
    const { cause } = error;
    if (cause instanceof Error && "code" in cause) return unreachable(endpoint, String(cause.code));
    if ([Code.DeadlineExceeded, Code.Unavailable].includes(error.code)) return unreachable(endpoint, code);
  }
  const serverTime = info?.metadata["server_time"];
  return gatewayFailure(info?.reason ?? code, error.rawMessage, {
    code,
    ...info?.metadata,
    ...(serverTime !== undefined && { server_time: Number(serverTime) }),
    ...(retry?.retryDelay !== undefined && { retry_after: Number(retry.retryDelay.seconds) }),
  });
}

/** TLS codes for a certificate that no trusted authority signed. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED)/;

/** Codes of a connection that the server closed. */
const CLOSED = /^(ECONNRESET|EPIPE|ECONNABORTED)$|_ALERT_/;

/** The failure of a call without an answer. `code` is the error code of the connection. */
export function unreachable({ url, namedBy, tls }: GatewayEndpoint, code: string): CommandFailure {
  // The origin leaves out a user and password.
  const { origin, host } = new URL(url);
  const explain = (): string => {
    if (UNTRUSTED.test(code)) {
      return `no trusted authority signed the certificate of ${origin} (${code}). Set COUNTERSIGN_CA_CERT to the PEM file of the authority that did`;
    }
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      return `the certificate of ${origin} is for other names. Use one of them, or give the gateway a certificate for this one`;
    }
    if (code.startsWith("CERT_")) return `the certificate of ${origin} is not valid (${code})`;
    if (CLOSED.test(code)) {
      return tls === undefined
        ? `${origin} closed the connection (${code}). It may have stopped. If it speaks TLS, use https://${host}`
        : `${origin} closed the connection (${code}). If it requires a client certificate, set COUNTERSIGN_CLIENT_CERT and COUNTERSIGN_CLIENT_KEY to one that it trusts`;
    }
    if (/^(ERR_SSL_|EPROTO)/.test(code)) return `${origin} does not speak TLS. Use http://${host}`;
    return `no gateway answers at ${origin} (${code}). Start it, or set ${namedBy} to its URL`;
  };
  return new CommandFailure(explain(), { code: "unavailable" });
}
