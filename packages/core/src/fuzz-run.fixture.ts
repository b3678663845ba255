/**
 * How fuzzers of core are run by hand: `node packages/core/src/<name>.fuzz.ts [seed] [runs]`.
 *
 * A fuzzer is a function of a seed and a number of steps that throws when the structure and its
 * model differ. Its test runs a few fixed seeds; by hand it runs as many as asked for, and says
 * which seed failed, so that the seed can be put into the test.
 */

/** Runs `fuzz` for the seeds on the command line, when the file `meta` belongs to was started. */
export function runFuzzer(
  meta: ImportMeta,
  steps: number,
  fuzz: (seed: number, steps: number) => unknown,
): void {
  if (!meta.main) return;
  const first = Number(process.argv[2] ?? 1);
  const runs = Number(process.argv[3] ?? 100);
  for (let seed = first; seed < first + runs; seed++) {
    try {
      fuzz(seed, steps);
    } catch (error) {
      console.error(`seed ${seed} failed`);
      throw error;
    }
  }
  console.log(`${runs} runs of ${steps} steps from seed ${first} found nothing`);
}
