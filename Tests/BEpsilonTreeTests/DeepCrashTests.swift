// Goal (crash safety of a tree with levels): wherever the power goes while messages are flushed through inner nodes, nodes are split,
// merged, evicted and written, what is left opens with a committed prefix that holds every promised batch; and a tree of a hundred
// thousand keys comes back from any cut.
// Method: the crash laboratory over a story that fills two levels of inner nodes, changes them and thins them out, in both modes,
// both layouts, all durability classes, for ε = 0, ε = 1 and between, with promotion, small log segments and a cache that is too
// small, so nodes are written between checkpoints. What happened is asserted by the engine's own counters: in the life that is cut,
// and in what came back (height, and flushes while the log was replayed). Seeds are in the messages.

import EngineCatalogue
import KeyValue
import Primitives
import Storage
import Testing
import Trials

@testable import BEpsilonTree

/// What the engines of one sweep did: those of the life, then those that recovered.
private final class Watch: @unchecked Sendable {
  // Sendable: a sweep runs on one thread.

  /// Openings of the life; everything behind them is a recovery.
  let lifeCount: Int
  private var lives: [BEpsilonTreeEngine] = []
  private(set) var recoveryCount = 0
  /// Recovered trees with two levels of inner nodes or more.
  private(set) var deepCount = 0
  /// Recoveries whose replay flushed messages, and those that split nodes.
  private(set) var flushingCount = 0
  private(set) var splittingCount = 0

  init(lifeCount: Int) { self.lifeCount = lifeCount }

  func note(_ engine: BEpsilonTreeEngine) {
    if lives.count < lifeCount { return lives.append(engine) }
    let counts = engine.table.counts.pointee
    recoveryCount += 1
    if engine.table.shape.height >= 2 { deepCount += 1 }
    if counts.flushesToInner + counts.flushesToLeaf > 0 { flushingCount += 1 }
    if counts.leafSplits + counts.innerSplits > 0 { splittingCount += 1 }
  }

  /// A counter of the life, all its openings together.
  func sum(_ name: String) -> UInt64 {
    lives.reduce(0) { sum, engine in
      sum + (engine.statistics().first { $0.name == name }?.value ?? 0)
    }
  }
}

@Suite struct DeepCrashTests {
  private static func setting(
    _ description: String, memoryByteCount: Int = 120 << 10, _ changes: [String: ParameterValue]
  ) -> Setting {
    let base: [String: ParameterValue] = [
      "node_bytes": .integer(4_096), "fanout": .integer(4), "checkpoint_operations": .integer(45),
    ]
    return Setting(
      description: description, changes: base.merging(changes) { $1 }, memoryByteCount: memoryByteCount)
  }

  private static func logged(
    _ description: String, memoryByteCount: Int = 120 << 10, _ changes: [String: ParameterValue]
  ) -> Setting {
    setting(
      "log, \(description)", memoryByteCount: memoryByteCount,
      changes.merging(["log_segment_bytes": .integer(4_096)]) { $1 })
  }

  private static func copied(
    _ description: String, memoryByteCount: Int = 120 << 10, _ changes: [String: ParameterValue]
  ) -> Setting {
    setting(
      "copy-on-write, \(description)", memoryByteCount: memoryByteCount,
      changes.merging(["durability": .text("copy-on-write")]) { $1 })
  }

  static let settings: [Setting] = [
    logged("per-child, F 4", [:]),
    logged("shared, F 4, all", ["buffer_layout": .text("shared"), "flush_policy": .text("all")]),
    logged(
      "per-child, ε 0, promotion", ["fanout": .integer(0), "epsilon": .real(0), "promotion": .boolean(true)]),
    logged(
      "shared, ε 1, round-robin",
      [
        "fanout": .integer(0), "epsilon": .real(1), "entry_bytes": .integer(512),
        "buffer_layout": .text("shared"), "flush_policy": .text("round-robin"),
      ]),
    logged(
      "per-child, 20 KiB in parts of 4 KiB, F 3, cache-aware", memoryByteCount: 352 << 10,
      [
        "node_bytes": .integer(20_480), "basement_bytes": .integer(4_096), "fanout": .integer(3),
        "flush_policy": .text("cache-aware"),
      ]),
    copied("per-child, F 4, all", ["flush_policy": .text("all")]),
    copied("shared, F 4", ["buffer_layout": .text("shared")]),
    copied(
      "shared, ε 0, random",
      [
        "fanout": .integer(0), "epsilon": .real(0), "buffer_layout": .text("shared"),
        "flush_policy": .text("random"),
      ]),
    copied(
      "per-child, ε 1, passing through",
      [
        "fanout": .integer(0), "epsilon": .real(1), "entry_bytes": .integer(512),
        "pass_through_bytes": .integer(1),
      ]),
  ]

