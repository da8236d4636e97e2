// Clients that hold connections or HTTP/2 streams as long as possible.

import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import * as h2 from "../frames.ts";
import { type AttackPlan, forEachIndex, heldConnections, leftAfter, openSocket, received } from "./attack.ts";
import { framesOf, get, grpc, http1, LOGIN, LOGIN_BODY, type RawRequest } from "./requests.ts";

interface Client {
  /** Connections at full scale; 5,000 when absent. */
  readonly count?: number;
  /** The public one when absent. */
  readonly listener?: "internalUrl";
  /** The first bytes of a connection. */
  readonly first: Buffer;
  /** Sent in turn, one every two seconds. */
  readonly trickle?: readonly Buffer[];
  /** Whether it reads the gateway's bytes; true when absent. */
  readonly reads?: boolean;
  /** Whether it closes its connections itself. */
  readonly closes?: boolean;
  /** HTTP/2 streams of a connection, which the gateway has to end; absent: it has to end the connection. */
  readonly streams?: number;
  /** Time to end everything after the last connection began; that of a request when absent. */
  readonly seconds?: number;
  /** Whether what makes progress may last longer. */
  readonly mayLast?: boolean;
  /** Whether the gateway may end some before all have begun. */
  readonly mayEnd?: boolean;
}

/** Slack for the sweep of connections, once a second, and for a busy machine. */
const SLACK_S = 4;
const HEADERS_S = 10 + SLACK_S;
const REQUEST_S = 20 + SLACK_S;
/** Timeout of an idle connection. An unread answer in the kernel's buffer counts as sent. */
const UNREAD = { reads: false, seconds: 65 + SLACK_S } as const;
const CLOSED = { closes: true, seconds: 2 };
const TRICKLE_MS = 2_000;
const FIRST_BYTES_MS = 2_000;
const CLOSE_AFTER_MS = 300;
/** The least share that is open once the last has begun: otherwise the attack holds nothing. */
const LEAST_OPEN = 0.9;
/** Time in which the gateway accepts the last connections, on a busy machine too. */
const ACCEPT_S = 5;
/** HTTP/1 connections opened at a time. */
const OPENING = 200;
/** Few, since the attack is the memory that they hold, not the rate. */
const OPENING_HTTP2 = 5;

