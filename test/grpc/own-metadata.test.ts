// Metadata of another copy of grpc-js: nothing of it gets lost.

import { Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { ownMetadata } from "../../src/grpc/own-metadata.ts";

test("values, bytes and options are the same in this copy's class", () => {
  const theirs = new Metadata({ waitForReady: true });
  theirs.add("two", "first, with a comma");
  theirs.add("two", "second");
  theirs.add("trace-bin", Buffer.of(0, 255));
  theirs.add("trace-bin", Buffer.of(1));
  const foreign = { toHttp2Headers: () => theirs.toHttp2Headers(), getOptions: () => theirs.getOptions() };
  const own = ownMetadata(foreign);
  expect(own).toBeInstanceOf(Metadata);
  expect(own).toEqual(theirs);
  expect(ownMetadata(theirs)).toBe(theirs);
});
