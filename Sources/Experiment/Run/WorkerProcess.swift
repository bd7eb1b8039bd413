// One worker as the sweep sees it: a process, three pipes, what it was given and what it said.
//
//   started ──ready──▶ idle ──dispatch──▶ busy ──idle──▶ idle … ──end of output──▶ ended
//
// Invariants
// 1. `assigned` holds the runs dispatched and not reported finished; `active` those of them being made right now.
// 2. Its last words are kept, and no more than a few lines of them.

import CSystem
import Foundation
import Results

/// A worker process.
final class WorkerProcess {
  /// How a process ended.
  enum End: Equatable {
    case status(Int)
    case signal(Int)

    /// A clause.
    var description: String {
      switch self {
      case .status(let status): return "with status \(status)"
      case .signal(let number):
        let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
          betula_signal_name(Int32(number), buffer.baseAddress, 64)
          return buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
        return "by signal \(number) (\(name))"
      }
    }
  }

  /// What it was given and has not finished, by place in the plan.
  private(set) var assigned: Set<Int> = []
  /// What it is making.
  private(set) var active: [Int] = []
  /// Whether it waits for a dispatch.
  private(set) var isIdle = false
  /// Whether it is there to make one run of a file device, alone.
  var isAlone = false
  /// Bytes it may come to hold.
  var memoryByteCount = 0
  /// Operations of what was dispatched, by engine's label.
  var dispatched: [String: UInt64] = [:]
  /// Operations of it that are done and measured.
  var measuredOperations: UInt64 = 0
  /// What it said last of a phase: (run, phase, done, of how many, done of the dispatch).
  private(set) var progress: (ordinal: Int, phase: String, done: UInt64, count: UInt64, total: UInt64)?
  /// The descriptors to wait for.
  var descriptors: [Int32] { (isOutputOpen ? [handle.output] : []) + (areErrorsOpen ? [handle.errors] : []) }

  private var handle: betula_worker
  private var lines = LineBuffer()
  private var lastWords: [UInt8] = []
  private var isOutputOpen = true
  private var areErrorsOpen = true
  private var isInputOpen = true

  /// Starts a worker and tells it what the study is.
  ///
  /// - Throws: `SweepFailure` when the process cannot be made.
  init(command: [String], _ assignment: WorkerAssignment) throws(SweepFailure) {
    var handle = betula_worker()
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    let result = betula_start_worker(command[0], &arguments, &handle)
    guard result == 0 else {
      throw SweepFailure(
        description: "a worker process cannot be started from \(command[0]): errno \(-result)")
    }
    self.handle = handle
    send(assignment)
  }

  /// Gives it runs.
  func dispatch(_ ordinals: [Int]) {
    precondition(isIdle, "A worker gets runs when it waits for them.")
    isIdle = false
    assigned = Set(ordinals)
    progress = nil
    measuredOperations = 0
    send(WorkerDispatch(ordinals: ordinals))
  }

  private func send(_ message: some Encodable) {
    // A worker that is gone is found at the end of its output.
    if isInputOpen { _ = writeAll(WorkerLine.encoded(message), to: handle.input) }
  }

  /// Reads what it said since.
  ///
  /// - Returns: its reports, and whether its output has ended.
  func hear() throws(SweepFailure) -> (reports: [WorkerReport], hasEnded: Bool) {
    if areErrorsOpen {
      areErrorsOpen = drain(handle.errors) { lastWords.append(contentsOf: $0) }
      if lastWords.count > 8_192 { lastWords.removeFirst(lastWords.count - 4_096) }
    }
    var heard: [Data] = []
    if isOutputOpen { isOutputOpen = drain(handle.output) { heard += lines.add($0) } }
    var reports: [WorkerReport] = []
    for line in heard {
      do {
        reports.append(try WorkerLine.decoded(WorkerReport.self, line))
      } catch {
        throw SweepFailure(
          description:
            "a worker said what is no report: '\(String(decoding: line.prefix(200), as: UTF8.self))'")
      }
    }
    for report in reports { note(report) }
    return (reports, !isOutputOpen)
  }

  private func note(_ report: WorkerReport) {
    switch report {
    case .ready: isIdle = true
    case .began(let ordinals): active = ordinals
    case .progress(let ordinal, let phase, let done, let count, let total):
      progress = (ordinal, phase, done, count, total)
    case .finished(let ordinal, _):
      assigned.remove(ordinal)
      active.removeAll { $0 == ordinal }
    case .measured(_, let operationCount, _): measuredOperations += operationCount
    case .note: break
    case .idle:
      isIdle = true
      active = []
      assigned = []
      dispatched = [:]
      progress = nil
    }
  }

  /// Reads what is there.
  ///
  /// - Returns: whether more may come.
  private func drain(_ descriptor: Int32, _ take: (ArraySlice<UInt8>) -> Void) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count > 0 {
        take(buffer[..<count])
      } else if count < 0 && errno == EINTR {
        continue
      } else {
        return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)
      }
    }
  }

  /// Lets an idle worker go, or tells a busy one to stop.
  func dismiss() {
    if isInputOpen { close(handle.input) }
    isInputOpen = false
  }

  /// Asks the process to end, or ends it.
  func end(gently: Bool) { _ = betula_end_process(handle.process, gently ? 1 : 0) }

  /// Waits for the end of the process.
  func await() -> End {
    dismiss()
    let status = Int(betula_await_process(handle.process))
    if areErrorsOpen { areErrorsOpen = drain(handle.errors) { lastWords.append(contentsOf: $0) } }
    close(handle.output)
    close(handle.errors)
    isOutputOpen = false
    areErrorsOpen = false
    return status >= 256 ? .signal(status - 256) : .status(status)
  }

  /// What it wrote to standard error last, on one line; empty for nothing.
  var lastSentence: String {
    let words = String(decoding: lastWords, as: UTF8.self).split(separator: "\n").suffix(6)
    return String(words.joined(separator: " | ").suffix(1_000))
  }
}

/// A sweep cannot go on.
public struct SweepFailure: Error, CustomStringConvertible {
  /// A sentence.
  public var description: String
}
