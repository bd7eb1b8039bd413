// What machine and which build produced a record: gathered once per record, written to its manifest, read by
// nothing that computes a number.

import Foundation

/// Facts about the host and the build.
public struct HostFacts: Sendable {
  /// Name and value, in the order they are written. A fact that cannot be learnt is left out.
  public var facts: [(name: String, value: String)]

  /// Gathers the facts. Costs a few file reads and two short processes.
  ///
  /// - Parameter repository: the folder whose git commit is named; nil for none.
  public static func gather(repository: String?) -> HostFacts {
    var facts: [(name: String, value: String)] = []
    func add(_ name: String, _ value: String?) {
      if let value, !value.isEmpty { facts.append((name, value)) }
    }
    add("cpu", field("model name", in: "/proc/cpuinfo"))
    add("cpu_count", String(ProcessInfo.processInfo.activeProcessorCount))
    add("memory_bytes", String(ProcessInfo.processInfo.physicalMemory))
    add("kernel", line(of: "/proc/sys/kernel/osrelease"))
    add("operating_system", field("PRETTY_NAME", in: "/etc/os-release", separator: "=")?.trimmingQuotes)
    add("transparent_huge_pages", line(of: "/sys/kernel/mm/transparent_hugepage/enabled"))
    add("compiler", compilerVersion)
    add("build_configuration", buildConfiguration)
    if let repository {
      add("commit", output(of: "git", "-C", repository, "rev-parse", "HEAD"))
      if let status = output(of: "git", "-C", repository, "status", "--porcelain") {
        add("commit_dirty", status.isEmpty ? "false" : "true")
      }
    }
    return HostFacts(facts: facts)
  }

  /// The value of one fact.
  public subscript(name: String) -> String? { facts.first { $0.name == name }?.value }

  /// The version line of the gnuplot on the path, nil when there is none.
  public static var gnuplotVersion: String? { output(of: "gnuplot", "--version") }

  private static var compilerVersion: String {
    #if swift(>=6.4)
      "Swift 6.4 or newer"
    #elseif swift(>=6.3)
      "Swift 6.3"
    #else
      "Swift 6.2 or older"
    #endif
  }

  private static var buildConfiguration: String {
    var isDebug = false
    assert(
      {
        isDebug = true
        return true
      }())
    return isDebug ? "debug" : "release"
  }

  private static func contents(of path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  private static func line(of path: String) -> String? {
    contents(of: path)?.split(separator: "\n").first.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private static func field(_ name: String, in path: String, separator: Character = ":") -> String? {
    guard let text = contents(of: path) else { return nil }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: separator, maxSplits: 1)
      if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == name {
        return parts[1].trimmingCharacters(in: .whitespaces)
      }
    }
    return nil
  }

  /// What a short command prints, nil when it cannot be run or fails.
  private static func output(of command: String, _ arguments: String...) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [command] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

extension String {
  fileprivate var trimmingQuotes: String { trimmingCharacters(in: CharacterSet(charactersIn: "\"")) }
}
