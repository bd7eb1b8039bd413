// What an engine is put through before the power goes: a list of numbered items, so that a failing script can lose
// items and still be named by the numbers it kept.
//
//   1 put a │ 2 delete b │ 3 commit │ 4 put c │ 5 commit │ 6 checkpoint │ …
//   └──────── one batch ─────────┘   └── one batch ──┘
//
// Invariants
// 1. A script is data: the same items lead through the same states, on every engine with the same value limit.
// 2. Dropping items keeps the numbers of the others; batches without writes do not exist.

import KeyValue
import Primitives
import Workload

/// One write operation, kept.
public struct TrialOperation: Equatable, Sendable {
  /// What is done.
  public var kind: OperationKind
  /// The key, or the start of a range.
  public var key: [UInt8]
  /// The value, the operand, or the end of a range.
  public var operand: [UInt8]

  /// An operation.
  public init(_ kind: OperationKind, key: [UInt8], operand: [UInt8] = []) {
    self.kind = kind
    self.key = key
    self.operand = operand
  }
}

/// One thing that happens to an engine.
public enum TrialItem: Equatable, Sendable {
  /// Joins the open batch.
  case write(TrialOperation)
  /// Applies the open batch; the script says which of these are synced.
  case commit
  /// Puts the open batch, whose keys ascend, in through a bulk load.
  case load
  /// Reads one key.
  case get([UInt8])
  case checkpoint
  case settle
  case dropCache
  /// Closes and opens again.
  case reopen
}

/// A life in items.
public struct TrialScript: Equatable, Sendable {
  /// An item and the number it had when the script was made.
  public struct Numbered: Equatable, Sendable {
    /// From 1.
    public var number: Int
    /// What happens.
    public var item: TrialItem
  }

  /// In the order in which they happen.
  public private(set) var items: [Numbered]
  /// Every how many commits one is synced: 0 never, 1 each, n every n-th.
  public var syncEveryCommits: Int

  /// A script of these items, numbered from 1.
  public init(_ items: [TrialItem], syncEveryCommits: Int) {
    self.items = items.enumerated().map { Numbered(number: $0 + 1, item: $1) }
    self.syncEveryCommits = syncEveryCommits
  }

  /// The script without the items whose numbers are not kept.
  public func keeping(_ numbers: Set<Int>) -> TrialScript {
    var result = self
    result.items = items.filter { numbers.contains($0.number) }
    return result
  }

  /// The numbers of its items.
  public var numbers: [Int] { items.map(\.number) }

  /// How many operations write.
  public var writeCount: Int {
    items.reduce(0) { if case .write = $1.item { $0 + 1 } else { $0 } }
  }

  /// The states it leads through: `[n]` is what the first n batches make.
  func states(limits: EngineLimits) -> [TrialState] {
    var state = ReferenceState()
    var states = [TrialState(hash: state.stateHash, operationCount: 0)]
    var pending = 0
    var operationCount = 0
    for numbered in items {
      switch numbered.item {
      case .write(let operation):
        pending += 1
        state.apply(
          operation.kind, key: operation.key, operand: operation.operand,
          maximumValueByteCount: limits.maximumValueByteCount)
      case .commit, .load:
        if pending == 0 { continue }
        operationCount += pending
        pending = 0
        states.append(TrialState(hash: state.stateHash, operationCount: operationCount))
      case .get, .checkpoint, .settle, .dropCache, .reopen: break
      }
    }
    return states
  }

  /// What the first `batchCount` batches make.
  func contents(batchCount: Int, limits: EngineLimits) -> ReferenceState {
    var state = ReferenceState()
    var left = batchCount
    var pending: [TrialOperation] = []
    for numbered in items where left > 0 {
      if case .write(let operation) = numbered.item { pending.append(operation) }
      if numbered.item == .commit || numbered.item == .load, !pending.isEmpty {
        for operation in pending {
          state.apply(
            operation.kind, key: operation.key, operand: operation.operand,
            maximumValueByteCount: limits.maximumValueByteCount)
        }
        pending.removeAll()
        left -= 1
      }
    }
    return state
  }
}

/// A committed state, by its hash.
struct TrialState: Equatable, Sendable {
  var hash: UInt64
  /// Write operations up to here.
  var operationCount: Int
}

extension TrialScript {
  /// A story over a dozen keys: every kind of operation, empty, small and large values, batches of one to six writes;
  /// a checkpoint a third of the way, reopening at a half, settling at two thirds.
  ///
  /// - Parameter largestValueByteCount: one value in twenty may be as long as this.
  public static func story(
    seed: UInt64, batchCount: Int, syncEveryCommits: Int, offersRangeDelete: Bool = true,
    largestValueByteCount: Int = 20_000
  ) -> TrialScript {
    precondition(batchCount > 0, "A story has at least one batch.")
    var source = ScriptDraws(seed: seed)
    var items: [TrialItem] = []
    for number in 1...batchCount {
      for _ in 0..<(1 + source.below(6)) {
        items.append(.write(source.operation(offersRangeDelete, largestValueByteCount)))
      }
      // A key of its own per batch: no two states are alike.
      items.append(
        .write(TrialOperation(.put, key: [UInt8]("batch".utf8), operand: [UInt8]("\(number)".utf8))))
      items.append(.commit)
      if number == batchCount / 3 { items.append(.checkpoint) }
      if number == batchCount / 2 { items.append(.reopen) }
      if number == batchCount * 2 / 3 { items.append(.settle) }
      if number % 4 == 0 { items.append(.get(source.key())) }
    }
    return TrialScript(items, syncEveryCommits: syncEveryCommits)
  }

