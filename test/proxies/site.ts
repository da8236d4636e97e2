// A gateway whose signing key the test knows, a service, and a proxy in front of the service.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { decodeJwt } from "jose";
import { expect, vi } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { TokenAlg } from "../../src/core/tokens/algorithms.ts";
import { postJson } from "../ask.ts";
import { CUSTOMER_KEY, NO_LIMITS, openGateway, signNow, type TestGateway } from "../gateway.ts";
import { type Mint, makeKeys } from "../vectors/forge.ts";
import { startEchoService } from "./echo.ts";
import { EXAMPLES, startProxy } from "./example.ts";
import type { ProxyProgram, RunningProxy } from "./proxy.ts";

export interface Site {
  readonly gateway: Omit<TestGateway, "close">;
  /** Closes the gateway; the proxy and the service stay. */
  stopGateway(): Promise<void>;
  /** The proxy that runs now. */
  readonly proxy: RunningProxy;
  /** Makes valid tokens of DEVICE_KEY with the signing key that openSite puts in place of the gateway's own. */
  readonly mint: Mint;
  /** Replaces the signing key with one that the test knows. @returns the mint of its tokens */
  replaceKey(): Promise<Mint>;
  /** Publishes a next key of another algorithm, as a gateway with that TOKEN_ALG does. */
  publishNextOf(alg: TokenAlg): Promise<void>;
  /** Logs in with the gateway's clock set back by `agoMs`. */
  logIn(deviceKey: string, agoMs?: number): Promise<string>;
  /** Writes HAProxy's key files from the JWKS, with `true` as the reload command. @returns its output */
  writeKeys(): Promise<string>;
  /** Restarts the proxy, which reads its files again. */
  restartProxy(): Promise<void>;
  close(): Promise<void>;
}

export const DEVICE_KEY = "pump-7";

/** Paths of PEM files; the certificate is self-signed. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** The device is older than each of its tokens. */
const ENROLLED_AGO_MS = 3_600_000;
/** A gateway reads the signing keys every second. */
const NOTICED_WITHIN_MS = 15_000;

/** Starts the gateway, the service and the proxy. With `tls` the gateway speaks TLS, and the proxy trusts the certificate `trusted`. */
export async function openSite(
  program: ProxyProgram,
  tls?: Certificate,
  trusted: string = tls?.cert ?? "",
  alg: TokenAlg = "RS256",
): Promise<Site> {
  await using cleanup = new AsyncDisposableStack();
  const clock = { agoMs: ENROLLED_AGO_MS };
  const folder = mkdtempSync(join(tmpdir(), "countersign-site-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const settings = {
    ...NO_LIMITS,
    DATA_DIR: folder,
    TOKEN_ALG: alg,
    ...(tls && { TLS_CERT: tls.cert, TLS_KEY: tls.key }),
  };
  const gateway = await openGateway(settings, { now: () => Date.now() - clock.agoMs });
  cleanup.defer(() => gateway.close());
  await gateway.enrol({ deviceKey: DEVICE_KEY });
  clock.agoMs = 0;
  async function logIn(deviceKey: string, agoMs = 0): Promise<string> {
    clock.agoMs = agoMs;
    const second = Math.floor((Date.now() - agoMs) / 1000);
    const url = new URL("/auth/login", gateway.publicUrl);
    const { body } = await postJson(
      url,
      signNow(deviceKey, CUSTOMER_KEY, second),
      tls && { ca: readFileSync(tls.cert) },
    );
    clock.agoMs = 0;
    return String(JSON.parse(body).token);
  }
  // The mint's tokens have the jti of a real token: a gateway accepts only a jti of the device's present epoch.
  const { jti = "" } = decodeJwt(await logIn(DEVICE_KEY));

  async function replaceKey(): Promise<Mint> {
    const { privateKey, publicKey } = makeKeys(alg);
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const { kid } = await gateway.signingKeys.import({ privateKey: pem, kid: "", asNext: false }, GATEWAY);
    return {
      alg,
      kid,
      privateKey,
      publicJwk: { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" },
      issuer: "https://login.example",
      audience: "devices",
      deviceKey: DEVICE_KEY,
      customerId: gateway.customerId,
      jti,
      now: Date.now(),
    };
  }
  const mint = await replaceKey();

  const service = await startEchoService();
  cleanup.defer(() => service.close());
  const keys = join(folder, "keys");
  mkdirSync(keys);
  async function writeKeys(): Promise<string> {
    const jwks = new URL("/.well-known/jwks.json", gateway.publicUrl).href;
    const script = join(EXAMPLES, "haproxy-keys.mjs");
    return (await promisify(execFile)(process.execPath, [script, jwks, keys, "true"])).stdout;
  }
  if (program.example === "haproxy.cfg") await writeKeys();
  const asked = program.example === "apache.conf" ? gateway.internalUrl : gateway.publicUrl;
  const addresses = { gateway: new URL(asked).host, service: service.host, keys, gatewayCa: trusted };
  let proxy = await startProxy(program, addresses);
  cleanup.defer(() => proxy.close());

  const closing = cleanup.move();
  return {
    gateway,
    stopGateway: () => gateway.close(),
    get proxy() {
      return proxy;
    },
    mint,
    replaceKey,
    async publishNextOf(nextAlg) {
      const past = (): number => Date.now() - ENROLLED_AGO_MS;
      const other = await openGateway({ ...settings, TOKEN_ALG: nextAlg }, { now: past });
      await other.close();
      await vi.waitFor(async () => {
        const jwks = await fetch(new URL("/.well-known/jwks.json", gateway.publicUrl));
        expect(await jwks.json()).toMatchObject({
          keys: expect.arrayContaining([expect.objectContaining({ alg: nextAlg })]),
        });
      }, NOTICED_WITHIN_MS);
    },
    logIn,
    writeKeys,
    async restartProxy() {
      await proxy.close();
      proxy = await startProxy(program, addresses);
    },
    close: () => closing.disposeAsync(),
  };
}
