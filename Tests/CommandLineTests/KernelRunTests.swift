// Goal: on files past the page cache a run passes only when the kernel counted what we counted.
// Method: the built program, alone in its process, so that no other test's I/O is in the kernel's count: every engine,
// small; skipped with the reason where the kernel does not count.

import Foundation
import Testing

@Suite struct KernelRunTests {
  private static let program: URL = {
    let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    return own.deletingLastPathComponent().appendingPathComponent("betula")
  }()

  private static let study = """
    schema: 1
    study: direct
    memory_budget: 1MiB
    device: { kind: file, io: direct, capacity: 256MiB }
    workload: { records: 8_000, key_bytes: 16, value_bytes: 100 }
    commit: { batch_operations: 500, sync_every_commits: 4 }
    engines:
      - { engine: append-log, records: 2_000, maximum_operations: 20 }
      - { engine: sorted-file, records: 2_000, maximum_operations: 1_000 }
      - { engine: sqlite, label: wal, parameters: { journal_mode: wal } }
      - { engine: sqlite, label: delete, parameters: { journal_mode: delete } }
      - { engine: sqlite, label: control, parameters: { vfs: unix } }
    phases:
      - { phase: load, order: random }
      - { phase: settle }
      - { phase: reopen }
      - { phase: read, operations: 2_000 }
      - { phase: write, operations: 2_000, operation: overwrite }
      - { phase: settle, name: settle_end }
    """

  @Test("the kernel's count agrees with ours for every engine, phase by phase")
  func agrees() throws {
    // The working directory: the system's folder for temporary files may be in memory, where nothing is counted.
    let folder = FileManager.default.currentDirectoryPath + "/.build-direct-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Left behind only when the system refuses, which no test is about.
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Self.study.write(toFile: folder + "/direct.yaml", atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = Self.program
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.arguments = ["run", "direct.yaml", "--set", "device.path=\(folder)", "--out", "record"]
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    _ = output.fileHandleForReading.readDataToEndOfFile()
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if said.contains("does not count O_DIRECT") {
      print("skipped: \(said)")
      return
    }
    let runs = try String(contentsOfFile: folder + "/record/runs.csv", encoding: .utf8)
    let failed = runs.split(separator: "\n").filter { $0.contains(",failed,") }
    #expect(process.terminationStatus == 0, "\(said) \(failed)")
    #expect(failed.isEmpty)
    let timing = try String(contentsOfFile: folder + "/record/timing.csv", encoding: .utf8)
    #expect(timing.contains("kernel_write_residual_bytes"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(left == ["Scratch", "direct.yaml", "record"], "left behind: \(left)")
  }
}
