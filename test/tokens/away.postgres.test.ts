// While the registry is away no gateway can check for revocation: every token check answers `unavailable`.

import { expect, onTestFinished, test, vi } from "vitest";
import { CUSTOMER_KEY, logInBy, startTestGateway } from "../gateway.ts";
import { startRelay } from "../redis/relay.ts";
import { emptyPostgres } from "../store/connections.ts";
import { CHECKS, checkAll } from "./checks.ts";

const WITHIN = { timeout: 40_000, interval: 100 };

test("every way to check a token is unavailable while the registry is away, and works again afterwards", async () => {
  const url = new URL((await emptyPostgres()).url);
  const relay = await startRelay(Number(url.port));
  onTestFinished(relay.stop);
  url.port = String(relay.port);
  const gateway = await startTestGateway({ DATABASE_URL: url.href });
  const deviceKey = await gateway.enrol();
  const answer = await logInBy(gateway.publicUrl, { deviceKey, customerKey: CUSTOMER_KEY });
  const { token } = JSON.parse(await answer.text());
  const expectAll = async (outcome: string): Promise<void> => {
    const answers = Object.values(await checkAll(gateway, token));
    expect(answers.map((checked) => checked.outcome)).toEqual(Object.keys(CHECKS).map(() => outcome));
  };
  await expectAll("ok");
  relay.refuse(true);
  relay.cut();
  await vi.waitFor(() => expectAll("unavailable"), WITHIN);
  const failed = await fetch(`${gateway.publicUrl}/auth/check`, { headers: { "x-access-token": token } });
  expect([failed.status, Number(failed.headers.get("retry-after")) > 0]).toEqual([503, true]);
  await failed.text();
  relay.refuse(false);
  await vi.waitFor(() => expectAll("ok"), WITHIN);
});
