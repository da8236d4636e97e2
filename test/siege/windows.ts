// HTTP/2 streams that neither send nor read: the memory of a connection is bounded, and the streams end.

import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import {
  afterFrames,
  DATA,
  data,
  END_STREAM,
  HEADERS,
  type HeaderFields,
  openStream,
  openStreamInParts,
  PREFACE,
  RST_STREAM,
  readFrames,
  settings,
  windowUpdate,
} from "../frames.ts";
import { framesOf, get } from "../http2-requests.ts";
import { openOrReport, received } from "./connections.ts";
import { LOGIN_BODY, login } from "./requests.ts";
import { type Attack, type AttackPlan, forEachIndex } from "./target.ts";

/** The most streams that the gateway allows: it ends a connection with many more. */
const STREAMS = Array.from({ length: 20 }, (_, index) => 2 * index + 1);
/** The most answers that may stay unread for longer than a second. */
const UNREAD = STREAMS.slice(0, 8);
/** Connections opened at a time. Few, since the attack is the memory that they hold, not the rate. */
const OPENING = 5;
const FIRST_BYTES_MS = 2_000;
/** The gateway ends a stream after 20 s. */
const STREAM_MS = 20_000;
const SLACK_MS = 5_000;
const TRICKLE_MS = 1_000;
const POLL_MS = 500;
/** The least share of connections that are still open once the last has begun. */
const MIN_KEPT = 0.9;

interface HeldStreams {
  /** 2,000 connections when absent. */
  readonly count?: number;
  /** The public one when absent. */
  readonly listener?: "internalUrl";
  /** SETTINGS_INITIAL_WINDOW_SIZE. */
  readonly window?: number;
  readonly streams?: readonly number[];
  readonly frames: (stream: number) => Buffer;
  /** Sent on every stream once a second. */
  readonly trickle?: (stream: number) => Buffer;
  /** Whether a stream with progress may last. */
  readonly mayLast?: boolean;
  /** Whether the gateway may end connections early. */
  readonly mayEnd?: boolean;
}

/** Counts the streams that the gateway has ended by a complete answer or a reset. */
function countEndedStreams(socket: Socket): () => number {
  const ended = new Set<number>();
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (const { type, flags, stream } of readFrames(rest)) {
      const isLast = (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0;
      if (isLast || type === RST_STREAM) ended.add(stream);
    }
    rest = Buffer.from(afterFrames(rest));
  });
  return () => ended.size;
}

interface HeldConnection {
  readonly socket: Socket;
  readonly ended: () => number;
}

/** Opens connections with the same frames on every stream, and expects that the gateway ends every stream. */
function hold({
  count = 2_000,
  listener,
  window,
  streams = STREAMS,
  frames,
  trickle,
  mayLast = false,
  mayEnd = false,
}: HeldStreams): AttackPlan {
  const first = Buffer.concat([PREFACE, settings(window), ...streams.map(frames)]);
  const later = trickle === undefined ? undefined : Buffer.concat(streams.map(trickle));
  const run: Attack = async (target, count, findings) => {
    const held: HeldConnection[] = [];
    const timer = setInterval(() => {
      for (const { socket } of held) if (later !== undefined && socket.writable) socket.write(later);
    }, TRICKLE_MS);
    await forEachIndex(count, OPENING, async (index) => {
      const socket = await openOrReport(findings, target[listener ?? "publicUrl"], index);
      if (socket === undefined) return;
      held.push({ socket, ended: countEndedStreams(socket) });
      const firstBytes = received(socket, FIRST_BYTES_MS, () => true);
      socket.write(first);
      await firstBytes;
    });
    const kept = held.filter(({ socket }) => !socket.closed).length;
    if (kept < count * MIN_KEPT && !mayEnd)
      findings.add(`the gateway had ended ${count - kept} of ${count} connections`);
    const deadline = performance.now() + STREAM_MS + SLACK_MS;
    const open = (): number =>
      held.reduce((sum, { socket, ended }) => sum + (socket.closed ? 0 : streams.length - ended()), 0);
    while (open() > 0 && performance.now() < deadline) await pause(POLL_MS);
    const left = open();
    if (left > 0 && !mayLast) findings.add(`${left} streams were open 25 s after the last began`);
    clearInterval(timer);
    for (const { socket } of held) socket.destroy();
  };
  return { count, run };
}

const half = (stream: number, headers: HeaderFields): Buffer =>
  Buffer.concat([openStream(stream, headers, false), data(stream, LOGIN_BODY.subarray(0, -1), false)]);
const CALL = "/countersign.auth.v1.AuthService/Login";
const grpc = { ...login().headers, ":path": CALL, "content-type": "application/grpc", te: "trailers" };

/** A message that declares 1,000 bytes and has 600. */
const HALF_MESSAGE = Buffer.concat([Buffer.of(0, 0, 0, 0x03, 0xe8), Buffer.alloc(600, 1)]);

/** 20 requests for a file and its imports, 28 KB each; `file_containing_symbol` is field 4. */
const ADMIN = Buffer.from("countersign.admin.v1.AdminService");
const ask = Buffer.concat([Buffer.of(0, 0, 0, 0, ADMIN.length + 2, 0x22, ADMIN.length), ADMIN]);
const REFLECT = { ...grpc, ":path": "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo" };

/** By attack; the count is of connections. */
export const HELD_STREAMS: Readonly<Record<string, AttackPlan>> = {
  "window-0-documents": hold({
    window: 0,
    streams: UNREAD,
    frames: (stream) => framesOf(stream, get("/openapi.json")),
  }),
  "window-0-404": hold({
    window: 0,
    streams: UNREAD,
    frames: (stream) => framesOf(stream, get(`/nothing/${"a".repeat(200)}`)),
  }),
  "window-0-logins": hold({ window: 0, streams: UNREAD, frames: (stream) => framesOf(stream, login()) }),
  "window-0-all-streams": hold({ window: 0, mayEnd: true, frames: (stream) => framesOf(stream, login()) }),
  "window-0-reflection": hold({
    listener: "internalUrl",
    window: 0,
    streams: UNREAD,
    frames: (stream) =>
      Buffer.concat([openStream(stream, REFLECT, false), data(stream, Buffer.concat(Array(20).fill(ask)))]),
  }),
  "window-by-byte": hold({
    count: 500,
    window: 0,
    streams: UNREAD,
    mayLast: true,
    frames: (stream) => framesOf(stream, get("/openapi.json")),
    trickle: (stream) => windowUpdate(stream, 1),
  }),
  "half-bodies": hold({ count: 500, frames: (stream) => half(stream, login().headers) }),
  "half-messages": hold({
    count: 500,
    frames: (stream) => Buffer.concat([openStream(stream, grpc, false), data(stream, HALF_MESSAGE, false)]),
  }),
  "slow-bodies-http2": hold({
    count: 500,
    frames: (stream) => half(stream, login().headers),
    trickle: (stream) => data(stream, Buffer.from(" "), false),
  }),
  "half-headers-http2": hold({
    streams: [1],
    frames: (stream) => openStreamInParts(stream, login().headers)[0],
  }),
};
