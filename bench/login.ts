// `npm run bench`: the server CPU of a login, the gateway's beside its peers', interleaved in one run.

import { type CertificateKind, makeCertificate } from "../test/http/openssl.ts";
import { type Algorithm, LOGIN_LIMIT, WINDOW_MS } from "./contract.ts";
import { DIALECTS } from "./dialects.ts";
import { say } from "./figures.ts";
import { createFleet } from "./fleet.ts";
import { type Contender, GATE, TARGETS } from "./groups.ts";
import { createLoginSubject } from "./login-walk.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import { readOptions } from "./options.ts";
import { createPeerGroup, type Peer } from "./peer.ts";
import { createReport, type GroupResult, gatewayRatio, type PairResult } from "./report.ts";
import { createSignatureMeasure } from "./signature.ts";
import { meets, renderReport, renderTargets } from "./table.ts";

const IN_FLIGHT = 16;
/** Logins a second that no machine exceeds in one process: they set the size of the fleet. */
const LARGEST_RATES = { RS256: 12_000, EdDSA: 30_000, tls: 4_000 };

/**
 * Measures one contender beside its baseline, with no third: a process that has waited for seconds is dearer for a while,
 * and some more so than others, see docs/performance.md.
 */
async function runPair(
  baseline: Contender,
  contender: Contender,
  algorithm: Algorithm,
  measuring: MeasureOptions & { readonly certificate: CertificateKind },
): Promise<PairResult> {
  await using cleanup = new AsyncDisposableStack();
  const group = await createPeerGroup(cleanup);
  const secure = DIALECTS[contender.dialect].tls;
  const tls = secure && makeCertificate(group.folder, "server", measuring.certificate);
  // No device may come to its limit, whatever part of the run one window sees; warming takes two logins of each.
  const loaded = Math.min(WINDOW_MS / 1000, measuring.rounds * measuring.seconds);
  const devices = Math.ceil((LARGEST_RATES[secure ? "tls" : algorithm] * loaded) / (LOGIN_LIMIT - 2));
  say(`${contender.label}, beside ${baseline.label}: enrolling ${devices} devices.`);
  const start = ({ name, peer = name, dialect, listener = "public" }: Contender): Promise<Peer> => {
    // A fleet each: peers that share a Redis would spend the limits of one another's devices.
    const fleet = createFleet(devices);
    return group.start(peer, { fleet, algorithm, dialect, listener, ...(tls && { tls }) });
  };
  const peers = [await start(baseline), await start(contender)];

  const measureSignature = await createSignatureMeasure(algorithm);
  const signatureMicros: number[] = [];
  const measured = await measure(peers.map(createLoginSubject), measuring, async (done) => {
    say(done === 0 ? "Each device has logged in twice." : `Round ${done} of ${measuring.rounds}.`);
    if (done > 0) signatureMicros.push(await measureSignature());
  });
  const [baselineRounds = [], rounds = []] = peers.map((peer) => measured.get(peer));
  return { contender, rounds, baselineRounds, signatureMicros };
}

const options = readOptions(process.argv.slice(2));
const { rounds, seconds, algorithm, certificate } = options;
const measuring = { rounds, seconds, inFlight: IN_FLIGHT, certificate };

const results: GroupResult[] = [];
for (const group of options.groups) {
  const pairs: PairResult[] = [];
  for (const contender of group.contenders) pairs.push(await runPair(group.baseline, contender, algorithm, measuring));
  results.push({ group, pairs });
}
const report = createReport(results, algorithm, measuring);

const gate = gatewayRatio(report, GATE);
const targets = renderTargets(report, TARGETS);
const lines = [renderReport(report)];
if (targets.length > 0) lines.push("", "Targets, CPU of the gateway over another's:", ...targets);
if (gate !== undefined) lines.push("", "What the exit status goes by:", ...renderTargets(report, [GATE]));
process.stdout.write(`${lines.join("\n")}\n`);
process.exitCode = gate === undefined || meets(gate, GATE) ? 0 : 1;