  /// Operations of a study's workload: the first half puts records, the second mixes every kind of write and some
  /// gets; a checkpoint after a third, reopening at a half, settling after two thirds.
  ///
  /// - Throws: when the workload's parameters do not fit together.
  public static func operations(
    of workload: WorkloadSpec, count: Int, batchOperations: Int, syncEveryCommits: Int,
    offersRangeDelete: Bool
  ) throws(WorkloadError) -> TrialScript {
    let loadCount = UInt64(max(1, count / 2))
    var kinds: [DataPhase.WeightedOperation] = [
      .init(.overwrite, weight: 30), .init(.put, weight: 15), .init(.delete, weight: 20),
      .init(.upsertAdd, weight: 5), .init(.upsertAppend, weight: 5), .init(.upsertPatch, weight: 5),
      .init(.getHit, weight: 5),
    ]
    if offersRangeDelete { kinds.append(.init(.rangeDelete, weight: 1)) }
    let phases = [
      DataPhase(kind: "load", content: .load(random: true), operationCount: loadCount),
      DataPhase(
        content: .operations(kinds), operationCount: UInt64(max(0, count - Int(loadCount))),
        rangeDeleteEntryCount: 5),
    ]
    var writer = ScriptWriter(workload: workload, count: count, batchOperations: batchOperations)
    var position = StreamPosition()
    for (ordinal, phase) in phases.enumerated() {
      var stream = try OperationStream(
        phase: phase, phaseOrdinal: ordinal, workload: workload, position: position)
      writer.append(&stream)
      position = stream.position
    }
    return TrialScript(writer.finished(), syncEveryCommits: syncEveryCommits)
  }
}

/// Turns a stream into items.
private struct ScriptWriter: ~Copyable {
  private var encoder: OperationEncoder
  private let verbs: [Int: TrialItem]
  private let batchOperations: Int
  private var items: [TrialItem] = []
  private var pending = 0
  private var operationCount = 0

  init(workload: WorkloadSpec, count: Int, batchOperations: Int) {
    precondition(batchOperations > 0, "A batch has at least one operation.")
    encoder = OperationEncoder(workload: workload)
    self.batchOperations = batchOperations
    verbs = [count / 3: .checkpoint, count / 2: .reopen, count * 2 / 3: .settle]
  }

  mutating func append(_ stream: inout OperationStream) {
    var operation = Operation()
    while stream.next(&operation) {
      operationCount += 1
      if operation.kind.isWrite {
        var batch = WriteBatch(reservedByteCount: 256)
        encoder.append(operation, to: &batch)
        let entry = batch.entries[0]
        items.append(
          .write(
            TrialOperation(
              entry.kind, key: [UInt8](batch.key(of: entry)), operand: [UInt8](batch.operand(of: entry)))))
        pending += 1
        if pending == batchOperations { commit() }
      } else {
        items.append(.get([UInt8](encoder.key(of: operation))))
      }
      if let verb = verbs[operationCount] {
        commit()
        items.append(verb)
      }
    }
  }

  private mutating func commit() {
    if pending > 0 { items.append(.commit) }
    pending = 0
  }

  mutating func finished() -> [TrialItem] {
    commit()
    return items
  }
}

/// The draws a story is made of.
private struct ScriptDraws {
  private let random: CounterRandom
  private var drawCount: UInt64 = 0

  init(seed: UInt64) { random = CounterRandom(seed: seed, stream: 0x73_746F_7279) }

  mutating func below(_ bound: Int) -> Int {
    drawCount += 1
    return Int(random.uniform(below: UInt64(bound), drawCount))
  }

  mutating func key() -> [UInt8] { [UInt8]("key \(below(12))".utf8) }

  mutating func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: UInt8(below(256)), count: count) }

  mutating func operation(_ offersRangeDelete: Bool, _ largestValueByteCount: Int) -> TrialOperation {
    switch below(20) {
    case 0: TrialOperation(.put, key: key(), operand: bytes(below(largestValueByteCount)))
    case 1...8: TrialOperation(.put, key: key(), operand: bytes(below(300)))
    case 9...12: TrialOperation(.delete, key: key())
    case 13, 14: TrialOperation(.add, key: key(), operand: bytes(8))
    case 15, 16: TrialOperation(.append, key: key(), operand: bytes(below(40)))
    case 17, 18: TrialOperation(.patch, key: key(), operand: [UInt8(below(60)), 0, 0, 0] + bytes(below(9)))
    default:
      offersRangeDelete
        ? TrialOperation(.deleteRange, key: key(), operand: key()) : TrialOperation(.delete, key: key())
    }
  }
}
