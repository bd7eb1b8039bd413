// From a failing crash to the smallest script and survivor set that still fails, and the words that repeat it.
//
//   script ─ drop halves, quarters … single items, while some crash still fails ─▶ script' ─ fewer survivors ─▶ case
//
// Invariants
// 1. What is returned fails; when nothing smaller fails it is what was given.
// 2. The work is bounded by a number of sweeps, each ended at its first failure.

/// A failure made small.
public struct SmallestFailure: Equatable, Sendable {
  /// The items that are needed.
  public var script: TrialScript
  /// The crash and what is wrong with what it leaves.
  public var failure: CrashFailure

  /// The options of `betula crash` that repeat it, behind the study and the options that were given.
  public var options: String {
    "--keep \(spelledNumbers(script.numbers)) --point \(failure.crash.point) "
      + "--survivors \(failure.crash.survivors.spelling)"
  }
}

/// Shrinks failures of one subject.
public struct CrashShrinker {
  private let subject: TrialSubject
  private var options: CrashOptions
  private var sweepsLeft: Int

  /// A shrinker.
  ///
  /// - Parameter sweepCount: how many smaller scripts are tried at most.
  public init(_ subject: TrialSubject, options: CrashOptions = CrashOptions(), sweepCount: Int = 120) {
    self.subject = subject
    self.options = options
    self.options.stopsAtFirstFailure = true
    self.options.seededSubsetCount = min(options.seededSubsetCount, 100)
    self.options.exhaustiveImageCount = min(options.exhaustiveImageCount, 512)
    self.options.maximumDistinctImageCount = min(options.maximumDistinctImageCount ?? .max, 2_000)
    sweepsLeft = sweepCount
  }

  /// The smallest script and crash found that fail as `failure` does: with any broken promise.
  public mutating func shrink(_ script: TrialScript, _ failure: CrashFailure) -> SmallestFailure {
    var smallest = script
    var known = failure
    var piece = max(1, script.items.count / 2)
    while piece >= 1 && sweepsLeft > 0 {
      var start = 0
      while start < smallest.items.count && sweepsLeft > 0 {
        let dropped = Set(smallest.items[start..<min(start + piece, smallest.items.count)].map(\.number))
        let candidate = smallest.keeping(Set(smallest.numbers).subtracting(dropped))
        if let found = firstFailure(of: candidate) {
          smallest = candidate
          known = found
        } else {
          start += piece
        }
      }
      piece /= 2
    }
    var run = CrashRun(subject, smallest, options)
    return SmallestFailure(script: smallest, failure: run.shrink(known))
  }

  private mutating func firstFailure(of script: TrialScript) -> CrashFailure? {
    sweepsLeft -= 1
    let outcome = CrashSweep(subject, script: script, options: options).run()
    // A script that no longer runs at all is another failure than the one looked for.
    return outcome.lifeFailure == nil ? outcome.failures.first : nil
  }
}
