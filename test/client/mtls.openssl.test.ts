// The gRPC client over TLS, with and without a client certificate.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { createAuthClient } from "../../src/client/auth-client.ts";
import type { ClientTls } from "../../src/client/channel.ts";
import { createTokenSource } from "../../src/client/token-source.ts";
import { CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { makeCertificates } from "../http/certificates.ts";

const pems = makeCertificates({ server: "rsa", client: "ecdsa", stranger: "ecdsa" });
const pem = (name: string): string => readFileSync(join(pems, name), "utf8");
const ca = pem("server.crt");
const pair = (name: string) => ({ cert: pem(`${name}.crt`), key: pem(`${name}.key`) });
const tls: ClientTls = { ca, ...pair("client") };

test("a gateway that requires a client certificate can be called with the right certificates, and with no others", async () => {
  const gateway = await startTestGateway({
    TLS_CERT: join(pems, "server.crt"),
    TLS_KEY: join(pems, "server.key"),
    TLS_CLIENT_CA: join(pems, "client.crt"),
  });
  const url = gateway.internalUrl;
  const source = createTokenSource({ url, tls, deviceKey: await gateway.enrol(), customerKey: CUSTOMER_KEY });
  onTestFinished(() => source.close());
  expect(await source.token()).toMatch(/^eyJ/);

  const ask = (shown?: ClientTls): Promise<unknown> => {
    const client = createAuthClient({ url, ...(shown !== undefined && { tls: shown }) });
    onTestFinished(client.close);
    return client.getServerTime({});
  };
  expect(await ask({ ...tls, ca: Buffer.from(ca) })).toEqual({ server_time: expect.any(Number) });
  const wrong = [undefined, { ca }, { ...tls, ca: pem("stranger.crt") }, { ca, ...pair("stranger") }];
  const failed = { code: status.UNAVAILABLE, reason: undefined };
  await Promise.all(wrong.map((shown) => expect(ask(shown)).rejects.toMatchObject(failed)));
});

test("a client is not created with a key that does not fit its certificate", () => {
  const mixed = { ...tls, key: pem("stranger.key") };
  expect(() => createAuthClient({ url: "https://gateway.internal", tls: mixed })).toThrow("a key of another cert");
});
