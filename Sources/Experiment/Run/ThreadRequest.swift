// What a phase asks of threads, and what that means for the record: who comes first at a page is nobody's decision, so from
// the first phase with threads on a run promises totals only.

import KeyValue

/// The threads of one phase.
struct ThreadRequest: Equatable {
  /// Threads that share the phase's operations.
  let threadCount: Int
  /// Threads that read beside the operations.
  let readerThreadCount: Int
  /// Gets of each of them.
  let readerOperationCount: UInt64

  /// The keys `threads`, `reader_threads` and `reader_operations` of a phase; without them one thread does everything.
  init(_ phase: PhaseSpec) {
    func integer(_ name: String, _ otherwise: Int) -> Int {
      if case .integer(let value)? = phase.parameters[name] { return value }
      return otherwise
    }
    threadCount = integer("threads", 1)
    readerThreadCount = integer("reader_threads", 0)
    readerOperationCount = readerThreadCount > 0 ? UInt64(integer("reader_operations", 100_000)) : 0
  }

  /// Whether more than the run's own thread is needed.
  var usesThreads: Bool { threadCount > 1 || readerThreadCount > 0 }
}

extension RunSpec {
  /// Whether the phase at `ordinal` comes with or after threads: its operations, logical bytes and checked answers are recorded,
  /// what it moved and held is not, because it differs from one execution to the next.
  func isTotalsOnly(at ordinal: Int) -> Bool {
    phases.prefix(ordinal + 1).contains { ThreadRequest($0).usesThreads }
  }
}
