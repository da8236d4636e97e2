// Any Connect ServiceImpl, by its own rules: errors of its own, methods it does not have, headers and trailers, deadlines.

import { Code, ConnectError, createClient, createServiceImplSpec, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import type { AuthError } from "../../src/core/errors.ts";
import { createConnect } from "../../src/transports/connect.ts";
import { createDispatch } from "../../src/transports/dispatch.ts";
import { createDocuments } from "../../src/transports/documents.ts";
import { createRest } from "../../src/transports/rest.ts";
import { type Mounted, mount } from "./mount.ts";

let mounted: Mounted;
const refused: AuthError[] = [];
/** Resolves when the handler may look at its signal. */
let looking = Promise.withResolvers<boolean>();
let mayLook = Promise.withResolvers<void>();

const spec = createServiceImplSpec<typeof AuthService>(AuthService, {
  async login({ deviceKey }, context) {
    context.responseHeader.set("X-Before", "early");
    context.responseTrailer.set("X-After", "later");
    switch (deviceKey) {
      case "throws":
        throw new ConnectError("no such thing", Code.NotFound, { "X-Of-Error": "told" }, [
          { desc: ErrorInfoSchema, value: { reason: "GONE", domain: "elsewhere" } },
        ]);
      case "bug":
        throw new TypeError("secret");
      case "unwritable":
        return { token: "t", expiresIn: 2 ** 40 };
      case "gives up":
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        context.signal.throwIfAborted();
        throw new TypeError("the signal was aborted");
      case "looks late":
        looking.resolve(true);
        await mayLook.promise;
        looking = Promise.withResolvers();
        looking.resolve(context.signal.aborted);
        return { token: "t", expiresIn: 1 };
      case "long":
        return { token: "t".repeat(5_000), expiresIn: 1 };
      case "types":
        context.responseHeader.set("Content-Type", "application/problem+json");
        context.responseHeader.append("Set-Cookie", "a=1");
        context.responseHeader.append("Set-Cookie", "b=2");
        return { token: "t", expiresIn: 1 };
      default:
        return { token: "t", expiresIn: 1 };
    }
  },
});

beforeAll(async () => {
  mounted = await mount(spec, (error) => refused.push(error));
});
afterAll(() => mounted.close());

const transports: Readonly<Record<string, () => Transport>> = {
  Connect: () => createConnectTransport({ baseUrl: mounted.shared.url, httpVersion: "1.1" }),
  "Connect, proto, HTTP/2": () =>
    createConnectTransport({ baseUrl: mounted.shared.url, httpVersion: "2", useBinaryFormat: true }),
  "gRPC-Web": () => createGrpcWebTransport({ baseUrl: mounted.shared.url, httpVersion: "1.1" }),
  "gRPC, shared port": () => createGrpcTransport({ baseUrl: mounted.shared.url }),
  "gRPC, grpc-js": () => createGrpcTransport({ baseUrl: mounted.native.url }),
};

function rest(deviceKey: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${mounted.shared.url}/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ device_key: deviceKey }),
  });
}

