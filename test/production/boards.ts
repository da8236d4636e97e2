// Runs a storm's boards in a process of their own.

import { setTimeout as pause } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { postJson } from "../ask.ts";
import { signNow } from "../gateway.ts";

export interface BoardsOrder {
  readonly url: string;
  readonly deviceKeys: readonly string[];
  /** How many boards log in at the same time; the others wait. */
  readonly atOnce: number;
  /** A board begins within this time of its turn. */
  readonly withinSeconds: number;
}

export interface BoardsReport {
  /** When each token came, in seconds since the order. */
  readonly tokens: number[];
  /** Statuses, and errors of attempts without an answer. */
  readonly answers: string[];
}

/** A board gives up after this time. */
const CLIENT_TIMEOUT_MS = 15_000;
/** A board without an answer tries again after this time. */
const RETRY_SECONDS = 5;

const BOARD = {
  agent: false,
  // One suite and one curve, as boards offer. Node's default has ML-KEM, which doubles the cost of a handshake.
  secureContext: createSecureContext({
    minVersion: "TLSv1.3",
    ciphers: "TLS_AES_128_GCM_SHA256",
    ecdhCurve: "X25519",
  }),
  // The check of the certificate would only cost time here.
  rejectUnauthorized: false,
} as const;

async function run({ url, deviceKeys, atOnce, withinSeconds }: BoardsOrder): Promise<BoardsReport> {
  const report: BoardsReport = { tokens: [], answers: [] };
  const started = performance.now();

  async function getToken(deviceKey: string): Promise<void> {
    for (;;) {
      let waitSeconds = RETRY_SECONDS;
      try {
        const options = { ...BOARD, signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS) };
        const { status, headers, body } = await postJson(`${url}/auth/login`, signNow(deviceKey), options);
        report.answers.push(String(status));
        if (body.includes('"token"')) break;
        waitSeconds = Number(headers["retry-after"]?.[0] ?? waitSeconds);
      } catch (error) {
        report.answers.push(String(error));
      }
      // The wait plus a random part of up to a quarter of it, as docs/devices.md says.
      await pause(waitSeconds * 1_000 * (1 + Math.random() / 4));
    }
    report.tokens.push((performance.now() - started) / 1_000);
  }

  const waiting = deviceKeys.values();
  async function lane(): Promise<void> {
    for (const deviceKey of waiting) {
      await pause(Math.random() * withinSeconds * 1_000);
      await getToken(deviceKey);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane));
  return report;
}

process.send?.("ready");
process.on("message", async (order: BoardsOrder) => {
  process.send?.(await run(order));
});
