// A gateway process that the tests of a file share.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { readDemoDevice } from "../src/cli/demo.ts";
import { type LoginBody, signLogin } from "../src/cli/sign.ts";
import { data, type FrameConnection, openConnection, openStream, settings } from "./frames.ts";
import type { RawRequest, RequestMaker } from "./http2-requests.ts";
import { type ServingProcess, serve } from "./program.ts";

const ADMIN_TOKEN = "test-admin-token-0123456789";
const SETTINGS = {
  COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
  COUNTERSIGN_LOG_LEVEL: "warn",
  COUNTERSIGN_CLOCK_SKEW: "1800s",
  COUNTERSIGN_LOGIN_LIMIT: "off",
  COUNTERSIGN_FAILURE_LIMIT: "off",
  COUNTERSIGN_ADDRESS_LIMIT: "off",
};

/** Opens a connection to the listener under attack. */
export type Open = () => Promise<FrameConnection>;

/** Sends a request, and what is wrong with it. */
export type Attack = (open: Open, request: RawRequest) => Promise<void>;

export interface TlsSettings {
  /** Paths of files. */
  readonly cert: string;
  readonly key: string;
}

export interface SharedGateway {
  /** Attacks a listener, then expects that a login succeeds there. */
  expectToOutlive(listener: "public" | "internal", attack: Attack, make: RequestMaker): Promise<void>;
  /** Ends the gateway, and expects that it had nothing to warn of. */
  expectQuietEnd(): Promise<void>;
}

interface Running extends ServingProcess {
  readonly token: string;
}

/** Starts a gateway with the first test, and another one after a crash. The gateways end with the file's tests. */
export function shareGateway(tls?: TlsSettings): SharedGateway {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const tlsSettings = tls && { COUNTERSIGN_TLS_CERT: tls.cert, COUNTERSIGN_TLS_KEY: tls.key };
  const ca = tls && readFileSync(tls.cert);
  const ends: (() => Promise<void>)[] = [];
  let running: Promise<Running> | undefined;
  let logins = 0;

  afterAll(async () => {
    await Promise.all(ends.map((end) => end()));
    rmSync(folder, { recursive: true });
  });

  /** Signs for another second each time: the gateway denies a repeated login. */
  function signNext(): LoginBody {
    const device = readDemoDevice(folder);
    if (device === undefined) throw new TypeError("serve --dev enrols a demo device");
    logins++;
    return signLogin(device, Math.floor(Date.now() / 1000) - logins);
  }

  /** @returns the token @throws Error when the login fails */
  async function logIn(url: string): Promise<string> {
    const connection = await openConnection(url, ca);
    const headers = { ":method": "POST", ":scheme": "http", ":path": "/auth/login", ":authority": "localhost" };
    connection.write(settings(), openStream(1, headers, false), data(1, Buffer.from(JSON.stringify(signNext()))));
    try {
      const { token } = JSON.parse(String(await connection.bodyOf(1)));
      if (typeof token !== "string") throw new Error("the login has no token");
      return token;
    } finally {
      connection.destroy();
    }
  }

  async function start(): Promise<Running> {
    const env = { ...SETTINGS, ...tlsSettings };
    const gateway = await serve(folder, { env }, [], (end) => ends.push(end));
    return { ...gateway, token: await logIn(gateway.publicUrl) };
  }

  return {
    async expectToOutlive(listener, attack, make) {
      running ??= start();
      const gateway = await running;
      const url = gateway[`${listener}Url`];
      const request = make({ login: signNext(), token: gateway.token, adminToken: ADMIN_TOKEN });
      const attacked = await attack(() => openConnection(url, ca), request).catch(String);
      const token = await logIn(url).catch(String);
      if (attacked === undefined && token.startsWith("ey")) return;
      running = undefined;
      await gateway.end("SIGTERM");
      expect.fail(`${attacked ?? token}: ${gateway.log()}`);
    },
    async expectQuietEnd() {
      const gateway = await running;
      expect([await gateway?.end("SIGTERM"), gateway?.log()]).toEqual([0, ""]);
    },
  };
}
