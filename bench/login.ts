// `npm run bench`: the server CPU of a REST login, the gateway's beside its peers', interleaved in one run.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createFleet } from "./fleet.ts";
import { measure } from "./measure.ts";
import { startPeer } from "./peer.ts";
import { startRedis } from "./redis.ts";
import { createReport, type Report, renderReport } from "./report.ts";
import { createSignatureMeasure } from "./signature.ts";

/** Files in peers/. The first is what the others are compared with. */
const PEERS = ["bare", "gateway"];
/** What the gateway may cost at most, in times the first peer. */
const MOST = { peer: "gateway", ratio: 1.25 };

const IN_FLIGHT = 16;
/** Logins that a device has in a window of 60 s. */
const LOGIN_LIMIT = 10;
/** More than any machine does in one process: what the size of the fleet is reckoned by. */
const LARGEST_RATE = 6_000;

async function run(): Promise<Report> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "8" },
      seconds: { type: "string", default: "3" },
      json: { type: "string" },
    },
  });
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  // No device may come to its limit, whatever part of the run one window sees; warming takes one login of each.
  const devices = Math.ceil((LARGEST_RATE * Math.min(60, rounds * seconds)) / (LOGIN_LIMIT - 1));
  const options = { rounds, seconds, devices, inFlight: IN_FLIGHT };

  await using cleanup = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  const redis = await startRedis();
  cleanup.defer(() => redis.stop());
  say(`Enrolling ${devices} devices.`);
  const peers = [];
  for (const name of PEERS) {
    const own = join(folder, name);
    mkdirSync(own);
    // A fleet each: peers that share a Redis would spend the limits of one another's devices.
    const peer = await startPeer(name, { redisUrl: redis.url, folder: own, fleet: createFleet(devices) });
    cleanup.defer(() => peer.stop());
    peers.push(peer);
  }

  const measureSignature = await createSignatureMeasure();
  const signatureMicros: number[] = [];
  const measured = await measure(peers, options, async (done) => {
    signatureMicros.push(await measureSignature());
    say(done === 0 ? "Each device has logged in once." : `Round ${done} of ${rounds}.`);
  });
  const named = [...measured].map(([{ name }, results]) => [name, results] as const);
  const report = createReport(named, signatureMicros, options);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

/** Progress, apart from the report. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const report = await run();
process.stdout.write(`${renderReport(report)}\n`);
const ratio = report.peers.find(({ name }) => name === MOST.peer)?.ratio.median ?? Number.NaN;
const met = ratio <= MOST.ratio;
process.stdout.write(
  `${MOST.peer} / ${PEERS[0]} = ${ratio.toFixed(3)}, at most ${MOST.ratio}: ${met ? "met" : "NOT met"}\n`,
);
process.exitCode = met ? 0 : 1;
