// `npm run bench:verify [-- --only check-RS256|verify-EdDSA|… --rounds N]`: a token's check beside a bare server's, and the target.

import { parseArgs } from "node:util";
import type { JSONWebKeySet } from "jose";
import { ALGORITHMS, type Algorithm } from "./contract.ts";
import { type CheckDialect, DIALECTS, type DialectName, FORWARD_AUTH, VERIFY } from "./dialects.ts";
import { divide, runParts, type Section, type Spread, say, show, spreadOf } from "./figures.ts";
import { createFleet, signLogin } from "./fleet.ts";
import { runLoad } from "./load.ts";
import { measure, type Round, type Subject } from "./measure.ts";
import { createPeerGroup, type DatabaseName, type ListenerName, type Peer } from "./peer.ts";

/** The two servers and their request. */
interface CheckPair {
  readonly title: string;
  /** A file of peers/. */
  readonly bare: string;
  readonly label: string;
  /** How the fleet logs in at the gateway, on the listener that checks. */
  readonly dialect: DialectName;
  readonly listener: ListenerName;
  readonly check: CheckDialect;
}

const PAIRS: Readonly<Record<string, CheckPair>> = {
  check: {
    title: "GET /auth/check",
    bare: "bare-check",
    label: "bare node:http",
    dialect: "rest",
    listener: "public",
    check: FORWARD_AUTH,
  },
  verify: {
    title: "TokenService.Verify",
    bare: "grpc-js-check",
    label: "bare grpc-js",
    dialect: "grpc",
    listener: "internal",
    check: VERIFY,
  },
};

const MOST_TIMES = 1.25;
const IN_FLIGHT = 16;
const DEVICES = 5_000;
const SECONDS = 2;

type IssuedToken = readonly [token: string, deviceKey: string];

/** Measures a pair on each database; the target is SQLite's, PostgreSQL is printed beside. */
async function measureChecks(pair: CheckPair, algorithm: Algorithm, rounds: number): Promise<Section> {
  const sqlite = await measurePair(pair, algorithm, "sqlite", rounds);
  const postgres = await measurePair(pair, algorithm, "postgres", rounds);
  const ratio = sqlite.times("cpuMicros");
  return {
    title: `${pair.title}, ${algorithm}: server CPU of a check, ${IN_FLIGHT} in flight`,
    rows: [
      ["gateway on", `${pair.label}, µs`, "gateway, µs", "times", "rate, times", "p99, times"],
      ...[sqlite, postgres].map(({ database, bare, own, times }) => [
        database,
        show(bare, 0),
        show(own, 0),
        show(times("cpuMicros"), 3),
        show(times("requestsPerSecond"), 2),
        show(times("p99Ms"), 2),
      ]),
    ],
    targets: [
      {
        text: `${pair.title}, ${algorithm}: ${show(ratio, 3)} times ${pair.label}, at most ${MOST_TIMES}`,
        met: ratio.median <= MOST_TIMES,
      },
    ],
  };
}

async function measurePair(pair: CheckPair, algorithm: Algorithm, database: DatabaseName, rounds: number) {
  await using cleanup = new AsyncDisposableStack();
  const group = await createPeerGroup(cleanup);
  const { dialect, listener } = pair;
  const setup = { fleet: createFleet(DEVICES), algorithm, dialect, listener };
  const gateway = await group.start("gateway", setup, database);
  const jwks: JSONWebKeySet = JSON.parse(await (await fetch(gateway.jwksUrl ?? "")).text());
  const bare = await group.start(pair.bare, { ...setup, jwks });

  say(`${pair.title}, ${algorithm}, ${database}: ${DEVICES} devices log in.`);
  const tokens = await issueTokens(gateway);
  const measured = await measure(
    [bare, gateway].map((peer) => createSubject(peer, pair.check, tokens)),
    { rounds, seconds: SECONDS, inFlight: IN_FLIGHT },
    async (done) => say(done === 0 ? "Warm." : `Round ${done} of ${rounds}.`),
  );
  const [bareRounds = [], ownRounds = []] = [bare, gateway].map((peer) => measured.get(peer));
  const values = (of: readonly Round[], figure: keyof Round): number[] => of.map((one) => one[figure]);
  return {
    database,
    bare: spreadOf(values(bareRounds, "cpuMicros")),
    own: spreadOf(values(ownRounds, "cpuMicros")),
    times: (figure: keyof Round): Spread => spreadOf(divide(values(ownRounds, figure), values(bareRounds, figure))),
  };
}

/** Logs each device in once. */
async function issueTokens({ url, setup: { fleet, dialect } }: Peer): Promise<readonly IssuedToken[]> {
  const { encode, decode, open } = DIALECTS[dialect];
  const tokens: IssuedToken[] = [];
  const deviceKeys = fleet.deviceKeys.values();
  const lanes = await open(url, IN_FLIGHT);
  await runLoad(lanes, () => {
    const { value: deviceKey } = deviceKeys.next();
    if (deviceKey === undefined) return undefined;
    return {
      bytes: encode(signLogin(fleet.customerKey, deviceKey, Math.floor(Date.now() / 1000)), fleet),
      check: (answer) => tokens.push([decode(answer).token, deviceKey]),
    };
  });
  for (const lane of lanes) lane.close();
  return tokens;
}

/** Tokens take turns. */
function createSubject(peer: Peer, { encode, decode, open }: CheckDialect, tokens: readonly IssuedToken[]): Subject {
  let next = 0;
  return {
    peer,
    open,
    warming: DEVICES,
    walk: () => () => {
      const issued = tokens[next++ % tokens.length];
      if (issued === undefined) throw new RangeError("there are tokens");
      const [token, deviceKey] = issued;
      return {
        bytes: encode(token),
        check(answer) {
          if (decode(answer) !== deviceKey) throw new Error(`not told to be of ${deviceKey}: ${answer}`);
        },
      };
    },
  };
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    rounds: { type: "string", default: "6" },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds is a whole number above zero");
const parts = ALGORITHMS.flatMap((algorithm) =>
  Object.entries(PAIRS).map(([name, pair]) => [`${name}-${algorithm}`, () => measureChecks(pair, algorithm, rounds)]),
);
await runParts(
  Object.fromEntries(parts),
  values.only,
  " Medians of the rounds (least–most); times bare, round by round.",
);
