// Living a script on an engine, and keeping count of what the engine owes afterwards.
//
//   begun ≥ acknowledged ≥ promised        a crash may leave any batch from promised to begun, nothing else
//
// Invariants
// 1. `begun` moves before the engine is called, the other two after it returned.
// 2. A promise is what the durability class says, not what happened to be synced.

import KeyValue
import Storage

/// How far a life came.
public struct TrialProgress: Equatable, Sendable {
  /// Whether formatting returned.
  public var wasCreated = false
  /// Batches handed to the engine.
  public var begun = 0
  /// Batches that came back.
  public var acknowledged = 0
  /// Batches that must survive.
  public var promised = 0
  /// Whether the class promises anything.
  public var promisesNothing = false

  /// At the beginning.
  public init() {}
}

/// One life of an engine.
struct TrialLife {
  let script: TrialScript
  private(set) var progress = TrialProgress()
  /// Why the engine is none for this script, when it said so before it began.
  private(set) var refusal: String?
  /// What ended it early.
  private(set) var failure: EngineError?
  private(set) var limits: EngineLimits?
  private(set) var durabilityClass = DurabilityClass.none
  /// The last get that disagreed with what was applied.
  private(set) var wrongAnswer: String?
  /// Asked when the engine was closed to be opened again: whether life ends there.
  var endsBeforeReopening: () -> Bool = { false }
  private var expected = ReferenceState()

  init(_ script: TrialScript) { self.script = script }

  /// Formats, lives all items, closes.
  ///
  /// - Parameter note: called whenever the progress changed.
  mutating func live(in place: TrialPlace, note: (TrialProgress) -> Void = { _ in }) {
    var opened: (any Engine)?
    do throws(EngineError) {
      var engine = try place.open(creates: true)
      opened = engine
      limits = engine.limits
      durabilityClass = engine.durabilityClass
      progress.wasCreated = true
      if !engine.limits.stores { refusal = "the engine keeps nothing" }
      progress.promisesNothing = durabilityClass == .none
      note(progress)
      var batch = WriteBatch()
      for numbered in script.items {
        switch numbered.item {
        case .write(let operation): append(operation, to: &batch)
        case .commit:
          try commit(&batch, engine, note)
        case .load:
          try load(&batch, engine, note)
        case .get(let key):
          let value = try engine.value(for: key)
          if value != expected.value(for: key) {
            wrongAnswer = "item \(numbered.number): a get gives what was not put"
          }
        case .checkpoint:
          try engine.checkpoint()
          promiseAll(note)
        case .settle:
          try engine.settle()
          promiseAll(note)
        case .dropCache: try engine.dropCache()
        case .reopen:
          try engine.close()
          promiseAll(note)
          opened = nil
          if endsBeforeReopening() { return }
          engine = try place.open(creates: false)
          opened = engine
        }
      }
      opened = nil
      try engine.close()
      promiseAll(note)
    } catch {
      failure = error
      if case .invalidParameters(let reason) = error, !progress.wasCreated { refusal = reason }
      if let opened { closeAfterFailure(opened, note) }
    }
  }

  /// A failed engine may be closed: it says that it is poisoned, or keeps what it acknowledged.
  private mutating func closeAfterFailure(_ engine: any Engine, _ note: (TrialProgress) -> Void) {
    do throws(EngineError) {
      try engine.close()
      promiseAll(note)
    } catch {
      if !error.isHonest { wrongAnswer = "closing after \(failure.map { "\($0)" } ?? "") answers \(error)" }
    }
  }

  private func append(_ operation: TrialOperation, to batch: inout WriteBatch) {
    operation.key.withUnsafeBytes { key in
      operation.operand.withUnsafeBytes { batch.append(operation.kind, key: key, operand: $0) }
    }
  }

  private mutating func commit(
    _ batch: inout WriteBatch, _ engine: any Engine, _ note: (TrialProgress) -> Void
  ) throws(EngineError) {
    if batch.count == 0 { return }
    progress.begun += 1
    note(progress)
    let every = script.syncEveryCommits
    let syncs = every > 0 && progress.begun % every == 0
    try engine.apply(batch, sync: syncs)
    expected.apply(batch, limits: engine.limits)
    batch.removeAll()
    progress.acknowledged += 1
    if case .everyCommits(let kept) = durabilityClass {
      // A class weaker than what was asked for says so: then it decides.
      if syncs && kept <= every { progress.promised = progress.acknowledged }
      progress.promised = max(progress.promised, progress.acknowledged - (kept - 1))
    } else if syncs, durabilityClass == .prefix {
      progress.promised = progress.acknowledged
    }
    note(progress)
  }

  /// Puts a sorted batch in through a bulk load, which is durable at its end.
  private mutating func load(
    _ batch: inout WriteBatch, _ engine: any Engine, _ note: (TrialProgress) -> Void
  ) throws(EngineError) {
    if batch.count == 0 { return }
    progress.begun += 1
    note(progress)
    let load = try engine.makeBulkLoad()
    try load.append(batch)
    try load.finish()
    expected.apply(batch, limits: engine.limits)
    batch.removeAll()
    progress.acknowledged += 1
    promiseAll(note)
  }

  private mutating func promiseAll(_ note: (TrialProgress) -> Void) {
    if durabilityClass != .none { progress.promised = progress.acknowledged }
    note(progress)
  }
}

extension EngineError {
  /// Whether it names the device, its bytes or the guest that misbehaved: what an engine may answer when the world
  /// fails it.
  var isHonest: Bool {
    switch self {
    case .storage(let error): !error.description.isEmpty
    case .guest: true
    case .limitExceeded, .unsupported, .invalidParameters: false
    }
  }
}
