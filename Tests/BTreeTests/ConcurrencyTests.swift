// Goal: any number of readers on stable snapshots beside one writer: right answers, nobody waits who need not, nothing is left
// behind, and what all threads moved is what the device counted.
// Method: small histories of real threads, searched for an order; many readers beside a writer on a cache too small, on memory
// and file devices, both commit modes, one shard and several; threads handed over step by step, where it matters who runs.

import Accounting
import BTree
import EngineCatalogue
import Foundation
import KeyValue
import Primitives
import Storage
import Testing

/// Where a trial runs.
struct ReadersSetting: Sendable, CustomStringConvertible {
  var commit: String
  var shards: Int
  var isFile = false
  var memoryByteCount = 2 << 20
  var seed: UInt64 = 1

  var description: String {
    "\(commit), \(shards) shards, \(isFile ? "file" : "memory"), \(memoryByteCount >> 10) KiB, seed \(seed)"
  }

  static let all: [ReadersSetting] = [
    ReadersSetting(commit: "path-copy", shards: 1),
    ReadersSetting(commit: "path-copy", shards: 4, memoryByteCount: 3 << 20, seed: 2),
    ReadersSetting(commit: "log", shards: 1, memoryByteCount: 1 << 20, seed: 3),
    ReadersSetting(commit: "log", shards: 2, seed: 4),
    ReadersSetting(commit: "path-copy", shards: 2, memoryByteCount: 64 << 20, seed: 5),
    ReadersSetting(commit: "path-copy", shards: 2, isFile: true, seed: 6),
    ReadersSetting(commit: "log", shards: 2, isFile: true, seed: 7),
  ]

  /// Opens a fresh tree, lets `body` use it, closes it, and checks that nothing is left and everything was counted.
  func withTree(_ body: (BTreeEngine) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("readers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // What is left over in the temporary folder is no failure.
    defer { try? FileManager.default.removeItem(at: folder) }
    var description = DeviceDescription()
    description.capacityByteCount = 128 << 20
    if isFile {
      description.base = .file(path: folder.appendingPathComponent("device").path, mode: .buffered)
    }
    let stack = try DeviceStack(description)
    let channel = stack.makeChannel()
    let budget = MemoryBudget(limitByteCount: memoryByteCount)
    var parameters = Bench.entry().defaultParameters
    parameters["commit"] = .text(commit)
    parameters["cache_shards"] = .integer(shards)
    let engine = try BTreeEngine.open(
      EngineEnvironment(channel: channel, budget: budget, seed: seed, creates: true, syncEveryCommits: 0),
      parameters: parameters)
    try body(engine)
    try engine.verify()
    try engine.checkpoint()
    try engine.verify()
    try engine.close()
    try budget.requireReleased()
    for direction in [Direction.read, .write] {
      let counted = stack.counting.counts[direction]
      let entered = channel.ledger.total(direction)
      #expect(counted.byteCount == entered.transferredByteCount, "\(direction) bytes")
      #expect(counted.operationCount == entered.transferredOperationCount, "\(direction) operations")
    }
  }
}

/// A step that threads wait for.
private final class Stage: Sendable {
  private let step = Lock(0)
  func reach(_ number: Int) {
    step.withLock { $0 = max($0, number) }
    step.wakeAll()
  }
  func wait(for number: Int) { step.withLock(when: { $0 >= number }) { _ in } }
}

private func put(_ engine: BTreeEngine, _ range: Range<Int>, _ value: UInt8) throws {
  var batch = WriteBatch()
  for number in range { batch.put(key(number), [UInt8](repeating: value, count: 100)) }
  try engine.apply(batch, sync: false)
}

/// How many entries a view shows, and their values when they are all the same.
private func survey(_ view: any ReadView) throws(EngineError) -> (count: Int, value: UInt8?) {
  let cursor = try view.makeCursor(.all, .forward)
  var count = 0
  var values: Set<UInt8> = []
  while try cursor.next() {
    count += 1
    cursor.withCurrent { _, value in values.insert(value.withUnsafeBytes { $0[0] }) }
  }
  return (count, values.count == 1 ? values.first : nil)
}

@Suite struct ConcurrencyTests {
  @Test(arguments: ReadersSetting.all)
  func smallHistoriesAreLinearizable(setting: ReadersSetting) throws {
    for round in 0..<(setting.isFile ? 10 : 40) as Range<UInt64> {
      try setting.withTree { engine in
        let history = try HistoryRecorder.record(
          engine, seed: setting.seed * 1_000 + round, readerCount: 1 + Int(round % 3))
        #expect(history.isLinearizable(), "seed \(setting.seed * 1_000 + round): \(history)")
      }
    }
  }

