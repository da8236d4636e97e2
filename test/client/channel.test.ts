// The options of a gRPC client, and the error for each mistake.

import { expect, test } from "vitest";
import { createAuthClient } from "../../src/client/auth-client.ts";
import { channelOf } from "../../src/client/channel.ts";
import { createVerifier } from "../../src/verify/exports.ts";

test.each([
  ["http://127.0.0.1:9090", "127.0.0.1:9090"],
  ["http://localhost", "localhost:80"],
  ["http://[::1]:9090/", "[::1]:9090"],
  ["https://gateway.internal", "gateway.internal:443"],
  ["https://10.1.2.3:9090", "10.1.2.3:9090"],
])("%s is %s", (url, address) => {
  const channel = channelOf({ url });
  expect([channel.address, channel.credentials._isSecure()]).toEqual([address, url.startsWith("https:")]);
});

test.each([
  [{ url: "gateway.internal:9090" }, "url is not an https or http url"],
  [{ url: "ftp://gateway.internal" }, "url is not an https or http url"],
  [{ url: "https://gateway.internal/auth" }, "url has more than a host and a port"],
  [{ url: "https://name:secret-in-url@gateway.internal" }, "url has more than a host and a port"],
  [{ url: "http://gateway.internal:9090" }, "Use https, or set allowHttp"],
  [{ url: "http://127.evil.example:9090" }, "Use https, or set allowHttp"],
  [{ url: "http://127.0.0.1:9090", tls: {} }, "tls needs an https url"],
  [{ url: "https://gateway.internal", tls: { cert: "-" } }, "cert and key together"],
  [{ url: "https://gateway.internal", tls: { ca: "no pem at all", cert: "secret-cert", key: "secret-key" } }, "PEM"],
  [{ url: "https://gateway.internal", keepaliveMs: 9_999 }, "keepaliveMs is at least 10000"],
  [{ url: "https://gateway.internal", keepaliveMs: Number.NaN }, "keepaliveMs is at least 10000"],
  [{ url: "https://gateway.internal", deadlineMs: 0 }, "deadlineMs is a number of milliseconds above 0"],
  [{ url: "https://gateway.internal", deadlineMs: Number.POSITIVE_INFINITY }, "deadlineMs is a number"],
])("%o: %s", (options, message) => {
  expect(() => createAuthClient(options)).toThrow(message);
  expect(() => createAuthClient(options)).not.toThrow(/secret/);
});

const createBoth = (host: string, allowHttp: boolean) => [
  () => channelOf({ url: `http://${host}:8080`, allowHttp }),
  () => createVerifier({ issuer: `http://${host}:8080`, audience: "devices", allowHttp }),
];

test.each(["localhost", "127.0.0.1", "127.1", "[::1]"])(
  "http to %s, which is this machine, needs no allowHttp",
  (host) => {
    for (const create of createBoth(host, false)) expect(create).not.toThrow();
  },
);

const ELSEWHERE = ["a.localhost", "localhost.", "127.0.0.1.example", "128.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]"];
test.each(ELSEWHERE)("http to %s, which may be another machine, needs allowHttp", (host) => {
  for (const create of createBoth(host, false)) expect(create).toThrow("allowHttp");
  for (const create of createBoth(host, true)) expect(create).not.toThrow();
});

test("keepalive pings come no more often than the gateway allows", () => {
  const { options } = channelOf({ url: "https://gateway.internal", keepaliveMs: 10_000 });
  expect(options["grpc.keepalive_time_ms"]).toBe(10_000);
  expect(channelOf({ url: "https://gateway.internal" }).options["grpc.keepalive_time_ms"]).toBe(30_000);
});
