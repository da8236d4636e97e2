// The steps of a login that wait for something: each is timed, and is a span of the login's trace.

import type { LoginDependencies } from "../core/login.ts";
import type { Metrics } from "./metrics.ts";
import type { Tracing } from "./tracing.ts";

type Ports = Pick<LoginDependencies, "credentials" | "limiter" | "signer">;

/** Observes the ports of a login. `elapsed` is a monotonic clock, in milliseconds. */
export function observeSteps(
  { credentials, limiter, signer }: Ports,
  metrics: Metrics,
  { runStep }: Pick<Tracing, "runStep">,
  elapsed: () => number,
): Ports {
  const observe = (name: "read" | "charge" | "sign"): (<Result>(run: () => Promise<Result>) => Promise<Result>) => {
    const seconds = metrics.stepSeconds.labels(name);
    return async (run) => {
      const started = elapsed();
      try {
        return await runStep(name, run);
      } finally {
        seconds.observe((elapsed() - started) / 1_000);
      }
    };
  };
  const [read, charge, sign] = [observe("read"), observe("charge"), observe("sign")];
  return {
    credentials: { find: (deviceKey, now) => read(() => credentials.find(deviceKey, now)) },
    limiter: { ...limiter, charge: (charges, now) => charge(() => limiter.charge(charges, now)) },
    signer: { ...signer, sign: (subject, now) => sign(() => signer.sign(subject, now)) },
  };
}
