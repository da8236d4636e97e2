// Limits in Redis: two gateways share them. With Redis away: the operator's log, readiness and metrics, and the devices' answers, also
// in a short `npm run outage`.

import { expect, inject, onTestFinished, test } from "vitest";
import { readDemoDevice } from "../src/cli/demo.ts";
import { CUSTOMER_KEY, logInBy, postLogin, signNow, startTestGateway } from "./gateway.ts";
import { runOutage } from "./outage/outage.ts";
import { linesOf, serve, temporaryFolder } from "./program.ts";
import { startRedis } from "./redis/server.ts";

test("two gateways admit exactly ten of a device's logins, in any order, beside a stranger's attempts", async () => {
  const settings = { DATA_DIR: temporaryFolder(), REDIS_URL: inject("redisUrl") };
  const [first, second] = [await startTestGateway(settings), await startTestGateway(settings)];
  const deviceKey = await first.enrol();
  const login = signNow(deviceKey);
  const urls = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? first : second).publicUrl);
  const attempts = urls.map((url) => logInBy(url, { deviceKey, customerKey: "a stranger's guess" }));
  const answers = await Promise.all(urls.map((url) => postLogin(url, login)));
  const admitted = answers.filter(({ status }) => status === 200);
  const remaining = admitted.map(({ headers }) => headers.get("x-ratelimit-remaining"));
  expect(remaining.sort()).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(50);
  const { 401: wrong, 429: limited } = Object.groupBy(await Promise.all(attempts), ({ status }) => status);
  expect([wrong?.length, limited?.length]).toEqual([10, 50]);
});

/** Starts a Redis and a gateway process with a demo device. */
async function open(redisDown: string) {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const folder = temporaryFolder();
  const gateway = await serve(folder, { env: { COUNTERSIGN_REDIS_URL: redis.url, COUNTERSIGN_REDIS_DOWN: redisDown } });
  const device = readDemoDevice(folder) ?? { deviceKey: "", customerKey: CUSTOMER_KEY };
  const get = (path: string) => fetch(new URL(path, gateway.internalUrl));
  return {
    redis,
    logIn: () => logInBy(gateway.publicUrl, device),
    async readiness(): Promise<[number, unknown]> {
      const answer = await get("/readyz");
      return [answer.status, await answer.json()];
    },
    async metric(name: string): Promise<number> {
      const lines = (await (await get("/metrics")).text()).split("\n");
      return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length));
    },
    /** Ends the gateway. @returns its lines about Redis, in order */
    async endAndRead() {
      await gateway.end("SIGTERM");
      return linesOf(gateway).filter(({ msg }) => msg.startsWith("redis "));
    },
  };
}

const READY = { status: "ready", limits: "ok", store: "ok", signer: "ok" };
const DEGRADED = { ...READY, status: "degraded", limits: "degraded" };
const UNAVAILABLE = { ...READY, status: "unavailable", limits: "unavailable" };

test("with `local` logins continue, and readiness, metrics and log report it", async () => {
  const { redis, logIn, readiness, metric, endAndRead } = await open("local");
  expect((await logIn()).status).toBe(200);
  expect(await readiness()).toEqual([200, READY]);
  expect(await metric("countersign_limits_degraded")).toBe(0);

  await redis.kill();
  const statuses: number[] = [];
  for (let turn = 0; turn < 12; turn++) statuses.push((await logIn()).status);
  expect(statuses).toEqual([...Array(9).fill(200), ...Array(3).fill(429)]);
  expect(await readiness()).toEqual([200, DEGRADED]);
  expect(await metric("countersign_limits_degraded")).toBe(1);
  expect(await metric('countersign_limits_decided_alone_total{outcome="admitted"}')).toBe(10);

  await redis.restart();
  await expect.poll(readiness, { timeout: 10_000 }).toEqual([200, READY]);
  // Redis may have lost admissions, and does not decide until it has been up for a window.
  expect((await logIn()).status).toBe(429);
  expect(await metric("countersign_limits_degraded")).toBe(0);
  expect(await endAndRead()).toEqual([
    expect.objectContaining({ msg: "redis is away: limits are decided without it", cause: expect.any(String) }),
    expect.objectContaining({
      msg: "redis is back: each limit is exact once redis has been up for the limit's window",
    }),
  ]);
});

test.for([
  { mode: "deny", login: [503, "5"], ready: [503, UNAVAILABLE], line: "redis is away: logins are refused" },
  { mode: "allow", login: [200, null], ready: [200, DEGRADED], line: "redis is away: logins are not limited" },
])("with `$mode` a login, readiness and the log say so", async ({ mode, login, ready, line }) => {
  const { redis, logIn, readiness, endAndRead } = await open(mode);
  await redis.kill();
  const { status, headers } = await logIn();
  expect([status, headers.get("retry-after")]).toEqual(login);
  expect(headers.has("x-ratelimit-limit")).toBe(false);
  expect(await readiness()).toEqual(ready);
  expect((await endAndRead())[0]?.msg).toBe(line);
});

// Other kinds of outage differ only in the connection, which core/limiter/connection.redis.test.ts tests.
test.for(["kill", "move"] as const)("logins stay within the bound through the fault %s", async (fault) => {
  const { logins, failed, most, bound, falselyDenied } = await runOutage({
    fault,
    limits: { limit: 6, windowMs: 1_500 },
    devices: 8,
    rate: 60,
    awayMs: 1_000,
    // Long deadlines for a busy machine. While slots move, Redis has to decide everything.
    redisDeadlineMs: fault === "move" ? 2_000 : 300,
  });
  expect({ failed, falselyDenied }).toEqual({ failed: 0, falselyDenied: 0 });
  expect(most).toBeLessThanOrEqual(bound);
  expect(logins).toBeGreaterThan(100);
});

test.for([
  { clock: "redis", status: "degraded", logs: 0 },
  { clock: "gateway", status: "ready", logs: 1 },
])("with a server that refuses TIME, REDIS_CLOCK=$clock is $status", async ({ clock, status, logs }) => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  await redis.call("ACL", "SETUSER", "timeless", "on", ">secret", "~cs:*", "+@all", "-time");
  const url = redis.url.replace("://", "://timeless:secret@");
  const { publicUrl, internalUrl, enrol } = await startTestGateway({ REDIS_URL: url, REDIS_CLOCK: clock });
  expect(await (await fetch(new URL("/readyz", internalUrl))).json()).toMatchObject({ status });
  const deviceKey = await enrol();
  expect((await postLogin(publicUrl, signNow(deviceKey))).status).toBe(200);
  expect(await redis.call("EXISTS", `cs:l:{=${deviceKey}}`)).toBe(logs);
});
