// HTTP/2 resets of every kind of request, at every place of its frames and with every code.

import { openConnection } from "../frames.ts";
import { RESETS } from "../http2-resets.ts";
import { http2Requests } from "./requests.ts";
import { type Attack, forEachIndex, LISTENERS } from "./target.ts";

const LANES = 8;

/** Resets each kind of request at each listener in turn; the count is of requests. */
export const resets: Attack = (target, count, findings) => {
  const resets = LISTENERS.flatMap((listener) =>
    http2Requests(listener, target).map((request) => async (): Promise<void> => {
      for (const reset of Object.values(RESETS)) await reset(() => openConnection(target[listener]), request);
    }),
  );
  return forEachIndex(count, LANES, async (index) => {
    await resets[index % resets.length]?.().catch((error: unknown) => findings.add(String(error)));
  });
};
