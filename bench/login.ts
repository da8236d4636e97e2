// `npm run bench`: compares a login's server CPU at the gateway and its peers.

import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeCertificate } from "../test/http/openssl.ts";
import { startRedis } from "../test/redis/server.ts";
import { ALGORITHMS, type Algorithm, LOGIN_LIMIT, WINDOW_MS } from "./contract.ts";
import { createLoginSubject, DIALECTS, type DialectName } from "./dialects.ts";
import { divide, runParts, type Section, say, show, spreadOf } from "./figures.ts";
import { createFleet } from "./fleet.ts";
import { measure, type Round } from "./measure.ts";
import { createPeerGroup, type DatabaseName, type ListenerName, type Peer } from "./peer.ts";

/** A server, and its name in the table. */
interface Contender {
  /** A file of peers/. */
  readonly peer: string;
  readonly label: string;
  readonly listener?: ListenerName;
  /** Absent: SQLite. */
  readonly database?: DatabaseName;
  /** Absent: the group's. */
  readonly dialect?: DialectName;
  /** The most CPU that meets the target, as a multiple of the baseline's. */
  readonly most?: Readonly<Record<Algorithm, number>>;
}

/** The servers of one protocol, each compared with the baseline. */
interface Group {
  readonly title: string;
  readonly dialect: DialectName;
  readonly baseline: Contender;
  readonly contenders: readonly Contender[];
  /** In place of `--alg`. */
  readonly algorithm?: Algorithm;
}

const CONNECT: Group = {
  title: "Connect",
  dialect: "connect",
  baseline: { peer: "connect-node", label: "connectNodeAdapter" },
  contenders: [
    { peer: "gateway", label: "gateway", most: { RS256: 0.75, EdDSA: 0.75 } },
    { peer: "bare", label: "bare node:http, without a protocol", dialect: "rest" },
  ],
};

const GROUPS: Readonly<Record<string, Group>> = {
  rest: {
    title: "REST",
    dialect: "rest",
    baseline: { peer: "bare", label: "bare node:http" },
    contenders: [
      { peer: "gateway", label: "gateway", most: { RS256: 1.08, EdDSA: 1.25 } },
      { peer: "gateway", label: "gateway on PostgreSQL", database: "postgres" },
    ],
  },
  connect: CONNECT,
  "connect-eddsa": { ...CONNECT, algorithm: "EdDSA" },
  grpc: {
    title: "gRPC",
    dialect: "grpc",
    baseline: { peer: "grpc-js", label: "bare grpc-js" },
    contenders: [
      { peer: "gateway", label: "gateway, internal", listener: "internal", most: { RS256: 1, EdDSA: 1 } },
      { peer: "gateway", label: "gateway, public", most: { RS256: 1, EdDSA: 1 } },
    ],
  },
  tls: {
    title: "REST (new TLS connection)",
    dialect: "rest-tls",
    baseline: { peer: "bare", label: "bare node:https" },
    contenders: [{ peer: "gateway", label: "gateway" }],
  },
  "tls-resumed": {
    title: "REST (resumed TLS session)",
    dialect: "rest-tls-resumed",
    baseline: { peer: "bare", label: "bare node:https" },
    contenders: [{ peer: "gateway", label: "gateway" }],
  },
};

const IN_FLIGHT = 16;
const SECONDS = 2;
/** Redis tells its uptime in whole seconds. */
const REDIS_START_MS = 3_000;
/** Logins a second that no machine exceeds in one process: they set the size of the fleet. */
const LARGEST_RATES = { RS256: 12_000, EdDSA: 30_000 };

interface Pair {
  readonly baseline: readonly Round[];
  readonly own: readonly Round[];
}

/** Decisions on limits that Redis has made. */
async function countDecisions(): Promise<number> {
  const calls = String(await redis.call("INFO", "commandstats")).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g);
  return [...calls].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Measures only one contender and its baseline: a process that was idle for seconds needs more CPU at first. */
