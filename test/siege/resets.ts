// HTTP/2 requests that are reset at every stage, with every code.

import * as h2 from "../frames.ts";
import { type Attack, type AttackPlan, forEachIndex, LISTENERS, openSocket, received, writeAll } from "./attack.ts";
import { framesOf, get, http2Requests, type RawRequest } from "./requests.ts";

type Frames = readonly Buffer[];

/** Every error code of RFC 9113, section 7. */
const CODES: readonly number[] = Array.from({ length: 14 }, (_, code) => code);
const NO_ERROR = 0;
const WINDOW = 65_535;

const bodyOf = ({ body = Buffer.from("{}") }: RawRequest): Buffer => body;
const begin = (stream: number, { headers }: RawRequest, more = {}): Buffer =>
  h2.openStream(stream, { ...headers, ...more }, false);

/** How far a request gets: all of it, or what comes before a reset. */
const BEGINNINGS: readonly ((stream: number, request: RawRequest) => Frames)[] = [
  (stream, { headers }) => [h2.openStream(stream, headers)],
  (stream, request) => [begin(stream, request)],
  (stream, request) => [begin(stream, request), h2.data(stream, bodyOf(request))],
  (stream, request) => [begin(stream, request), h2.data(stream, bodyOf(request).subarray(0, 1), false)],
  (stream, { headers }) => h2.openStreamInParts(stream, headers, false),
  (stream, request) => [begin(stream, request, { "content-length": "3" }), h2.data(stream, bodyOf(request))],
  (stream, request) => [begin(stream, request, { expect: "100-continue" }), h2.data(stream, Buffer.alloc(5), false)],
  (stream, request) => [h2.resetStream(stream, NO_ERROR), begin(stream, request)],
  (stream, { headers }) => {
    const [first, rest] = h2.openStreamInParts(stream, headers, false);
    return [first, h2.resetStream(stream, NO_ERROR), rest];
  },
];

interface Tail {
  readonly frames: (request: RawRequest) => Frames;
  /** The client then destroys the connection, ends its side, or waits for an answer. */
  readonly ending: "close" | "end" | "wait";
}

/** The frames after a request on stream 1, and after its reset. DATA of stream 0 is a connection error. */
const TAILS: readonly Tail[] = [
  { frames: () => [], ending: "close" },
  { frames: () => [], ending: "end" },
  { frames: () => [], ending: "wait" },
  { frames: () => [h2.goaway(NO_ERROR)], ending: "wait" },
  { frames: () => [h2.goaway(11)], ending: "end" },
  { frames: (request) => [h2.data(1, bodyOf(request)).subarray(0, 10)], ending: "close" },
  { frames: ({ headers }) => [h2.openStream(3, headers).subarray(0, 20)], ending: "end" },
  { frames: ({ headers }) => [h2.openStreamInParts(3, headers)[0]], ending: "end" },
  { frames: () => [h2.frame(h2.DATA, 0, 0)], ending: "wait" },
  { frames: (request) => [h2.windowUpdate(1, 1), h2.data(1, bodyOf(request)), h2.resetStream(1)], ending: "wait" },
  { frames: () => [h2.windowUpdate(0, 0x7fff_ffff)], ending: "wait" },
  { frames: () => [h2.settings(0), ...Array.from({ length: 5 }, h2.ping)], ending: "end" },
];

/** A stage at which requests are reset. */
interface Stage {
  /** SETTINGS_INITIAL_WINDOW_SIZE. */
  readonly window?: number;
  readonly open: (stream: number, request: RawRequest) => Buffer;
  /** Whether the answer has begun. */
  readonly isAnswered: boolean;
  /** Frames in one piece with the reset that follows, at the second try. */
  readonly before: (stream: number, request: RawRequest) => Buffer;
}

const STAGES: Readonly<Record<string, Stage>> = {
  "in one piece with the request": {
    open: (stream, request) =>
      Buffer.concat([framesOf(stream, request), h2.resetStream(stream, (stream >> 1) % CODES.length)]),
    isAnswered: false,
    before: () => Buffer.alloc(0),
  },
  "while the gateway waits for the body": {
    open: (stream, request) => begin(stream, request),
    isAnswered: false,
    before: (stream, request) => h2.data(stream, bodyOf(request)),
  },
  "while the answer waits for a window": {
    window: 0,
    open: framesOf,
    isAnswered: true,
    before: (stream) => h2.windowUpdate(stream, WINDOW),
  },
};

