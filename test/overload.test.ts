// A gateway under overload refuses logins at once, uncharged, and answers everything else.

import { expect, test } from "vitest";
import { CUSTOMER_KEY, logInBy, startTestGateway } from "./gateway.ts";

test("an overloaded gateway refuses logins with a wait, charges nothing, and still serves keys and token checks", async () => {
  let delay = 0;
  const { publicUrl, internalUrl, enrol } = await startTestGateway(
    { LOGIN_LIMIT: "2/60s" },
    { loopDelayMs: () => delay, saturated: -1 },
  );
  const device = { deviceKey: await enrol(), customerKey: CUSTOMER_KEY };
  const { token } = JSON.parse(await (await logInBy(publicUrl, device)).text());

  delay = 60_000;
  for (let sent = 0; sent < 5; sent++) {
    const refused = await logInBy(publicUrl, device);
    expect(refused.status).toBe(503);
    const { reason, retry_after } = JSON.parse(await refused.text());
    expect(reason).toBe("unavailable");
    expect(refused.headers.get("retry-after")).toBe(String(retry_after));
  }
  const answers = await Promise.all([
    fetch(new URL("/auth/check", publicUrl), { headers: { "x-access-token": token } }),
    ...["/.well-known/jwks.json", "/auth/time", "/livez", "/readyz"].map((path) => fetch(new URL(path, publicUrl))),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const metrics = await (await fetch(new URL("/metrics", internalUrl))).text();
  expect(metrics).toContain("countersign_logins_shed_total 5\n");

  delay = 0;
  const again = await logInBy(publicUrl, device);
  expect([again.status, again.headers.get("x-ratelimit-remaining")]).toEqual([200, "0"]);
});
