// Decisions a second beside redis-benchmark, which runs the same script on the same keys. Knows that program's options.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import type { Charge } from "../src/core/ports.ts";
import { type Section, show, spreadOf } from "./figures.ts";
import { measureLanes } from "./limiter-load.ts";
import { CHARGES, LOGIN, openSubject, readInfo, type Subject } from "./limiter-subject.ts";

const IN_FLIGHT = 64;
const KEYS = 100_000;
const OPERATIONS = 40_000;
/** Counted as a device's, and never reached: what is denied costs Redis less. */
const ROOMY = { ...LOGIN, limit: 200 };
const TARGET_SHARE = 0.8;
/** As redis-benchmark writes a random number. */
const DIGITS = 12;

type ChargesOf = (deviceKey: string) => readonly Charge[];

/** One turn of one of them. */
interface Turn {
  readonly perSecond: number;
  /** The share of a core that Redis took. */
  readonly redisCores: number;
}

export async function measureThroughput(url: string, rounds: number): Promise<Section> {
  await using cleanup = new AsyncDisposableStack();
  const subject = await openSubject(url, { remembers: false });
  cleanup.defer(subject.close);
  // A connection of its own, to look on.
  const observer = new Redis(url);
  cleanup.defer(() => observer.disconnect());

  const rows = [["", "decisions/s", "share of redis-benchmark's", "Redis, of a core", "this process, of a core"]];
  const targets: { text: string; met: boolean }[] = [];
  const kinds = [
    { label: "one charge", chargesOf: (key: string) => CHARGES.one(key, ROOMY) },
    { label: "a login's two charges", chargesOf: (key: string) => CHARGES.login(key, ROOMY) },
  ];
  for (const { label, chargesOf } of kinds) {
    const command = await recordCommand(subject, chargesOf);
    const ours: Turn[] = [];
    const clientCores: number[] = [];
    const clients: Turn[] = [];
    const pipeline: Turn[] = [];
    for (let round = 0; round <= rounds; round++) {
      const keep = <Item>(list: Item[], item: Item): void => {
        if (round > 0) list.push(item);
      };
      const decide = async (): Promise<number> => {
        const cost = await measureLanes(OPERATIONS, IN_FLIGHT, async () => {
          const key = String(Math.floor(Math.random() * KEYS)).padStart(DIGITS, "0");
          const { denied } = await subject.whole.charge(chargesOf(key), Date.now());
          if (denied !== -1) throw new Error("void: a decision that Redis was perhaps not asked for");
        });
        keep(clientCores, (cost.cpuMicros * cost.perSecond) / 1e6);
        return cost.perSecond;
      };
      const turns = [
        async () => keep(ours, await observe(observer, decide)),
        async () => keep(clients, await observe(observer, () => benchmark(url, command, IN_FLIGHT, 1))),
        async () => keep(pipeline, await observe(observer, () => benchmark(url, command, 1, IN_FLIGHT))),
      ];
      for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
    }
    const rates = (list: readonly Turn[]): number[] => list.map(({ perSecond }) => perSecond);
    const cores = (list: readonly Turn[]): string => show(spreadOf(list.map(({ redisCores }) => redisCores)), 2);
    const shareOf = (others: readonly Turn[]): number[] =>
      ours.map(({ perSecond }, round) => perSecond / (others[round]?.perSecond ?? Number.NaN));
    const share = spreadOf(shareOf(clients));
    rows.push(
      [
        `${label}, ours`,
        show(spreadOf(rates(ours)), 0),
        `${show(share, 2)}; pipelined ${show(spreadOf(shareOf(pipeline)), 2)}`,
        cores(ours),
        show(spreadOf(clientCores), 2),
      ],
      [`redis-benchmark, ${IN_FLIGHT} connections`, show(spreadOf(rates(clients)), 0), "1", cores(clients), ""],
      [`redis-benchmark, ${IN_FLIGHT} pipelined on one`, show(spreadOf(rates(pipeline)), 0), "", cores(pipeline), ""],
    );
    targets.push({
      text: `${label}: ${show(share, 2)} of redis-benchmark with ${IN_FLIGHT} connections, at least ${TARGET_SHARE}`,
      met: share.median >= TARGET_SHARE,
    });
  }
  return {
    title: `Throughput, ${IN_FLIGHT} in flight, ${KEYS} keys, ${rounds} rounds of ${OPERATIONS}`,
    rows,
    targets,
    notes: ["Ours: one process and one connection. Whose core is full bounds the rate."],
  };
}

/** What the limiter sends for a call, a random device standing in for the one charged. */
async function recordCommand({ redis, bare }: Subject, chargesOf: ChargesOf): Promise<readonly string[]> {
  const device = "0".repeat(DIGITS);
  const sent: string[][] = [];
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, ...rest) => {
    sent.push([command.name, ...command.args.map(String)]);
    return send(command, ...rest);
  };
  try {
    await bare.charge(chargesOf(device), Date.now());
  } finally {
    redis.sendCommand = send;
  }
  const [only, ...more] = sent;
  if (only?.[0] !== "evalsha" || more.length > 0) throw new Error(`a decision is one EVALSHA, not ${sent.join("; ")}`);
  return only.map((argument) => argument.replaceAll(device, "__rand_int__"));
}

async function observe(observer: Redis, act: () => Promise<number>): Promise<Turn> {
  const used = async (): Promise<number> =>
    (await readInfo(observer, "cpu", "used_cpu_user")) + (await readInfo(observer, "cpu", "used_cpu_sys"));
  const before = await used();
  const perSecond = await act();
  // By the load's own length: starting a program takes no Redis.
  return { perSecond, redisCores: ((await used()) - before) / (OPERATIONS / perSecond) };
}

/** @returns requests a second */
async function benchmark(url: string, command: readonly string[], clients: number, pipelined: number): Promise<number> {
  const load = ["-c", clients, "-P", pipelined, "-n", OPERATIONS, "-r", KEYS, "--csv"].map(String);
  const { stdout } = await promisify(execFile)("redis-benchmark", ["-u", url, ...load, ...command]);
  const rate = Number(/","([\d.]+)"/.exec(stdout.trim().split("\n").at(-1) ?? "")?.[1]);
  if (!(rate > 0)) throw new Error(`redis-benchmark says no rate:\n${stdout}`);
  return rate;
}
