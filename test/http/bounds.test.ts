// The bounds of one connection: time, bytes, headers, and its share of the connections.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type ListenerOptions, listen } from "../../src/http/listener.ts";
import type { Answer, Exchange } from "../../src/protocols/exchange.ts";
import { data, openConnection, openStream, resetStream, settings } from "../frames.ts";
import { sendByHand } from "../protocols/hand.ts";
import { exchange, openRaw } from "./raw-http.ts";

const OK: Answer = { status: 200, headers: [], body: "ok" };
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = { ":method": "POST", ":path": "/", ":scheme": "http", ":authority": "a" };

interface Opened {
  readonly url: string;
  /** The next request. */
  readonly request: () => Promise<Exchange>;
  readonly faults: unknown[];
}

/** A listener that answers 200, or what `serve` does. */
async function open(options: Partial<ListenerOptions> = {}): Promise<Opened> {
  const faults: unknown[] = [];
  let arrived = Promise.withResolvers<Exchange>();
  const { serve = (one: Exchange): void => one.send(OK), ...rest } = options;
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    onFault: (error) => faults.push(error),
    ...rest,
    serve: (one) => {
      arrived.resolve(one);
      arrived = Promise.withResolvers();
      serve(one);
    },
  });
  onTestFinished(async () => void (await listener.close(0)));
  return { url: listener.url, request: () => arrived.promise, faults };
}

function openSocket(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  return socket.on("error", () => {});
}

const closed = (socket: Socket): Promise<unknown> => once(socket.resume(), "close");

