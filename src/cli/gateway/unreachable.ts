// Why a gateway does not answer. Each client library tells it in words of its own, or not at all: here a connection of our own
// is opened to look. Knows TLS, and no protocol above.

import { isIP } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import { codeOf } from "../error-code.ts";
import { CommandFailure } from "../output.ts";
import type { Endpoint } from "./endpoint.ts";

/** How long the look may take, and how long a server has to refuse a client's certificate, in milliseconds. */
const LOOK_MS = 2_000;

/** No way to it: what the connection says is shorter than what a client library makes of it. */
const NO_WAY = /^E(CONNREFUSED|NOTFOUND|AI_|HOST|NET|TIMEDOUT)/;

/** The failure of a call that had no answer; `cause` is what the client library says of it. */
export async function unreachable({ url, namedBy, tls }: Endpoint, cause: string): Promise<CommandFailure> {
  // Nothing is sent but a hello: that TLS is spoken is shown by a certificate that is not right, too.
  const sight = await look(url, tls ?? { rejectUnauthorized: false });
  const message = tls === undefined ? explainPlain(url, sight) : explainTls(url, sight, tls.cert !== undefined);
  const code = NO_WAY.test(sight.code) ? sight.code : cause;
  return new CommandFailure(
    message ?? `no gateway answers at ${new URL(url).origin} (${code}). Start it, or say by ${namedBy} where it is`,
    {
      code: "unavailable",
    },
  );
}

function explainPlain(url: string, { secure, code }: Sight): string | undefined {
  return secure || code.includes("_ALERT_") ? `this gateway speaks TLS. Use ${withScheme(url, "https:")}` : undefined;
}

/** `shown`: the client has a certificate to show. */
function explainTls(url: string, { secure, code }: Sight, shown: boolean): string | undefined {
  // Without the user and the password that a URL may hold.
  const { origin } = new URL(url);
  if (UNTRUSTED.includes(code)) {
    return `the certificate of ${origin} is of no authority that is trusted here (${code}). Set COUNTERSIGN_CA_CERT to the PEM file of the authority that signed it`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate of ${origin} is for other names. Use one of them, or give the gateway a certificate for this one`;
  }
  if (code.startsWith("CERT_")) return `the certificate of ${origin} is not valid (${code})`;
  if (refusesCertificate({ secure, code }, shown)) {
    const what = shown ? "does not take the certificate in COUNTERSIGN_CLIENT_CERT" : "wants a client certificate";
    return `${origin} ${what}. Set COUNTERSIGN_CLIENT_CERT and COUNTERSIGN_CLIENT_KEY to PEM files of one that it trusts`;
  }
  return code.startsWith("ERR_SSL_") && !code.includes("_ALERT_")
    ? `this gateway does not speak TLS. Use ${withScheme(url, "http:")}`
    : undefined;
}

/** What TLS says of a certificate that no trusted authority stands behind. */
const UNTRUSTED = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
];

interface Sight {
  /** Whether a handshake was made. */
  readonly secure: boolean;
  /** What ended the connection; empty when nothing did. */
  readonly code: string;
}

/** A server says what it misses; of a certificate that it does not trust, Node's says nothing and closes. */
function refusesCertificate({ secure, code }: Sight, shown: boolean): boolean {
  return (
    /_ALERT_(CERTIFICATE_|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE)/.test(code) || (shown && secure && code !== "")
  );
}

/** Opens a connection by TLS, says nothing, and sees what becomes of it. */
function look(url: string, options: ConnectionOptions): Promise<Sight> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve) => {
    let secure = false;
    let code = "";
    const socket = connect({
      ...options,
      host,
      port: Number(port) || (url.startsWith("https:") ? 443 : 80),
      ...(isIP(host) === 0 && { servername: host }),
    });
    const timer = setTimeout(() => socket.destroy(), LOOK_MS);
    // In TLS 1.3 a client is done with the handshake before the server has looked at its certificate: the refusal comes later.
    socket.on("secureConnect", () => {
      secure = true;
    });
    socket.on("end", () => {
      code ||= "ECONNRESET";
    });
    socket.on("error", (error) => {
      code = codeOf(error);
    });
    socket.on("close", () => {
      clearTimeout(timer);
      resolve({ secure, code });
    });
    // What is read is dropped, and read it has to be for an end to be seen.
    socket.resume();
  });
}

function withScheme(url: string, scheme: string): string {
  const { host } = new URL(url);
  return `${scheme}//${host}`;
}
