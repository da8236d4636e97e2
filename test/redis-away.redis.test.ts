// Redis away: the operator's log, readiness and metrics, and the devices' answers.

import { expect, onTestFinished, test } from "vitest";
import { signLogin } from "../src/cli/sign.ts";
import { runCommand } from "./command.ts";
import { CUSTOMER_KEY, postLogin, startTestGateway } from "./gateway.ts";
import { type ServingProcess, serve, temporaryFolder } from "./program.ts";
import { type RedisServer, startRedis } from "./redis/server.ts";

interface Line {
  readonly msg: string;
  readonly cause?: string;
}

async function open(
  redisDown: string,
): Promise<{ redis: RedisServer; gateway: ServingProcess; logIn: () => Promise<Response> }> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const folder = temporaryFolder();
  const gateway = await serve(folder, { env: { COUNTERSIGN_REDIS_URL: redis.url, COUNTERSIGN_REDIS_DOWN: redisDown } });
  const env = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: gateway.internalUrl };
  const { stdout } = await runCommand(["customers", "create", "--name", "x", "--json"], { env });
  const { customer_id } = JSON.parse(stdout);
  await runCommand(["customer-keys", "issue", "--customer", customer_id, "--import", "-"], {
    env,
    input: CUSTOMER_KEY,
  });
  await runCommand(["devices", "create", "--customer", customer_id, "--device-key", "pump"], { env });
  const logIn = (): Promise<Response> =>
    postLogin(
      gateway.publicUrl,
      signLogin({ deviceKey: "pump", customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000)),
    );
  return { redis, gateway, logIn };
}

/** The events about Redis, in order. */
function told({ log }: ServingProcess): Line[] {
  const lines: Line[] = log()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  return lines.filter(({ msg }) => msg.startsWith("redis "));
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

test("with `local` logins go on, and readiness, metrics and log report it", async () => {
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
  // It may have lost what was admitted, and is not asked until it has been up for a window.
  expect((await logIn()).status).toBe(429);
  expect(await metric(gateway, "countersign_limits_degraded")).toBe(0);
  await gateway.end("SIGTERM");
  expect(told(gateway)).toEqual([
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
  await gateway.end("SIGTERM");
  expect(told(gateway)[0]?.msg).toBe("redis is away: logins are refused");
});

test("with `allow` every right proof is admitted, without limit headers", async () => {
  const { redis, gateway, logIn } = await open("allow");
  await redis.kill();
  for (let turn = 0; turn < 12; turn++) {
    const answer = await logIn();
    expect([answer.status, answer.headers.get("x-ratelimit-limit")]).toEqual([200, null]);
  }
  await gateway.end("SIGTERM");
  expect(told(gateway)[0]?.msg).toBe("redis is away: logins are not limited");
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
      const login = signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000));
      statuses.push((await postLogin(gateway.publicUrl, login)).status);
    }
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429]);
    expect(await redis.call("EXISTS", `cs:l:{=${deviceKey}}`)).toBe(clock === "gateway" ? 1 : 0);
  }
});
