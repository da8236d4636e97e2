// The messages of settings that are wrong.

import { ConfigError } from "../src/config.ts";
import type { Environment } from "../src/environment.ts";
import { testConfig } from "./gateway.ts";

/** Every mistake of a configuration; `settings` are named without their prefix. */
export function mistakesOf(settings: Environment): readonly string[] {
  try {
    testConfig({ DATA_DIR: "data", ...settings });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes;
  }
}
