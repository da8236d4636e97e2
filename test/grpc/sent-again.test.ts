// What is sent again and what is not, by a gateway that drops connections and refuses streams.

import { credentials, status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { type AuthClient, createAuthClient } from "../../src/grpc/auth-client.ts";
import { createLoginSigner } from "../../src/grpc/login-signer.ts";
import { createTokenClient } from "../../src/grpc/token-client.ts";
import { createTokenSource, type TokenSource } from "../../src/grpc/token-source.ts";
import { startUnrulyGateway } from "./unruly-gateway.ts";

const NOW = 1_764_000_000_000;
const identity = { deviceKey: "device-1", customerKey: "a-secret" };
const login = createLoginSigner({ ...identity, now: () => NOW }).sign();

function clientOf(url: string): AuthClient {
  const client = createAuthClient({ url });
  onTestFinished(() => client.close());
  return client;
}

function sourceOf(url: string): TokenSource {
  const source = createTokenSource({ ...identity, url, now: () => NOW });
  onTestFinished(() => source.close());
  return source;
}

test.each(["drop", "refuse", "say unavailable"] as const)("%s: a login is sent once", async (act) => {
  const { url, calls } = await startUnrulyGateway(act);
  await expect(clientOf(url).login(login)).rejects.toMatchObject({ code: status.UNAVAILABLE, reason: undefined });
  expect(calls).toEqual(["Login"]);
});

test("a stream that is refused is sent again by grpc-js, unless it is told not to", async () => {
  const { url, logins } = await startUnrulyGateway("refuse");
  const bare = new AuthServiceClient(new URL(url).host, credentials.createInsecure());
  onTestFinished(() => bare.close());
  await new Promise((resolve) => bare.login(login, resolve));
  expect(logins).toEqual([login, login]);
});

test.each(["drop", "refuse"] as const)("%s: a token source signs anew, in another second", async (act) => {
  const { url, logins } = await startUnrulyGateway(act);
  expect(await sourceOf(url).token()).toBe("a-token");
  expect(logins.map(({ timestamp }) => timestamp)).toEqual([NOW / 1000, NOW / 1000 + 1]);
  expect(new Set(logins.map(({ device_signature }) => device_signature)).size).toBe(2);
});

test("a token source gives up on a connection that is lost twice", async () => {
  const { url, logins } = await startUnrulyGateway("drop", "drop");
  const source = sourceOf(url);
  await expect(source.token()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await expect(source.token()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  expect(logins).toHaveLength(2);
});

test("an answer without a token is none", async () => {
  const { url } = await startUnrulyGateway("answer emptily");
  await expect(sourceOf(url).token()).rejects.toMatchObject({ code: status.INTERNAL });
});

test("an answer that does not say whose a token is is none", async () => {
  const { url } = await startUnrulyGateway("answer emptily");
  const client = createTokenClient({ url });
  onTestFinished(() => client.close());
  await expect(client.verify("a-token")).rejects.toMatchObject({ code: status.INTERNAL, reason: undefined });
});

test("reads are sent again, three times in all", async () => {
  const reads = [
    ["GetServerTime", (url: string) => clientOf(url).getServerTime({})],
    [
      "Verify",
      (url: string) => {
        const client = createTokenClient({ url });
        onTestFinished(() => client.close());
        return client.verify("a-token");
      },
    ],
  ] as const;
  await Promise.all(
    reads.map(async ([method, read]) => {
      const flaky = await startUnrulyGateway("drop", "drop");
      await read(flaky.url);
      expect(flaky.calls).toEqual([method, method, method]);

      const gone = await startUnrulyGateway("drop", "drop", "drop");
      await expect(read(gone.url)).rejects.toMatchObject({ code: status.UNAVAILABLE });
      expect(gone.calls).toHaveLength(3);
    }),
  );
});

test("a read that the gateway itself puts off is not sent again: when to is for its caller to say", async () => {
  const { url, calls } = await startUnrulyGateway("say unavailable");
  await expect(clientOf(url).getServerTime({})).rejects.toMatchObject({ code: status.UNAVAILABLE });
  expect(calls).toHaveLength(1);
});

test("reads that fail in a row are sent again ever less, until some succeed", async () => {
  const { url, calls } = await startUnrulyGateway(...Array<"drop">(40).fill("drop"));
  const client = clientOf(url);
  const sent: number[] = [];
  for (let reads = 0; reads < 6; reads++) {
    const before = calls.length;
    await expect(client.getServerTime({})).rejects.toMatchObject({ code: status.UNAVAILABLE });
    sent.push(calls.length - before);
    await expect(client.login(login)).rejects.toMatchObject({ code: status.UNAVAILABLE });
  }
  expect(sent).toEqual([3, 2, 1, 1, 1, 1]);
});

test("put off for good, as gRPC's pushback says it: a read is not sent again, though no headers came", async () => {
  const { url, calls } = await startUnrulyGateway("put off for good");
  await expect(clientOf(url).getServerTime({})).rejects.toMatchObject({ code: status.UNAVAILABLE });
  expect(calls).toHaveLength(1);
});

test("put off for a while, as gRPC's pushback says it: a read is sent again after that, within its deadline", async () => {
  const { url, calls } = await startUnrulyGateway("put off a while", "put off a while");
  await expect(clientOf(url).getServerTime({}, { deadlineMs: 300 })).rejects.toMatchObject({
    code: status.DEADLINE_EXCEEDED,
  });
  expect(calls).toHaveLength(1);
});

test("a call ends at its deadline", async () => {
  const { url } = await startUnrulyGateway("hold");
  const error = clientOf(url).login(login, { deadlineMs: 50 });
  await expect(error).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED, reason: undefined });
  await expect(clientOf(url).login(login, { deadlineMs: -1 })).rejects.toThrow(RangeError);
});

test("a call that is cancelled ends with the signal's reason, at the gateway too", async () => {
  const { url, held, calls } = await startUnrulyGateway("hold");
  const client = clientOf(url);
  const leaving = new AbortController();
  const holding = held();
  const outcome = expect(client.login(login, { signal: leaving.signal })).rejects.toThrow("leaving");
  const { abandoned } = await holding;
  leaving.abort(new Error("leaving"));
  await Promise.all([outcome, abandoned]);

  await expect(client.login(login, { signal: leaving.signal })).rejects.toThrow("leaving");
  expect(calls).toHaveLength(1);
});

test("whoever stops waiting for a token leaves the others their login; the source's end is everyone's", async () => {
  const { url, held, calls } = await startUnrulyGateway("hold");
  const source = sourceOf(url);
  await expect(source.token({ signal: AbortSignal.abort(new Error("left")) })).rejects.toThrow("left");
  expect(calls).toEqual([]);

  const leaving = new AbortController();
  const holding = held();
  const waiting = expect(source.token()).rejects.toThrow("this token source is closed");
  const impatient = expect(source.token({ signal: leaving.signal })).rejects.toThrow("leaving");
  const { abandoned } = await holding;
  leaving.abort(new Error("leaving"));
  await impatient;
  expect(calls).toEqual(["Login"]);

  source.close();
  await Promise.all([waiting, abandoned]);
  await expect(source.token()).rejects.toThrow("this token source is closed");
});
