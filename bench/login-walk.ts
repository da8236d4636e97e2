// The logins of a fleet, as measure.ts has them: devices take turns. Knows the contract and its dialects, and no server.

import { DIALECTS } from "./dialects.ts";
import { checkAnswer, signLogin } from "./fleet.ts";
import type { LoadRequest } from "./load.ts";
import type { Subject, Walk } from "./measure.ts";
import type { Peer, PeerSetup } from "./peer.ts";

/** Requests are signed so many at a time, to keep the generator's pauses short. */
const BATCH = 200;

/** A peer that its fleet logs in at; each device twice while it warms up. */
export function createLoginSubject(peer: Peer): Subject {
  const { fleet, dialect } = peer.setup;
  return {
    peer,
    open: DIALECTS[dialect].open,
    walk: () => createWalk(peer.setup),
    warming: 2 * fleet.deviceKeys.length,
  };
}

/** Goes on from slice to slice, so that no device comes to its limit. */
function createWalk({ fleet, algorithm, dialect }: PeerSetup): Walk {
  const { encode, decode } = DIALECTS[dialect];
  let sent = 0;
  let batch: LoadRequest[] = [];
  function signBatch(): LoadRequest[] {
    const timestamp = Math.floor(Date.now() / 1000);
    return Array.from({ length: BATCH }, (_, turn) => {
      const deviceKey = fleet.deviceKeys[(sent + turn) % fleet.deviceKeys.length] ?? "";
      return {
        bytes: encode(signLogin(fleet.customerKey, deviceKey, timestamp), fleet),
        check: (answer) => checkAnswer(decode(answer), deviceKey, algorithm),
      };
    });
  }
  return {
    next() {
      const place = sent % BATCH;
      if (place === 0) batch = signBatch();
      sent++;
      const request = batch[place];
      if (request === undefined) throw new RangeError("a fleet has devices");
      return request;
    },
  };
}
