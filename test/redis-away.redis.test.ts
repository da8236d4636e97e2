// Redis away: the operator's log, readiness and metrics, and the devices' answers.

import { expect, onTestFinished, test } from "vitest";
import { runCommand } from "./command.ts";
import { CUSTOMER_KEY, postLogin, signNow, startTestGateway } from "./gateway.ts";
import { type LogLine, linesOf, type ServingProcess, serve, temporaryFolder } from "./program.ts";
import { type RedisServer, startRedis } from "./redis/server.ts";

async function open(redisDown: string): Promise<{
  readonly redis: RedisServer;
  readonly gateway: ServingProcess;
  readonly logIn: () => Promise<Response>;
}> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const folder = temporaryFolder();
  const gateway = await serve(folder, { env: { COUNTERSIGN_REDIS_URL: redis.url, COUNTERSIGN_REDIS_DOWN: redisDown } });
  const env = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: gateway.internalUrl };
  const { stdout } = await runCommand(["customers", "create", "--name", "x", "--json"], { env });
  const { customer_id } = JSON.parse(stdout);
  const issue = ["customer-keys", "issue", "--customer", customer_id, "--import", "-"];
  await runCommand(issue, { env, input: CUSTOMER_KEY });
  await runCommand(["devices", "create", "--customer", customer_id, "--device-key", "pump"], { env });
  return { redis, gateway, logIn: () => postLogin(gateway.publicUrl, signNow("pump")) };
}

/** Ends a gateway. @returns its lines about Redis, in order */
async function endAndRead(gateway: ServingProcess): Promise<readonly LogLine[]> {
  await gateway.end("SIGTERM");
  return linesOf(gateway).filter(({ msg }) => msg.startsWith("redis "));
}

async function readiness({ internalUrl }: ServingProcess): Promise<[number, unknown]> {
  const answer = await fetch(new URL("/readyz", internalUrl));
  return [answer.status, await answer.json()];
}

async function metric({ internalUrl }: ServingProcess, name: string): Promise<number> {
  const text = await (await fetch(new URL("/metrics", internalUrl))).text();
  return Number(new RegExp(`^${name.replace(/[{}]/g, "\\$&")} (\\S+)$`, "m").exec(text)?.[1]);
}

const READY = [200, { status: "ready", limits: "ok", store: "ok", signer: "ok" }];

test("with `local` logins continue, and readiness, metrics and log report it", async () => {
  const { redis, gateway, logIn } = await open("local");
  expect((await logIn()).status).toBe(200);
  expect(await readiness(gateway)).toEqual(READY);
  expect(await metric(gateway, "countersign_limits_degraded")).toBe(0);

  await redis.kill();
  const statuses: number[] = [];
  for (let turn = 0; turn < 12; turn++) statuses.push((await logIn()).status);
  expect(statuses).toEqual([...Array(9).fill(200), ...Array(3).fill(429)]);
  expect(await readiness(gateway)).toEqual([
    200,
    { status: "degraded", limits: "degraded", store: "ok", signer: "ok" },
  ]);
  expect(await metric(gateway, "countersign_limits_degraded")).toBe(1);
  expect(await metric(gateway, 'countersign_limits_decided_alone_total{outcome="admitted"}')).toBe(10);

  await redis.restart();
  await expect.poll(() => readiness(gateway), { timeout: 10_000 }).toEqual(READY);
  // Redis may have lost admissions, and does not decide until it has been up for a window.
  expect((await logIn()).status).toBe(429);
  expect(await metric(gateway, "countersign_limits_degraded")).toBe(0);
  expect(await endAndRead(gateway)).toEqual([
    expect.objectContaining({ msg: "redis is away: limits are decided without it", cause: expect.any(String) }),
    expect.objectContaining({ msg: "redis is back: limits are exact once it has been up for their window" }),
  ]);
});

test("with `deny` logins are unavailable, and the gateway is not ready", async () => {
  const { redis, gateway, logIn } = await open("deny");
  await redis.kill();
  const answer = await logIn();
  expect([answer.status, Number(answer.headers.get("retry-after"))]).toEqual([503, expect.any(Number)]);
  expect(await readiness(gateway)).toEqual([
    503,
    { status: "unavailable", limits: "unavailable", store: "ok", signer: "ok" },
  ]);
  expect((await endAndRead(gateway))[0]?.msg).toBe("redis is away: logins are refused");
});

test("with `allow` every right proof is admitted, without limit headers", async () => {
  const { redis, gateway, logIn } = await open("allow");
  await redis.kill();
  for (let turn = 0; turn < 12; turn++) {
    const answer = await logIn();
    expect([answer.status, answer.headers.get("x-ratelimit-limit")]).toEqual([200, null]);
  }
  expect((await endAndRead(gateway))[0]?.msg).toBe("redis is away: logins are not limited");
});

test("REDIS_CLOCK=gateway works with a server that refuses TIME", async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  await redis.call("ACL", "SETUSER", "timeless", "on", ">secret", "~cs:*", "+@all", "-time");
  const url = redis.url.replace("://", "://timeless:secret@");
  for (const [clock, status] of [
    ["redis", "degraded"],
    ["gateway", "ready"],
  ] as const) {
    const gateway = await startTestGateway({ REDIS_URL: url, REDIS_CLOCK: clock });
    expect(await (await fetch(new URL("/readyz", gateway.internalUrl))).json()).toMatchObject({ status });
    const deviceKey = await gateway.enrol();
    const statuses: number[] = [];
    for (let turn = 0; turn < 12; turn++) {
      statuses.push((await postLogin(gateway.publicUrl, signNow(deviceKey))).status);
    }
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429]);
    expect(await redis.call("EXISTS", `cs:l:{=${deviceKey}}`)).toBe(clock === "gateway" ? 1 : 0);
  }
});
