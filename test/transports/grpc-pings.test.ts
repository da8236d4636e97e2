// Keepalive on the internal listener's HTTP/2: clients that ping too often are let go, and so are those that answer none.

import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import type { Duplex } from "node:stream";
import { Server } from "@grpc/grpc-js";
import { expect, onTestFinished, test, vi } from "vitest";
import { createGrpc } from "../../src/transports/grpc.ts";
import { limitPings } from "../../src/transports/grpc-pings.ts";
import { type Listener, listen } from "../../src/transports/listener.ts";
import { writeAtOnce } from "../frames.ts";

interface Clock {
  /** Unix milliseconds. */
  time: number;
}

/** Serves gRPC's own services alone: health and reflection. */
async function startGrpc(clock: Clock = { time: 1_000_000 }): Promise<Listener> {
  const ignore = (): void => {};
  const options = { services: [], onRefused: ignore, onFault: ignore, now: () => clock.time };
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handle: () => Promise.resolve(),
    http2: createGrpc(options),
    onFault: ignore,
  });
  onTestFinished(() => listener.close(0));
  return listener;
}

interface Client {
  readonly session: ClientHttp2Session;
  /** The first GOAWAY, as `code: data`. */
  readonly goaway: () => string | undefined;
}

async function openClient(url: string): Promise<Client> {
  const session = connect(url);
  let goaway: string | undefined;
  session.on("goaway", (code, _lastStream, data) => {
    goaway ??= `${code}: ${Buffer.from(data ?? []).toString()}`;
  });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  await once(session, "connect");
  return { session, goaway: () => goaway };
}

/** Not by node:events' `once`, which takes the error before it for its failure. */
function closeOf(closing: ClientHttp2Session | Duplex): Promise<void> {
  return new Promise((resolve) => closing.once("close", resolve));
}

/** Pings once. @returns whether it was answered */
function ping(session: ClientHttp2Session): Promise<boolean> {
  return new Promise((resolve) => {
    if (session.destroyed) resolve(false);
    else session.ping((error) => resolve(error === null));
  });
}

async function pingTimes(session: ClientHttp2Session, times: number): Promise<number> {
  let answered = 0;
  for (let sent = 0; sent < times; sent++) if (await ping(session)) answered++;
  return answered;
}

function openCall(session: ClientHttp2Session, method: string): ReturnType<ClientHttp2Session["request"]> {
  const stream = session.request({
    ":method": "POST",
    ":path": `/grpc.health.v1.Health/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.end(Buffer.alloc(5));
  return stream;
}

async function call(session: ClientHttp2Session): Promise<void> {
  const stream = openCall(session, "Check");
  const [trailers] = await once(stream.resume(), "trailers");
  expect(trailers["grpc-status"]).toBe("0");
  if (!stream.closed) await closeOf(stream);
}

const TOO_MANY = `${constants.NGHTTP2_ENHANCE_YOUR_CALM}: too_many_pings`;

test("ten pings in a row after a call: told to calm down, and let go", async () => {
  const { session, goaway } = await openClient((await startGrpc()).url);
  const closed = closeOf(session);
  await call(session);
  await Promise.all(Array.from({ length: 10 }, () => ping(session)));
  await closed;
  expect(goaway()).toBe(TOO_MANY);
});

test("one ping and two strikes are answered, a third strike is not; without any call, too", async () => {
  const { session, goaway } = await openClient((await startGrpc()).url);
  const closed = closeOf(session);
  expect(await pingTimes(session, 3)).toBe(3);
  expect(goaway()).toBe(undefined);
  expect(await ping(session)).toBe(false);
  await closed;
  expect(goaway()).toBe(TOO_MANY);
});

test("an open call makes no difference, and ends", async () => {
  const { session, goaway } = await openClient((await startGrpc()).url);
  const watch = openCall(session, "Watch");
  await once(watch, "data");
  const ended = closeOf(watch);
  expect(await pingTimes(session, 4)).toBe(3);
  await ended;
  expect(goaway()).toBe(TOO_MANY);
});

test("a ping every ten seconds, a little early or not, is kept to for hours", async () => {
  const clock = { time: 1_000_000 };
  const { session, goaway } = await openClient((await startGrpc(clock)).url);
  for (let sent = 0; sent < 100; sent++) {
    expect(await ping(session)).toBe(true);
    clock.time += sent % 2 === 0 ? 9_900 : 10_100;
  }
  expect(goaway()).toBe(undefined);
  expect(session.closed).toBe(false);
});

test("strikes are not forgotten by waiting, only by a call", async () => {
  const clock = { time: 1_000_000 };
  const { session } = await openClient((await startGrpc(clock)).url);
  expect(await pingTimes(session, 3)).toBe(3);
  await call(session);
  expect(await pingTimes(session, 3)).toBe(3);
  clock.time += 20_000;
  expect(await pingTimes(session, 2)).toBe(1);
});

test("as many pings as a client likes, with calls between them", async () => {
  const { session, goaway } = await openClient((await startGrpc()).url);
  for (let round = 0; round < 20; round++) {
    await call(session);
    expect(await pingTimes(session, 3)).toBe(3);
  }
  expect(goaway()).toBe(undefined);
  expect(session.closed).toBe(false);
});

test("a ping for each answer of a long call is none too many: so clients measure", async () => {
  const { session, goaway } = await openClient((await startGrpc()).url);
  const stream = session.request({
    ":method": "POST",
    ":path": "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "content-type": "application/grpc",
    te: "trailers",
  });
  // ServerReflectionRequest.list_services, which is field 7.
  const request = Buffer.from([0, 0, 0, 0, 3, 0x3a, 1, 0x2a]);
  for (let asked = 0; asked < 20; asked++) {
    stream.write(request);
    await once(stream, "data");
    expect(await ping(session)).toBe(true);
  }
  expect(goaway()).toBe(undefined);
  stream.close();
});

/** Lets the server's clock run, which keepalive takes from Node itself; sockets go on as they are. */
function holdTimers(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

test("a peer that answers no ping any more is found out, one that does is kept", async () => {
  const { url, close } = await startGrpc();
  holdTimers();
  const alive = await openClient(url);
  const dead = await writeAtOnce(url);
  onTestFinished(() => {
    dead.destroy();
  });
  await call(alive.session);
  const pinged = once(alive.session, "ping");
  const gone = once(dead, "end");
  await vi.advanceTimersByTimeAsync(60_000);
  await pinged;
  expect(await ping(alive.session)).toBe(true);
  expect(dead.readableEnded).toBe(false);
  await vi.advanceTimersByTimeAsync(20_000);
  await gone;
  expect(await ping(alive.session)).toBe(true);
  // It would wait for a connection that has only ended its side.
  await close(600_000);
});

test("a library that keeps its HTTP/2 servers elsewhere is not taken for one that has none to watch", () => {
  const server = new Server();
  const options = { now: () => 0 };
  expect(() => limitPings(server, options)).toThrow("grpc-js has no http2Servers");
  expect(() => limitPings({}, options)).toThrow("grpc-js has no http2Servers");
  expect(() => limitPings({ http2Servers: new Map([["not a server", {}]]) }, options)).toThrow("other servers");
});
