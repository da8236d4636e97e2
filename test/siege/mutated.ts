// Mutated requests: each is answered without a 5xx, or closed in time.

import { setTimeout as pause } from "node:timers/promises";
import * as h2 from "../frames.ts";
import {
  type Attack,
  type AttackPlan,
  forEachIndex,
  LISTENERS,
  openSocket,
  received,
  type Target,
  writeAll,
} from "./attack.ts";
import { framesOf, http1Requests, http2Requests } from "./requests.ts";

/** The time of a request, 20 s, and slack. */
const HANG_MS = 25_000;
/** Connections that wait for an answer at once: more would be a flood. */
const LANES = 100;
/** A lane continues after this time, even without an answer, in milliseconds. */
const LONGEST_OUTAGE_MS = 250;
const MOST_WAITING = 3_000;
/** One request in this many keeps its side open, so that the gateway has to time out. */
const OPEN_EVERY = 10;
const MOST_MUTATIONS = 3;

/** Numbers below a bound, the same for the same seed (mulberry32). */
type Random = (bound: number) => number;

function randomOf(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** @throws TypeError for an empty list */
function choose<Value>(choices: readonly Value[], random: Random): Value {
  const choice = choices[random(choices.length)];
  if (choice === undefined) throw new TypeError("there is nothing to choose from");
  return choice;
}

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const randomBytes = (length: number, random: Random): Buffer => Buffer.from(Array.from({ length }, () => random(256)));

/** Replaces bytes somewhere. `change`: how many of the bytes from there on go, and what comes in their place. */
const splice =
  (change: (rest: Buffer, random: Random) => readonly [removed: number, inserted: Buffer]): Mutation =>
  (bytes, random) => {
    const at = random(bytes.length);
    const [removed, inserted] = change(bytes.subarray(at), random);
    return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]);
  };

const NOTHING = Buffer.alloc(0);

/** Mutations of any protocol. */
const OF_BYTES: readonly Mutation[] = [
  splice(([first = 0], random) => [1, Buffer.of(first ^ (1 << random(8)))]),
  splice((_rest, random) => [1, Buffer.of(random(256))]),
  splice((_rest, random) => [0, randomBytes(1 + random(16), random)]),
  splice((_rest, random) => [0, Buffer.alloc(1 << random(15), random(256))]),
  splice((_rest, random) => [1 + random(32), NOTHING]),
  splice(({ length }) => [length, NOTHING]),
  splice((rest, random) => [0, rest.subarray(0, 1 + random(128))]),
];

