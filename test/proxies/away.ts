// What holds behind proxies that ask the gateway, once that is gone. Knows no proxy.

import { expect, test } from "vitest";
import { withToken } from "./cases.ts";
import { send } from "./request.ts";
import { DEVICE_KEY, type Site } from "./site.ts";

/** Declares it: as the last of a site, which has no gateway then. */
export function testAway(site: () => Site): void {
  test("answers 503 while the gateway is away", async () => {
    const { proxy, logIn, stopGateway } = site();
    const token = await logIn(DEVICE_KEY);
    await stopGateway();
    const { status, headers, body } = await send(proxy.url, withToken(token));
    expect(status).toBe(503);
    expect(headers["retry-after"]).toEqual(["1"]);
    expect(headers["content-type"]).toEqual(["application/json"]);
    expect(JSON.parse(body)).toMatchObject({ code: "unavailable", reason: "unavailable" });
  });
}
