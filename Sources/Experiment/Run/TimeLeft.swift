// How long the rest of a plan takes, from what was measured so far: every engine at its own pace.
//
//   seconds left = Σ over engines (operations left ÷ the engine's operations per second) ÷ jobs
//
// Invariants
// 1. An engine of which nothing is known yet goes at the pace of all engines together; before anything is known there
//    is no estimate.
// 2. Nothing here reaches a record.

/// The pace of each engine.
public struct TimeLeft: Sendable {
  private var paces: [String: (operations: Double, seconds: Double)] = [:]
  private var all = (operations: 0.0, seconds: 0.0)

  /// Nothing is known.
  public init() {}

  /// Takes note of work that is done.
  public mutating func add(label: String, operationCount: UInt64, seconds: Double) {
    guard operationCount > 0, seconds > 0 else { return }
    paces[label, default: (0, 0)].operations += Double(operationCount)
    paces[label, default: (0, 0)].seconds += seconds
    all.operations += Double(operationCount)
    all.seconds += seconds
  }

  /// Seconds of one process for `operationCount` operations of an engine, nil when nothing is known.
  public func seconds(label: String, operationCount: UInt64) -> Double? {
    let pace = paces[label] ?? all
    guard pace.operations > 0 else { return nil }
    return Double(operationCount) * pace.seconds / pace.operations
  }

  /// Seconds until all is done.
  ///
  /// - Parameters:
  ///   - left: operations left by engine.
  ///   - jobs: how many processes work side by side.
  public func seconds(left: [String: UInt64], jobs: Int) -> Double? {
    var sum = 0.0
    for (label, count) in left where count > 0 {
      guard let seconds = seconds(label: label, operationCount: count) else { return nil }
      sum += seconds
    }
    return sum / Double(max(1, jobs))
  }
}
