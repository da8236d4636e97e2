// TLS on both listeners, with certificates that openssl makes: what is served, refused, and taken anew.

import { once } from "node:events";
import { copyFileSync, readFileSync } from "node:fs";
import { connect as connectHttp2, constants } from "node:http2";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type ConnectionOptions, connect } from "node:tls";
import { credentials } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, startTestGateway, type TestGateway } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";
import { makeCertificates, replaceFile } from "./certificates.ts";

const pems = makeCertificates({ server: "rsa", later: "rsa", client: "rsa" });

interface SecureGateway extends TestGateway {
  readonly ca: Buffer;
  readonly folder: string;
  signed(): Promise<ReturnType<typeof signLogin>>;
}

async function startSecureGateway(settings: Readonly<Record<string, string>> = {}): Promise<SecureGateway> {
  const folder = temporaryFolder();
  for (const kind of ["crt", "key"]) copyFileSync(join(pems, `server.${kind}`), join(folder, `server.${kind}`));
  const gateway = await startTestGateway({
    TLS_CERT: join(folder, "server.crt"),
    TLS_KEY: join(folder, "server.key"),
    ...settings,
  });
  const deviceKey = await gateway.enrol();
  return {
    ...gateway,
    folder,
    ca: readFileSync(join(pems, "server.crt")),
    signed: async () => signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000)),
  };
}

async function postOver(url: string, login: object, options: ConnectionOptions): Promise<number | undefined> {
  const call = request(new URL("/auth/login", url), { method: "POST", agent: false, ...options });
  call.end(JSON.stringify(login));
  const [response] = await once(call, "response");
  await text(response);
  return response.statusCode;
}

test("REST over HTTP/1.1 and HTTP/2, by ALPN", async () => {
  const { publicUrl, ca, signed } = await startSecureGateway();
  expect(publicUrl).toMatch(/^https:/);
  expect(await postOver(publicUrl, await signed(), { ca })).toBe(200);

  const session = connectHttp2(publicUrl, { ca });
  const stream = session.request({ ":method": "POST", ":path": "/auth/login" });
  stream.end(JSON.stringify(await signed()));
  const [headers] = await once(stream, "response");
  expect([session.alpnProtocol, headers[":status"]]).toEqual(["h2", 200]);
  stream.resume();
  await once(stream, "close");
  session.close();
});

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "a client of %s that ends its side still gets its token",
  async (maxVersion) => {
    const { publicUrl, ca, signed } = await startSecureGateway();
    const { hostname, port } = new URL(publicUrl);
    const socket = connect({ host: hostname, port: Number(port), ca, maxVersion });
    const answer = text(socket);
    const body = JSON.stringify(await signed());
    socket.end(`POST /auth/login HTTP/1.1\r\nHost: gateway\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\{"token":"/s);
  },
);

test.each(["publicUrl", "internalUrl"] as const)("HTTP/2 without ALPN, by its preface, at %s", async (listener) => {
  const gateway = await startSecureGateway();
  const { hostname, port } = new URL(gateway[listener]);
  const socket = connect({ host: hostname, port: Number(port), ca: gateway.ca });
  await once(socket, "secureConnect");
  expect(socket.alpnProtocol).toBe(false);
  // The client of node:http2 would not speak where nothing was agreed; the server is asked by hand.
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0)]));
  const [frame] = await once(socket, "data");
  // A SETTINGS frame of stream 0 (RFC 9113, 6.5), and no page of Node's own.
  expect([frame[3], frame.readUInt32BE(5)]).toEqual([4, 0]);
  socket.destroy();
});

test.each([
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-SHA256",
  "ECDHE-RSA-AES128-SHA",
  "AES128-GCM-SHA256",
  "AES128-SHA",
])("a board that has TLS 1.2 and %s alone", async (ciphers) => {
  const { publicUrl, ca, signed } = await startSecureGateway();
  const old = { ca, maxVersion: "TLSv1.2", ciphers } as const;
  expect(await postOver(publicUrl, await signed(), old)).toBe(200);
});

test("handshakes that fail end nothing: no TLS at all, an old version, half a hello", async () => {
  const { publicUrl, ca, signed } = await startSecureGateway();
  const { hostname, port } = new URL(publicUrl);
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00", ""]) {
    const socket = connectTcp(Number(port), hostname);
    socket.on("error", () => {});
    socket.end(bytes);
    socket.resume();
    await once(socket, "close");
  }
  const old = connect({
    host: hostname,
    port: Number(port),
    ca,
    maxVersion: "TLSv1.1",
    minVersion: "TLSv1",
    ciphers: "DEFAULT@SECLEVEL=0",
  });
  await once(old, "error");
  expect(await postOver(publicUrl, await signed(), { ca })).toBe(200);
});

test("a changed certificate is taken, and a connection that stands is not dropped", async () => {
  const { publicUrl, ca, folder, signed } = await startSecureGateway();
  const session = connectHttp2(publicUrl, { ca });
  await once(session, "connect");

  for (const kind of ["crt", "key"]) replaceFile(join(folder, `server.${kind}`), join(pems, `later.${kind}`));
  const later = readFileSync(join(pems, "later.crt"));
  await expect
    .poll(async () => postOver(publicUrl, await signed(), { ca: later }).catch(() => "another certificate"), {
      timeout: 10_000,
    })
    .toBe(200);

  const stream = session.request({ ":method": "POST", ":path": "/auth/login" });
  stream.end(JSON.stringify(await signed()));
  const [headers] = await once(stream, "response");
  expect(headers[":status"]).toBe(200);
  session.destroy();
});

test("gRPC and HTTP/1.1 on the internal listener want a client certificate, where one is asked for", async () => {
  const { internalUrl, publicUrl, ca, signed } = await startSecureGateway({ TLS_CLIENT_CA: join(pems, "client.crt") });
  const [key, cert] = [readFileSync(join(pems, "client.key")), readFileSync(join(pems, "client.crt"))];

  const logIn = async (grpcCredentials: ReturnType<typeof credentials.createSsl>) => {
    const client = new AuthServiceClient(new URL(internalUrl).host, grpcCredentials);
    const login = await signed();
    const token = await new Promise<string>((resolve) =>
      client.login(login, (error, response) => resolve(error ? `refused: ${error.code}` : response.token)),
    );
    client.close();
    return token;
  };
  expect(await logIn(credentials.createSsl(ca, key, cert))).toMatch(/^eyJ/);
  expect(await logIn(credentials.createSsl(ca))).toBe("refused: 14");
  expect(await postOver(internalUrl, await signed(), { ca, key, cert })).toBe(200);
  await expect(postOver(internalUrl, await signed(), { ca })).rejects.toThrow();
  expect(await postOver(publicUrl, await signed(), { ca })).toBe(200);
});

test("whoever pings too often over TLS is told so before the connection ends", async () => {
  const { internalUrl, ca } = await startSecureGateway();
  const session = connectHttp2(internalUrl, { ca });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  await once(session, "connect");
  const told = once(session, "goaway");
  for (let sent = 0; sent < 10; sent++) session.ping(() => {});
  const [code, , data] = await told;
  expect([code, String(data)]).toEqual([constants.NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings"]);
});
