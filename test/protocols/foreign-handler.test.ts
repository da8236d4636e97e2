// Any Connect ServiceImpl in every protocol: its answers, errors, headers and trailers.

import { Code, ConnectError, createClient, createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import type { AuthError } from "../../src/core/errors.ts";
import type { Listener } from "../../src/http/listener.ts";
import { channels } from "./channels.ts";
import { mount } from "./mount.ts";
import { scriptedService } from "./scripted-service.ts";
import { transports } from "./transports.ts";

let listener: Listener;
const errors: AuthError[] = [];
const spec = scriptedService();
beforeAll(async () => {
  listener = await mount(spec, { onError: (error) => errors.push(error) });
});
afterAll(() => listener.close(0));
beforeEach(() => {
  errors.length = 0;
});

test("one handler answers every client", async () => {
  const replaced = createServiceImplSpec<typeof AuthService>(AuthService, {
    login: ({ deviceKey }, context) => {
      context.responseHeader.set("X-RateLimit-Limit", "77");
      return { token: `replaced for ${deviceKey}`, expiresIn: 7 };
    },
  });
  const { url, close } = await mount(replaced);
  const answers = await Promise.all(
    channels.map(async ({ open }) => {
      const session = open(url);
      const answer = await session.send({ device_key: "d" });
      session.close();
      return answer;
    }),
  );
  await close(1_000);
  const headers = { "x-ratelimit-limit": "77" };
  const expected = { outcome: "ok", metadata: {}, headers, token: "replaced for d", expiresIn: 7 };
  expect(answers).toEqual(Array(answers.length).fill(expected));
});

describe.each(Object.entries(transports))("%s", (_name, createTransport) => {
  const client = () => createClient(AuthService, createTransport(listener.url));
  const errorOf = (deviceKey: string): Promise<ConnectError> =>
    client()
      .login({ deviceKey })
      .then(() => Promise.reject(new Error("the call succeeded")), ConnectError.from);

  test("keeps the code, message, details and metadata of a handler's own error", async () => {
    const error = await errorOf("foreign");
    expect([error.code, error.rawMessage]).toEqual([Code.NotFound, "no such thing, 50 % sure"]);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "GONE", domain: "elsewhere" }]);
    expect(error.metadata.get("x-of-error")).toBe("set");
    expect(error.metadata.get("x-before")).toBe("early");
    expect(error.metadata.get("x-after") ?? error.metadata.get("trailer-x-after")).toBe("later");
    expect(errors).toEqual([]);
  });

  test("answers a bug with internal, and gives its cause to onError", async () => {
    const error = await errorOf("bug");
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).not.toContain("secret");
    expect(errors).toMatchObject([{ reason: "internal", cause: expect.any(Error) }]);
  });
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
  });

  test("answers a method without a handler with unimplemented", async () => {
    const response = await fetch(`${listener.url}/auth/time`);
    expect([response.status, await response.json()]).toMatchObject([501, { code: "unimplemented" }]);
  });

  test("sends a handler's headers, and its trailers with a prefix", async () => {
    const { headers } = await rest("headers");
    expect([headers.get("x-before"), headers.get("trailer-x-after")]).toEqual(["early", "later"]);
    expect((await rest("type")).headers.get("content-type")).toBe("application/problem+json");
  });
});
