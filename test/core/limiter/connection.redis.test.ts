// Connections to real servers: uptime, losses, and errors that stop a start.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { connectRedis, RedisSetupError, type RedisTls } from "../../../src/core/limiter/connection.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { parseRedisUrl } from "../../../src/core/limiter/redis-url.ts";
import { freePort } from "../../free-port.ts";
import { makeCertificate } from "../../http/openssl.ts";
import { temporaryFolder } from "../../program.ts";
import { startRelay } from "../../redis/relay.ts";
import { startCluster, startRedis, startSentinel } from "../../redis/server.ts";

const elapsed = (): number => performance.now();

/** Stops a server when the test ends. */
async function forTest<Server extends { stop(): Promise<void> }>(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  onTestFinished(() => server.stop());
  return server;
}

async function connect(url: string, tls: RedisTls = {}) {
  const connection = await connectRedis(parseRedisUrl(url), elapsed, tls);
  onTestFinished(connection.close);
  const events: string[] = [];
  connection.listen({ lost: () => events.push("lost"), ready: () => events.push("ready") });
  const limiter = createRedisLimiter(connection.client, { elapsed });
  const policy = { name: "login", limit: 10, windowMs: 60_000 } as const;
  return {
    ...connection,
    isAdmitted: async (key = "pump") => (await limiter.charge([{ policy, key }], 0)).denied === -1,
    untilEvent: (last: "lost" | "ready") =>
      expect.poll(() => events.at(-1), { timeout: 10_000, interval: 10 }).toBe(last),
  };
}

test("a killed server is detected at once, and is used again after its restart, with a later start time", async () => {
  const server = await forTest(startRedis());
  const connection = await connect(server.url);
  const before = connection.startedAt() ?? Number.NaN;
  expect(before).toBeLessThanOrEqual(elapsed());
  expect(await connection.isAdmitted()).toBe(true);
  await server.kill();
  await connection.untilEvent("lost");
  expect(connection.startedAt()).toBeUndefined();
  await expect(connection.isAdmitted()).rejects.toThrow();
  await server.restart();
  await connection.untilEvent("ready");
  expect(connection.startedAt()).toBeGreaterThan(before);
  expect(await connection.isAdmitted()).toBe(true);
});

test("a connection that loses every packet is replaced", async () => {
  const server = await forTest(startRedis());
  const relay = await forTest(startRelay(server.port));
  const connection = await connect(`redis://127.0.0.1:${relay.port}`);
  relay.swallow({ newConnections: "swallowed" });
  await expect(connection.isAdmitted()).rejects.toThrow();
  relay.swallow({ newConnections: "works" });
  await connection.untilEvent("ready");
  expect(await connection.isAdmitted()).toBe(true);
});

test("follows the Sentinels' master to another server", async () => {
  const sentinels = await forTest(startSentinel());
  const connection = await connect(sentinels.url);
  await connection.isAdmitted();
  await sentinels.master.kill();
  await connection.untilEvent("ready");
  await expect.poll(() => connection.isAdmitted().catch(() => false), { timeout: 10_000 }).toBe(true);
});

test("follows a Cluster's slot to another master, and its masters through a failover", async () => {
  const cluster = await forTest(startCluster());
  const connection = await connect(cluster.url);
  await expect.poll(() => connection.startedAt(), { timeout: 5_000 }).toBeDefined();
  // The servers are connected a moment before the list of slots is read.
  await expect.poll(() => connection.isAdmitted("first").catch(() => false), { timeout: 5_000 }).toBe(true);
  await connection.isAdmitted();
  // The hash tag of the device "pump".
  await cluster.moveSlot("=pump");
  for (let turn = 0; turn < 9; turn++) expect(await connection.isAdmitted()).toBe(true);
  expect(await connection.isAdmitted()).toBe(false);

  await cluster.masters[0].kill();
  await connection.untilEvent("lost");
  expect(connection.startedAt()).toBeUndefined();
  // The killed master's replica is already connected, and becomes a master without an event.
  await expect.poll(() => connection.startedAt(), { timeout: 20_000 }).toBeDefined();
  for (let device = 0; device < 20; device++) {
    await expect.poll(() => connection.isAdmitted(`device-${device}`).catch(() => false)).toBe(true);
  }
});

test("a gateway starts without its Redis", async () => {
  const connection = await connect(`redis://127.0.0.1:${await freePort()}`);
  expect(connection.startedAt()).toBeUndefined();
  expect(connection.lastError().message).toContain("ECONNREFUSED");
});

test("a wrong password stops the start, and a right one does not", async () => {
  const { url } = await forTest(startRedis({ password: "a secret" }));
  for (const login of ["", ":wrong@", "nobody:wrong@"]) {
    const error = await connect(url.replace("://", `://${login}`)).catch((cause: unknown) => cause);
    const message = "Redis refuses the user or the password. Write those of the Redis user into COUNTERSIGN_REDIS_URL";
    expect(error).toEqual(new RedisSetupError(message));
  }
  expect((await connect(url.replace("://", "://:a%20secret@"))).startedAt()).toBeDefined();
});

test("an untrusted certificate and a missing client certificate stop the start, each with its cure", async () => {
  const folder = temporaryFolder();
  const server = makeCertificate(folder, "server", "ecdsa");
  const client = makeCertificate(folder, "client", "ecdsa");
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const port = await freePort();
  const files = [`tls-cert-file ${server.cert}`, `tls-key-file ${server.key}`, `tls-ca-cert-file ${client.cert}`];
  await forTest(startRedis({ settings: [`tls-port ${port}`, ...files] }));
  const url = `rediss://127.0.0.1:${port}`;
  const ca = read("server.crt");
  await expect(connect(url)).rejects.toThrow(/certificate that is not trusted \(.*\)\. Set COUNTERSIGN_REDIS_CA/);
  await expect(connect(url, { ca })).rejects.toThrow("Set COUNTERSIGN_REDIS_CERT and COUNTERSIGN_REDIS_KEY");
  const connection = await connect(url, { ca, cert: read("client.crt"), key: read("client.key") });
  expect(await connection.isAdmitted()).toBe(true);
});

test("with ioredis loaded, V8 still looks up string methods fast", () => {
  setFlagsFromString("--allow-natives-syntax");
  onTestFinished(() => setFlagsFromString("--no-allow-natives-syntax"));
  expect(runInThisContext("%HasFastProperties(String.prototype)")).toBe(true);
});
