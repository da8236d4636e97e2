// Two gateways on one Redis share each limit.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { startGateway } from "../src/app.ts";
import { signLogin } from "../src/cli/sign.ts";
import { CUSTOMER_KEY, postLogin, startTestGateway, testConfig } from "./gateway.ts";

test("two gateways admit exactly ten of a device's logins, however they come", async () => {
  const redisUrl = inject("redisUrl");
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const settings = { DATA_DIR: folder, REDIS_URL: redisUrl };
  const first = await startTestGateway(settings);
  let ahead = 0;
  const elapsed = (): number => performance.now() + ahead;
  const second = await startGateway(testConfig(settings), { redisDeadlineMs: 2_000, elapsed });
  // Their Redis has just started, and is taken for an old one.
  ahead = 3_600_000;
  onTestFinished(async () => {
    await second.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (let round = 0; round < 3; round++) {
    const deviceKey = await first.enrol();
    const login = signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000));
    const urls = Array.from({ length: 60 }, (_, place) =>
      place % 2 === 0 ? first.publicUrl : (second.publicUrl ?? ""),
    );
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
