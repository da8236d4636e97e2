// Catches the error of a call, and checks the rules for every message.

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

/** The AuthError of a promise; the test fails without one. */
export async function caughtErrorOf(promise: Promise<unknown>): Promise<AuthError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** Characters that grpc-js percent-encodes. */
const RESERVED = /[;/?:@&=+$,#]/;
/** The shortest piece of an input that counts as a repetition of it. */
const PIECE = 5;

/**
 * Checks that a message is a known sentence, has no character that grpc-js percent-encodes, and repeats nothing that the
 * caller sent. An N in a sentence stands for a number.
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
