// Runs a steady load of logins over kept-alive HTTP/1.1 and HTTP/2.

import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { Agent } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { LoginBody } from "../../src/cli/sign.ts";
import { postJson } from "../ask.ts";
import { signNow } from "../gateway.ts";
import type { Balancer } from "../proxies/proxy.ts";

export interface LoadOptions {
  /** Half of them speak HTTP/1.1, the others HTTP/2. */
  readonly connections: number;
  /** Logins a second at most, over all connections. */
  readonly rate?: number;
  /** One login of this many has a wrong signature. */
  readonly wrongEvery?: number;
  /** Statuses that are allowed beside 200, and 401 for a wrong signature. A login without an answer has 0. */
  readonly tolerated?: readonly number[];
}

/** Starts the load, which runs until it is stopped. */
export function startLoad({ url, ca }: Balancer, deviceKeys: readonly string[], options: LoadOptions) {
  const { connections, rate = Number.POSITIVE_INFINITY, tolerated = [] } = options;
  const { wrongEvery = Number.POSITIVE_INFINITY } = options;
  const counts = new Map<string, number>();
  const mistakes: string[] = [];
  const started = performance.now();
  let sent = 0;
  let isStopped = false;

  async function run({ post, close }: Connection): Promise<void> {
    while (!isStopped) {
      const index = sent++;
      const due = (index / rate) * 1_000 - (performance.now() - started);
      if (due > 1) await pause(due);
      const login = signNow(deviceKeys[index % deviceKeys.length] ?? "");
      const isWrong = (index + 1) % wrongEvery === 0;
      const body = isWrong ? { ...login, device_signature: "0".repeat(64) } : login;
      const answer = await post(body).catch((error: unknown) => ({ status: 0, body: String(error) }));
      const kind = `${isWrong ? "wrong" : "right"} ${answer.status}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const isExpected = answer.status === (isWrong ? 401 : 200) || tolerated.includes(answer.status);
      if (!isExpected) mistakes.push(`${kind} ${answer.body.slice(0, 200)}`);
    }
    close();
  }

  const running = Array.from({ length: connections }, (_, index) =>
    run(index % 2 === 0 ? openHttp1(url, ca) : openHttp2(url, ca)),
  );
  return {
    sent: () => sent,
    async stop() {
      isStopped = true;
      await Promise.all(running);
      const logins = [...counts.values()].reduce((total, count) => total + count, 0);
      const lines = [...counts].sort().map(([kind, count]) => `${count} ${kind}`);
      return { logins, counts: lines.join(", "), mistakes };
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
