// Each trial of `betula crash` in a process of its own: an engine that traps ends its trial, not the laboratory.
//
//   parent ─▶ child: betula crash … --trial 3 --result FILE        FILE.progress: the case being tried now
//      │        └ ends well ─▶ FILE: its report, merged in the order of the trials
//      │        └ trap ─▶ what FILE.progress says is the case: "trap at …, to repeat: …"
//
// Invariants
// 1. Reports are merged in the order of the trials, whatever order the processes end in: same study, same output.
// 2. A process that ends in any way but with a report is a failure with a command that repeats it.

import Experiment
import Foundation

/// One trial: a run of the plan under a syncing policy.
struct CrashTrialRequest {
  var spec: RunSpec
  var syncEvery: Int
}

/// What a child is trying now, where its parent can read it when the child is gone.
final class CrashProgress {
  private let file: FileHandle
  private let trapAt: Int?
  private var count = 0

  /// - Parameter trapAt: traps at the case of this number: the laboratory's own canary.
  init(besideResult path: String, trapAt: Int?) throws {
    let progressPath = Self.path(ofResult: path)
    guard FileManager.default.createFile(atPath: progressPath, contents: nil),
      let file = FileHandle(forWritingAtPath: progressPath)
    else {
      complain("\(progressPath) cannot be written")
      throw ExitStatus.fileSystem
    }
    self.file = file
    self.trapAt = trapAt
  }

  static func path(ofResult path: String) -> String { path + ".progress" }

  /// Says which case begins, as the options that repeat it.
  func note(_ options: String) {
    do {
      try file.seek(toOffset: 0)
      try file.write(contentsOf: Data((options + "\n").utf8))
    } catch {
      // The parent then names an older case, or none; the sweep itself is not affected.
      complain("progress is not recorded: \(error.localizedDescription)")
    }
    count += 1
    precondition(count != trapAt, "The laboratory's canary traps here.")
  }
}

/// Runs trials, some at once.
struct CrashProcesses {
  let jobs: Int

  /// Runs every trial and merges the reports.
  func run(
    _ trials: [CrashTrialRequest], commandToRepeat: (CrashTrialRequest) -> String
  ) throws -> CrashReport {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "betula-crash-\(UUID().uuidString)")
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      complain("\(folder.path) cannot be made: \(error.localizedDescription)")
      throw ExitStatus.fileSystem
    }
    // Left behind only when the system refuses to remove it.
    defer { try? FileManager.default.removeItem(at: folder) }
    var report = CrashReport()
    var running: [Int: Process] = [:]
    var next = 0
    for number in trials.indices {
      while next < trials.count, next < number + max(1, jobs) {
        running[next] = try start(next, result: path(next, in: folder))
        next += 1
      }
      guard let process = running.removeValue(forKey: number) else { continue }
      process.waitUntilExit()
      let result = path(number, in: folder)
      if process.terminationReason == .exit, process.terminationStatus == 0,
        let data = FileManager.default.contents(atPath: result)
      {
        report.merge(try JSONDecoder().decode(CrashReport.self, from: data))
      } else if process.terminationReason == .exit {
        // The child said on standard error what was wrong with its arguments.
        for other in running.values { other.waitUntilExit() }
        throw ExitStatus.badData
      } else {
        addTrap(trials[number], process, result: result, command: commandToRepeat(trials[number]), &report)
      }
    }
    return report
  }

  private func path(_ number: Int, in folder: URL) -> String {
    folder.appendingPathComponent("trial-\(number).json").path
  }

  private func start(_ number: Int, result: String) throws -> Process {
    let process = Process()
    // The running program itself, also when its file was replaced meanwhile.
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe")
    process.arguments =
      Array(CommandLine.arguments.dropFirst()) + ["--trial", "\(number)", "--result", result]
    do {
      try process.run()
    } catch {
      complain("a process for trial \(number) cannot be started: \(error.localizedDescription)")
      throw ExitStatus.fileSystem
    }
    return process
  }

  private func addTrap(
    _ trial: CrashTrialRequest, _ process: Process, result: String, command: String,
    _ report: inout CrashReport
  ) {
    let text = FileManager.default.contents(atPath: CrashProgress.path(ofResult: result)) ?? Data()
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    let options = lines.first.map(String.init) ?? ""
    let place =
      switch options {
      case "": "while the script ran"
      case "--no-shrink": "while a failure was made smaller"
      default: "at \(options)"
      }
    let sentence = "the engine trapped (signal \(process.terminationStatus)) \(place)"
    report.note(trial.spec.label, sentence, true)
    report.addRepeat(trial.spec.label, sentence, options.isEmpty ? command : "\(command) \(options)")
  }
}
