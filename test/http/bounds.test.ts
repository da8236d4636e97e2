// The bounds of connections: time, bytes, streams and number.

import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { CrowdWatch } from "../../src/http/crowd.ts";
import { type ListenerOptions, listen } from "../../src/http/listener.ts";
import type { Answer, Exchange } from "../../src/protocols/exchange.ts";
import { data, openConnection, openStream, resetStream, settings } from "../frames.ts";
import { exchange, exchangeOn, openSocket } from "./raw-http.ts";

const OK: Answer = { status: 200, headers: [], body: "ok" };
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = { ":method": "POST", ":path": "/", ":scheme": "http", ":authority": "a" };
const SLOW = { ...POST, ":path": "/slow" };

/** A listener that answers 200 at once, and at /slow after the body has failed. With `serve`, that function answers instead. */
async function open({ serve, ...options }: Partial<ListenerOptions> = {}) {
  const faults: unknown[] = [];
  /** The bodies of requests to /slow. */
  const bodies: Promise<unknown>[] = [];
  let arrived = Promise.withResolvers<Exchange>();
  const serveSlowly = (one: Exchange): void => {
    if (one.target !== "/slow") {
      one.send(OK);
      return;
    }
    const body = one.readBody(1_000);
    body.catch(() => one.send(OK));
    bodies.push(body);
  };
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    onFault: (error) => faults.push(error),
    ...options,
    serve: (one) => {
      arrived.resolve(one);
      arrived = Promise.withResolvers();
      (serve ?? serveSlowly)(one);
    },
  });
  onTestFinished(async () => void (await listener.close(0)));
  return { url: listener.url, nextRequest: () => arrived.promise, faults, bodies };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** An HTTP/2 connection, which ends with the test, after its first frames. */
async function openHttp2({ url }: Opened, frames: readonly Buffer[] = [], window?: number) {
  const connection = await openConnection(url);
  onTestFinished(connection.destroy);
  connection.write(settings(window), ...frames);
  /** Opens a stream, whose answer is `ok`. */
  const expectAnswer = async (stream: number): Promise<void> => {
    connection.write(openStream(stream, POST));
    expect(String(await connection.bodyOf(stream))).toBe("ok");
  };
  return { ...connection, expectAnswer };
}

/** Waits until the listener has the request of these frames. */
async function begin(opened: Opened, frames: readonly Buffer[], window?: number) {
  const arrived = opened.nextRequest();
  const connection = await openHttp2(opened, frames, window);
  return { ...connection, request: await arrived };
}

/** An HTTP/1 connection, which ends with the test. @returns a function that sends GET on it */
function keepOpen({ url }: Opened): () => Promise<number> {
  const socket = openSocket(url);
  return async () => (await exchangeOn(socket, GET)).status;
}

const closed = (socket: Socket): Promise<unknown> => once(socket.resume(), "close");

