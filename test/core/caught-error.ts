// Catches an error for a test, and checks the rules that hold for every message.

import { expect } from "vitest";
import { AuthError } from "../../src/core/errors.ts";

/** The AuthError of `act`; the test fails without one. */
export function caughtError(act: () => unknown): AuthError {
  try {
    act();
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** The AuthError of a promise. */
export async function caughtErrorOf(promise: Promise<unknown>): Promise<AuthError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** grpc-js shows these percent-encoded. */
const RESERVED = /[;/?:@&=+$,#]/;
/** The shortest piece of an input that counts as a repetition of it. */
const PIECE = 5;

/**
 * Holds a message against the sentences that there are, in which N stands for a count: it is one of them, grpc-js shows
 * it as it is, and it repeats nothing that the caller sent.
 */
export function expectHarmless({ message }: AuthError, input: string, sentences: readonly string[]): void {
  expect(message).not.toMatch(RESERVED);
  const sentence = sentences.find((candidate) => patternOf(candidate).test(message));
  expect(sentence, `the message is no known sentence: ${message}`).toBeDefined();
  for (let at = 0; at + PIECE <= input.length; at++) {
    const piece = input.slice(at, at + PIECE);
    if (message.includes(piece)) expect(sentence).toContain(piece);
  }
}

function patternOf(sentence: string): RegExp {
  const literal = sentence.split("N").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join("\\d+")}$`);
}
