// One login of a board over a TLS connection of its own.

import { connect, createSecureContext } from "node:tls";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY } from "../gateway.ts";

/** A board gives up after this time. */
const CLIENT_TIMEOUT_MS = 15_000;

/** The offer of a board: one suite, one curve. Node's own offer has ML-KEM, which doubles the cost of a handshake. */
const BOARD = { minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256", ecdhCurve: "X25519" } as const;

interface Answer {
  readonly status: number;
  readonly retryAfter: number;
  readonly body: string;
}

/** A login over a connection of its own. Rejects when there is no answer in time. */
export type LogInAnew = (deviceKey: string) => Promise<Answer>;

/** Creates the boards' login. It is cheap, since boards have processors of their own: those here take from the site's. */
export function createLogInAnew(url: string): LogInAnew {
  const { hostname: host, port } = new URL(url);
  // The check of the certificate costs the boards alone.
  const options = { host, port: Number(port), secureContext: createSecureContext(BOARD), rejectUnauthorized: false };
  return (deviceKey) =>
    new Promise((resolve, reject) => {
      const socket = connect(options);
      let received = "";
      const timeout = setTimeout(() => {
        socket.destroy(Object.assign(new Error("timeout"), { code: "TIMEOUT" }));
      }, CLIENT_TIMEOUT_MS);
      socket.setEncoding("latin1");
      socket.on("data", (chunk) => {
        received += chunk;
      });
      socket.once("error", reject);
      socket.once("close", () => {
        clearTimeout(timeout);
        const answer = readAnswer(received);
        if (answer === undefined) reject(Object.assign(new Error("no whole answer"), { code: "CUT" }));
        else resolve(answer);
      });
      socket.write(encodeLogin(deviceKey));
    });
}

function encodeLogin(deviceKey: string): string {
  const body = JSON.stringify(signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000)));
  const headers = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close`;
  return `POST /auth/login HTTP/1.1\r\nHost: login.example\r\n${headers}\r\n\r\n${body}`;
}

/** Undefined when it is not whole. */
function readAnswer(received: string): Answer | undefined {
  const end = received.indexOf("\r\n\r\n");
  const head = received.slice(0, end);
  const body = received.slice(end + 4);
  if (end === -1 || Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1]) !== body.length) return undefined;
  const retryAfter = Number(/\nretry-after: *(\d+)/i.exec(head)?.[1] ?? 5);
  return { status: Number(head.slice(9, 12)), retryAfter, body };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
