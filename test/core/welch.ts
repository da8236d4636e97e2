// Welch's t-test: whether two samples have one mean, whatever their variances. Knows numbers alone.

export interface Sample {
  readonly size: number;
  readonly mean: number;
  readonly variance: number;
}

/** A sample's mean and variance (of n - 1), in one pass that loses no digits (Welford, Technometrics 4, 1962). */
export function describeSample(values: Iterable<number>): Sample {
  let size = 0;
  let mean = 0;
  let squares = 0;
  for (const value of values) {
    size++;
    const off = value - mean;
    mean += off / size;
    squares += off * (value - mean);
  }
  return { size, mean, variance: size > 1 ? squares / (size - 1) : 0 };
}

/** Welch's t (Biometrika 34, 1947). Over 4.5 in a test for leaks is a leak (Goodwill and others, NIST NIAT 2011). */
export function welchT(one: Sample, other: Sample): number {
  const error = Math.sqrt(one.variance / one.size + other.variance / other.size);
  return error === 0 ? 0 : (one.mean - other.mean) / error;
}