  @Test(arguments: ReadersSetting.all)
  func manyReadersBesideAWriter(setting: ReadersSetting) throws {
    // Small caches more often: there readers push out what a batch has found on its way (seeds 3, 4 and 7 once met a writer that
    // then trusted the leaf before).
    for _ in 0..<(setting.memoryByteCount <= 2 << 20 ? 4 : 1) {
      try setting.withTree { engine in
        var trial = ReadersTrial(seed: setting.seed)
        trial.groupCount = 1_200
        trial.batchCount = 150
        let outcome = try trial.run(engine)
        #expect(outcome.problems.isEmpty, "\(outcome.problems)")
        #expect(outcome.snapshotCount >= 80)
      }
    }
  }

  @Test func parkedReadersDelayNobodyAndSeeTheirMoment() throws {
    // A reader stops in the middle of a scan, pages held, while the writer replaces everything five times and checkpoints.
    let setting = ReadersSetting(commit: "path-copy", shards: 1, memoryByteCount: 8 << 20)
    try setting.withTree { engine in
      try put(engine, 0..<2_000, 1)
      let source = try #require(engine.readerSource)
      let stage = Stage()
      let shared = HandedOver(engine)
      let isRight = Lock(false)
      Threads.run(2) { number in
        do {
          if number == 0 {
            stage.wait(for: 1)
            for value in 2...6 as ClosedRange<UInt8> {
              try put(shared.value, 0..<2_000, value)
              try shared.value.checkpoint()
              try shared.value.dropCache()
            }
            stage.reach(2)
          } else {
            let view = try source.makeSnapshot()
            let cursor = try view.makeCursor(.all, .forward)
            for _ in 0..<500 { _ = try cursor.next() }
            stage.reach(1)
            stage.wait(for: 2)
            var rest = 0
            var isOld = true
            while try cursor.next() {
              rest += 1
              cursor.withCurrent { _, value in
                if value.withUnsafeBytes({ $0[0] }) != 1 { isOld = false }
              }
            }
            let again = try survey(view)
            let newest = try survey(try source.makeSnapshot())
            let result = rest == 1_500 && isOld && again == (2_000, 1) && newest == (2_000, 6)
            isRight.withLock { $0 = result }
          }
        } catch {
          Issue.record("\(error)")
          stage.reach(2)
        }
      }
      #expect(isRight.withLock { $0 })
    }
  }

  @Test func snapshotsAreMadeReadAndLetGoOnDifferentThreads() throws {
    let setting = ReadersSetting(commit: "path-copy", shards: 1)
    try setting.withTree { engine in
      try put(engine, 0..<500, 1)
      let source = try #require(engine.readerSource)
      let views = Lock<[HandedOver<any ReadView>]>([])
      Threads.run(4) { _ in
        do throws(EngineError) {
          let view = HandedOver(try source.makeSnapshot())
          views.withLock { $0.append(view) }
        } catch {
          Issue.record("\(error)")
        }
      }
      try put(engine, 0..<700, 2)
      Threads.run(4) { number in
        do throws(EngineError) {
          let view = views.withLock { $0[number] }
          let seen = try survey(view.value)
          #expect(seen == (500, 1))
        } catch {
          Issue.record("\(error)")
        }
      }
      Threads.run(4) { _ in
        views.withLock { _ = $0.popLast() }
      }
      let newest = try survey(engine)
      #expect(newest == (700, 2))
      // What the snapshots kept is free again after two durable commits.
      for value in 3...6 as ClosedRange<UInt8> {
        try put(engine, 0..<700, value)
        try engine.checkpoint()
      }
      #expect(try engine.spaceReport().allocatedByteCount < 1 << 20)
    }
  }

  @Test func closedEnginesRefuseReaders() throws {
    let bench = try Bench()
    let source = try #require(bench.engine.readerSource)
    try bench.engine.close()
    #expect(throws: EngineError.storage(.closed)) { _ = try source.makeSnapshot() }
  }
}
