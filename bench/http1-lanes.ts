// Lanes over HTTP/1.1: keep-alive connections, or a TLS connection for each request.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createSecureContext, connect as dialTls, type TLSSocket } from "node:tls";
import type { Lane, OpenLanes } from "./load.ts";

/** Lanes whose answers are bodies. */
export const openHttp1: OpenLanes = createOpen("body");
/** Lanes whose answers are status lines and headers. */
export const openHttp1Heads: OpenLanes = createOpen("head");

interface Http1Answer {
  readonly head: Buffer;
  readonly body: Buffer;
}

function createOpen(part: keyof Http1Answer): OpenLanes {
  return (origin, count) => {
    const { hostname, port } = new URL(origin);
    return Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect({ host: hostname, port: Number(port), noDelay: true });
        await once(socket, "connect");
        return createLane(socket, part);
      }),
    );
  };
}

/** The TLS offer of a board: one suite, one curve. With Node's default offer each server would choose its own. */
const BOARD = { minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256", ecdhCurve: "X25519" } as const;

/** Lanes that make a TLS connection for each request. A request with a handshake of the other kind fails. */
export function openNewTls(handshake: "full" | "resumed"): OpenLanes {
  // The certificate is made for this run; checking would cost only the client.
  const secureContext = createSecureContext(BOARD);
  return (origin, count) => {
    const { hostname: host, port } = new URL(origin);
    const options = { host, port: Number(port), noDelay: true, secureContext, rejectUnauthorized: false };
    return Promise.all(
      Array.from({ length: count }, async () => {
        const session = handshake === "resumed" ? await fetchSession(dialTls(options)) : undefined;
        let socket: TLSSocket | undefined;
        return {
          async ask(request) {
            socket = dialTls({ ...options, ...(session && { session }) });
            await once(socket, "secureConnect");
            if (socket.isSessionReused() !== (session !== undefined)) throw new Error(`not a ${handshake} handshake`);
            return createLane(socket, "body").ask(request);
          },
          close: () => socket?.destroy(),
        };
      }),
    );
  };
}

async function fetchSession(socket: TLSSocket): Promise<Buffer> {
  const [session] = await once(socket, "session", { signal: AbortSignal.timeout(10_000) });
  socket.destroy();
  return session;
}

/** A request's bytes. */
export function encodePost(path: string, contentType: string, body: string, headers = ""): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${contentType}\r\n${headers}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** A request without a body. */
export function encodeGet(path: string, headers: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`);
}

function createLane(socket: Socket, part: keyof Http1Answer): Lane {
  let waiting: PromiseWithResolvers<Buffer> | undefined;
  let received: Buffer | undefined;
  const fail = (error: unknown): void => {
    waiting?.reject(error);
    socket.destroy();
  };
  socket.on("data", (chunk) => {
    received = received === undefined ? chunk : Buffer.concat([received, chunk]);
    try {
      const answer = readAnswer(received);
      if (answer === undefined) return;
      if (waiting === undefined) throw new Error("an answer that nobody asked for");
      received = undefined;
      waiting.resolve(answer[part]);
      waiting = undefined;
    } catch (error) {
      fail(error);
    }
  });
  socket.on("close", () => waiting?.reject(new Error("the server closed the connection")));
  // The close that follows reports the error.
  socket.on("error", () => undefined);
  return {
    ask(request) {
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    close: () => socket.destroy(),
  };
}

const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** Reads an answer; undefined if it is incomplete. @throws Error for one that is not 200 */
function readAnswer(bytes: Buffer): Http1Answer | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const length = LENGTH.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer of no known length: ${head}`);
  const body = bytes.subarray(end + 4, end + 4 + Number(length));
  if (body.length < Number(length)) return undefined;
  if (head.slice(9, 12) !== "200") throw new Error(`${head}\n\n${body}`);
  return { head: bytes.subarray(0, end), body };
}