/** Opens connections that send the same bytes, and expects that the gateway ends them, or their streams, in time. */
function hold(client: Client): AttackPlan {
  const { count: fullCount = 5_000, listener = "publicUrl", first, trickle = [], reads = true, streams } = client;
  const { seconds = REQUEST_S, closes = false, mayLast = false, mayEnd = false } = client;
  return {
    count: fullCount,
    async run(target, count, findings) {
      const sockets: Socket[] = [];
      const openStreams: (() => number)[] = [];
      let turns = 0;
      const trickling = setInterval(() => {
        const bytes = trickle[turns++ % trickle.length];
        for (const socket of sockets) if (bytes !== undefined && socket.writable) socket.write(bytes);
      }, TRICKLE_MS);
      await forEachIndex(count, streams === undefined ? OPENING : OPENING_HTTP2, async (index) => {
        const socket = await openSocket(target[listener], index, { allowHalfOpen: true }, findings);
        if (socket === undefined) return;
        sockets.push(socket);
        socket.once("end", () => socket.end());
        if (reads) socket.resume();
        else socket.pause();
        socket.write(first);
        if (streams === undefined) return;
        openStreams.push(countOpenStreams(socket, streams));
        await received(socket, FIRST_BYTES_MS);
      });
      const isOfStreams = streams !== undefined;
      const what = isOfStreams ? "streams" : "connections";
      const countOpen = (): number =>
        isOfStreams ? openStreams.reduce((sum, open) => sum + open(), 0) : heldConnections(target);
      if (closes) await pause(CLOSE_AFTER_MS);
      const all = count * (streams ?? 1);
      const areFew = (): number => (countOpen() < all * LEAST_OPEN ? 1 : 0);
      if (!mayEnd && (await leftAfter(ACCEPT_S, areFew)) > 0) findings.add(`few of ${all} ${what} were open together`);
      if (closes) for (const socket of sockets) socket.destroy();
      const left = await leftAfter(seconds, countOpen);
      if (left > 0 && !mayLast) findings.add(`${left} ${what} were open ${seconds} s after the last began`);
      clearInterval(trickling);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Counts the streams that the gateway has not ended by a complete answer, a reset or the end of the connection. */
function countOpenStreams(socket: Socket, streams: number): () => number {
  const ended = new Set<number>();
  h2.onFrames(socket, (frames) => {
    for (const one of frames) if (h2.isLast(one) || one.type === h2.RST_STREAM) ended.add(one.stream);
  });
  return () => (socket.closed ? 0 : streams - ended.size);
}

const join = (...parts: readonly (Buffer | string)[]): Buffer => Buffer.concat(parts.map((part) => Buffer.from(part)));
const byByte = (text: string): readonly Buffer[] => [...text].map((byte) => Buffer.from(byte));

const POST = "POST /auth/login HTTP/1.1";
const chunkedHead = http1(POST, ["Transfer-Encoding: chunked"]);
const halfBody = join(http1(POST, ["Content-Length: 100"]), "{");
const document = http1("GET /openapi.json HTTP/1.1");
const login = http1(POST, ["Content-Type: application/json"], LOGIN_BODY);
const repeated = (times: number, bytes: Buffer): Buffer => Buffer.concat(Array(times).fill(bytes));

interface Streams extends Omit<Client, "first" | "trickle"> {
  readonly streams: number;
  /** SETTINGS_INITIAL_WINDOW_SIZE. */
  readonly window?: number;
  /** The frames of each stream, and those that follow every two seconds. */
  readonly frames: (stream: number) => Buffer;
  readonly later?: (stream: number) => Buffer;
}

/** HTTP/2 connections with the same frames on every stream. */
function holdStreams({ window, frames, later, ...client }: Streams): AttackPlan {
  const each = (framesOn: (stream: number) => Buffer): Buffer[] =>
    Array.from({ length: client.streams }, (_, index) => framesOn(2 * index + 1));
  const trickle = later === undefined ? [] : [join(...each(later))];
  return hold({ count: 2_000, ...client, first: join(h2.PREFACE, h2.settings(window), ...each(frames)), trickle });
}

/** The most streams that the gateway allows: it ends a connection with many more. */
const ALL = 20;
/** The most answers that may stay unread for longer than a second. */
const UNREAD_STREAMS = { streams: 8, window: 0 };
/** The most streaming calls of a connection. */
const STREAMING_CALLS = 2;

const whole =
  (request: RawRequest) =>
  (stream: number): Buffer =>
    framesOf(stream, request);
const unfinished =
  ({ headers }: RawRequest, body: Buffer) =>
  (stream: number): Buffer =>
    join(h2.openStream(stream, headers, false), h2.data(stream, body, false));
const halfLogin = unfinished(LOGIN, LOGIN_BODY.subarray(0, -1));
/** A message that declares 1,000 bytes and has 600. */
const HALF_MESSAGE = join(Buffer.of(0, 0, 0, 0x03, 0xe8), Buffer.alloc(600, 1));

/** Requests for a file and its imports, 28 KB each; `file_containing_symbol` is field 4. */
const ADMIN = "countersign.admin.v1.AdminService";
const FILE_REQUEST = join(Buffer.of(0, 0, 0, 0, ADMIN.length + 2, 0x22, ADMIN.length), ADMIN);
const REFLECTION = {
  ...grpc("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
  body: repeated(20, FILE_REQUEST),
};

/** By attack; the count is of connections. */
export const HELD: Readonly<Record<string, AttackPlan>> = {
  "slow-headers": hold({ first: join(`${POST}\r\nHost: localhost\r\nX-`), trickle: byByte("a"), seconds: HEADERS_S }),
  "silent-headers": hold({ first: join("PO"), seconds: HEADERS_S }),
  "slow-bodies": hold({ first: halfBody, trickle: byByte(" ") }),
  "silent-bodies": hold({ first: halfBody }),
  "slow-chunks": hold({ first: chunkedHead, trickle: byByte("1\r\n \r\n") }),
  "slow-trailers": hold({ first: join(chunkedHead, "2\r\n{}\r\n0\r\n"), trickle: byByte("X: a\r\n") }),
  "broken-chunks": hold({ first: join(chunkedHead, "zz\r\n{}"), trickle: byByte("a"), mayEnd: true }),
  "unknown-encoding": hold({
    first: join(http1(POST, ["Transfer-Encoding: xchunked"]), "{}"),
    trickle: byByte(" "),
    mayEnd: true,
  }),
  "crlf-after-answer": hold({ first: login, trickle: byByte("\r\n") }),
  "unread-document": hold({ first: document, ...UNREAD }),
  "unread-logins": hold({ first: repeated(5, login), ...UNREAD }),
  "unread-pipeline": hold({ count: 200, listener: "internalUrl", first: repeated(20, document), ...UNREAD }),
  "closed-peers": hold({ count: 3_000, first: halfBody, ...CLOSED }),
  "window-0-documents": holdStreams({ ...UNREAD_STREAMS, frames: whole(get("/openapi.json")) }),
  "window-0-404": holdStreams({ ...UNREAD_STREAMS, frames: whole(get(`/nothing/${"a".repeat(200)}`)) }),
  "window-0-logins": holdStreams({ ...UNREAD_STREAMS, frames: whole(LOGIN) }),
  "window-0-all-streams": holdStreams({ streams: ALL, window: 0, frames: whole(LOGIN), mayEnd: true }),
  "window-0-reflection": holdStreams({
    ...UNREAD_STREAMS,
    streams: STREAMING_CALLS,
    listener: "internalUrl",
    frames: whole(REFLECTION),
  }),
  "window-by-byte": holdStreams({
    ...UNREAD_STREAMS,
    count: 500,
    frames: whole(get("/openapi.json")),
    later: (stream) => h2.windowUpdate(stream, 1),
    mayLast: true,
  }),
  "half-bodies": holdStreams({ count: 500, streams: ALL, frames: halfLogin }),
  "half-messages": holdStreams({
    count: 500,
    streams: ALL,
    frames: unfinished(grpc("/countersign.auth.v1.AuthService/Login"), HALF_MESSAGE),
  }),
  "slow-bodies-http2": holdStreams({
    count: 500,
    streams: ALL,
    frames: halfLogin,
    later: (stream) => h2.data(stream, Buffer.from(" "), false),
  }),
  "half-headers-http2": holdStreams({ streams: 1, frames: (stream) => h2.openStreamInParts(stream, LOGIN.headers)[0] }),
};
