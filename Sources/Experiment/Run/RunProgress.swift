// What a sweep tells while it runs, and how it is asked to stop.

/// Where a sweep stands.
public struct SweepProgress: Sendable {
  /// One run that is being made.
  public struct Active: Sendable {
    /// The engine's label.
    public var label: String
    /// The phase's name.
    public var phase: String
    /// Operations of the phase that are done.
    public var completedOperations: UInt64
    /// Operations that the phase has.
    public var totalOperations: UInt64

    /// A run in one of its phases.
    public init(label: String, phase: String, completedOperations: UInt64, totalOperations: UInt64) {
      self.label = label
      self.phase = phase
      self.completedOperations = completedOperations
      self.totalOperations = totalOperations
    }
  }

  /// Runs that the plan has.
  public var runCount: Int
  /// Runs that are done, the reused and the skipped included.
  public var finishedRunCount: Int
  /// Runs that were there before.
  public var reusedRunCount: Int
  /// The runs being made, one a worker.
  public var active: [Active]
  /// Operations done by this sweep.
  public var completedOperations: UInt64
  /// Operations this sweep has to do; a shared load counts once.
  public var totalOperations: UInt64
  /// Seconds until the plan is done, nil while nothing is known.
  public var secondsLeft: Double?

  /// A place in a sweep.
  public init(
    runCount: Int, finishedRunCount: Int, reusedRunCount: Int, active: [Active], completedOperations: UInt64,
    totalOperations: UInt64, secondsLeft: Double?
  ) {
    self.runCount = runCount
    self.finishedRunCount = finishedRunCount
    self.reusedRunCount = reusedRunCount
    self.active = active
    self.completedOperations = completedOperations
    self.totalOperations = totalOperations
    self.secondsLeft = secondsLeft
  }
}

/// Callbacks of runs.
public struct RunObserver {
  /// Called every few thousand operations and whenever a run ends, by sweeps.
  public var progressed: (SweepProgress) -> Void
  /// Asked at the same moments, and by each thread of a phase that has several; true ends everything with `RunInterrupted`.
  public var isInterrupted: () -> Bool
  /// A remark for the user (a skipped run, a fallback).
  public var noted: (String) -> Void

  /// An observer that hears nothing.
  public init(
    progressed: @escaping (SweepProgress) -> Void = { _ in }, isInterrupted: @escaping () -> Bool = { false },
    noted: @escaping (String) -> Void = { _ in }
  ) {
    self.progressed = progressed
    self.isInterrupted = isInterrupted
    self.noted = noted
  }
}

/// The user asked to stop; there is no new record.
public struct RunInterrupted: Error, Sendable {
  /// What is left of the work, a clause.
  public var remains = "nothing was recorded"

  /// An interruption.
  public init(remains: String = "nothing was recorded") { self.remains = remains }
}
