// The conformance suite for any engine of the catalogue, on a memory device: what `betula conformance ENGINE` and our
// tests run.

import Accounting
import KeyValue
import Primitives
import Storage

extension EngineEntry {
  /// The suite for this engine. Every check formats a memory device of its own.
  ///
  /// - Parameters:
  ///   - parameters: complete; the defaults when nil.
  ///   - memoryByteCount: the engine's budget.
  ///   - capacityByteCount: the size of the device; only what is written takes memory.
  ///   - randomOperationCount: operations of each model-based run.
  public func conformanceSuite(
    parameters: ParameterSet? = nil, memoryByteCount: Int = 14 << 20,
    capacityByteCount: UInt64 = 256 << 20, randomOperationCount: Int = 10_000
  ) -> ConformanceSuite {
    let parameters = parameters ?? defaultParameters
    return ConformanceSuite(randomOperationCount: randomOperationCount) { seed in
      let memory = MemoryDevice(capacityByteCount: capacityByteCount)
      let counting = CountingDevice(base: memory)
      var budget = MemoryBudget(limitByteCount: memoryByteCount)
      func place(creates: Bool) -> EngineEnvironment {
        budget = MemoryBudget(limitByteCount: memoryByteCount)
        return EngineEnvironment(
          channel: IOChannel(device: counting, pool: memory.pool), budget: budget, seed: seed,
          creates: creates, syncEveryCommits: 0)
      }
      let first = place(creates: true)
      return ConformanceSubject(
        engine: try open(first, parameters),
        reopen: { try open(place(creates: false), parameters) },
        deviceWriteByteCount: { counting.counts[.write].byteCount },
        heldMemoryByteCount: { budget.heldByteCount },
        declaredLimits: try declaredLimits(first, parameters)?.limits)
    }
  }
}
