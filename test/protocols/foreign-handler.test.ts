// Any Connect ServiceImpl over REST: its answers, errors, headers and trailers.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import type { Listener } from "../../src/http/listener.ts";
import { mount } from "./mount.ts";
import { scriptedService } from "./scripted-service.ts";

let listener: Listener;
const errors: AuthError[] = [];
beforeAll(async () => {
  listener = await mount(scriptedService(), { onError: (error) => errors.push(error) });
});
afterAll(() => listener.close(0));
beforeEach(() => {
  errors.length = 0;
});

describe("REST", () => {
  const rest = (deviceKey: string): Promise<Response> =>
    fetch(`${listener.url}/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ device_key: deviceKey }),
    });

  test("keeps the code, message, details and metadata of a handler's own error", async () => {
    const response = await rest("foreign");
    expect([response.status, response.headers.get("x-of-error")]).toEqual([404, "set"]);
    expect(await response.json()).toMatchObject({
      code: "not_found",
      message: "no such thing, 50 % sure",
      details: [{ type: "google.rpc.ErrorInfo" }],
    });
    expect(errors).toEqual([]);
  });

  test.for(["bug", "trailers"])("answers a bug with internal, and gives its cause to onError: %s", async (bug) => {
    const response = await rest(bug);
    const text = await response.text();
    expect([response.status, text]).toEqual([500, expect.not.stringContaining("secret")]);
    expect(errors).toMatchObject([{ reason: "internal", cause: expect.any(Error) }]);
  });

  test("answers a method without a handler with unimplemented", async () => {
    const response = await fetch(`${listener.url}/auth/time`);
    expect([response.status, await response.json()]).toMatchObject([501, { code: "unimplemented" }]);
  });

  test("sends a handler's headers", async () => {
    expect((await rest("headers")).headers.get("x-before")).toBe("early");
    expect((await rest("type")).headers.get("content-type")).toBe("application/problem+json");
  });
});
