// The line on standard error that says how far a run is. Drawn only on a terminal, at most ten times a second.

import CSystem
import Experiment
import Foundation
import Primitives

/// Draws and clears the line.
final class ProgressLine {
  private let isShown: Bool
  private var lastDraw: UInt64 = 0
  private var isDirty = false

  /// A line; `isQuiet` keeps it from being drawn.
  init(isQuiet: Bool) { isShown = !isQuiet && betula_is_terminal(2) == 1 }

  /// Shows where a sweep stands.
  func show(_ progress: SweepProgress) {
    guard isShown else { return }
    let now = betula_monotonic_nanoseconds()
    guard now - lastDraw > 100_000_000 else { return }
    lastDraw = now
    let runs =
      "\(Quantity.formatInteger(progress.finishedRunCount)) of \(Quantity.formatInteger(progress.runCount)) runs"
    let reused =
      progress.reusedRunCount > 0 ? " (\(Quantity.formatInteger(progress.reusedRunCount)) were there)" : ""
    let percent =
      progress.totalOperations > 0
      ? Int(Double(progress.completedOperations) * 100 / Double(progress.totalOperations)) : 100
    let left = progress.secondsLeft.map { ", \(Self.duration($0)) left" } ?? ""
    let active = progress.active.map { run in
      let share = run.totalOperations > 0 ? " \(run.completedOperations * 100 / run.totalOperations) %" : ""
      return "\(run.label) \(run.phase)\(share)"
    }
    let text = "\(runs)\(reused), \(percent) %\(left)  " + active.joined(separator: "  ")
    write("\r\u{1B}[K" + String(text.prefix(118)))
    isDirty = true
  }

  /// Prints a remark above the line.
  func note(_ message: String) {
    clear()
    complain(message)
  }

  /// Removes the line.
  func clear() {
    if isDirty { write("\r\u{1B}[K") }
    isDirty = false
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(max(0, seconds))
    if whole >= 3600 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return whole >= 60 ? "\(whole / 60) min \(whole % 60) s" : "\(whole) s"
  }
}
