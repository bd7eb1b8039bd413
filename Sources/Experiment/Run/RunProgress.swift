// What a run tells while it runs, and how it is asked to stop.

/// Where a run stands.
public struct RunProgress: Sendable {
  /// The run's place in the plan, from 0.
  public var runIndex: Int
  /// How many runs the plan has.
  public var runCount: Int
  /// The engine's label.
  public var label: String
  /// The phase's name.
  public var phase: String
  /// Operations of the phase that are done.
  public var completedOperations: UInt64
  /// Operations that the phase has.
  public var totalOperations: UInt64
  /// Operations of all phases of all runs that are done: what time left is estimated from.
  public var planCompletedOperations: UInt64
  /// Operations that the plan has.
  public var planTotalOperations: UInt64

  /// A place in a plan.
  public init(
    runIndex: Int, runCount: Int, label: String, phase: String, completedOperations: UInt64,
    totalOperations: UInt64, planCompletedOperations: UInt64, planTotalOperations: UInt64
  ) {
    self.runIndex = runIndex
    self.runCount = runCount
    self.label = label
    self.phase = phase
    self.completedOperations = completedOperations
    self.totalOperations = totalOperations
    self.planCompletedOperations = planCompletedOperations
    self.planTotalOperations = planTotalOperations
  }
}

/// Callbacks of a run.
public struct RunObserver {
  /// Called every few thousand operations.
  public var progressed: (RunProgress) -> Void
  /// Asked at the same moments; true ends everything with `RunInterrupted`.
  public var isInterrupted: () -> Bool
  /// A remark for the user (a skipped run, a fallback).
  public var noted: (String) -> Void

  /// An observer that hears nothing.
  public init(
    progressed: @escaping (RunProgress) -> Void = { _ in }, isInterrupted: @escaping () -> Bool = { false },
    noted: @escaping (String) -> Void = { _ in }
  ) {
    self.progressed = progressed
    self.isInterrupted = isInterrupted
    self.noted = noted
  }
}

/// The user asked to stop; nothing was recorded.
public struct RunInterrupted: Error, Sendable {}
