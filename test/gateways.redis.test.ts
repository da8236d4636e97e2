// Two gateways on one Redis share each limit.

import { expect, inject, test } from "vitest";
import { postLogin, signNow, startTestGateway } from "./gateway.ts";
import { temporaryFolder } from "./program.ts";

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
