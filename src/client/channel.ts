// Address, TLS and keepalive of a connection to a gateway.

import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContext } from "node:tls";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";

/** Trusted authorities and the client's certificate, in PEM. A renewed certificate needs a new client. */
export interface ClientTls {
  /** Trusted authorities for the gateway's certificate. Default: Node's. */
  readonly ca?: string | Buffer;
  /** This client's certificate and its intermediates, for a gateway that asks for one. */
  readonly cert?: string | Buffer;
  /** The key of that certificate. */
  readonly key?: string | Buffer;
}

export interface ConnectionOptions {
  /** `https://host:port`, or `http://host:port` for a gateway on this machine. */
  readonly url: string;
  readonly tls?: ClientTls;
  /** Allows `http` to another machine, where something else encrypts, such as a service mesh. */
  readonly allowHttp?: boolean;
  /** Interval of pings on a quiet connection, in milliseconds: 30,000 by default, 10,000 at least. */
  readonly keepaliveMs?: number;
}

/** Address, credentials and options, in the form that clients of grpc-js take. */
export interface Channel {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** gRPC servers commonly close connections that ping more often. */
const LEAST_KEEPALIVE_MS = 10_000;
const KEEPALIVE_MS = 30_000;
/** How long the answer to a ping may take. */
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** A reserved name (RFC 6761): grpc-js would send the address as the server's name, which RFC 6066 forbids. */
const NO_NAME = "address.invalid";

/** Reads the options; does not connect. @throws TypeError or RangeError, naming the option and the cure */
export function channelOf({ url, tls, allowHttp = false, keepaliveMs = KEEPALIVE_MS }: ConnectionOptions): Channel {
  const { protocol, hostname, port } = readUrl(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (!(keepaliveMs >= LEAST_KEEPALIVE_MS)) {
    throw new RangeError(`keepaliveMs is at least ${LEAST_KEEPALIVE_MS}`);
  }
  const options: ChannelOptions = {
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 1,
    // The DNS must not switch retries on.
    "grpc.service_config_disable_resolution": 1,
    ...(isLoopback(host) && { "grpc.enable_http_proxy": 0 }),
  };
  if (protocol === "https:") {
    const address = `${hostname}:${port || 443}`;
    return isIP(host) === 0
      ? { address, credentials: credentials.createFromSecureContext(secureContextOf(tls)), options }
      : {
          address,
          credentials: credentials.createFromSecureContext(secureContextOf(tls), {
            checkServerIdentity: (_name: string, peer: PeerCertificate) => checkServerIdentity(host, peer),
          }),
          options: { ...options, "grpc.ssl_target_name_override": NO_NAME },
        };
  }
  if (tls !== undefined) throw new TypeError("tls needs an https url, and this url is http");
  if (!allowHttp && !isLoopback(host)) {
    throw new TypeError(
      "an http url is for a gateway on this machine. Use https, or set allowHttp where something else encrypts",
    );
  }
  return { address: `${hostname}:${port || 80}`, credentials: credentials.createInsecure(), options };
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new TypeError("url is not an https or http url. Write it like https://gateway.internal:9090");
  }
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new TypeError("url has more than a host and a port. Write it like https://gateway.internal:9090");
  }
  return url;
}

/** Whether a host is always this machine. Names under .localhost are not: a resolver may ask the DNS (RFC 6761, 6.3). */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function secureContextOf({ ca, cert, key }: ClientTls = {}): SecureContext {
  if ((cert === undefined) !== (key === undefined)) throw new TypeError("tls has cert and key together, or neither");
  try {
    return createSecureContext({
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new TypeError(`tls has a ca, cert or key that cannot be read as PEM, or a key of another cert (${code})`);
  }
}
