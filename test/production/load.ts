// Boards that log in one after the other on kept-alive HTTP/1.1 and HTTP/2 connections, and the result of each login.

import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { Agent } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { LoginBody } from "../../src/cli/sign.ts";
import { postJson } from "../ask.ts";
import { signNow } from "../gateway.ts";

export interface LoadOptions {
  readonly url: string;
  readonly ca: string;
  readonly deviceKeys: readonly string[];
  /** Connections of each protocol. */
  readonly connections: number;
  /** The share of logins with a wrong signature. */
  readonly wrongShare?: number;
  /** Logins may be lost: a killed gateway closes its connections from HAProxy. */
  readonly mayDrop?: boolean;
  /** Logins a second at most, over all connections. */
  readonly rate?: number;
}

export interface Tally {
  readonly logins: number;
  /** Answers by kind of login (right, wrong) and status. */
  readonly counts: ReadonlyMap<string, number>;
  /** Unexpected answers: to a right proof other than 200, 429 or 503, to a wrong one other than 401, 429 or 503. */
  readonly mistakes: readonly string[];
}

export interface Load {
  readonly sent: () => number;
  stop(): Promise<Tally>;
}

/** Starts the load: half of the connections speak HTTP/1.1, the others HTTP/2. */
export function startLoad(options: LoadOptions): Load {
  const { url, ca, deviceKeys, connections, wrongShare = 0, rate, mayDrop = false } = options;
  const counts = new Map<string, number>();
  const mistakes: string[] = [];
  const started = performance.now();
  let sent = 0;
  let isStopped = false;

  async function run(post: Connection["post"]): Promise<void> {
    while (!isStopped) {
      const index = sent++;
      const due = rate === undefined ? 0 : (index / rate) * 1_000 - (performance.now() - started);
      if (due > 1) await pause(due);
      const login = signNow(deviceKeys[index % deviceKeys.length] ?? "");
      const isWrong = wrongShare > 0 && index % Math.round(1 / wrongShare) === 0;
      const body = isWrong ? { ...login, device_signature: "0".repeat(64) } : login;
      const answer = await post(body).catch((error: unknown) => ({ status: 0, body: String(error) }));
      const kind = `${isWrong ? "wrong" : "right"} ${answer.status}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const allowed = [isWrong ? 401 : 200, 429, 503, ...(mayDrop ? [0] : [])];
      if (!allowed.includes(answer.status)) mistakes.push(`${kind} ${answer.body.slice(0, 200)}`);
    }
  }

  const running = Array.from({ length: connections }, async (_, index) => {
    const http = index % 2 === 0 ? openHttp1(url, ca) : openHttp2(url, ca);
    await run(http.post);
    http.close();
  });
  return {
    sent: () => sent,
    async stop() {
      isStopped = true;
      await Promise.all(running);
      const logins = [...counts.values()].reduce((total, count) => total + count, 0);
      return { logins, counts, mistakes };
    },
  };
}

interface Connection {
  readonly post: (login: LoginBody) => Promise<{ readonly status: number; readonly body: string }>;
  readonly close: () => void;
}

function openHttp1(url: string, ca: string): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  return {
    post: (login) => postJson(new URL("/auth/login", url), login, { agent }),
    close: () => agent.destroy(),
  };
}

function openHttp2(url: string, ca: string): Connection {
  let session: ClientHttp2Session | undefined;
  return {
    async post(login) {
      if (session === undefined || session.closed || session.destroyed) {
        session = connect(url, { ca });
        session.on("error", () => {});
      }
      const stream = session.request({ ":method": "POST", ":path": "/auth/login", "content-type": "application/json" });
      stream.end(JSON.stringify(login));
      const [headers] = await once(stream, "response");
      return { status: Number(headers[":status"]), body: await text(stream) };
    },
    close: () => session?.close(),
  };
}

/** The counts as a line. */
export function describeCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort()
    .map(([kind, count]) => `${count} ${kind}`)
    .join(", ");
}
