// The options that say how a device is to be. Knows no command.

import { InvalidArgumentError, Option } from "commander";
import { KEY_MODES } from "../device-file/key-modes.ts";

export type Switch = "on" | "off";
export type Labels = Readonly<Record<string, string>>;

/** The option --key-mode. */
export function keyModeOption(description: string): Option {
  return new Option("--key-mode <mode>", description).choices(Object.keys(KEY_MODES));
}

/** An option that is on or off. */
export function switchOption(flag: string, description: string): Option {
  return new Option(`${flag} <switch>`, description).choices(["on", "off"]);
}

/** The option --label, which may be there several times. */
export function labelOption(description: string): Option {
  return new Option("--label <name=value>", description).argParser(readLabel);
}

/** Adds one label to those before. */
function readLabel(text: string, before: Labels | undefined): Labels {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("It takes a name and a value, as in site=north.");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}
