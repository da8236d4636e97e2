// A gateway whose registry is away cannot tell whether a token was taken back, and says so in every way.

import { expect, test, vi } from "vitest";
import { CUSTOMER_KEY, logInBy, startTestGateway } from "../gateway.ts";
import { startPostgres } from "../postgres/server.ts";
import { CHECKS, checkAll, closeChecks } from "./checks.ts";

test("every way to check a token is unavailable while the registry is, and good again afterwards", async () => {
  const postgres = await startPostgres();
  try {
    const gateway = await startTestGateway({ DATABASE_URL: postgres.url, TOKEN_ALG: "ES256" });
    const deviceKey = await gateway.enrol();
    const answer = await logInBy(gateway.publicUrl, { deviceKey, customerKey: CUSTOMER_KEY });
    const { token } = JSON.parse(await answer.text());
    const outcomes = async (): Promise<readonly string[]> =>
      Object.values(await checkAll(gateway, token)).map(({ outcome }) => outcome);
    const all = (outcome: string): string[] => Object.keys(CHECKS).map(() => outcome);
    expect(await outcomes()).toEqual(all("ok"));
    await postgres.kill();
    await vi.waitFor(async () => expect(await outcomes()).toEqual(all("unavailable")), {
      timeout: 15_000,
      interval: 200,
    });
    const refused = await fetch(`${gateway.publicUrl}/auth/check`, { headers: { "x-access-token": token } });
    expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([503, true]);
    await refused.text();
    await postgres.restart();
    await vi.waitFor(async () => expect(await outcomes()).toEqual(all("ok")), { timeout: 15_000, interval: 200 });
  } finally {
    closeChecks();
    await postgres.stop();
  }
});
