// The gateway's check of a token beside a bare server's: the same tokens, in turns. Knows files of peers/ by name.

import type { JSONWebKeySet } from "jose";
import { type Algorithm, LOGIN_LIMIT } from "./contract.ts";
import type { CheckDialect, DialectName } from "./dialects.ts";
import { divide, type Section, type Spread, say, show, spreadOf } from "./figures.ts";
import { createFleet } from "./fleet.ts";
import { type IssuedToken, issueTokens } from "./issued-tokens.ts";
import { type MeasureOptions, measure, type Round, type Subject } from "./measure.ts";
import { createPeerGroup, type ListenerName, type Peer } from "./peer.ts";

/** Who is beside the gateway, and what both are asked. */
export interface CheckPair {
  readonly title: string;
  /** A file of peers/. */
  readonly bare: string;
  readonly label: string;
  /** How the fleet logs in at the gateway, on the listener that checks. */
  readonly dialect: DialectName;
  readonly listener: ListenerName;
  readonly check: CheckDialect;
}

/** Each takes a login of every device, and the warming one more: no device may come to its limit. */
export const MOST_ROUNDS = LOGIN_LIMIT - 1;
const MOST_TIMES = 1.25;
const IN_FLIGHT = 16;
const DEVICES = 5_000;
const SECONDS = 2;
/** Slices of a round, where each token is used once, and tokens of a slice. */
const SLICES = 4;
const SLICE_TOKENS = 1_250;

/** Measures a pair with tokens that each server sees once, then with one of each device, over and over. */
export async function measureChecks(pair: CheckPair, algorithm: Algorithm, rounds: number): Promise<Section> {
  await using cleanup = new AsyncDisposableStack();
  const group = await createPeerGroup(cleanup);
  const { dialect, listener } = pair;
  const setup = { fleet: createFleet(DEVICES), algorithm, dialect, listener };
  const gateway = await group.start("gateway", setup);
  const bare = await group.start(pair.bare, { ...setup, jwks: await fetchJwks(gateway) });

  // The warming takes one token of each device, and the rounds as many more as they use.
  const logins = 1 + Math.ceil((rounds * SLICES * SLICE_TOKENS) / DEVICES);
  say(`${pair.title}, ${algorithm}: ${DEVICES} devices log in ${logins} times.`);
  const tokens = await issueTokens(gateway, logins, IN_FLIGHT);
  const run = async (title: string, turns: readonly IssuedToken[], options: MeasureOptions): Promise<Part> => {
    const measured = await measure(
      [bare, gateway].map((peer) => createSubject(peer, pair.check, turns)),
      options,
      async (done) => say(done === 0 ? `${title}: warm.` : `Round ${done} of ${options.rounds}.`),
    );
    const [bareRounds = [], ownRounds = []] = [bare, gateway].map((peer) => measured.get(peer));
    return { title, bareRounds, ownRounds };
  };
  const measuring = { rounds, seconds: SECONDS, inFlight: IN_FLIGHT };
  const parts = [
    await run("each token once", tokens, { ...measuring, sliceRequests: SLICE_TOKENS }),
    await run("a token of each device, over and over", tokens.slice(0, DEVICES), measuring),
  ];
  return report(pair, algorithm, parts);
}

async function fetchJwks({ jwksUrl = "" }: Peer): Promise<JSONWebKeySet> {
  const answer = await fetch(jwksUrl);
  const jwks: JSONWebKeySet = JSON.parse(await answer.text());
  return jwks;
}

/** The warming takes the first tokens, the rounds those after them, and then the first again. */
function createSubject(peer: Peer, { encode, decode, open }: CheckDialect, tokens: readonly IssuedToken[]): Subject {
  let next = 0;
  return {
    peer,
    open,
    warming: DEVICES,
    walk: () => ({
      next() {
        const issued = tokens[next++ % tokens.length];
        if (issued === undefined) throw new RangeError("there are tokens");
        const { token, deviceKey } = issued;
        return {
          bytes: encode(token),
          check(answer) {
            if (decode(answer) !== deviceKey) throw new Error(`not told to be of ${deviceKey}: ${answer}`);
          },
        };
      },
    }),
  };
}

interface Part {
  readonly title: string;
  readonly bareRounds: readonly Round[];
  readonly ownRounds: readonly Round[];
}

function report({ title, label }: CheckPair, algorithm: Algorithm, parts: readonly Part[]): Section {
  const compared = parts.map(({ title: part, bareRounds, ownRounds }) => {
    const values = (rounds: readonly Round[], figure: keyof Round): number[] => rounds.map((one) => one[figure]);
    const times = (figure: keyof Round): Spread =>
      spreadOf(divide(values(ownRounds, figure), values(bareRounds, figure)));
    return {
      part,
      bare: spreadOf(values(bareRounds, "cpuMicros")),
      own: spreadOf(values(ownRounds, "cpuMicros")),
      times,
    };
  });
  return {
    title: `${title}, ${algorithm}: server CPU of a check, ${IN_FLIGHT} in flight`,
    rows: [
      ["", `${label}, µs`, "gateway, µs", "times", "rate, times", "p99, times"],
      ...compared.map(({ part, bare, own, times }) => [
        part,
        show(bare, 0),
        show(own, 0),
        show(times("cpuMicros"), 3),
        show(times("requestsPerSecond"), 2),
        show(times("p99Ms"), 2),
      ]),
    ],
    targets: compared.map(({ part, times }) => {
      const ratio = times("cpuMicros");
      return {
        text: `${title}, ${algorithm}, ${part}: ${show(ratio, 3)} times ${label}, at most ${MOST_TIMES}`,
        met: ratio.median <= MOST_TIMES,
      };
    }),
  };
}
