// Goal: the tail of what a commit moves is exact: every commit is counted once, with every transfer it made, and with a batch of
// one a commit is an insert.
// Method: the load of a small study, whose histogram must have as many commits as there were and must add up to what the device
// counted before the checkpoint at the phase's end; the columns against the histogram's own buckets.

import EngineCatalogue
import Results
import Testing

@testable import Experiment

@Suite("What commits move")
struct CommitTailTests {
  private func outcome(_ engine: String, batch: Int) throws -> RunOutcome {
    let text = """
      schema: 1
      study: commits
      title: Commits
      question: What does one move?
      seed: 3
      memory_budget: 4MiB
      device: { kind: memory, capacity: 256MiB, profile: ssd-virtual }
      workload: { records: 900, value_bytes: 60 }
      commit: { batch_operations: \(batch), sync_every_commits: 1 }
      engines:
        - { engine: "\(engine)" }
      phases:
        - { phase: load, order: random }
        - { phase: read, operations: 30 }
      """
    let plan = try Plan(try Study.decode(text, file: "commits", vocabulary: .standard), vocabulary: .standard)
    return try RunExecutor(spec: plan.runs[0], entry: try #require(engineEntry(named: engine))).execute()
  }

  @Test(arguments: ["append-log", "btree", "bepsilon", "sqlite"], [1, 50])
  func everyCommitIsCountedOnceWithAllItMoved(engine: String, batch: Int) throws {
    let outcome = try outcome(engine, batch: batch)
    #expect(outcome.failure == nil)
    let load = outcome.runs[0]
    func buckets(_ name: String) -> [(value: UInt64, count: UInt64)] {
      outcome.histograms.filter { $0.phase == "load" && $0.histogram == name }
        .map { ($0.bucketUpper ?? 0, $0.count ?? 0) }
    }
    let transfers = buckets("transfers_per_commit")
    #expect(transfers.reduce(0) { $0 + $1.count } == UInt64(900 / batch))
    #expect(buckets("transfer_bytes_per_commit").reduce(0) { $0 + $1.count } == UInt64(900 / batch))
    // The last sample is of the last operation: what comes after it is the phase's checkpoint.
    let last = try #require(outcome.series.last { $0.phase == "load" })
    let moved = (last.deviceReadCount ?? 0) + (last.deviceWriteCount ?? 0)
    #expect(transfers.reduce(0) { $0 + $1.value * $1.count } == moved)
    #expect(moved >= UInt64(900 / batch))
    #expect(load.transfersPerCommitMax == transfers.map(\.value).max())
    // The smallest value that 99 % do not exceed.
    var sum: UInt64 = 0
    let expected = transfers.sorted { $0.value < $1.value }.first { bucket in
      sum += bucket.count
      return sum * 100 >= UInt64(900 / batch) * 99
    }
    #expect(load.transfersPerCommitP99 == expected?.value)
    #expect((load.transfersPerCommitP999 ?? 0) >= (load.transfersPerCommitP99 ?? 0))
    #expect((load.transferBytesPerCommitP999 ?? 0) <= (load.transferBytesPerCommitMax ?? 0))
    let leaves = outcome.io.filter {
      $0.phaseName == "load" && $0.direction == "write" && $0.cause == "leaf"
    }
    #expect(load.leafWriteCount == leaves.reduce(0) { $0 + ($1.requestedOperations ?? 0) })
    // A phase without commits has none.
    #expect(outcome.runs[1].transfersPerCommitP50 == nil && outcome.runs[1].transferBytesPerCommitMax == nil)
  }
}
