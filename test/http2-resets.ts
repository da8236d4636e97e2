// Resets of an HTTP/2 request at every stage, with every code.

import {
  DATA,
  data,
  type FrameConnection,
  frame,
  goaway,
  openStream,
  openStreamInParts,
  ping,
  resetStream,
  settings,
  windowUpdate,
} from "./frames.ts";
import { framesOf, type RawRequest } from "./http2-requests.ts";

/** Opens a connection to the listener under attack. */
type Open = () => Promise<FrameConnection>;

/** Sends a request and its resets. */
export type Reset = (open: Open, request: RawRequest) => Promise<void>;

/** Every error code of RFC 9113, section 7. */
export const CODES: readonly number[] = Array.from({ length: 14 }, (_, code) => code);
const NO_ERROR = 0;
const WINDOW = 65_535;

type Frames = readonly Buffer[];

const bodyOf = ({ body = Buffer.from("{}") }: RawRequest): Buffer => body;
const begin = (stream: number, { headers }: RawRequest): Buffer => openStream(stream, headers, false);

/** How far a request gets: all of it, or what comes before a reset. */
export const BEGINNINGS: readonly ((stream: number, request: RawRequest) => Frames)[] = [
  (stream, { headers }) => [openStream(stream, headers)],
  (stream, request) => [begin(stream, request)],
  (stream, request) => [begin(stream, request), data(stream, bodyOf(request))],
  (stream, request) => [begin(stream, request), data(stream, bodyOf(request).subarray(0, 1), false)],
  (stream, { headers }) => openStreamInParts(stream, headers, false),
];

export interface Tail {
  readonly frames: (request: RawRequest) => Frames;
  /** The client then destroys the connection, ends its side, or waits for an answer. */
  readonly ending: "close" | "end" | "wait";
}

/** The frames after a request on stream 1, and after its reset. DATA of stream 0 is a connection error. */
export const TAILS: readonly Tail[] = [
  { frames: () => [], ending: "close" },
  { frames: () => [], ending: "end" },
  { frames: () => [], ending: "wait" },
  { frames: () => [goaway(NO_ERROR)], ending: "wait" },
  { frames: () => [goaway(11)], ending: "end" },
  { frames: (request) => [data(1, bodyOf(request)).subarray(0, 10)], ending: "close" },
  { frames: ({ headers }) => [openStream(3, headers).subarray(0, 20)], ending: "end" },
  { frames: ({ headers }) => [openStreamInParts(3, headers)[0]], ending: "end" },
  { frames: () => [frame(DATA, 0, 0)], ending: "wait" },
  { frames: (request) => [windowUpdate(1, 1), data(1, bodyOf(request)), resetStream(1)], ending: "wait" },
  { frames: () => [windowUpdate(0, 0x7fff_ffff)], ending: "wait" },
  { frames: () => [settings(0), ...Array.from({ length: 5 }, ping)], ending: "end" },
];

/** The frames of a connection that ends, by an error or by the client, with a request on stream 1. */
const ENDINGS: readonly ((request: RawRequest) => Frames)[] = [
  (request) => [resetStream(1, NO_ERROR), begin(1, request)],
  ({ headers }) => {
    const [first, rest] = openStreamInParts(1, headers, false);
    return [first, resetStream(1, NO_ERROR), rest];
  },
  (request) => [framesOf(1, request), frame(DATA, 0, 0)],
  ...TAILS.flatMap(({ frames }) =>
    [[], [resetStream(1, NO_ERROR)]].map((reset) => (request: RawRequest) => [
      begin(1, request),
      ...reset,
      ...frames(request),
    ]),
  ),
];

interface Client extends Pick<FrameConnection, "write" | "isOk"> {
  /** @returns the number of a stream to open */
  readonly next: () => number;
  /** Waits for the answer of a request that is written now. */
  readonly sync: () => Promise<void>;
}

async function onConnection(open: Open, act: (client: Client) => Promise<void>): Promise<void> {
  const { write, isOk, destroy } = await open();
  let last = -1;
  const next = (): number => {
    last += 2;
    return last;
  };
  const sync = async (): Promise<void> => {
    const stream = next();
    write(openStream(stream, { ":method": "GET", ":scheme": "http", ":path": "/livez", ":authority": "localhost" }));
    if (!(await isOk(stream))) throw new Error("/livez is not 200");
  };
  try {
    await act({ write, isOk, next, sync });
  } finally {
    destroy();
  }
}

/** Resets in one piece with the request: in the first bytes of a connection, and later. */
function resetAtOnce(open: Open, request: RawRequest): Promise<void> {
  return onConnection(open, async ({ write, next, sync }) => {
    const withCode = (code: number): readonly Buffer[] =>
      BEGINNINGS.flatMap((beginning) => {
        const stream = next();
        return [...beginning(stream, request), resetStream(stream, code)];
      });
    write(settings(), ...CODES.flatMap(withCode));
    await sync();
    write(...withCode(NO_ERROR));
    await sync();
  });
}

/** Resets while the gateway waits for the body: alone, and in one piece with the body. */
function resetWhileRead(open: Open, request: RawRequest): Promise<void> {
  return onConnection(open, async ({ write, next, sync }) => {
    write(settings());
    await sync();
    const withBody = (stream: number): Buffer => data(stream, bodyOf(request));
    for (const before of [() => Buffer.alloc(0), withBody]) {
      const streams = streamPerCode(next);
      write(...streams.map(({ stream }) => openStream(stream, request.headers, false)));
      await sync();
      write(...streams.flatMap(({ stream, code }) => [before(stream), resetStream(stream, code)]));
      await sync();
    }
  });
}

/** Resets while the body of the answer waits for a window: alone, and in one piece with the window. */
function resetWhileAnswered(open: Open, request: RawRequest): Promise<void> {
  return onConnection(open, async ({ write, isOk, next, sync }) => {
    const withWindow = (stream: number): Buffer => windowUpdate(stream, WINDOW);
    write(settings(0));
    for (const before of [() => Buffer.alloc(0), withWindow]) {
      const streams = streamPerCode(next);
      write(...streams.map(({ stream }) => framesOf(stream, request)));
      await Promise.all(streams.map(({ stream }) => isOk(stream)));
      write(...streams.flatMap(({ stream, code }) => [before(stream), resetStream(stream, code)]));
      await sync();
    }
  });
}

/** A stream for each code. */
function streamPerCode(next: () => number): readonly { readonly code: number; readonly stream: number }[] {
  return CODES.map((code) => ({ code, stream: next() }));
}

/** Ends connections with a request on them. */
async function endConnections(open: Open, request: RawRequest): Promise<void> {
  for (const ending of ENDINGS) {
    const { write, end, closed } = await open();
    write(settings(), ...ending(request));
    end();
    await closed;
  }
}

/** By the place of the reset. */
export const RESETS: Readonly<Record<string, Reset>> = {
  "resets at once": resetAtOnce,
  "resets before the body": resetWhileRead,
  "resets after HEADERS of the answer": resetWhileAnswered,
  "connections that end": endConnections,
};
