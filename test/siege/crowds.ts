// More connections than the gateway accepts: it keeps the old ones.

import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { PREFACE, settings } from "../frames.ts";
import {
  type AttackPlan,
  type Findings,
  forEachIndex,
  heldConnections,
  openSocket,
  received,
  type Target,
} from "./attack.ts";
import { http1 } from "./requests.ts";

const ASK = http1("GET /auth/time HTTP/1.1");
const ANSWER_MS = 5_000;
const OPENING = 200;
const HOLD_MS = 12_000;
const RECOVERY_MS = 1_500;
/** The defaults of MAX_CONNECTIONS and MAX_CONNECTIONS_PER_ADDRESS. */
const MAX_CONNECTIONS = 10_000;
const MAX_PER_ADDRESS = 1_000;
/** Refused connections that the gateway is about to close: those that two processes open at a time. */
const CLOSING = 2 * OPENING;

async function isAnswered(socket: Socket): Promise<boolean> {
  const answer = received(socket, ANSWER_MS, (bytes) => bytes.includes("server_time"));
  socket.write(ASK);
  return (await answer)?.includes("server_time") ?? false;
}

/**
 * Opens connections: a third sends a request, a third speaks HTTP/2, a third is silent. The gateway holds at most `most` of them,
 * and the first `kept` have to stay open.
 */
async function gather(
  target: Target,
  count: number,
  findings: Findings,
  { most, kept = Math.min(count, most) >> 2, ...source }: { most: number; kept?: number; localAddress?: string },
): Promise<void> {
  const sockets: Socket[] = [];
  const old: Socket[] = [];
  await forEachIndex(count, OPENING, async (index) => {
    const socket = await openSocket(target.publicUrl, index, source);
    if (socket === undefined) return;
    socket.resume();
    sockets.push(socket);
    if (index < kept && (await isAnswered(socket))) old.push(socket);
    else if (index % 3 === 1) socket.write(Buffer.concat([PREFACE, settings()]));
    else if (index % 3 === 2) socket.write(ASK);
  });
  const held = heldConnections(target);
  if (held > most + CLOSING) findings.add(`the gateway held ${held} connections, at most ${most}`);
  if (old.length < kept) findings.add(`${kept - old.length} of the first ${kept} connections were not answered`);
  await pause(HOLD_MS);
  await forEachIndex(old.length, OPENING, async (index) => {
    const socket = old[index];
    if (socket === undefined || socket.destroyed) findings.add("an old connection was closed");
    else if (!(await isAnswered(socket))) findings.add("an old connection was not answered");
  });
  for (const socket of sockets) socket.destroy();
}

/** By attack; the count is of connections. */
export const CROWDS: Readonly<Record<string, AttackPlan>> = {
  "idle-connections": {
    count: 20_000,
    processes: 2,
    full: ["public"],
    run: (target, count, findings) => gather(target, count, findings, { most: MAX_CONNECTIONS }),
  },
  "one-address": {
    count: 3_000,
    run: (target, count, findings) =>
      gather(target, count, findings, { localAddress: "127.0.1.250", most: MAX_PER_ADDRESS }),
  },
  // A gateway with few descriptors has none left. The first connections are answered, then all close.
  "no-descriptors": {
    count: 4_000,
    descriptors: 3_000,
    full: ["public", "internal"],
    async run(target, count, findings) {
      await gather(target, count, findings, { most: count, kept: Math.min(count >> 2, 500) });
      await pause(RECOVERY_MS);
      const socket = await openSocket(target.publicUrl, 0);
      if (socket === undefined || !(await isAnswered(socket))) findings.add("a new connection fails after the attack");
      socket?.destroy();
    },
  },
};
