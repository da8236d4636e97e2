// HTTP by hand over a socket, as boards do it: what is sent is exactly what is written, and what comes back is read whole.

import { connect, type Socket } from "node:net";

export interface RawResponse {
  readonly status: number;
  /** Spelled as they were sent. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RawConnection {
  /** Sends bytes and reads one response. */
  exchange(bytes: string | Uint8Array): Promise<RawResponse>;
  close(): void;
}

/** A connection that is kept; one exchange at a time. */
export function openRaw(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  return {
    exchange: (bytes) => exchangeOn(socket, bytes),
    close: () => socket.destroy(),
  };
}

/** Sends bytes on a connection of their own and reads until the server closes or the promised body is there. */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<RawResponse> {
  const connection = openRaw(url);
  try {
    return await connection.exchange(bytes);
  } finally {
    connection.close();
  }
}

function exchangeOn(socket: Socket, bytes: string | Uint8Array): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const settle = (act: () => void): void => {
      socket.off("data", read);
      socket.off("error", fail);
      socket.off("close", closed);
      act();
    };
    const read = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      try {
        const response = parse(received);
        if (response !== undefined) settle(() => resolve(response));
      } catch (error) {
        settle(() => reject(error));
      }
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const closed = (): void => fail(new Error(`closed after ${JSON.stringify(received.toString("latin1"))}`));
    socket.on("data", read);
    socket.on("error", fail);
    socket.on("close", closed);
    socket.write(bytes);
  });
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
