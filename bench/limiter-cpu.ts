// What a decision costs its client beside a PING on the same connection, in turns. Knows no command but PING.

import { randomUUID } from "node:crypto";
import { type Section, show, spreadOf } from "./figures.ts";
import { measureLanes } from "./limiter-load.ts";
import { CHARGES, openSubject } from "./limiter-subject.ts";

const IN_FLIGHT = 64;
const OPERATIONS = 20_000;
const TARGET_MICROS = 20;

interface Lane {
  readonly label: string;
  readonly act: (deviceKey: string) => Promise<unknown>;
  /** Whether it is what a gateway does for a login. */
  readonly gate?: true;
}

export async function measureCpu(url: string, rounds: number): Promise<Section> {
  await using cleanup = new AsyncDisposableStack();
  const { redis, bare, whole, close } = await openSubject(url, { remembers: true });
  cleanup.defer(close);
  const now = Date.now();
  const lanes: readonly Lane[] = [
    { label: "one charge, the limiter on Redis alone", act: (key) => bare.charge(CHARGES.one(key), now) },
    { label: "a login's two charges, alone", act: (key) => bare.charge(CHARGES.login(key), now) },
    { label: "one charge, as the gateway has it", act: (key) => whole.charge(CHARGES.one(key), now), gate: true },
    { label: "a login's two charges, the same", act: (key) => whole.charge(CHARGES.login(key), now), gate: true },
    {
      label: "three, under replay guard, the same",
      act: (key) => whole.charge(CHARGES.guarded(key, now), now),
      gate: true,
    },
  ];
  const pings: number[] = [];
  const costs = lanes.map((): number[] => []);
  const above = lanes.map((): number[] => []);

  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [place, { act }] of lanes.entries()) {
      // Each device logs in a few times in the run, and none comes to its limit.
      const deviceKeys = Array.from({ length: OPERATIONS / 4 }, () => randomUUID());
      let turn = 0;
      const next = (): string => deviceKeys[turn++ % deviceKeys.length] ?? "";
      const ping = await measureLanes(OPERATIONS, IN_FLIGHT, () => redis.ping());
      const cost = await measureLanes(OPERATIONS, IN_FLIGHT, () => act(next()));
      if (round === 0) continue;
      pings.push(ping.cpuMicros);
      costs[place]?.push(cost.cpuMicros);
      above[place]?.push(cost.cpuMicros - ping.cpuMicros);
    }
  }
  return {
    title: `Client CPU of a decision, ${IN_FLIGHT} in flight on one connection, ${rounds} rounds`,
    rows: [
      ["", "µs", "above the PING before it, µs"],
      ["PING", show(spreadOf(pings), 1), ""],
      ...lanes.map(({ label }, place) => [
        label,
        show(spreadOf(costs[place] ?? []), 1),
        show(spreadOf(above[place] ?? []), 1),
      ]),
    ],
    targets: lanes.flatMap(({ label, gate }, place) => {
      const spread = spreadOf(above[place] ?? []);
      const text = `${label}: ${show(spread, 1)} µs above a PING, at most ${TARGET_MICROS}`;
      return gate ? { text, met: spread.median <= TARGET_MICROS } : [];
    }),
  };
}
