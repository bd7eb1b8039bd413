// Checks of engines that declare concurrent readers: small histories that must be linearizable, and many readers beside a
// writer. What the threads do is drawn from the seed; how they fall together is not, so a failure may need several runs.

import Primitives

let threadChecks: [ConformanceCheck] = [
  ConformanceCheck(
    "snapshots_on_threads_linearize",
    "Small histories of a writer and readers on snapshots are explained by some order of their requests."
  ) { trial in
    guard trial.limits.offersConcurrentReaders else { return }
    for round in 0..<12 {
      let history = try HistoryRecorder.record(
        trial.engine, seed: trial.seed &+ UInt64(round), readerCount: 1 + round % 4)
      try trial.expect(
        history.isLinearizable(), "no order explains the history of round \(round): \(history)")
      try trial.engine.apply(emptying(trial.engine), sync: false)
    }
  },

  ConformanceCheck(
    "readers_beside_a_writer",
    "Snapshots read by threads beside a writer are atomic, stable and never go back in time."
  ) { trial in
    guard trial.limits.offersConcurrentReaders else { return }
    var readers = ReadersTrial(seed: trial.seed)
    readers.readerCount = 4
    readers.groupCount = 200
    readers.batchCount = 60
    let outcome = try readers.run(trial.engine)
    try trial.expect(outcome.problems.isEmpty, outcome.problems.joined(separator: "; "))
    try trial.engine.apply(emptying(trial.engine), sync: false)
  },
]

/// A batch that deletes every key, so that the check's end compares with an empty state.
private func emptying(_ engine: any Engine) throws -> WriteBatch {
  var batch = WriteBatch()
  let cursor = try engine.makeCursor(.all, .forward)
  while try cursor.next() {
    cursor.withCurrent { key, _ in batch.delete(key.withUnsafeBytes { [UInt8]($0) }) }
  }
  return batch
}
