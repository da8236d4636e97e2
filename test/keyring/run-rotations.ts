// `npm run key-rotations [-- --rotations 100 --rate 30]`: signing keys that rotate while tokens are issued and checked. Exits 1 when
// a check failed, or more than a few came too late.

import { onBothDatabases, readNumbers, report } from "../long-run.ts";
import { runRotations } from "./rotations.ts";

const number = readNumbers({ rotations: 100, rate: 30 });
await onBothDatabases(async (name, settings) => {
  const started = performance.now();
  const result = await runRotations({ rotations: number("rotations"), rate: number("rate"), settings });
  const { rotations, tokens, checks, late, failed } = result;
  const seconds = Math.round((performance.now() - started) / 1_000);
  report(
    `${name}, ES256, 3 gateways, 2 offline verifiers: ${rotations} rotations in ${seconds} s, ${tokens} tokens issued, ${checks} checks, ` +
      `${failed.length} failed, ${late} too late to tell`,
    failed,
  );
});
