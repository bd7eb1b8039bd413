// The line on standard error that says how far a run is. Drawn only on a terminal, at most ten times a second.

import CSystem
import Experiment
import Foundation

/// Draws and clears the line.
final class ProgressLine {
  private let isShown: Bool
  private let start = betula_monotonic_nanoseconds()
  private var lastDraw: UInt64 = 0
  private var isDirty = false

  /// A line; `isQuiet` keeps it from being drawn.
  init(isQuiet: Bool) { isShown = !isQuiet && betula_is_terminal(2) == 1 }

  /// Shows where a run stands.
  func show(_ progress: RunProgress) {
    guard isShown else { return }
    let now = betula_monotonic_nanoseconds()
    guard now - lastDraw > 100_000_000 else { return }
    lastDraw = now
    let elapsed = Double(now - start) / 1e9
    let done = Double(progress.planCompletedOperations)
    let rate = elapsed > 0 ? done / elapsed : 0
    let left = rate > 0 ? Double(progress.planTotalOperations) / rate - elapsed : 0
    let percent =
      progress.planTotalOperations > 0 ? Int(done * 100 / Double(progress.planTotalOperations)) : 100
    let text =
      "run \(progress.runIndex + 1)/\(progress.runCount) \(progress.label): \(progress.phase) "
      + "\(progress.completedOperations)/\(progress.totalOperations)  \(percent) %  "
      + "\(Int(rate)) operations/s  \(Self.duration(left)) left"
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
