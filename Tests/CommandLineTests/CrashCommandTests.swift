// Goal: `betula crash` does what the guide says: a table and exit status 0 for sound engines, the same JSON twice, one
// crash on request, mistakes with exit codes.
// Method: the built program on a small study, few operations.

import Foundation
import Testing

@Suite struct CrashCommandTests {
  private static let program: URL = {
    let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    return own.deletingLastPathComponent().appendingPathComponent("betula")
  }()

  private static let study: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.path + "/Experiments/crash-laboratory"
  }()

  private func betula(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = Self.program
    process.arguments = ["crash", Self.study] + arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    let complained = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: said, as: UTF8.self),
      String(decoding: complained, as: UTF8.self)
    )
  }

  private static let small = ["--operations", "30", "--images", "200", "--subsets", "20"]

  @Test func soundEnginesPassAndTwoRunsAreEqual() throws {
    let path = NSTemporaryDirectory() + "/betula-recovery-\(UUID().uuidString).csv"
    // Left behind only when the system refuses, which no test is about.
    defer { try? FileManager.default.removeItem(atPath: path) }
    let arguments = Self.small + ["--engine", "append-log", "--engine", "delete-extra", "--json"]
    let first = try betula(arguments + ["--csv", path])
    #expect(first.status == 0, "\(first.errors)")
    #expect(try betula(arguments).output == first.output)
    #expect(first.output.contains("\"failures\" : 0"))
    let rows = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(rows.count > 10)
    #expect(rows.allSatisfy { $0.split(separator: ",").count == rows[0].split(separator: ",").count })
  }

  @Test func oneCrashAndOneFaultOnRequest() throws {
    let one = Self.small + ["--engine", "sorted-file"]
    let crash = try betula(one + ["--point", "12", "--survivors", "seeded:5"])
    #expect(crash.status == 0, "\(crash.errors)")
    #expect(crash.output.contains("sorted-file: point 12, survivors seeded:5"))
    let fault = try betula(one + ["--fault", "life fail@9 errno=5"])
    #expect(fault.status == 0, "\(fault.errors)")
    #expect(fault.output.contains("answered as it should be"))
  }

  /// What a crash leaves can be kept and looked at: it is sound, and says what an opening has to do.
  @Test func theImageOfACrashIsKept() throws {
    let path = NSTemporaryDirectory() + "/betula-image-\(UUID().uuidString).volume"
    // Left behind only when the system refuses, which no test is about.
    defer { try? FileManager.default.removeItem(atPath: path) }
    let kept = try betula(
      Self.small + [
        "--engine", "append-log", "--sync", "1", "--point", "30", "--survivors", "all", "--keep-image", path,
      ])
    #expect(kept.status == 0, "\(kept.errors)")
    let process = Process()
    process.executableURL = Self.program
    process.arguments = ["verify", path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(said)")
    #expect(said.contains("commits not yet checkpointed"), "\(said)")
  }

  /// A trap is a finding with a command, whatever is tried when it comes; the other trials go on.
  @Test(arguments: [1, 2, 60]) func aTrapIsAFinding(case number: Int) throws {
    let trapped = try betula(
      Self.small + ["--engine", "append-log", "--sync", "1", "--sync", "2", "--trap-at", "\(number)"])
    #expect(trapped.status == 1, "\(trapped.errors)")
    #expect(trapped.output.contains("FAILED append-log: the engine trapped (signal"), "\(trapped.output)")
    #expect(trapped.output.contains("--sync 2"))
    #expect(trapped.output.contains(number == 1 ? "while the script ran" : "--point"))
    // The command it prints is one that runs.
    let line = try #require(
      trapped.output.split(separator: "\n").first { $0.contains("repeat: betula crash") })
    let words = line.split(separator: " ").drop { $0 != "--engine" }.map(String.init)
    #expect(try betula(words).status == 0, "\(words)")
  }

  @Test func moreProcessesAtOnceFindTheSame() throws {
    let arguments = Self.small + ["--engine", "append-log", "--engine", "sorted-file", "--json"]
    let one = try betula(arguments)
    #expect(one.status == 0, "\(one.errors)")
    #expect(try betula(arguments + ["--jobs", "3"]).output == one.output)
    #expect(try betula(arguments + ["--jobs", "0"]).status == 64)
  }

  @Test func mistakesHaveExitCodes() throws {
    #expect(try betula(["--survivors", "some"]).status == 64)
    #expect(try betula(["--fault", "nonsense"]).status == 64)
    let unknown = try betula(["--engine", "nobody"])
    #expect(unknown.status == 65)
    #expect(unknown.errors.contains("append-log"))
    #expect(try betula(["--tear", "100"]).status == 65)
  }
}