  struct Case: Sendable, CustomStringConvertible {
    var setting: Setting
    var syncEvery: Int
    var description: String { "\(setting), sync every \(syncEvery)" }
  }

  /// Every class in both modes and both layouts; the other settings in two of them.
  static let cases: [Case] = settings.enumerated().flatMap { place, setting in
    let isPlain = setting.changes["fanout"] == .integer(4) || setting.changes["fanout"] == nil
    let classes = isPlain ? [0, 1, 3, 5] : place % 2 == 0 ? [1, 3] : [0, 5]
    return classes.map { Case(setting: setting, syncEvery: $0) }
  }

  private static func key(_ number: Int) -> [UInt8] { [UInt8]("k\(number)".utf8) }

  /// Batches of four writes: a growth into two levels of inner nodes, every kind of change to what is there, a decline.
  private static func story(seed: UInt64, syncEveryCommits: Int, valueByteCount: Int) -> TrialScript {
    let random = CounterRandom(seed: seed, stream: 1)
    var drawCount: UInt64 = 0
    func draw(_ bound: Int) -> Int {
      drawCount += 1
      return Int(random.uniform(below: UInt64(bound), drawCount))
    }
    var items: [TrialItem] = []
    var known: [Int] = []
    func old() -> [UInt8] { key(known[draw(known.count)]) }
    for number in 1...44 {
      for _ in 0..<4 {
        if number <= 26 {
          known.append(10_000 + draw(90_000))
          let value = [UInt8](repeating: UInt8(number), count: valueByteCount / 2 + draw(valueByteCount))
          items.append(.write(TrialOperation(.put, key: key(known[known.count - 1]), operand: value)))
          continue
        }
        let operation: TrialOperation
        switch draw(number <= 32 ? 6 : 12) {
        case 0: operation = TrialOperation(.put, key: old(), operand: [UInt8](repeating: 1, count: draw(200)))
        case 1: operation = TrialOperation(.add, key: old(), operand: [5, 0, 0, 0, 0, 0, 0, 0])
        case 2:
          operation = TrialOperation(.append, key: old(), operand: [UInt8](repeating: 2, count: draw(60)))
        case 3: operation = TrialOperation(.patch, key: old(), operand: [UInt8(draw(200)), 0, 0, 0, 9, 8])
        case 4: operation = TrialOperation(.delete, key: old())
        case 5:
          let start = 10_000 + draw(80_000)
          operation = TrialOperation(.deleteRange, key: key(start), operand: key(start + 1_500))
        default:
          let start = 10_000 + draw(80_000)
          operation = TrialOperation(.deleteRange, key: key(start), operand: key(start + 9_000))
        }
        items.append(.write(operation))
      }
      // No two states are alike.
      items.append(.write(TrialOperation(.put, key: [UInt8]("batch".utf8), operand: [UInt8(number)])))
      items.append(.commit)
      if number == 22 { items.append(.reopen) }
      if number % 9 == 0 { items.append(.get(old())) }
      if number == 40 { items.append(.settle) }
    }
    return TrialScript(items, syncEveryCommits: syncEveryCommits)
  }

