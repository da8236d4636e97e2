// Sends raw HTTP/1 bytes over a socket, and reads whole responses.

import { on } from "node:events";
import { connect, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import { onTestFinished } from "vitest";

export interface RawResponse {
  readonly status: number;
  /** Headers with the server's spelling of names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Connects; to an `https:` URL by TLS, with ALPN h2, whatever the certificate. An error closes the connection. */
export function connectTo(url: string, options: Partial<TcpNetConnectOpts> = {}): Socket {
  const { protocol, hostname: host, port } = new URL(url);
  const target = { noDelay: true, ...options, host, port: Number(port) };
  const tls = { ALPNProtocols: ["h2"], rejectUnauthorized: false };
  const socket = protocol === "https:" ? connectTls({ ...target, ...tls }) : connect(target);
  return socket.on("error", () => {});
}

/** Opens a connection that ends with the test at the latest. */
export function openSocket(url: string, options: Partial<TcpNetConnectOpts> = {}): Socket {
  const socket = connectTo(url, options);
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Sends bytes on a new connection and reads one response. */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<RawResponse> {
  const socket = connectTo(url);
  try {
    return await exchangeOn(socket, bytes);
  } finally {
    socket.destroy();
  }
}

/** Sends bytes on a connection and reads one response. @throws Error for a response without Content-Length */
export async function exchangeOn(socket: Socket, bytes: string | Uint8Array): Promise<RawResponse> {
  let received = Buffer.alloc(0);
  const chunks = on(socket, "data", { close: ["close"] });
  socket.write(bytes);
  for await (const [chunk] of chunks) {
    received = Buffer.concat([received, chunk]);
    const response = parse(received);
    if (response !== undefined) return response;
  }
  throw new Error(`closed after ${JSON.stringify(received.toString("latin1"))}`);
}

function parse(received: Buffer): RawResponse | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [statusLine = "", ...lines] = received.subarray(0, end).toString("latin1").split("\r\n");
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const length = headers.get("Content-Length");
  if (length === undefined) throw new Error(`no Content-Length in ${JSON.stringify(received.toString("latin1"))}`);
  const body = received.subarray(end + 4);
  if (body.length < Number(length)) return undefined;
  return { status: Number(statusLine.split(" ")[1]), headers, body: body.toString("utf8") };
}
