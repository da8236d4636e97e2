// A test for each row of a table: what is said of a login that would be refused.

import { expect, test } from "vitest";
import { type Case, explain } from "./desk.ts";

interface Told extends Case {
  readonly mistake: string;
  /** In order. */
  readonly codes: readonly string[];
}

export function tellsThat(cases: readonly Told[]): void {
  test.for(cases)("$mistake", async ({ mistake: _, codes, ...received }) => {
    const { wouldSucceed, findings } = await explain(received);
    expect(findings.map(({ code }) => code)).toEqual(codes);
    expect(wouldSucceed).toBe(false);
    // In ASCII, and nothing that grpc-js would show percent-encoded.
    for (const { message } of findings) expect(message).toMatch(/^[^;/?:@&=+$,#\x7f-\uffff]+$/);
  });
}