/** Resets streams of one connection with every code. Another request is answered before and after each try. */
async function resetStreams(url: string, request: RawRequest, { window, open, isAnswered, before }: Stage) {
  const { write, isOk, destroy } = await h2.openConnection(url);
  let streams = 0;
  const next = (): number => 2 * streams++ + 1;
  const sync = async (): Promise<void> => {
    const stream = next();
    write(framesOf(stream, get("/livez")));
    if (!(await isOk(stream))) throw new Error("/livez is not 200");
  };
  write(h2.settings(window));
  try {
    for (const first of [() => Buffer.alloc(0), before]) {
      const opened = CODES.map((code) => ({ code, stream: next() }));
      write(...opened.map(({ stream }) => open(stream, request)));
      if (isAnswered) await Promise.all(opened.map(({ stream }) => isOk(stream)));
      await sync();
      write(...opened.flatMap(({ stream, code }) => [first(stream, request), h2.resetStream(stream, code)]));
      await sync();
    }
  } finally {
    destroy();
  }
}

/** Resets each kind of request at each listener in turn; the count is of requests. */
const resets: Attack = (target, count, findings) => {
  const requests = LISTENERS.flatMap((listener) =>
    Object.entries(http2Requests(listener, target)).map((entry) => [target[listener], ...entry] as const),
  );
  return forEachIndex(count, LANES, async (index) => {
    const [url, what, request] = requests[(index * STRIDE) % requests.length] ?? [];
    if (url === undefined || request === undefined) return;
    for (const [name, stage] of Object.entries(STAGES)) {
      await resetStreams(url, request, stage).catch((error: unknown) =>
        findings.add(`${what} reset ${name}: ${error}`),
      );
    }
  });
};

/** Prime, so that any number of consecutive indexes is spread over all combinations. */
const STRIDE = 7_919;
const CONCURRENCY = 200;
const LANES = 8;
const ANSWER_MS = 2_000;

/** The sequence with this index, of every combination of paths, methods, content types, bodies, resets and tails. */
function sequenceOf(index: number, requests: readonly RawRequest[], body: Buffer) {
  let rest = index * STRIDE;
  const choose = <Value>(choices: readonly Value[]): Value | undefined => {
    const choice = choices[rest % choices.length];
    rest = Math.floor(rest / choices.length);
    return choice;
  };
  const chooseField = (name: string): Record<string, string> => {
    const value = choose([...new Set(requests.map(({ headers }) => headers[name]))]);
    return value === undefined ? {} : { [name]: value };
  };
  const method = chooseField(":method");
  const path = { ":scheme": "http", ...chooseField(":path") };
  const headers = {
    ...method,
    ...(method[":method"] !== "CONNECT" && path),
    ":authority": "localhost",
    ...chooseField("content-type"),
  };
  const request = { headers, body };
  const [code, beginning, tail] = [choose([undefined, ...CODES]), choose(BEGINNINGS), choose(TAILS)];
  const reset = code === undefined ? [] : [h2.resetStream(1, code)];
  const frames = [...(beginning?.(1, request) ?? []), ...reset, ...(tail?.frames(request) ?? [])];
  return { bytes: Buffer.concat([h2.PREFACE, h2.settings(), ...frames]), ending: tail?.ending };
}

/** Sends each sequence on a connection of its own, in one piece. */
function frameSequences(listener: "publicUrl" | "internalUrl"): Attack {
  return (target, count, findings) => {
    const requests = Object.values(http2Requests(listener, target));
    const body = Buffer.from(JSON.stringify(target.login));
    return forEachIndex(count, CONCURRENCY, async (index) => {
      const socket = await openSocket(target[listener], index, { allowHalfOpen: true }, findings);
      if (socket === undefined) return;
      const { bytes, ending } = sequenceOf(index, requests, body);
      // The gateway's SETTINGS show that it has accepted the connection.
      const firstBytes = received(socket, ANSWER_MS);
      await writeAll(socket, bytes);
      if (ending === "end") socket.end();
      if (ending !== "close") await firstBytes;
      socket.destroy();
    });
  };
}

/** By attack. */
export const RESETS: Readonly<Record<string, AttackPlan>> = {
  "frames-public": { count: 30_000, run: frameSequences("publicUrl") },
  "frames-internal": { count: 30_000, run: frameSequences("internalUrl") },
  resets: { count: 800, run: resets },
};
