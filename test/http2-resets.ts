// Resets of an HTTP/2 request, at every place of its frames and with every code.

import {
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
import type { RawRequest } from "./http2-requests.ts";
import type { Open } from "./shared-gateway.ts";

/** Every error code of RFC 9113, section 7. */
const CODES = Array.from({ length: 14 }, (_, code) => code);
const NO_ERROR = 0;
const WINDOW = 65_535;

/** The frames of a request with its reset. */
type Sequence = (stream: number, request: RawRequest, code: number) => readonly Buffer[];

const bodyOf = ({ body = Buffer.from("{}") }: RawRequest): Buffer => body;

const SEQUENCES: readonly Sequence[] = [
  (stream, { headers }, code) => [openStream(stream, headers, false), resetStream(stream, code)],
  (stream, { headers }, code) => [openStream(stream, headers), resetStream(stream, code)],
  (stream, { headers }, code) => [...openStreamInParts(stream, headers, false), resetStream(stream, code)],
  (stream, request, code) => [
    openStream(stream, request.headers, false),
    data(stream, bodyOf(request)),
    resetStream(stream, code),
  ],
  (stream, request, code) => [
    openStream(stream, request.headers, false),
    data(stream, bodyOf(request).subarray(0, 1), false),
    resetStream(stream, code),
  ],
  (stream, request, code) => [
    openStream(stream, request.headers, false),
    resetStream(stream, code),
    data(stream, bodyOf(request)),
    windowUpdate(stream, 1),
    resetStream(stream, code),
  ],
];

/** The whole request. */
function whole(stream: number, { headers, body }: RawRequest): readonly Buffer[] {
  return body === undefined ? [openStream(stream, headers)] : [openStream(stream, headers, false), data(stream, body)];
}

/** The frames of a connection that ends, by an error or by the client, with a request on stream 1. */
const ENDINGS: readonly ((request: RawRequest) => readonly Buffer[])[] = [
  ({ headers }) => [resetStream(1, NO_ERROR), openStream(1, headers, false)],
  ({ headers }) => {
    const [first, rest] = openStreamInParts(1, headers, false);
    return [first, resetStream(1, NO_ERROR), rest];
  },
  ({ headers }) => [openStream(1, headers, false), resetStream(1, NO_ERROR), goaway(NO_ERROR)],
  ({ headers }) => [openStream(1, headers, false), goaway(NO_ERROR)],
  // DATA of stream 0 is a connection error.
  ({ headers }) => [openStream(1, headers, false), resetStream(1, NO_ERROR), frame(0, 0, 0)],
  ({ headers }) => [openStream(1, headers, false), frame(0, 0, 0)],
  (request) => [...whole(1, request), frame(0, 0, 0)],
  ({ headers }) => [openStream(1, headers, false), resetStream(1, NO_ERROR), ...Array.from({ length: 5 }, ping)],
  ({ headers }) => [openStream(1, headers, false), ...Array.from({ length: 5 }, ping)],
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
      SEQUENCES.flatMap((sequence) => sequence(next(), request, code));
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
      write(...streams.flatMap(({ stream }) => whole(stream, request)));
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
export const RESETS = {
  "resets at once": resetAtOnce,
  "resets before the body": resetWhileRead,
  "resets after HEADERS of the answer": resetWhileAnswered,
  "connections that end": endConnections,
};
