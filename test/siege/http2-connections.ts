// HTTP/2 connections of an attack: they open anew as often as the gateway ends them.

import { PREFACE, settings } from "../frames.ts";
import { openSocket, writeAll } from "./connections.ts";
import { type Attack, type AttackPlan, forEachIndex } from "./target.ts";

const LANES = 8;
const REFUSED_ROW = 20;

/** The bytes that one connection of a flood sends: `batch` makes the frames of `count` units from `first` on. */
interface Flood {
  /** Units at full scale. */
  readonly count: number;
  readonly greeting?: Buffer;
  /** Units in one write. */
  readonly size: number;
  readonly batch: (first: number, size: number) => Buffer;
  /** Streams that a connection can have: then it opens anew. */
  readonly unitsPerConnection?: number;
  /** Whether it reads what the gateway sends; true when absent. */
  readonly reads?: boolean;
}

/** Sends `count` units over a few connections, at both listeners in turn. */
export function flood({
  count,
  greeting = settings(),
  size,
  batch,
  unitsPerConnection = 1e9,
  reads = true,
}: Flood): AttackPlan {
  const run: Attack = async (target, count, findings) => {
    let sent = 0;
    await forEachIndex(LANES, LANES, async (lane) => {
      const url = lane % 2 === 0 ? target.publicUrl : target.internalUrl;
      let refused = 0;
      while (sent < count && refused < REFUSED_ROW) {
        const socket = await openSocket(url, lane);
        if (socket === undefined) {
          refused++;
          continue;
        }
        refused = 0;
        if (reads) socket.resume();
        else socket.pause();
        await writeAll(socket, Buffer.concat([PREFACE, greeting]));
        for (let units = 0; units < unitsPerConnection && sent < count && !socket.destroyed; units += size) {
          sent += size;
          await writeUnlessStuck(socket, batch(units, size));
        }
        socket.destroy();
      }
    });
    if (sent < count) findings.add(`connections were refused after ${sent}`);
  };
  return { count, run };

  /** A gateway that reads no more has stopped the flood: the connection is given up. */
  async function writeUnlessStuck(socket: Parameters<typeof writeAll>[0], bytes: Buffer): Promise<void> {
    const timer = setTimeout(() => socket.destroy(), STUCK_MS);
    await writeAll(socket, bytes);
    clearTimeout(timer);
  }
}
const STUCK_MS = 2_000;
