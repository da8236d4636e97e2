// Mutated requests: no 5xx, and each connection is answered or closed in time.

import { setTimeout as pause } from "node:timers/promises";
import {
  type Frame,
  frame,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  ping,
  RST_STREAM,
  readFrames,
  settings,
} from "../frames.ts";
import { framesOf } from "../http2-requests.ts";
import { openOrReport, received, writeAll } from "./connections.ts";
import { choose, type Mutation, mutate, OF_BYTES, OF_HTTP1, randomOf } from "./mutations.ts";
import { http1Requests, http2Requests, openSession } from "./requests.ts";
import { type Attack, type Findings, forEachIndex, LISTENERS } from "./target.ts";

/** The time of a request, 20 s, and slack. */
const HANG_MS = 25_000;
/** Connections that wait for an answer at once: more would be a flood. */
const LANES = 100;
/** A lane continues after this time, even without an answer, in milliseconds. */
const LONGEST_OUTAGE_MS = 250;
const MOST_WAITING = 3_000;
/** One request in this many keeps its side open, so that the gateway has to time out. */
const OPEN_EVERY = 10;
const PING_ACK = 1;

interface Sent {
  readonly index: number;
  readonly bytes: Buffer;
  /** Whether the bytes answer the request. */
  readonly isAnswer: (bytes: Buffer) => boolean;
  readonly isServerError: (bytes: Buffer) => boolean;
}

/** Sends bytes on a new connection, and waits for an answer. */
async function sendAlone(
  url: string,
  { index, bytes, isAnswer, isServerError }: Sent,
  findings: Findings,
): Promise<void> {
  const socket = await openOrReport(findings, url, index, { allowHalfOpen: true });
  if (socket === undefined) return;
  socket.once("end", () => socket.end());
  const answer = received(socket, HANG_MS, isAnswer);
  await writeAll(socket, bytes);
  if (index % OPEN_EVERY !== 0) socket.end();
  const answered = await answer;
  if (answered === undefined) findings.add("neither answered nor closed in 25 s");
  else if (isServerError(answered)) findings.add("an answer of 5xx");
  socket.destroy();
}

/** Sends `count` requests. Those without an answer keep waiting meanwhile. */
async function sendAll(count: number, send: (index: number) => Promise<void>): Promise<void> {
  const waiting = new Set<Promise<void>>();
  await forEachIndex(count, LANES, async (index) => {
    const sent = send(index).finally(() => waiting.delete(sent));
    waiting.add(sent);
    await Promise.race([sent, pause(LONGEST_OUTAGE_MS)]);
    while (waiting.size > MOST_WAITING) await Promise.race(waiting);
  });
  await Promise.all(waiting);
}

const HTTP1_STATUS = /^HTTP\/1\.1 [2-5]\d\d/m;

/** Mutated HTTP/1 requests, at both listeners in turn. */
export const mutatedHttp1: Attack = async (target, count, findings) => {
  const requests = http1Requests(target, await openSession(target));
  const mutations: readonly Mutation[] = [...OF_BYTES, ...OF_HTTP1];
  return sendAll(count, async (index) => {
    const random = randomOf(index);
    const bytes = mutate(choose(requests, random), mutations, random);
    const sent = {
      index,
      bytes,
      isAnswer: (answer: Buffer) => HTTP1_STATUS.test(answer.toString("latin1", 0, 200)),
      isServerError: (answer: Buffer) => /^HTTP\/1\.1 5/m.test(answer.toString("latin1", 0, 200)),
    };
    await sendAlone(target[choose(LISTENERS, random)], sent, findings);
  });
};

/** HTTP/2 frame types 0 to 9, and others, with any flags and stream. */
const addFrame: Mutation = (bytes, random) => {
  const payload = Buffer.from(Array.from({ length: random(32) }, () => random(256)));
  const added = frame(random(12), random(64), random(6), payload);
  return random(2) === 0 ? Buffer.concat([added, bytes]) : Buffer.concat([bytes, added]);
};

/** Whether a stream was answered or ended, or all frames were read. */
function isHttp2Answer(bytes: Buffer): boolean {
  const ends = ({ type, flags }: Frame): boolean =>
    [HEADERS, RST_STREAM, GOAWAY].includes(type) || (type === PING && flags === PING_ACK);
  return [...readFrames(bytes)].some(ends);
}

/** `:status` of the static table, as indexed fields (RFC 7541, appendix A). */
const INDEXED_500 = 0x8e;
/** A literal with the name `:status`, which is entry 8: indexed, or not, or never. */
const LITERAL_STATUS = [0x48, 0x08, 0x18];
/** The digit 5: plain, and in six bits of the Huffman code (RFC 7541, appendix B). */
const FIVE = { plain: 0x35, huffman: 0b011011 };

/** Whether the first answer of a connection has a status of 5xx. */
function isServerError(bytes: Buffer): boolean {
  const answer = [...readFrames(bytes)].find(({ type }) => type === HEADERS);
  if (answer === undefined) return false;
  const [first = 0, length = 0, digit = 0] = answer.payload;
  if (first === INDEXED_500) return true;
  if (!LITERAL_STATUS.includes(first)) return false;
  return length >= 0x80 ? digit >> 2 === FIVE.huffman : digit === FIVE.plain;
}

/** Mutated HTTP/2 requests, at both listeners in turn; a PING follows each. */
export const mutatedHttp2: Attack = async (target, count, findings) => {
  const session = await openSession(target);
  const requests = {
    publicUrl: http2Requests("publicUrl", target, session),
    internalUrl: http2Requests("internalUrl", target, session),
  };
  const mutations: readonly Mutation[] = [...OF_BYTES, addFrame, addFrame];
  const preface = Buffer.concat([PREFACE, settings()]);
  return sendAll(count, async (index) => {
    const random = randomOf(index);
    const listener = choose(LISTENERS, random);
    const valid = Buffer.concat([framesOf(1, choose(requests[listener], random)), ping()]);
    const frames = mutate(valid, mutations, random);
    const bytes = Buffer.concat([preface, frames]);
    await sendAlone(target[listener], { index, bytes, isAnswer: isHttp2Answer, isServerError }, findings);
  });
};
