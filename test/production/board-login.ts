// One login of a board over a TLS connection of its own.

import { request } from "node:https";
import { text } from "node:stream/consumers";
import { signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY } from "../gateway.ts";

/** A board gives up after this time. */
const CLIENT_TIMEOUT_MS = 15_000;

interface Answer {
  readonly status: number;
  readonly retryAfter: number;
  readonly body: string;
}

/** A login over a connection of its own. Rejects when there is no answer in time. */
export function logInAnew(url: string, ca: string, deviceKey: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000)));
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const options = { method: "POST", agent: false, ca, headers, timeout: CLIENT_TIMEOUT_MS };
    const sent = request(new URL("/auth/login", url), options, (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      text(response).then(
        (answer) => resolve({ status, retryAfter: Number(answered["retry-after"] ?? 5), body: answer }),
        reject,
      );
    });
    sent.once("timeout", () => sent.destroy(Object.assign(new Error("timeout"), { code: "TIMEOUT" })));
    sent.once("error", reject);
    sent.end(body);
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
