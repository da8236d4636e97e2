// Tokens to check: those that a peer's fleet was given. Knows logins, and no check.

import { DIALECTS } from "./dialects.ts";
import { signLogin } from "./fleet.ts";
import { runLoad } from "./load.ts";
import type { Peer } from "./peer.ts";

export interface IssuedToken {
  readonly token: string;
  readonly deviceKey: string;
}

/** Logs each device in so many times, one after the other. @returns the first tokens of all, then their second ones */
export async function issueTokens(
  { url, setup: { fleet, dialect } }: Peer,
  times: number,
  inFlight: number,
): Promise<readonly IssuedToken[]> {
  const { encode, decode, open } = DIALECTS[dialect];
  const tokens: IssuedToken[] = [];
  const lanes = await open(url, inFlight);
  for (let time = 0; time < times; time++) {
    const deviceKeys = fleet.deviceKeys.values();
    await runLoad(lanes, () => {
      const { value: deviceKey } = deviceKeys.next();
      if (deviceKey === undefined) return undefined;
      return {
        bytes: encode(signLogin(fleet.customerKey, deviceKey, Math.floor(Date.now() / 1000)), fleet),
        check: (answer) => tokens.push({ token: decode(answer).token, deviceKey }),
      };
    });
  }
  for (const lane of lanes) lane.close();
  return tokens;
}
