// Slow HTTP/1 clients: each connection ends in time, even if it keeps sending.

import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { openOrReport, openSocket } from "./connections.ts";
import { http1, LOGIN_BODY } from "./requests.ts";
import { type Attack, type AttackPlan, forEachIndex, heldAfter } from "./target.ts";

interface SlowClient {
  /** 5,000 when absent. */
  readonly count?: number;
  /** The public one when absent. */
  readonly listener?: "internalUrl";
  readonly first: Buffer;
  /** Sent byte by byte, repeatedly; absent: nothing is sent. */
  readonly trickle?: string;
  /** Whether it reads the gateway's bytes; true when absent. */
  readonly reads?: boolean;
  /** Seconds in which the gateway has to end the connection; those of a request when absent. */
  readonly seconds?: number;
}

const HEADERS_S = 10;
const REQUEST_S = 20;
/** Timeout of an idle connection. An unread answer in the kernel's buffer counts as sent. */
const UNREAD = { reads: false, seconds: 65 } as const;
/** Slack for the sweep of connections, once a second, and for a busy machine. */
const SLACK_MS = 4_000;
const TRICKLE_MS = 2_000;
const OPENING = 200;

const POST = "POST /auth/login HTTP/1.1";
const headOfLogin = http1(POST, ["Content-Length: 100"]);
const headOfChunked = http1(POST, ["Transfer-Encoding: chunked"]);
const documentRequest = http1("GET /openapi.json HTTP/1.1", []);
const loginRequest = http1(POST, ["Content-Type: application/json"], LOGIN_BODY);

function repeated(times: number, bytes: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}

const halfBody = Buffer.concat([headOfLogin, Buffer.of(0x7b)]);
const afterHead = (head: Buffer, bytes: string): Buffer => Buffer.concat([head, Buffer.from(bytes)]);

const CLIENTS: Readonly<Record<string, SlowClient>> = {
  "slow-headers": { first: Buffer.from(`${POST}\r\nHost: localhost\r\nX-`), trickle: "a", seconds: HEADERS_S },
  "silent-headers": { first: Buffer.from("PO"), seconds: HEADERS_S },
  "slow-bodies": { first: halfBody, trickle: " " },
  "silent-bodies": { first: halfBody },
  "slow-chunks": { first: headOfChunked, trickle: "1\r\n \r\n" },
  "slow-trailers": { first: afterHead(headOfChunked, "2\r\n{}\r\n0\r\n"), trickle: "X: a\r\n" },
  "broken-chunks": { first: afterHead(headOfChunked, "zz\r\n{}"), trickle: "a" },
  "unknown-encoding": { first: afterHead(http1(POST, ["Transfer-Encoding: xchunked"]), "{}"), trickle: " " },
  "crlf-after-answer": { first: loginRequest, trickle: "\r\n" },
  "unread-document": { first: documentRequest, ...UNREAD },
  "unread-logins": { first: repeated(5, loginRequest), ...UNREAD },
  "unread-pipeline": { count: 200, listener: "internalUrl", first: repeated(20, documentRequest), ...UNREAD },
};

/** By attack. */
export const SLOW_CLIENTS: Readonly<Record<string, AttackPlan>> = Object.fromEntries(
  Object.entries(CLIENTS).map(([name, client]) => [name, { count: client.count ?? 5_000, run: slowClients(client) }]),
);

/** Opens the connections, and expects that the gateway ends all of them in time after the last was opened. */
function slowClients({ listener, first, trickle, reads = true, seconds = REQUEST_S }: SlowClient): Attack {
  return async (target, count, findings) => {
    const sockets: Socket[] = [];
    await forEachIndex(count, OPENING, async (index) => {
      const socket = await openOrReport(findings, target[listener ?? "publicUrl"], index, { allowHalfOpen: true });
      if (socket === undefined) return;
      if (reads) socket.resume();
      else socket.pause();
      socket.once("end", () => socket.end());
      socket.write(first);
      sockets.push(socket);
    });
    const trickling = trickle === undefined ? undefined : startTrickle(sockets, trickle);
    const left = await heldAfter(target, seconds * 1_000 + SLACK_MS);
    if (left > 0) findings.add(`${left} connections were open ${seconds + SLACK_MS / 1_000} s after the last began`);
    clearInterval(trickling);
    for (const socket of sockets) socket.destroy();
  };
}

function startTrickle(sockets: readonly Socket[], bytes: string): NodeJS.Timeout {
  let sent = 0;
  return setInterval(() => {
    const byte = bytes[sent++ % bytes.length] ?? "";
    for (const socket of sockets) if (!socket.destroyed && socket.writable) socket.write(byte);
  }, TRICKLE_MS);
}

const CLOSE_AFTER_MS = 300;
/** Time in which the gateway has to close its side after the peer has. */
const CLOSED_MS = 2_000;

/** Half a body, then a close: the gateway closes its descriptors at once. */
export const closedPeers: Attack = async (target, count, findings) => {
  const sockets: Socket[] = [];
  await forEachIndex(count, OPENING, async (index) => {
    const socket = await openSocket(target.publicUrl, index);
    if (socket === undefined) return;
    socket.resume();
    socket.write(halfBody);
    sockets.push(socket);
  });
  await pause(CLOSE_AFTER_MS);
  for (const socket of sockets) socket.destroy();
  const left = await heldAfter(target, CLOSED_MS);
  if (left > 0) findings.add(`${left} connections were open 2 s after their peers had closed`);
};