describe.each(Object.entries(transports))("%s", (_name, createTransport) => {
  const failure = async (deviceKey: string, timeoutMs?: number): Promise<ConnectError> => {
    refused.length = 0;
    const client = createClient(AuthService, createTransport());
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    return client.login({ deviceKey }, options).then(
      () => Promise.reject(new Error("it was answered")),
      (error: unknown) => ConnectError.from(error),
    );
  };

  test("an error of a handler's own keeps its code, message, details, metadata", async () => {
    const error = await failure("throws");
    expect([error.code, error.rawMessage]).toEqual([Code.NotFound, "no such thing"]);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "GONE", domain: "elsewhere" }]);
    expect(error.metadata.get("x-of-error")).toBe("told");
    expect(error.metadata.get("x-before")).toBe("early");
    expect(error.metadata.get("x-after") ?? error.metadata.get("trailer-x-after")).toBe("later");
    expect(refused).toEqual([]);
  });

  test("a method that it does not have is unimplemented", async () => {
    const client = createClient(AuthService, createTransport());
    await expect(client.getServerTime({})).rejects.toMatchObject({ code: Code.Unimplemented });
  });

  test.each(["bug", "unwritable"])("one that is %s is internal", async (deviceKey) => {
    const error = await failure(deviceKey);
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).not.toContain("secret");
  });

  test("a handler that gives up at its deadline has the call answered so", async () => {
    const error = await failure("gives up", 150);
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(refused).toEqual([]);
  });

  test("headers and trailers of a success arrive", async () => {
    const seen: Record<string, string | null> = {};
    const client = createClient(AuthService, createTransport());
    await client.login(
      { deviceKey: "d" },
      {
        onHeader: (headers) => Object.assign(seen, { before: headers.get("x-before") }),
        onTrailer: (trailers) => Object.assign(seen, { after: trailers.get("x-after") }),
      },
    );
    expect(seen).toEqual({ before: "early", after: "later" });
  });
});

describe("REST", () => {
  test("an error of a handler's own keeps its code, message, details, metadata", async () => {
    const response = await rest("throws");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: "not_found",
      message: "no such thing",
      details: [{ type: "google.rpc.ErrorInfo" }],
    });
    expect(response.headers.get("x-of-error")).toBe("told");
  });

  test("a method that it does not have is unimplemented", async () => {
    const response = await fetch(`${mounted.shared.url}/auth/time`);
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({ code: "unimplemented" });
  });

  test("a bug is internal, and its cause is heard", async () => {
    const response = await rest("bug");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(refused.at(-1)?.reason).toBe("internal");
  });

  test("trailers are headers with a prefix", async () => {
    const { headers } = await rest("d");
    expect([headers.get("x-before"), headers.get("trailer-x-after")]).toEqual(["early", "later"]);
  });

  test("a handler's own Content-Type stands, once, and cookies are kept apart", async () => {
    const { headers } = await rest("types");
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("a long answer is compressed where that is asked for", async () => {
    const compressed = await rest("long", { "Accept-Encoding": "gzip" });
    expect(compressed.headers.get("content-encoding")).toBe("gzip");
    expect(compressed.headers.get("vary")).toBe("Accept-Encoding");
    expect(Number(compressed.headers.get("content-length"))).toBeLessThan(500);
    expect(await compressed.json()).toEqual({ token: "t".repeat(5_000), expires_in: 1 });
    const plain = await rest("long", { "Accept-Encoding": "identity" });
    expect(plain.headers.get("content-encoding")).toBeNull();
  });

  test("a handler that looks only after its caller has gone is told so", async () => {
    looking = Promise.withResolvers();
    mayLook = Promise.withResolvers();
    const abort = new AbortController();
    const call = fetch(`${mounted.shared.url}/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: '{"device_key": "looks late"}',
      signal: abort.signal,
    }).catch(() => {});
    await looking.promise;
    abort.abort();
    await call;
    // A request that is answered on another connection comes after the end of the first.
    await rest("d");
    mayLook.resolve();
    await mayLook.promise;
    await expect.poll(() => looking.promise).toBe(true);
  });
});

test("a path that two transports claim is an error at start-up", () => {
  const options = { services: [{ spec }], onRefused: () => {}, onFault: () => {}, now: Date.now };
  const document = () => ({ contentType: "text/plain", body: "" });
  const start = (path: string) =>
    createDispatch({
      documents: createDocuments({ [path]: document }, options),
      connect: createConnect(options),
      rest: createRest(options),
      onFault: () => {},
    });
  expect(() => start("/auth/login")).toThrow("/auth/login is a route's, and a document's, an endpoint's or a method's");
  expect(() => start("/auth/logout")).not.toThrow();
});
