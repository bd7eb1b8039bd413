// Goal: every engine of the catalogue keeps the engine contract, at its defaults and at settings that reach more code.
// Method: the conformance suite on a memory device; each case is named by engine, check and seed.

import Accounting
import EngineCatalogue
import KeyValue
import Storage
import Testing

@Suite struct EngineConformanceTests {
  @Test(arguments: Candidate.all, ConformanceSuite.checks)
  func conforms(candidate: Candidate, check: ConformanceCheck) throws {
    let suite = candidate.entry.conformanceSuite(
      parameters: candidate.parameters, memoryByteCount: candidate.memoryByteCount,
      randomOperationCount: 3_000)
    try suite.run(check, seed: 1)
  }
}
