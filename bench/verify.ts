// `npm run bench:verify [-- --only RS256|EdDSA --rounds N]`: compares `GET /auth/check` with a bare node:http server that uses jose.

import { parseArgs } from "node:util";
import type { JSONWebKeySet } from "jose";
import { startRedis } from "../test/redis/server.ts";
import { ALGORITHMS, type Algorithm } from "./contract.ts";
import { DIALECTS } from "./dialects.ts";
import { divide, runParts, type Section, type Spread, say, show, spreadOf } from "./figures.ts";
import { createFleet, signLogin } from "./fleet.ts";
import { encodeGet, openHttp1Heads } from "./http1-lanes.ts";
import { runLoad } from "./load.ts";
import { measure, type Round, type Subject } from "./measure.ts";
import { createPeerGroup, type DatabaseName, type Peer } from "./peer.ts";

const MOST_TIMES = 1.25;
const IN_FLIGHT = 16;
const DEVICES = 5_000;
const SECONDS = 2;

type IssuedToken = readonly [token: string, deviceKey: string];

/** Measures on each database. The target is for SQLite; PostgreSQL is printed for comparison. */
async function measureChecks(algorithm: Algorithm, rounds: number): Promise<Section> {
  const sqlite = await measurePair(algorithm, "sqlite", rounds);
  const postgres = await measurePair(algorithm, "postgres", rounds);
  const ratio = sqlite.times("cpuMicros");
  return {
    title: `/auth/check, ${algorithm}: server CPU of a check, ${IN_FLIGHT} in flight`,
    rows: [
      ["gateway on", "bare node:http, µs", "gateway, µs", "times", "rate, times", "p99, times"],
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
        text: `/auth/check, ${algorithm}: ${show(ratio, 3)} times bare node:http, at most ${MOST_TIMES}`,
        met: ratio.median <= MOST_TIMES,
      },
    ],
  };
}

async function measurePair(algorithm: Algorithm, database: DatabaseName, rounds: number) {
  await using cleanup = new AsyncDisposableStack();
  const redis = await startRedis();
  cleanup.defer(redis.stop);
  const group = createPeerGroup(cleanup, redis.url);
  const setup = { fleet: createFleet(DEVICES), algorithm, dialect: "rest", listener: "public" } as const;
  const gateway = await group.start("gateway", setup, database);
  const jwks: JSONWebKeySet = JSON.parse(await (await fetch(gateway.jwksUrl ?? "")).text());
  const bare = await group.start("bare-check", { ...setup, jwks });

  say(`${algorithm}, ${database}: ${DEVICES} devices log in.`);
  const tokens = await issueTokens(gateway);
  const measured = await measure(
    [bare, gateway].map((peer) => createSubject(peer, tokens)),
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
async function issueTokens({ url, setup: { fleet } }: Peer): Promise<readonly IssuedToken[]> {
  const { encode, decode, open } = DIALECTS.rest;
  const tokens: IssuedToken[] = [];
  const deviceKeys = fleet.deviceKeys.values();
  const lanes = await open(url, IN_FLIGHT);
  await runLoad(lanes, () => {
    const { value: deviceKey } = deviceKeys.next();
    if (deviceKey === undefined) return undefined;
    return {
      bytes: encode(signLogin(fleet.customerKey, deviceKey, Math.floor(Date.now() / 1000))),
      check: (answer) => tokens.push([decode(answer).token, deviceKey]),
    };
  });
  for (const lane of lanes) lane.close();
  return tokens;
}

const DEVICE = /\r\nx-device-key: *(\S+)/i;

/** Tokens take turns. */
function createSubject(peer: Peer, tokens: readonly IssuedToken[]): Subject {
  let next = 0;
  return {
    peer,
    open: openHttp1Heads,
    warming: DEVICES,
    walk: () => () => {
      const issued = tokens[next++ % tokens.length];
      if (issued === undefined) throw new RangeError("there are no tokens");
      const [token, deviceKey] = issued;
      return {
        bytes: encodeGet("/auth/check", `x-access-token: ${token}\r\n`),
        check(answer) {
          if (DEVICE.exec(answer.toString("latin1"))?.[1] !== deviceKey)
            throw new Error(`not told to be of ${deviceKey}: ${answer}`);
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
const parts = ALGORITHMS.map((algorithm) => [algorithm, () => measureChecks(algorithm, rounds)]);
await runParts(
  Object.fromEntries(parts),
  values.only,
  " Medians of the rounds (least–most); times bare, round by round.",
);