test.each<[string, number, string]>([
  ["a chunk size that is not a number", 400, "zz\r\n"],
  ["17 KB of chunk extensions", 413, `1;${"x".repeat(17_000)}\r\n`],
  ["17 KB of trailers", 431, `1\r\na\r\n0\r\nX: ${"x".repeat(17_000)}\r\n\r\n`],
])("%s fails the body with %i, and the connection ends", async (_name, status, chunks) => {
  const { url, bodies } = await open();
  const socket = openSocket(url);
  socket.write(`POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
  const [answer] = await Promise.all([text(socket), once(socket, "close")]);
  await expect(bodies[0]).rejects.toThrow();
  expect(answer).toContain(`HTTP/1.1 ${status} `);
});

const slow = (headers: Record<string, string> = {}): Buffer => openStream(1, { ...SLOW, ...headers }, false);
const piece = (bytes: string, ends = false): Buffer => data(1, Buffer.from(bytes), ends);

describe("HTTP/2", () => {
  const declared = slow({ "content-length": "2" });

  test.each<[string, readonly Buffer[], Buffer, string]>([
    ["is reset with code 0", [slow(), piece("a")], resetStream(1, 0), "ok"],
    ["is reset with code 8", [slow(), piece("a")], resetStream(1, 8), "ok"],
    ["is shorter than its Content-Length", [declared], piece("a", true), "ok"],
    ["is longer than its Content-Length", [declared], piece("abc"), "closed"],
  ])("a body that %s fails, and is not a fault", async (_name, before, after, others) => {
    const opened = await open();
    const { write, bodyOf } = await begin(opened, before);
    write(after, openStream(3, POST));
    expect(await bodyOf(3).then(String, () => "closed")).toBe(others);
    await expect(opened.bodies[0]).rejects.toThrow("the caller has gone");
    expect(opened.faults).toEqual([]);
  });

  test("while very many streams are open, a connection gets at most eight", async () => {
    const opened = await open({ maxConnections: 10 });
    const openMany = (count: number) =>
      openHttp2(
        opened,
        Array.from({ length: count }, (_, index) => openStream(2 * index + 1, SLOW, false)),
      );
    const few = await openMany(1);
    const many = await openMany(12);
    await few.expectAnswer(3);
    await expect.poll(() => opened.bodies.length).toBe(10);
    many.destroy();
    await many.closed;
    await openMany(9);
    await expect.poll(() => opened.bodies.length).toBe(19);
  });
});

describe("connections", () => {
  test.each(["maxConnections", "maxConnectionsPerAddress"] as const)(
    "over %s a new connection is refused and the old ones stay",
    async (limit) => {
      let refused = 0;
      const opened = await open({ [limit]: 1, onConnectionRefused: () => refused++ });
      const ask = keepOpen(opened);
      expect(await ask()).toBe(200);
      await closed(openSocket(opened.url));
      expect([refused, await ask()]).toEqual([1, 200]);
    },
  );

  test("a trusted address has no limit of connections", async () => {
    const opened = await open({ maxConnectionsPerAddress: 1, isTrusted: (address) => address === "127.0.0.1" });
    for (const ask of [keepOpen(opened), keepOpen(opened)]) expect(await ask()).toBe(200);
  });

  test("a closed connection no longer counts", async () => {
    const { url } = await open({ maxConnectionsPerAddress: 1 });
    await exchange(url, GET);
    // The server sees the close after the client.
    await expect.poll(async () => (await exchange(url, GET)).status).toBe(200);
  });

  test.each([1, 2])("a bug ends its own connection only (HTTP/%i)", async (version) => {
    const bug = new Error("a bug");
    const opened = await open({
      serve: (one) => {
        if (one.target === "/bug") throw bug;
        one.send(OK);
      },
    });
    const other = keepOpen(opened);
    expect(await other()).toBe(200);
    if (version === 1) {
      const socket = openSocket(opened.url);
      socket.write("GET /bug HTTP/1.1\r\nHost: a\r\n\r\n");
      await closed(socket);
    } else {
      await (await openHttp2(opened, [openStream(1, { ...POST, ":path": "/bug" })])).closed;
    }
    expect([opened.faults, await other()]).toEqual([[bug], 200]);
  });
});

describe("time", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());
  const pass = (seconds: number) => void vi.advanceTimersByTime(seconds * 1_000);
  const serveNothing = (): void => {};

  test("HTTP/1: an idle connection stays for 70 s", async () => {
    const ask = keepOpen(await open());
    await ask();
    pass(69);
    expect(await ask()).toBe(200);
    pass(72);
    await expect(ask()).rejects.toThrow();
  });

  test("HTTP/1: a slow handler is not cut off", async () => {
    const { url, nextRequest } = await open({ serve: serveNothing });
    const socket = openSocket(url);
    const arrived = nextRequest();
    socket.write(GET);
    const request = await arrived;
    pass(600);
    request.send({ ...OK, headers: [["Connection", "close"]] });
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*ok$/s);
  });

  test("HTTP/2: a connection without a request ends after 10 s", async () => {
    const { closed } = await openHttp2(await open());
    // The server may accept the connection late.
    await vi.waitFor(async () => {
      pass(11);
      expect(await Promise.race([closed.then(() => true), new Promise((resolve) => setImmediate(resolve))])).toBe(true);
    }, 30_000);
  });

  test("HTTP/2: a request whose body does not end is reset after 20 s, and its connection continues", async () => {
    const opened = await open();
    const { expectAnswer } = await begin(opened, [slow(), piece("a")]);
    pass(20);
    await expectAnswer(3);
    pass(2);
    await expect(opened.bodies[0]).rejects.toThrow("took too long");
    await expectAnswer(5);
  });

  test("HTTP/2: an error whose trailers find no window is reset after 20 s", async () => {
    const opened = await open({ serve: serveNothing });
    const { request, isOk } = await begin(opened, [openStream(1, POST)], 0);
    const ended = new Promise<void>((resolve) => request.onClose(resolve));
    request.send({ ...OK, body: "", trailers: [["grpc-status", "8"]] });
    expect(await isOk(1)).toBe(true);
    pass(22);
    await ended;
  });

  test("HTTP/2: a slow handler and a streaming call are not cut off", async () => {
    const opened = await open({ serve: serveNothing });
    const { write, bodyOf, request } = await begin(opened, [openStream(1, POST)]);
    const arrived = opened.nextRequest();
    write(openStream(3, POST, false));
    const stream = await arrived;
    const pieces = Promise.withResolvers<Uint8Array>();
    stream.chunks();
    stream.send({ ...OK, body: streamOf(pieces.promise) });
    pass(600);
    request.send(OK);
    pieces.resolve(Buffer.from("piece"));
    expect([String(await bodyOf(1)), String(await bodyOf(3))]).toEqual(["ok", "piece"]);
  });
});

async function* streamOf(piece: Promise<Uint8Array>): AsyncIterable<Uint8Array> {
  yield await piece;
}

/** Seconds, each with this many requests, and with this many open connections at its end. */
const phase = (seconds: number, open: number, requests = 0) => ({ seconds, open, requests });

test.each([
  ["one of 100 connections that left", [phase(1, 120, 201), phase(4, 20), phase(1, 20), phase(60, 0)], [0, 0, 1, 1]],
  ["none while requests are many", [phase(1, 1_000, 201), phase(60, 0, 201), phase(5, 0, 200)], [0, 0, 1]],
  ["one of 1,000 requests in a second, though few connections were open", [phase(1, 10, 1_000), phase(65, 0)], [0, 1]],
  ["none of 999 requests in a second", [phase(1, 10, 999), phase(60, 0)], [0, 0]],
  ["none of a few that leave, nor of a crowd that stays", [phase(10, 99), phase(10, 0), phase(60, 5_000)], [0, 0, 0]],
  ["one of each crowd", [phase(2, 100, 201), phase(6, 0), phase(2, 100, 201), phase(6, 0)], [0, 1, 1, 2]],
])("crowds that leave give notifications after five calm seconds: %s", (_name, phases, expected) => {
  let notifications = 0;
  const watch = new CrowdWatch(() => notifications++);
  const given = phases.map(({ seconds, open, requests }) => {
    for (let second = 0; second < seconds; second++) {
      for (let request = 0; request < requests; request++) watch.count();
      watch.tick(open);
    }
    return notifications;
  });
  expect(given).toEqual(expected);
});
