// A gateway process for all tests of a file, which attack it over HTTP/2.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { readDemoDevice } from "../src/cli/demo.ts";
import { type LoginBody, signLogin } from "../src/cli/sign.ts";
import { postJson } from "./ask.ts";
import { openConnection } from "./frames.ts";
import { ADMIN_TOKEN, NO_LIMITS, namedSettings } from "./gateway.ts";
import type { RequestMaker } from "./http2-requests.ts";
import type { Reset } from "./http2-resets.ts";
import { type ServingProcess, serve } from "./program.ts";

export interface SharedGateway {
  /** Attacks a listener with a request, then expects that a login succeeds there. */
  expectToSurvive(listener: "public" | "internal", attack: Reset, make: RequestMaker): Promise<void>;
  /** Stops the gateway, and expects a log without warnings. */
  expectQuietEnd(): Promise<void>;
}

/** Starts a gateway for the tests of a file, in cleartext or with a certificate. */
export function shareGateway(tls?: { readonly cert: string; readonly key: string }): SharedGateway {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const ca = tls && readFileSync(tls.cert);
  let gateway: ServingProcess;
  let end = async (): Promise<void> => {};
  let token = "";
  let logins = 0;

  beforeAll(async () => {
    const own = { CLOCK_SKEW: "1800s", LOG_LEVEL: "warn", ...(tls && { TLS_CERT: tls.cert, TLS_KEY: tls.key }) };
    const env = namedSettings({ ...NO_LIMITS, ...own, DATA_DIR: folder });
    gateway = await serve(folder, { env }, [], (atEnd) => {
      end = atEnd;
    });
    token = await logIn(gateway.publicUrl);
  });
  afterAll(async () => {
    await end();
    rmSync(folder, { recursive: true });
  });

  /** Signs a login for a new second each time: the gateway refuses a repeated one. */
  function signNext(): LoginBody {
    const device = readDemoDevice(folder);
    if (device === undefined) throw new TypeError("serve --dev enrols a demo device");
    logins++;
    return signLogin(device, Math.floor(Date.now() / 1000) - logins);
  }

  /** @returns the token, or the answer's body */
  async function logIn(url: string): Promise<string> {
    const { body } = await postJson(new URL("/auth/login", url), signNext(), { agent: false, ...(ca && { ca }) });
    return JSON.parse(body).token ?? body;
  }

  return {
    async expectToSurvive(listener, attack, make) {
      const url = gateway[`${listener}Url`];
      const request = make({ login: signNext(), token, adminToken: ADMIN_TOKEN });
      const failure = await attack(() => openConnection(url, ca), request).catch(String);
      const after = await logIn(url).catch(String);
      expect([failure, after], gateway.log()).toEqual([undefined, expect.stringMatching(/^ey/)]);
    },
    async expectQuietEnd() {
      expect([await gateway.end("SIGTERM"), gateway.log()]).toEqual([0, ""]);
    },
  };
}