const FRAMING = ["Content-Length", "Transfer-Encoding", "Host", "Connection", "Upgrade", "Expect", "Trailer"];
const NAMES = [...FRAMING, "Content-Encoding", "Content-Type", "X-\xff", " folded", "Name "];
const LENGTHS = ["3", "-1", "18446744073709551616", "3, 4"];
const CODINGS = ["chunked", "xchunked", "gzip, chunked", "\x0bchunked", "gzip"];
const VALUES = [...LENGTHS, ...CODINGS, "upgrade, http2-settings", "h2c", "100-continue", "other", "\xff", ""];
const VERSIONS = ["HTTP/0.9", "HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/9.9", "HTTP/11", "http/1.1", ""];
const TARGETS = ["*", "//", "http://[", "/%", "/%00", "/../..", "/auth/login?%", "a:1", `/${"a".repeat(9_000)}`, ""];
const CHUNKS = ["5\r\nab\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "0\r\n\r\n", "1;\r\na\r\n", "Z\r\n", "1\na\n"];
const METHODS = ["", "GET", "PUT", "CONNECT", "PRI", "M-SEARCH", "get"];
const LINE_ENDS = ["\n", "\r", "\r\r\n", "\n\r\n"];

/** Replaces a part of an HTTP/1 request. */
const replace =
  (part: string | RegExp, by: (random: Random, found: string) => string): Mutation =>
  (bytes, random) =>
    Buffer.from(
      bytes.toString("latin1").replace(part, (found) => by(random, found)),
      "latin1",
    );

const OF_HTTP1: readonly Mutation[] = [
  replace("\r\n", (random) => `\r\n${choose(NAMES, random)}: ${choose(VALUES, random)}\r\n`),
  replace(/(?<=\r\n)[^\r]+\r\n/, (random, line) => line.repeat(2 + random(80))),
  replace(/HTTP\/1\.\d/, (random) => choose(VERSIONS, random)),
  replace(/ \/\S*/, (random) => ` ${choose(TARGETS, random)}`),
  replace(/Content-Length: \d+/, (random) => `Content-Length: ${random(300)}`),
  replace("\r\n\r\n", (random) => `\r\n\r\n${choose(CHUNKS, random)}`),
  (bytes, random) => {
    const end = choose(LINE_ENDS, random);
    return replace(/\r\n/g, () => end)(bytes, random);
  },
  replace(/^\w+/, (random) => choose(METHODS, random)),
];

/** HTTP/2 frame types 0 to 9, and others, with any flags and stream. */
const addFrame: Mutation = (bytes, random) => {
  const added = h2.frame(random(12), random(64), random(6), randomBytes(random(32), random));
  return Buffer.concat(random(2) === 0 ? [added, bytes] : [bytes, added]);
};

/** Applies one to three mutations; something is left to send. */
function mutate(valid: Buffer, mutations: readonly Mutation[], random: Random): Buffer {
  let bytes = valid;
  for (let times = 1 + random(MOST_MUTATIONS); times > 0; times--) {
    const mutated = choose(mutations, random)(bytes, random);
    if (mutated.length > 0) bytes = mutated;
  }
  return bytes;
}

interface Protocol {
  /** Bytes before a mutated request. */
  readonly preface: Buffer;
  readonly requests: (listener: (typeof LISTENERS)[number], target: Target) => readonly Buffer[];
  readonly mutations: readonly Mutation[];
  /** Whether the bytes answer a request. */
  readonly isAnswer: (bytes: Buffer) => boolean;
  /** Whether the first answer has a status of 5xx, except one that the request asks for. */
  readonly isServerError: (answer: Buffer, sent: Buffer) => boolean;
}

/** A Connect call with an unknown compression, the only request that may be answered 501. */
const MAY_BE_501 = /\/countersign\..*\ncontent-encoding:/is;

const HTTP1: Protocol = {
  preface: NOTHING,
  requests: (_listener, target) => http1Requests(target),
  mutations: [...OF_BYTES, ...OF_HTTP1],
  isAnswer: (bytes) => /^HTTP\/1\.1 [2-5]\d\d/m.test(bytes.toString("latin1", 0, 200)),
  isServerError(answer, sent) {
    const [, status] = /^HTTP\/1\.1 (5\d\d)/m.exec(answer.toString("latin1", 0, 200)) ?? [];
    return status !== undefined && !(status === "501" && MAY_BE_501.test(sent.toString("latin1")));
  },
};

const PING_ACK = 1;
/** Whether a stream was answered or ended, or all frames were read. */
const isEnd = ({ type, flags }: h2.Frame): boolean =>
  [h2.HEADERS, h2.RST_STREAM, h2.GOAWAY].includes(type) || (type === h2.PING && flags === PING_ACK);

/** `:status` of 5xx at the start of a header block, in hex: 500 indexed, or a literal, plain or in Huffman's code (RFC 7541). */
const SERVER_ERROR = /^(8e|480335|488[23]6[c-f])/;

const HTTP2: Protocol = {
  preface: Buffer.concat([h2.PREFACE, h2.settings()]),
  // The answer to a PING shows that all frames were read.
  requests: (listener, target) =>
    Object.values(http2Requests(listener, target)).map((request) => Buffer.concat([framesOf(1, request), h2.ping()])),
  mutations: [...OF_BYTES, addFrame, addFrame],
  isAnswer: (bytes) => [...h2.readFrames(bytes)].some(isEnd),
  isServerError(bytes) {
    const { payload = NOTHING } = [...h2.readFrames(bytes)].find(({ type }) => type === h2.HEADERS) ?? {};
    return SERVER_ERROR.test(payload.toString("hex"));
  },
};

/** Sends mutated requests at both listeners in turn. Those without an answer keep waiting meanwhile. */
function sendMutated({ preface, requests, mutations, isAnswer, isServerError }: Protocol): Attack {
  return async (target, count, findings) => {
    const choices = LISTENERS.map((listener) => ({ url: target[listener], valid: requests(listener, target) }));
    const waiting = new Set<Promise<void>>();
    const send = async (index: number): Promise<void> => {
      const random = randomOf(index);
      const { url, valid } = choose(choices, random);
      const socket = await openSocket(url, index, { allowHalfOpen: true }, findings);
      if (socket === undefined) return;
      socket.once("end", () => socket.end());
      const answer = received(socket, HANG_MS, isAnswer);
      const sent = Buffer.concat([preface, mutate(choose(valid, random), mutations, random)]);
      await writeAll(socket, sent);
      if (index % OPEN_EVERY !== 0) socket.end();
      const answered = await answer;
      if (answered === undefined) findings.add("neither answered nor closed in 25 s");
      else if (isServerError(answered, sent)) findings.add("an answer of 5xx");
      socket.destroy();
    };
    await forEachIndex(count, LANES, async (index) => {
      const sent = send(index).finally(() => waiting.delete(sent));
      waiting.add(sent);
      await Promise.race([sent, pause(LONGEST_OUTAGE_MS)]);
      while (waiting.size > MOST_WAITING) await Promise.race(waiting);
    });
    await Promise.all(waiting);
  };
}

/** By attack; the count is of requests. */
export const MUTATED: Readonly<Record<string, AttackPlan>> = {
  "mutated-http1": { count: 200_000, run: sendMutated(HTTP1) },
  "mutated-http2": { count: 200_000, run: sendMutated(HTTP2) },
};
