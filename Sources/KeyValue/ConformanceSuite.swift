// The conformance suite: what it means to be an engine, as named checks that need no test framework. Our tests,
// `betula conformance ENGINE` and third parties run the same ones.
//
//   makeFresh(seed) ─▶ ConformanceSubject ─▶ ConformanceTrial ── the same operations ──▶ engine
//                                                             └──────────────────────▶ ReferenceState
//                                              compare: gets, cursors both ways, verify, space, device writes
//
// Invariants
// 1. A check depends on its seed alone; a failure names check, seed and step, which reproduce it.
// 2. Every check begins with a fresh engine and ends with a full comparison, `verify` and `close`.
// 3. Checks that need storing, snapshots or range deletes state so; an engine that declares it offers less is held
//    to refusing with `.unsupported`.

import Primitives

/// An engine under test and what the suite may do with the device beneath it.
public struct ConformanceSubject {
  /// The engine, freshly formatted and empty.
  public var engine: any Engine
  /// Opens the same device again after `close`; nil when the engine cannot be reopened.
  public var reopen: (() throws -> any Engine)?
  /// Bytes the device was asked to write so far; nil when nothing counts them.
  public var deviceWriteByteCount: (() -> UInt64)?
  /// Bytes held of the engine's memory budget now; nil when there is none.
  public var heldMemoryByteCount: (() -> Int)?
  /// The limits the engine's descriptor declares for this setting; nil when it declares none.
  public var declaredLimits: EngineLimits?

  /// A subject; closures that are nil are not checked.
  public init(
    engine: any Engine, reopen: (() throws -> any Engine)? = nil,
    deviceWriteByteCount: (() -> UInt64)? = nil, heldMemoryByteCount: (() -> Int)? = nil,
    declaredLimits: EngineLimits? = nil
  ) {
    self.engine = engine
    self.reopen = reopen
    self.deviceWriteByteCount = deviceWriteByteCount
    self.heldMemoryByteCount = heldMemoryByteCount
    self.declaredLimits = declaredLimits
  }
}

/// What an engine did that the contract forbids.
public struct ConformanceFailure: Error, Equatable, Sendable, CustomStringConvertible {
  /// The name of the check.
  public var check: String
  /// The seed that reproduces it.
  public var seed: UInt64
  /// The number of steps the check had made.
  public var step: Int
  /// What was wrong.
  public var sentence: String

  /// Everything in one line.
  public var description: String { "\(check), seed \(seed), step \(step): \(sentence)" }
}

/// One named property of engines.
public struct ConformanceCheck: Sendable, CustomStringConvertible {
  /// `snake_case`, unique.
  public let name: String
  /// One sentence.
  public let meaning: String
  /// What an engine must offer for the check to make sense.
  public let needs: Needs
  let body: @Sendable (ConformanceTrial) throws -> Void

  /// Which engines a check is for.
  public enum Needs: Sendable {
    /// Engines that keep what they are given.
    case storing
    /// The null engine.
    case notStoring
    /// Every engine.
    case nothing
  }

  init(
    _ name: String, _ meaning: String, needs: Needs = .storing,
    _ body: @escaping @Sendable (ConformanceTrial) throws -> Void
  ) {
    self.name = name
    self.meaning = meaning
    self.needs = needs
    self.body = body
  }

  /// The name.
  public var description: String { name }
}

/// Runs checks against engines made by a closure.
public struct ConformanceSuite {
  private let makeFresh: (_ seed: UInt64) throws -> ConformanceSubject
  private let randomOperationCount: Int

  /// A suite for the engines `makeFresh` makes.
  ///
  /// - Parameters:
  ///   - randomOperationCount: operations of the model-based runs; 10,000 takes seconds on engines whose
  ///     operations are O(n).
  ///   - makeFresh: a new, empty engine on a new device, everything random drawn from the seed.
  public init(
    randomOperationCount: Int = 10_000,
    makeFresh: @escaping (_ seed: UInt64) throws -> ConformanceSubject
  ) {
    self.randomOperationCount = randomOperationCount
    self.makeFresh = makeFresh
  }

  /// A suite from the two closures every engine has: `reopen` receives the closed engine's device as `makeFresh`
  /// returned it.
  public init<Device>(
    randomOperationCount: Int = 10_000,
    makeFresh: @escaping (_ seed: UInt64) throws -> (engine: any Engine, device: Device),
    reopen: @escaping (_ device: Device) throws -> any Engine
  ) {
    self.init(randomOperationCount: randomOperationCount) { seed in
      let made = try makeFresh(seed)
      return ConformanceSubject(engine: made.engine, reopen: { try reopen(made.device) })
    }
  }

  /// Every check, in the order in which a new engine will want to pass them.
  public static let checks: [ConformanceCheck] =
    basicChecks + writeChecks + cursorChecks + batchChecks + lifeChecks + randomChecks + threadChecks

  /// The check of this name, nil when there is none.
  public static func check(named name: String) -> ConformanceCheck? {
    checks.first { $0.name == name }
  }

  /// Puts a fresh engine through one check.
  ///
  /// - Returns: false when the check is not for this kind of engine.
  /// - Throws: `ConformanceFailure`, or the error with which the engine answered a lawful request.
  @discardableResult
  public func run(_ check: ConformanceCheck, seed: UInt64) throws -> Bool {
    let subject = try makeFresh(seed)
    switch check.needs {
    case .nothing: break
    case .storing: if !subject.engine.limits.stores { return false }
    case .notStoring: if subject.engine.limits.stores { return false }
    }
    let trial = ConformanceTrial(
      check: check.name, seed: seed, subject: subject, randomOperationCount: randomOperationCount)
    do {
      try check.body(trial)
      try trial.finish()
    } catch let failure as ConformanceFailure {
      throw failure
    } catch {
      throw ConformanceFailure(
        check: check.name, seed: seed, step: trial.step, sentence: "threw \(error)")
    }
    return true
  }

  /// One line of a report.
  public struct Outcome: Sendable {
    /// What was checked.
    public var check: ConformanceCheck
    /// nil when passed or not applicable.
    public var failure: String?
    /// False when the check is not for this kind of engine.
    public var applied: Bool
  }

  /// Runs every check and says how each ended.
  public func runAll(seed: UInt64) -> [Outcome] {
    ConformanceSuite.checks.map { check in
      do {
        return Outcome(check: check, failure: nil, applied: try run(check, seed: seed))
      } catch {
        return Outcome(check: check, failure: "\(error)", applied: true)
      }
    }
  }
}
