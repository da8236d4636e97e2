// The load: signed requests over keep-alive connections, one at a time on each, every answer checked. Knows HTTP/1.1 bytes.
// Raw sockets and no client library: the generator shares the machine with what it measures.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { checkAnswer, type SignedRequest } from "./fleet.ts";

export interface LoadResult {
  readonly seconds: number;
  /** Milliseconds from a request's first byte to its answer's last, in no order. */
  readonly latencies: readonly number[];
}

/** Opens connections to an origin. */
export function openConnections(url: string, count: number): Promise<Socket[]> {
  const { hostname, port } = new URL(url);
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, "connect");
      return socket;
    }),
  );
}

/** Sends requests until there are no more, and waits for the answers. @throws Error at the first wrong answer */
export async function runLoad(
  sockets: readonly Socket[],
  nextRequest: () => SignedRequest | undefined,
): Promise<LoadResult> {
  const latencies: number[] = [];
  const started = performance.now();
  await Promise.all(sockets.map((socket) => drive(socket, nextRequest, latencies)));
  return { seconds: (performance.now() - started) / 1000, latencies };
}

function drive(socket: Socket, nextRequest: () => SignedRequest | undefined, latencies: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let current: SignedRequest | undefined;
    let sentAt = 0;
    let received: Buffer | undefined;
    const send = (): void => {
      current = nextRequest();
      if (current === undefined) {
        finish(undefined);
        return;
      }
      sentAt = performance.now();
      socket.write(current.bytes);
    };
    const receive = (chunk: Buffer): void => {
      received = received === undefined ? chunk : Buffer.concat([received, chunk]);
      try {
        const answer = readAnswer(received);
        if (answer === undefined) return;
        latencies.push(performance.now() - sentAt);
        received = undefined;
        if (current === undefined) throw new Error("an answer that nobody asked for");
        checkAnswer(answer.status, answer.body, current.deviceKey);
      } catch (error) {
        finish(error);
        return;
      }
      send();
    };
    const finish = (error: unknown): void => {
      socket.off("data", receive);
      socket.off("close", closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = (): void => finish(new Error("the server closed the connection"));
    socket.on("data", receive);
    socket.once("close", closed);
    // What went wrong shows in the close that follows.
    socket.on("error", () => undefined);
    send();
  });
}

const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** Undefined while the answer is not whole. */
function readAnswer(bytes: Buffer): { status: number; body: string } | undefined {
  const text = bytes.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const length = Number(LENGTH.exec(text.slice(0, end))?.[1]);
  if (Number.isNaN(length)) throw new Error("an answer without Content-Length");
  if (text.length < end + 4 + length) return undefined;
  return { status: Number(text.slice(9, 12)), body: text.slice(end + 4, end + 4 + length) };
}