async function runPair(group: Group, contender: Contender, algorithm: Algorithm, rounds: number): Promise<Pair> {
  await using cleanup = new AsyncDisposableStack();
  const peers = createPeerGroup(cleanup, redis.url);
  const tls = DIALECTS[group.dialect].tls && makeCertificate(peers.folder, "server", "ecdsa");
  // No device may reach its limit in any window of the run; the warm-up takes two logins of each.
  const loaded = Math.min(WINDOW_MS / 1000, rounds * SECONDS);
  const devices = Math.ceil((LARGEST_RATES[algorithm] * loaded) / (LOGIN_LIMIT - 2));
  say(`${contender.label}, beside ${group.baseline.label}: enrolling ${devices} devices.`);
  const start = ({ peer, listener = "public", database, dialect = group.dialect }: Contender): Promise<Peer> => {
    // One fleet for each peer: peers share a Redis and would use up each other's limits.
    const setup = { fleet: createFleet(devices), algorithm, dialect, listener };
    return peers.start(peer, { ...setup, ...(tls && { tls }) }, database);
  };
  const started = [await start(group.baseline), await start(contender)];
  const options = { rounds, seconds: SECONDS, inFlight: IN_FLIGHT };
  let decidedBefore = 0;
  await redisIsOld;
  const measured = await measure(started.map(createLoginSubject), options, async (done) => {
    say(`Round ${done}.`);
    if (done === 0) decidedBefore = await countDecisions();
  });
  const decided = (await countDecisions()) - decidedBefore;
  const [baseline = [], own = []] = started.map((peer) => measured.get(peer));
  const logins = [...baseline, ...own].reduce((sum, { requests }) => sum + requests, 0);
  if (decided < logins) throw new Error(`void: Redis has decided ${decided} of ${logins} logins`);
  return { baseline, own };
}

function rowOf(label: string, rounds: readonly Round[], times: string): string[] {
  const median = (choose: (round: Round) => number, digits: number): string =>
    spreadOf(rounds.map(choose)).median.toFixed(digits);
  const cpu = show(spreadOf(rounds.map(costOf)), 0);
  const rate = median((round) => round.requestsPerSecond, 0);
  return [label, cpu, times, rate, median((round) => round.p50Ms, 1), median((round) => round.p99Ms, 1)];
}

async function measureGroup(group: Group, algorithm: Algorithm, rounds: number): Promise<Section> {
  const rows = [["", "CPU, µs", "times", "logins/s", "p50, ms", "p99, ms"]];
  const targets: Section["targets"][number][] = [];
  for (const contender of group.contenders) {
    const { baseline, own } = await runPair(group, contender, algorithm, rounds);
    const ratio = spreadOf(divide(own.map(costOf), baseline.map(costOf)));
    rows.push(rowOf(group.baseline.label, baseline, ""), rowOf(contender.label, own, show(ratio, 3)));
    const most = contender.most?.[algorithm];
    if (most === undefined) continue;
    const text = `${contender.label} / ${group.baseline.label}: ${show(ratio, 3)}, at most ${most.toFixed(3)}`;
    targets.push({ text, met: ratio.median <= most });
  }
  return { title: `${group.title} login, ${algorithm}`, rows, targets };
}

function costOf({ cpuMicros }: Round): number {
  return cpuMicros;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "6" },
    alg: { type: "string", default: "RS256" },
    only: { type: "string", multiple: true, default: [] },
  },
});
const algorithm = ALGORITHMS.find((one) => one === values.alg);
if (algorithm === undefined) throw new Error(`--alg is one of ${ALGORITHMS.join(", ")}`);
const rounds = Number(values.rounds);
if (!(rounds > 0)) throw new Error("--rounds is a number above zero");
const parts = Object.entries(GROUPS).map(
  ([name, group]) => [name, () => measureGroup(group, group.algorithm ?? algorithm, rounds)] as const,
);
const redis = await startRedis();
// A gateway decides limits without a Redis that is younger than their window.
const redisIsOld = pause(WINDOW_MS + REDIS_START_MS);
await runParts(
  Object.fromEntries(parts),
  values.only,
  " Medians of the rounds (least–most); times the baseline, round by round.",
);
await redis.stop();