describe("headers", () => {
  test("every answer forbids sniffing, even the answer to bytes that are not a request", async () => {
    const { url } = await open();
    for (const bytes of [GET, "GARBAGE\r\n\r\n"]) {
      const { headers } = await exchange(url, bytes);
      expect([headers.get("X-Content-Type-Options"), headers.get("Strict-Transport-Security")]).toEqual([
        "nosniff",
        undefined,
      ]);
    }
    const { headers } = await sendByHand(url, { version: 2, path: "/", headers: {} });
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });

  test.each<[string, number, string]>([
    ["no Host", 200, "GET / HTTP/1.1\r\n\r\n"],
    ["two Hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
    ["HTTP/2.0 in a request line", 400, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"],
    ...["gzip, chunked", "xchunked", "chunked, chunked", "gzip"].map((coding): [string, number, string] => [
      `a body in ${coding}`,
      400,
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
    ]),
  ])("%s: %i", async (_name, status, bytes) => {
    const { url } = await open();
    expect((await exchange(url, bytes)).status).toBe(status);
  });

  test.each<[string, string]>([
    ["a chunk size that is not a number", "zz\r\n"],
    ["17 KB of chunk extensions", `1;${"x".repeat(17_000)}\r\n`],
    ["17 KB of trailers", `1\r\na\r\n0\r\nX: ${"x".repeat(17_000)}\r\n\r\n`],
  ])("%s fails the body, and the connection ends", async (_name, chunks) => {
    const bodies: Promise<unknown>[] = [];
    const { url } = await open({
      serve: (one) => {
        const body = one.readBody(1_000);
        bodies.push(body);
        body.catch(() => one.send(OK));
      },
    });
    const socket = openSocket(url);
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
    const [answer] = await Promise.all([text(socket), once(socket, "close")]);
    await expect(bodies[0]).rejects.toThrow();
    const status = { "1;": "413", "1\r": "431", zz: "400" }[chunks.slice(0, 2)];
    expect(answer).toContain(`HTTP/1.1 ${status} `);
  });
});

test.each([0, 8])("HTTP/2: a body that is reset with code %i is incomplete", async (code) => {
  const bodies: Promise<unknown>[] = [];
  const { url, request } = await open({ serve: (one) => bodies.push(one.readBody(1_000)) });
  const connection = await openConnection(url);
  const arrived = request();
  connection.write(settings(), openStream(1, POST, false), data(1, Buffer.from("a"), false));
  await arrived;
  connection.write(resetStream(1, code));
  await expect(bodies[0]).rejects.toThrow("the caller has gone");
  connection.destroy();
});

test("HTTP/2: a body shorter than its Content-Length fails its stream alone", async () => {
  const bodies: Promise<unknown>[] = [];
  const { url } = await open({
    serve: (one) => {
      if (one.target === "/") {
        one.send(OK);
        return;
      }
      const body = one.readBody(1_000);
      // The body may fail before the test awaits it.
      body.catch(() => {});
      bodies.push(body);
    },
  });
  const connection = await openConnection(url);
  const headers = { ...POST, ":path": "/body", "content-length": "2" };
  connection.write(settings(), openStream(1, headers, false), data(1, Buffer.from("a")), openStream(3, POST));
  expect((await connection.bodyOf(3)).toString()).toBe("ok");
  await expect(bodies[0]).rejects.toThrow("the caller has gone");
  connection.destroy();
});

test("HTTP/2: a body longer than its Content-Length fails, and is not a fault", async () => {
  const bodies: Promise<unknown>[] = [];
  const { url, faults } = await open({
    serve(one) {
      const body = one.readBody(1_000);
      body.catch(() => {});
      bodies.push(body);
    },
  });
  const connection = await openConnection(url);
  connection.write(settings(), openStream(1, { ...POST, "content-length": "2" }, false), data(1, Buffer.from("abc")));
  await connection.closed;
  await expect(bodies[0]).rejects.toThrow("the caller has gone");
  expect(faults).toEqual([]);
});

test("HTTP/2: while very many streams are open, a connection gets at most eight", async () => {
  const arrived: string[] = [];
  const { url } = await open({
    maxConnections: 10,
    serve: (one) => {
      arrived.push(one.target);
      if (one.target === "/") one.send(OK);
    },
  });
  const slow = (count: number): Buffer[] =>
    Array.from({ length: count }, (_, index) => openStream(2 * index + 1, { ...POST, ":path": "/slow" }));
  const few = await openConnection(url);
  few.write(settings(), ...slow(1));
  const many = await openConnection(url);
  many.write(settings(), ...slow(12));
  few.write(openStream(3, POST));
  expect((await few.bodyOf(3)).toString()).toBe("ok");
  await expect.poll(() => arrived.filter((path) => path === "/slow").length).toBe(10);
  many.destroy();
  await many.closed;
  const later = await openConnection(url);
  later.write(settings(), ...slow(9));
  await expect.poll(() => arrived.filter((path) => path === "/slow").length).toBe(19);
  for (const connection of [few, later]) connection.destroy();
});

describe("connections", () => {
  test.each(["maxConnections", "maxConnectionsPerAddress"] as const)(
    "over %s a new connection is refused and the old ones stay",
    async (limit) => {
      let refused = 0;
      const { url } = await open({ [limit]: 1, onConnectionRefused: () => refused++ });
      const first = openRaw(url);
      expect((await first.exchange(GET)).status).toBe(200);
      await closed(openSocket(url));
      expect(refused).toBe(1);
      expect((await first.exchange(GET)).status).toBe(200);
      first.close();
    },
  );

  test("a trusted address has no limit of connections", async () => {
    const { url } = await open({ maxConnectionsPerAddress: 1, isTrusted: (address) => address === "127.0.0.1" });
    const both = [openRaw(url), openRaw(url)];
    for (const one of both) expect((await one.exchange(GET)).status).toBe(200);
    for (const one of both) one.close();
  });

  test("a closed connection no longer counts", async () => {
    const { url } = await open({ maxConnectionsPerAddress: 1 });
    await exchange(url, GET);
    // The server sees the close after the client.
    await expect.poll(async () => (await exchange(url, GET)).status).toBe(200);
  });

  test.each([1, 2])("a bug ends its own connection only (HTTP/%i)", async (version) => {
    const bug = new Error("a bug");
    const { url, faults } = await open({
      serve: (one) => {
        if (one.target === "/bug") throw bug;
        one.send(OK);
      },
    });
    const other = openRaw(url);
    expect((await other.exchange(GET)).status).toBe(200);
    if (version === 1) {
      const socket = openSocket(url);
      socket.write("GET /bug HTTP/1.1\r\nHost: a\r\n\r\n");
      await closed(socket);
    } else {
      const connection = await openConnection(url);
      connection.write(settings(), openStream(1, { ...POST, ":path": "/bug" }));
      await connection.closed;
    }
    expect(faults).toEqual([bug]);
    expect((await other.exchange(GET)).status).toBe(200);
    other.close();
  });
});

describe("time", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const pass = (seconds: number): void => {
    vi.advanceTimersByTime(seconds * 1_000);
  };
  const serveNothing = (): void => {};

  test("HTTP/1: an idle connection stays for 70 s", async () => {
    const { url } = await open();
    const connection = openRaw(url);
    const { exchange: ask } = connection;
    await ask(GET);
    pass(69);
    expect((await ask(GET)).status).toBe(200);
    pass(72);
    await expect(ask(GET)).rejects.toThrow();
  });

  test("HTTP/1: a slow handler is not cut off", async () => {
    const { url, request } = await open({ serve: serveNothing });
    const socket = openSocket(url);
    const arrived = request();
    socket.write(GET);
    const slow = await arrived;
    pass(600);
    slow.send({ ...OK, headers: [["Connection", "close"]] });
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*ok$/s);
  });

  test("HTTP/2: a connection without a request ends after 10 s", async () => {
    const { url } = await open();
    const connection = await openConnection(url);
    connection.write(settings());
    await ticked(connection.closed, pass);
  });

  test("HTTP/2: a request whose body does not end is reset after 20 s, and its connection continues", async () => {
    const bodies: Promise<unknown>[] = [];
    const { url, request } = await open({
      serve: (one) => {
        if (one.target === "/") one.send(OK);
        else bodies.push(one.readBody(1_000));
      },
    });
    const connection = await openConnection(url);
    const arrived = request();
    connection.write(settings(), openStream(1, { ...POST, ":path": "/slow" }, false), data(1, Buffer.from("a"), false));
    await arrived;
    pass(20);
    connection.write(openStream(3, POST));
    expect((await connection.bodyOf(3)).toString()).toBe("ok");
    pass(2);
    await expect(bodies[0]).rejects.toThrow("took too long");
    connection.write(openStream(5, POST));
    expect((await connection.bodyOf(5)).toString()).toBe("ok");
    connection.destroy();
  });

  test("HTTP/2: an error whose trailers find no window is reset after 20 s", async () => {
    const ended = Promise.withResolvers<void>();
    const { url, request } = await open({
      serve(one) {
        one.onClose(ended.resolve);
        one.send({ ...OK, body: "", trailers: [["grpc-status", "8"]] });
      },
    });
    const connection = await openConnection(url);
    const arrived = request();
    connection.write(settings(0), openStream(1, POST));
    await arrived;
    expect(await connection.isOk(1)).toBe(true);
    pass(22);
    await ended.promise;
    connection.destroy();
  });

  test("HTTP/2: a slow handler and a streaming call are not cut off", async () => {
    const { url, request } = await open({ serve: serveNothing });
    const connection = await openConnection(url);
    const arrived = request();
    connection.write(settings(), openStream(1, POST));
    const slow = await arrived;
    const streamed = request();
    connection.write(openStream(3, POST, false));
    const pieces = Promise.withResolvers<Uint8Array>();
    const stream = await streamed;
    stream.chunks();
    stream.send({ ...OK, body: streamOf(pieces.promise) });
    pass(600);
    slow.send(OK);
    pieces.resolve(Buffer.from("piece"));
    expect((await connection.bodyOf(1)).toString()).toBe("ok");
    expect((await connection.bodyOf(3)).toString()).toBe("piece");
    connection.destroy();
  });
});

async function* streamOf(piece: Promise<Uint8Array>): AsyncIterable<Uint8Array> {
  yield await piece;
}

/** Lets seconds pass until the promise settles: the server may accept the connection late. */
async function ticked(promise: Promise<unknown>, pass: (seconds: number) => void): Promise<void> {
  await vi.waitFor(async () => {
    pass(11);
    expect(await Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(resolve))])).toBe(true);
  }, 30_000);
}
