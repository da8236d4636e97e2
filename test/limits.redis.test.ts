// Limits in Redis: two gateways share them, and a stranger who knows a device_key and no secret does not affect the device.

import { Agent } from "node:http";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { postJson } from "./ask.ts";
import { postLogin, signNow, startTestGateway } from "./gateway.ts";
import { sendAtRate } from "./pace.ts";
import { temporaryFolder } from "./program.ts";

const ADDRESSES = 249;
const GUESSES = 1_100;

test("a device keeps its login budget while a stranger attacks its name", async () => {
  const gateway = await startTestGateway({ REDIS_URL: inject("redisUrl") ?? "" });
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const deviceKey = await gateway.enrol();
  async function logIn(localAddress: string, customerKey?: string): Promise<string> {
    const login = signNow(deviceKey, customerKey);
    const { status, body } = await postJson(new URL("/auth/login", gateway.publicUrl), login, { agent, localAddress });
    const { reason, policy } = JSON.parse(body);
    return String([status, reason, policy]);
  }

  const guess = (index: number): Promise<string> => logIn(`127.0.0.${2 + (index % ADDRESSES)}`, "a stranger's guess");
  using attack = sendAtRate(1_000, guess, GUESSES);
  const outcomes: string[] = [];
  // The logins are spread over the attack.
  for (let sent = 100; sent <= GUESSES; sent += 100) {
    await vi.waitUntil(() => attack.answers.length >= sent, { timeout: 30_000, interval: 5 });
    outcomes.push(await logIn("127.0.0.1"));
  }
  expect(outcomes).toEqual([...Array(10).fill("200,,"), "429,rate_limited,login"]);
  // Each of the stranger's addresses stays within its limit here.
  expect(new Set(await attack.stop())).toEqual(new Set(["401,invalid_credentials,failure"]));
});

test("two gateways admit exactly ten of a device's logins, in any order", async () => {
  const settings = { DATA_DIR: temporaryFolder(), REDIS_URL: inject("redisUrl") };
  const [first, second] = [await startTestGateway(settings), await startTestGateway(settings)];
  for (let round = 0; round < 3; round++) {
    const deviceKey = await first.enrol();
    const login = signNow(deviceKey);
    const urls = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? first : second).publicUrl);
    const answers = await Promise.all(urls.map((url) => postLogin(url, login)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(50);
    const remaining = answers
      .filter(({ status }) => status === 200)
      .map(({ headers }) => headers.get("x-ratelimit-remaining"));
    expect(remaining.sort()).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  }
});
