// The client over TLS, with certificates that openssl makes: whom it trusts, and what it shows.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { createAuthClient } from "../../src/grpc/auth-client.ts";
import type { ClientTls } from "../../src/grpc/channel.ts";
import { createTokenSource } from "../../src/grpc/token-source.ts";
import { CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { makeCertificates } from "../transports/certificates.ts";

const pems = makeCertificates({ server: "rsa", client: "ecdsa", stranger: "ecdsa" });
const pem = (name: string): string => readFileSync(join(pems, name), "utf8");
const tls: ClientTls = { ca: pem("server.crt"), cert: pem("client.crt"), key: pem("client.key") };

test("a gateway that asks for certificates answers those who show theirs, and trust its own", async () => {
  const gateway = await startTestGateway({
    TLS_CERT: join(pems, "server.crt"),
    TLS_KEY: join(pems, "server.key"),
    TLS_CLIENT_CA: join(pems, "client.crt"),
  });
  const url = gateway.internalUrl;
  const source = createTokenSource({ url, tls, deviceKey: await gateway.enrol(), customerKey: CUSTOMER_KEY });
  onTestFinished(() => source.close());
  expect(await source.token()).toMatch(/^eyJ/);

  const ask = async (shown: ClientTls | undefined): Promise<unknown> => {
    const client = createAuthClient({ url, ...(shown !== undefined && { tls: shown }) });
    try {
      return await client.getServerTime({});
    } finally {
      client.close();
    }
  };
  const { ca = "" } = tls;
  expect(await ask({ ...tls, ca: Buffer.from(ca) })).toEqual({ server_time: expect.any(Number) });
  const refused = { code: status.UNAVAILABLE, reason: undefined };
  const strange = { ca, cert: pem("stranger.crt"), key: pem("stranger.key") };
  const others = [undefined, { ca }, { ...tls, ca: pem("stranger.crt") }, strange];
  await Promise.all(others.map((shown) => expect(ask(shown)).rejects.toMatchObject(refused)));
});

test("the key of another certificate is told of at once", () => {
  const mixed = { ...tls, key: pem("stranger.key") };
  expect(() => createAuthClient({ url: "https://gateway.internal", tls: mixed })).toThrow("a key of another cert");
});
