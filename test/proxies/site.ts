// Starts a gateway, a proxy, and a service that echoes its requests.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempDisposableSync, readFileSync } from "node:fs";
import { createServer, type RequestOptions } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { decodeJwt } from "jose";
import { afterAll, expect } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { TokenAlg } from "../../src/core/tokens/algorithms.ts";
import { ask, type HttpAnswer, postJson } from "../ask.ts";
import { listenOnLoopback } from "../free-port.ts";
import { NO_LIMITS, openGateway, signNow } from "../gateway.ts";
import type { Mint } from "../vectors/forge.ts";
import { newMint } from "../verify/issuer.ts";
import { APACHE, HAPROXY, KEYS_SCRIPT, type ProxyProgram, startProxy } from "./proxy.ts";

export const DEVICE_KEY = "pump-7";
/** The device is older than each of its tokens. */
const ENROLLED_AGO_MS = 3_600_000;

export interface SiteOptions {
  /** Phrases of comments before the optional lines of the example to switch on. */
  readonly lines?: readonly string[];
  /** PEM files of the gateway's self-signed certificate, and the certificate that the proxy trusts in its place. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly trusted?: string };
  readonly alg?: TokenAlg;
}

export type Site = Awaited<ReturnType<typeof openSite>>;

/** Starts a site for the tests of the calling file. */
export async function startFileSite(program: ProxyProgram): Promise<Site> {
  const site = await openSite(program);
  afterAll(site.close);
  return site;
}

export async function openSite(program: ProxyProgram, { lines = [], tls, alg = "RS256" }: SiteOptions = {}) {
  await using cleanup = new AsyncDisposableStack();
  const clock = { agoMs: ENROLLED_AGO_MS };
  const { path: folder } = cleanup.use(mkdtempDisposableSync(join(tmpdir(), "countersign-site-")));
  const keys = join(folder, "keys");
  mkdirSync(keys);
  const settings = {
    ...NO_LIMITS,
    DATA_DIR: folder,
    TOKEN_ALG: alg,
    ...(tls && { TLS_CERT: tls.cert, TLS_KEY: tls.key }),
  };
  const gateway = await openGateway(settings, { now: () => Date.now() - clock.agoMs });
  cleanup.defer(() => gateway.close());
  await gateway.enrol({ deviceKey: DEVICE_KEY });

  /** Logs in with the gateway's clock set back by `agoMs`. @returns the token */
  async function logIn(deviceKey: string, agoMs = 0): Promise<string> {
    clock.agoMs = agoMs;
    const login = signNow(deviceKey, undefined, Math.floor((Date.now() - agoMs) / 1000));
    const url = new URL("/auth/login", gateway.publicUrl);
    const { body } = await postJson(url, login, tls && { ca: readFileSync(tls.cert) });
    clock.agoMs = 0;
    return String(JSON.parse(body).token);
  }

  // A mint's tokens have the jti of a real token: a gateway accepts only a jti of the device's present epoch.
  const { jti = "" } = decodeJwt(await logIn(DEVICE_KEY));

  /** Replaces the signing key by a new one. @returns the mint of its tokens, which are valid ones of DEVICE_KEY */
  async function replaceKey(): Promise<Mint> {
    const mint = newMint(randomUUID(), alg, "https://login.example");
    const privateKey = mint.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    await gateway.signingKeys.import({ privateKey, kid: mint.kid, asNext: false }, GATEWAY);
    return { ...mint, deviceKey: DEVICE_KEY, customerId: gateway.customerId, jti, now: Date.now() };
  }

  const jwks = `${gateway.publicUrl}/.well-known/jwks.json`;

  /** Writes HAProxy's key files from the JWKS, with `true` as the reload command. @returns its output */
  async function writeKeys(): Promise<string> {
    return (await promisify(execFile)(process.execPath, [KEYS_SCRIPT, jwks, keys, "true"])).stdout;
  }

  const mint = await replaceKey();
  const service = await startEchoService();
  cleanup.defer(service.close);
  if (program.example === HAPROXY.example) await writeKeys();
  const asked = program.example === APACHE.example ? gateway.internalUrl : gateway.publicUrl;
  const gatewayCa = tls?.trusted ?? tls?.cert ?? "";
  const places = { gateway: new URL(asked).host, service: service.host, keys, gatewayCa };
  let proxy = await startProxy(program, lines, places);
  cleanup.defer(() => proxy.close());

  const closing = cleanup.move();
  return {
    gateway,
    mint,
    replaceKey,
    logIn,
    writeKeys,
    /** Publishes a next key of another algorithm, as a gateway with that TOKEN_ALG does. */
    async publishNextOf(nextAlg: TokenAlg) {
      const now = () => Date.now() - ENROLLED_AGO_MS;
      await (await openGateway({ ...settings, TOKEN_ALG: nextAlg }, { now })).close();
      await expect.poll(async () => (await fetch(jwks)).text()).toContain(`"alg":"${nextAlg}"`);
    },
    /** Sends a request to the proxy, its path unchanged. Rejects when the connection ends without an answer. */
    send({ path = "/things", body, ...options }: RequestOptions & { readonly body?: string } = {}) {
      return ask(proxy.url, { path, ...options }, body);
    },
    /** Restarts the proxy, which reads its files again. */
    async restartProxy() {
      await proxy.close();
      proxy = await startProxy(program, lines, places);
    },
    close: () => closing.disposeAsync(),
  };
}

/** Starts a service that answers with the request it received, and with 500 for the path /broken. */
async function startEchoService() {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method, url: path, headersDistinct: headers } = request;
      response.writeHead(path === "/broken" ? 500 : 200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ method, path, headers, body }));
    });
  });
  return {
    host: `127.0.0.1:${await listenOnLoopback(server)}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** The request that reached the service, as it received it. @throws Error when none did */
export function echoOf({ status, body }: HttpAnswer): {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
} {
  if (status !== 200) throw new Error(`the service was not reached: ${status} ${body}`);
  return JSON.parse(body);
}
