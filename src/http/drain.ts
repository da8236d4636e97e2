// Ends the connections of a listener that has stopped accepting.

import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Connection } from "./connection.ts";

export interface DrainTimes {
  /** How long an idle connection may still send a request, in milliseconds. The answer announces that the connection ends. */
  readonly idleMs: number;
  /** Every connection is destroyed after this time, in milliseconds. */
  readonly graceMs: number;
}

const SWEEP_MS = 50;

/**
 * Ends each connection with its next answer, and waits for `ended`: the server has closed.
 * @returns how many connections were destroyed with a request under way
 */
export async function drainConnections(
  server: Server,
  sockets: ReadonlySet<Socket>,
  connections: ReadonlyMap<Socket, Connection>,
  ended: Promise<void>,
  { idleMs, graceMs }: DrainTimes,
): Promise<number> {
  for (const connection of connections.values()) connection.drain();
  let destroyed = 0;
  const grace = setTimeout(() => {
    destroyed = sockets.size;
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  let sweeps: NodeJS.Timeout | undefined;
  const sweep = (): void => {
    // After sockets are read, so that a request that has arrived is answered.
    setImmediate(() => {
      server.closeIdleConnections();
      for (const connection of connections.values()) connection.endIdle?.();
      const served = new Set([...connections.keys()].map(peerOf));
      for (const socket of sockets) if (!served.has(peerOf(socket))) socket.destroy();
    });
  };
  const idle = setTimeout(
    () => {
      sweep();
      // A connection that is busy now may be idle later.
      sweeps = setInterval(sweep, SWEEP_MS);
    },
    Math.min(idleMs, graceMs),
  );
  await ended;
  clearTimeout(grace);
  clearTimeout(idle);
  clearInterval(sweeps);
  return destroyed;
}

/** Names a connection. A TLS socket and its TCP socket have the same name. */
function peerOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
