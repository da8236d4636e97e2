// What a connection speaks, HTTP/1 or HTTP/2, told by its first bytes. Knows neither protocol beyond those.

import type { Socket } from "node:net";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** How long a connection may say nothing before it is known what it speaks, in milliseconds. */
const FIRST_BYTES_TIMEOUT_MS = 10_000;

/** Waits for enough bytes to tell, and puts them back once it is decided. */
export function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), FIRST_BYTES_TIMEOUT_MS);
  const look = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const matches = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (matches && length < PREFACE.length) return;
    done();
    socket.unshift(seen);
    decide(matches);
  };
  // Whoever ends without a word, like a balancer that looks whether the port is open, waits for nothing.
  const giveUp = (): void => {
    socket.destroy();
  };
  const done = (): void => {
    clearTimeout(timer);
    socket.off("readable", look);
    socket.off("end", giveUp);
    socket.off("close", done);
  };
  socket.on("readable", look);
  socket.on("end", giveUp);
  socket.on("close", done);
}
