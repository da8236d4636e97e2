// HTTP by hand over a socket, as boards do it: what is sent is exactly what is written, and what comes back is read whole.

import { connect } from "node:net";

export interface RawResponse {
  readonly status: number;
  /** Spelled as they were sent. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends bytes and reads until the server closes or the promised body is there. */
export function exchange(url: string, bytes: string | Uint8Array): Promise<RawResponse> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let received = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const response = parse(received);
      if (response === undefined) return;
      resolve(response);
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`closed after ${JSON.stringify(received.toString("latin1"))}`)));
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