  /// All classes that a log or a superblock can promise: some prefix, each commit, all but fewer than three, than five.
  @Test(arguments: cases)
  func everyCutInADeepTreeLeavesAPromisedPrefix(_ trial: Case) {
    let (setting, syncEvery) = (trial.setting, trial.syncEvery)
    let seed = 60 + UInt64(syncEvery)
    let watch = Watch(lifeCount: 2)
    var subject = TrialSubject(setting.entry, parameters: setting.parameters, label: setting.description)
    let parameters = setting.parameters
    subject.open = { (environment) throws(EngineError) in
      let engine = try BEpsilonTreeEngine.open(environment, parameters: parameters)
      watch.note(engine)
      return engine
    }
    subject.capacityByteCount = 8 << 20
    subject.memoryByteCount = setting.memoryByteCount
    subject.seed = seed
    // Halves of units in one class, whole ones in the others.
    subject.atomByteCount = syncEvery == 1 && !setting.description.contains("parts") ? 2_048 : 4_096
    var options = CrashOptions()
    let isLarge = setting.parameters.integer("node_bytes") > 16_384
    options.exhaustiveBudget = isLarge ? 0 : 40
    options.seededSubsetCount = 2
    options.livesOnEvery = 40
    let outcome = CrashSweep(
      subject,
      script: Self.story(seed: seed, syncEveryCommits: syncEvery, valueByteCount: isLarge ? 2_600 : 380),
      options: options
    ).run()
    #expect(
      outcome.isSound, "seed \(seed): \(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
    #expect(outcome.isComplete && outcome.refusal == nil)
    // Without a log and a sync only checkpoints are found again.
    #expect(outcome.prefixCount > (syncEvery == 0 ? 3 : 8))
    // What was cut is a deep tree at work.
    for name in [
      "flushes_to_inner_nodes", "flushes_to_leaves", "leaf_splits", "inner_splits", "node_merges",
      "node_writes",
      "cache_evictions",
    ] { #expect(watch.sum(name) > 0, "\(name)") }
    if setting.parameters.boolean("promotion") { #expect(watch.sum("promoted_messages") > 0) }
    if setting.parameters.integer("pass_through_bytes") == 1 {
      #expect(watch.sum("passed_through_messages") > 0)
    }
    // And deep is what came back; with a log, replaying it moves messages down and splits nodes.
    #expect(watch.deepCount > 20, "\(watch.deepCount) of \(watch.recoveryCount)")
    if setting.parameters.text("durability") == "log" {
      #expect(watch.flushingCount > 5, "\(watch.flushingCount) of \(watch.recoveryCount)")
      #expect(watch.splittingCount > 0, "\(watch.splittingCount) of \(watch.recoveryCount)")
    }
  }

  /// A load of 10^5 keys on a device whose power is cut: now and then on the way, and at the end. What no sync covered survives
  /// not at all, wholly, or in part; the engine is not asked.
  @Test(arguments: ["log", "copy-on-write"])
  func betreePersists(mode: String) throws {
    let changes: [String: ParameterValue] = [
      "durability": .text(mode), "node_bytes": .integer(64 << 10), "checkpoint_log_bytes": .integer(4 << 20),
      "log_segment_bytes": .integer(256 << 10),
    ]
    let (count, batchCount, memoryByteCount) = (100_000, 500, 8 << 20)
    func number(_ index: Int) -> Int { Int(draw(11, index) >> 2) }
    func value(_ index: Int) -> [UInt8] {
      [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 30)
    }
    let memory = MemoryDevice(capacityByteCount: 1 << 30)
    let fault = FaultDevice(base: memory, memory: memory)
    let channel = IOChannel(device: fault, pool: memory.pool)
    let engine = try Bench.open(channel, changes, memoryByteCount, creates: true)
    var promised = 0
    /// What a cut leaves holds the first batches, the promised ones at least, and nothing else.
    func cut(_ survivors: CrashSurvivors, applied: Int) throws {
      let image = fault.crash(survivors: survivors)
      let reopened = try Bench.open(
        IOChannel(device: image, pool: image.pool), changes, memoryByteCount, creates: false)
      let found = try reopened.entries().count
      #expect(found % batchCount == 0 && found >= promised && found <= applied, "\(survivors): \(found)")
      if survivors == .none { #expect(found == promised) }
      var wrong = 0
      for index in stride(from: 0, to: found, by: 5)
      where try reopened.value(for: BEpsilonTreeTests.key(number(index))) != value(index) {
        wrong += 1
      }
      #expect(wrong == 0, "\(survivors)")
      try reopened.verify()
    }
    for start in stride(from: 0, to: count, by: batchCount) {
      var batch = WriteBatch()
      for index in start..<(start + batchCount) {
        batch.put(BEpsilonTreeTests.key(number(index)), value(index))
      }
      let applied = start + batchCount
      // Every sixteenth and the last.
      let syncs = start / batchCount % 16 == 15 || applied == count
      try engine.apply(batch, sync: syncs)
      if syncs { promised = applied }
      if start / batchCount == 100 {
        #expect(promised < applied)
        for survivors in [CrashSurvivors.all, .seeded(1), .seeded(2)] { try cut(survivors, applied: applied) }
      }
    }
    #expect(engine.table.shape.height >= 2)
    try cut(.none, applied: count)
    // Closed and opened, there is nothing left to lose.
    try engine.close()
    try cut(.none, applied: count)
  }
}
