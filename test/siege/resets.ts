// HTTP/2 requests that are reset, at every stage and with every code, and the frames after them.

import * as h2 from "../frames.ts";
import { type Attack, type AttackPlan, forEachIndex, LISTENERS, openOrReport, received, writeAll } from "./attack.ts";
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

type Client = Awaited<ReturnType<typeof openClient>>;

/** Opens a connection on which streams are opened one after the other. */
async function openClient(url: string) {
  const connection = await h2.openConnection(url);
  let last = -1;
  const next = (): number => {
    last += 2;
    return last;
  };
  /** Waits for the answer of a request that is written now. */
  const sync = async (): Promise<void> => {
    const stream = next();
    connection.write(framesOf(stream, get("/livez")));
    if (!(await connection.isOk(stream))) throw new Error("/livez is not 200");
  };
  return { ...connection, next, sync };
}

/** Resets streams with every code: alone, and in one piece with the frames of `before`. */
async function resetStreams(
  { write, next, sync }: Client,
  open: (stream: number) => Buffer,
  opened: (streams: readonly number[]) => Promise<unknown>,
  before: (stream: number) => Buffer,
): Promise<void> {
  for (const first of [() => Buffer.alloc(0), before]) {
    const streams = CODES.map((code) => ({ code, stream: next() }));
    write(...streams.map(({ stream }) => open(stream)));
    await opened(streams.map(({ stream }) => stream));
    write(...streams.flatMap(({ stream, code }) => [first(stream), h2.resetStream(stream, code)]));
    await sync();
  }
}

/** Resets a request, each stage on a connection of its own. */
const STAGES: Readonly<Record<string, (client: Client, request: RawRequest) => Promise<void>>> = {
  /** In one piece with the request: in the first bytes of a connection, and later. */
  async "at once"({ write, next, sync }, request) {
    const withCode = (code: number): Frames =>
      BEGINNINGS.flatMap((beginning) => {
        const stream = next();
        return [...beginning(stream, request), h2.resetStream(stream, code)];
      });
    write(h2.settings(), ...CODES.flatMap(withCode));
    await sync();
    write(...withCode(NO_ERROR));
    await sync();
  },
  async "while the gateway waits for the body"(client, request) {
    client.write(h2.settings());
    await client.sync();
    await resetStreams(
      client,
      (stream) => begin(stream, request),
      client.sync,
      (stream) => h2.data(stream, bodyOf(request)),
    );
  },
  async "while the answer waits for a window"(client, request) {
    client.write(h2.settings(0));
    await resetStreams(
      client,
      (stream) => framesOf(stream, request),
      (streams) => Promise.all(streams.map(client.isOk)),
      (stream) => h2.windowUpdate(stream, WINDOW),
    );
  },
};

/** Resets each kind of request at each listener in turn; the count is of requests. */
const resets: Attack = (target, count, findings) => {
  const requests = LISTENERS.flatMap((listener) =>
    Object.entries(http2Requests(listener, target)).map(([name, request]) => ({
      url: target[listener],
      name,
      request,
    })),
  );
  return forEachIndex(count, LANES, async (index) => {
    const { url, name, request } = requests[(index * STRIDE) % requests.length] ?? {};
    if (url === undefined || request === undefined) return;
    for (const [stage, reset] of Object.entries(STAGES)) {
      const client = await openClient(url);
      await reset(client, request).catch((error: unknown) => findings.add(`${name} reset ${stage}: ${error}`));
      client.destroy();
    }
  });
};

const BODIES: typeof BEGINNINGS = [
  ...BEGINNINGS,
  (stream, request) => [begin(stream, request, { "content-length": "3" }), h2.data(stream, bodyOf(request))],
  (stream, request) => [begin(stream, request, { expect: "100-continue" }), h2.data(stream, Buffer.alloc(5), false)],
  (stream, request) => [h2.resetStream(stream, NO_ERROR), begin(stream, request)],
  (stream, { headers }) => {
    const [first, rest] = h2.openStreamInParts(stream, headers, false);
    return [first, h2.resetStream(stream, NO_ERROR), rest];
  },
];

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
  const [code, beginning, tail] = [choose([undefined, ...CODES]), choose(BODIES), choose(TAILS)];
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
      const socket = await openOrReport(findings, target[listener], index, { allowHalfOpen: true });
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
