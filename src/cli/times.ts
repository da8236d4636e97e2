// Times as options: RFC 3339. Knows no command.

import { fromJson } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { InvalidArgumentError } from "commander";
import { namesDay } from "../core/calendar.ts";

/** Reads an option's time, for commander. */
export function readTimeOption(text: string): Timestamp {
  let time: Timestamp;
  try {
    time = fromJson(TimestampSchema, text);
  } catch {
    throw new InvalidArgumentError("It takes a time as RFC 3339 has it, as in 2026-01-31T12:00:00Z.");
  }
  if (!namesDay(text)) throw new InvalidArgumentError("That day does not exist.");
  return time;
}
