// The boards of a storm, in their own process: each logs in over new connections until it has a token.

import { setTimeout as pause } from "node:timers/promises";
import { connect, createSecureContext } from "node:tls";
import { signNow } from "../gateway.ts";

/** All boards at once. */
export interface StormOrder {
  readonly url: string;
  readonly deviceKeys: readonly string[];
  /** The boards begin within this time, in seconds. */
  readonly withinSeconds: number;
}

/** A few boards, one after the other. */
export interface MeasureOrder {
  readonly url: string;
  readonly deviceKeys: readonly string[];
  readonly atOnce: number;
  readonly seconds: number;
}

export interface BoardsReport {
  /** When each token came, in seconds since the order. */
  readonly tokens: readonly number[];
  /** Answers by status. */
  readonly counts: Readonly<Record<string, number>>;
  /** Attempts without an answer, by error code: the board tries again. */
  readonly failures: Readonly<Record<string, number>>;
}

/** A board gives up after this time. */
const CLIENT_TIMEOUT_MS = 15_000;

/** The TLS offer of a board: one suite, one curve. Node's default has ML-KEM, which doubles the cost of a handshake. */
const BOARD = createSecureContext({
  minVersion: "TLSv1.3",
  ciphers: "TLS_AES_128_GCM_SHA256",
  ecdhCurve: "X25519",
});

interface Answer {
  readonly status: number;
  readonly retryAfter: number;
  readonly body: string;
}

/** A login over a new connection. It has to be cheap: real boards do not use the site's processors. Rejects when there is no answer in time. */
function logIn(url: string, deviceKey: string): Promise<Answer> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve, reject) => {
    // The check of the certificate would only cost time here.
    const socket = connect({ host, port: Number(port), secureContext: BOARD, rejectUnauthorized: false });
    let received = "";
    const timeout = setTimeout(() => {
      socket.destroy(Object.assign(new Error("timeout"), { code: "TIMEOUT" }));
    }, CLIENT_TIMEOUT_MS);
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.once("error", reject);
    socket.once("close", () => {
      clearTimeout(timeout);
      const answer = readAnswer(received);
      if (answer === undefined) reject(Object.assign(new Error("no whole answer"), { code: "CUT" }));
      else resolve(answer);
    });
    socket.write(encodeLogin(deviceKey));
  });
}

function encodeLogin(deviceKey: string): string {
  const body = JSON.stringify(signNow(deviceKey));
  const headers = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close`;
  return `POST /auth/login HTTP/1.1\r\nHost: login.example\r\n${headers}\r\n\r\n${body}`;
}

/** Reads an answer; undefined if it is incomplete. */
function readAnswer(received: string): Answer | undefined {
  const end = received.indexOf("\r\n\r\n");
  const head = received.slice(0, end);
  const body = received.slice(end + 4);
  if (end === -1 || Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1]) !== body.length) return undefined;
  const retryAfter = Number(/\nretry-after: *(\d+)/i.exec(head)?.[1] ?? 5);
  return { status: Number(head.slice(9, 12)), retryAfter, body };
}

/** An attempt without an answer is repeated after this time. */
const RETRY_MS = 5_000;

async function runStorm({ url, deviceKeys, withinSeconds }: StormOrder): Promise<BoardsReport> {
  const counts: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const tokens: number[] = [];
  const started = performance.now();

  async function runBoard(deviceKey: string): Promise<void> {
    await pause(Math.random() * withinSeconds * 1_000);
    for (;;) {
      let waitMs = RETRY_MS;
      try {
        const { status, retryAfter, body } = await logIn(url, deviceKey);
        counts[status] = (counts[status] ?? 0) + 1;
        if (status === 200 && body.includes('"token"')) {
          tokens.push((performance.now() - started) / 1_000);
          return;
        }
        waitMs = retryAfter * 1_000;
      } catch (error) {
        const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
        failures[code] = (failures[code] ?? 0) + 1;
      }
      // The wait plus a random part of up to a quarter of it, as docs/devices.md says.
      await pause(waitMs * (1 + Math.random() / 4));
    }
  }

  await Promise.all(deviceKeys.map(runBoard));
  return { tokens, counts, failures };
}

/** @returns tokens a second */
async function measureRate({ url, deviceKeys, atOnce, seconds }: MeasureOrder): Promise<number> {
  let tokens = 0;
  let next = 0;
  const until = performance.now() + seconds * 1_000;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (;;) {
        const { status } = await logIn(url, deviceKeys[next++ % deviceKeys.length] ?? "");
        if (performance.now() > until) return;
        if (status === 200) tokens++;
      }
    }),
  );
  return tokens / seconds;
}

process.send?.("ready");
process.on("message", async (order: StormOrder | MeasureOrder) => {
  process.send?.("atOnce" in order ? await measureRate(order) : await runStorm(order));
});
