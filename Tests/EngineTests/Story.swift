// A short life of an engine, written down before it is lived, with the state after each of its batches: what crash
// and fault tests hold the survivors against.

import KeyValue
import Primitives

/// One write operation, kept.
struct StoryOperation: Sendable {
  var kind: OperationKind
  var key: [UInt8]
  var operand: [UInt8]
}

/// What happens next.
enum StoryStep: Sendable {
  case batch([StoryOperation], sync: Bool)
  case checkpoint
  case settle
  case read
}

/// Steps, and the states they lead through.
struct Story: Sendable {
  let steps: [StoryStep]
  /// `states[n]` is what the first n batches make; `states[0]` is empty.
  let states: [ReferenceState]

  /// A story of `batchCount` batches over a dozen keys: all kinds of operations, small and large values; synced every
  /// `syncEvery` batches (0 never), with a checkpoint a third of the way and settling at two thirds.
  init(seed: UInt64, batchCount: Int, syncEvery: Int, limits: EngineLimits) {
    let random = CounterRandom(seed: seed, stream: 0x73746f7279)
    var draws: UInt64 = 0
    func draw(_ bound: Int) -> Int {
      draws += 1
      return Int(random.uniform(below: UInt64(bound), draws))
    }
    func key() -> [UInt8] { [UInt8]("key \(draw(12))".utf8) }
    func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: UInt8(draw(256)), count: count) }
    var steps: [StoryStep] = []
    var states = [ReferenceState()]
    for number in 1...batchCount {
      var operations: [StoryOperation] = []
      for _ in 0..<(1 + draw(6)) {
        switch draw(20) {
        case 0: operations.append(StoryOperation(kind: .put, key: key(), operand: bytes(draw(20_000))))
        case 1...9: operations.append(StoryOperation(kind: .put, key: key(), operand: bytes(draw(300))))
        case 10...12: operations.append(StoryOperation(kind: .delete, key: key(), operand: []))
        case 13, 14: operations.append(StoryOperation(kind: .add, key: key(), operand: bytes(8)))
        case 15, 16: operations.append(StoryOperation(kind: .append, key: key(), operand: bytes(draw(40))))
        case 17, 18:
          operations.append(
            StoryOperation(kind: .patch, key: key(), operand: [UInt8(draw(60)), 0, 0, 0] + bytes(draw(9))))
        default:
          if limits.offersRangeDelete {
            operations.append(StoryOperation(kind: .deleteRange, key: key(), operand: key()))
          }
        }
      }
      // A key of its own per batch: no two states are alike.
      operations.append(
        StoryOperation(kind: .put, key: [UInt8]("batch".utf8), operand: [UInt8]("\(number)".utf8)))
      var state = states[number - 1]
      for operation in operations {
        state.apply(
          operation.kind, key: operation.key, operand: operation.operand,
          maximumValueByteCount: limits.maximumValueByteCount)
      }
      states.append(state)
      steps.append(.batch(operations, sync: syncEvery > 0 && number % syncEvery == 0))
      if number == batchCount / 3 { steps.append(.checkpoint) }
      if number == batchCount * 2 / 3 { steps.append(.settle) }
      if number % 4 == 0 { steps.append(.read) }
    }
    self.steps = steps
    self.states = states
  }
}

/// How far a life came.
struct StoryProgress {
  /// Batches that were handed to the engine, the one that failed included.
  var attempted = 0
  /// Batches that were acknowledged.
  var acknowledged = 0
  /// Batches that a returned sync or checkpoint covers, as the durability class promises.
  var promised = 0
  /// What ended it early.
  var failure: EngineError?
}

extension Story {
  /// Lives the story on an open engine until it ends or a write fails.
  func live(on engine: any Engine, progress: inout StoryProgress) {
    let durability = engine.durabilityClass
    for step in steps {
      do throws(EngineError) {
        switch step {
        case .batch(let operations, let sync):
          var batch = WriteBatch()
          for operation in operations {
            operation.key.withUnsafeBytes { key in
              operation.operand.withUnsafeBytes { batch.append(operation.kind, key: key, operand: $0) }
            }
          }
          progress.attempted += 1
          try engine.apply(batch, sync: sync)
          progress.acknowledged += 1
          if sync, durability != .none, durability != .atCheckpoints {
            progress.promised = progress.acknowledged
          }
        case .checkpoint:
          try engine.checkpoint()
          if durability != .none { progress.promised = progress.acknowledged }
        case .settle:
          try engine.settle()
          if durability != .none { progress.promised = progress.acknowledged }
        case .read: _ = try engine.value(for: [UInt8]("key 1".utf8))
        }
      } catch {
        progress.failure = error
        return
      }
    }
  }

  /// Which states an engine may hold after what happened; a sentence when it holds another one, or none.
  func judge(_ engine: any Engine, _ progress: StoryProgress) throws(EngineError) -> String? {
    try engine.verify()
    let found = try engine.entries()
    for number in stride(from: states.count - 1, through: 0, by: -1) where states[number].entries() == found {
      if number < progress.promised { return "holds batch \(number), \(progress.promised) were promised" }
      if number > progress.attempted { return "holds batch \(number), \(progress.attempted) were begun" }
      // Gets must agree with the scan.
      for pair in found where try engine.value(for: pair.key) != pair.value {
        return "a get of \(pair.key) disagrees with the scan"
      }
      return nil
    }
    return "holds no prefix of the batches (begun \(progress.attempted), promised \(progress.promised))"
  }
}
