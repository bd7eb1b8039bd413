// Goal: `betula trace` and `betula stream` do what the guide says: what `run` wrote into its record comes out of the
// traces it kept, to the last digit; mistakes have exit codes; a recorded stream runs again from the command line.
// Method: the built program on the smoke scale of the quick start, its CSV files compared as text.

import Foundation
import Testing

@Suite struct TraceCommandTests {
  private static let program: URL = {
    let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    return own.deletingLastPathComponent().appendingPathComponent("betula")
  }()

  private static let study: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.path + "/Experiments/quickstart"
  }()

  /// A folder for one test.
  private static func place() throws -> String {
    let path = NSTemporaryDirectory() + "/betula-trace-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private func betula(
    _ arguments: [String], in place: String
  ) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = Self.program
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: place)
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

  /// A CSV file without quoted fields as rows of cells by column.
  private func table(_ text: String) -> [[String: String]] {
    let lines = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    return lines.dropFirst().map { line in
      Dictionary(uniqueKeysWithValues: zip(lines[0].map { String($0) }, line.map { String($0) }))
    }
  }

  @Test func theRecordComesOutOfTheTraces() throws {
    let place = try Self.place()
    // Left behind only when the system refuses, which no test is about.
    defer { try? FileManager.default.removeItem(atPath: place) }
    let smoke = [
      "--scale", "smoke", "--set", "engines=[append-log, sqlite-wal, sqlite-rollback]",
    ]
    let run = try betula(
      ["run", Self.study] + smoke + ["--out", "r", "--keep-traces", "t", "--quiet"], in: place)
    #expect(run.status == 0, "\(run.errors)")
    let runs = table(try String(contentsOfFile: place + "/r/runs.csv", encoding: .utf8))
    let io = try String(contentsOfFile: place + "/r/io.csv", encoding: .utf8).split(separator: "\n")
    let traces = try FileManager.default.contentsOfDirectory(atPath: place + "/t").sorted()
    #expect(traces.count == 3)
    for name in traces {
      let id = String(name.prefix(12))
      let charge = try betula(["trace", "charge", "t/" + name, "--csv", "c.csv"], in: place)
      #expect(charge.status == 0, "\(charge.errors)")
      let charged = table(try String(contentsOfFile: place + "/c.csv", encoding: .utf8))
      let live = runs.filter { $0["run_id"] == id }
      #expect(live.count == 8)
      for row in live {
        let own = charged.filter { $0["phase"] == row["phase"] }
        #expect(own.first { $0["kind"] == "profile" }?["seconds"] == row["device_s"])
        #expect(own.first { $0["kind"] == "pdam" }?["steps"] == row["pdam_steps"])
        #expect(own.first { $0["kind"] == "dam" }?["blocks"] == row["dam_ios_4096"])
        #expect(own.first?["device_write_bytes"] == row["device_write_bytes"])
      }
      let shown = try betula(["trace", "show", "t/" + name, "--csv"], in: place)
      let traced = shown.output.split(separator: "\n").filter { !$0.contains(",outside,") }.dropFirst()
      #expect(Array(traced) == io.filter { $0.contains(id) })
    }
    // One run recorded on its own is the same trace; a choice is asked for.
    let name = try #require(traces.first)
    let one = try betula(
      ["trace", "record", Self.study] + smoke + ["--run", String(name.prefix(6)), "--out", "one.trace"],
      in: place)
    #expect(one.status == 0 && one.output.contains("8 phases"), "\(one.errors)")
    #expect(
      FileManager.default.contentsEqual(atPath: place + "/one.trace", andPath: place + "/t/" + name))
    let many = try betula(["trace", "record", Self.study] + smoke + ["--out", "x.trace"], in: place)
    #expect(many.status == 65 && many.errors.contains("3 runs to choose from"))
    #expect(!FileManager.default.fileExists(atPath: place + "/x.trace"))
    // JSON is JSON, a listing has as many transfers as asked for.
    for arguments in [["charge", "one.trace", "--json"], ["show", "one.trace", "--json", "--limit", "3"]] {
      let json = try betula(["trace"] + arguments, in: place)
      #expect(throws: Never.self) { _ = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) }
    }
    // Mistakes.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: place + "/one.trace"))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: place + "/cut.trace"))
    let cut = try betula(["trace", "charge", "cut.trace"], in: place)
    #expect(cut.status == 65 && cut.errors.contains("cut.trace: corrupted trace at offset"))
    #expect(try betula(["trace", "show", "missing.trace"], in: place).status == 66)
    let model = try betula(["trace", "charge", "one.trace", "--model", "ssd-virtuel"], in: place)
    #expect(model.status == 65 && model.errors.contains("did you mean 'ssd-virtual'"))
    #expect(try betula(["trace", "charge", "one.trace", "--block", "0"], in: place).status == 65)
    #expect(try betula(["trace", "charge", "one.trace", "--setup", "5"], in: place).status == 65)
    #expect(
      try betula(["trace", "show", "one.trace", "--phase", "lod"], in: place).errors.contains("'load'"))
  }

  @Test func aRecordedStreamRunsAgain() throws {
    let place = try Self.place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let record = try betula(
      ["stream", "record", Self.study, "--scale", "smoke", "--engine", "append-log", "--out", "s.ops"],
      in: place)
    #expect(record.status == 0 && record.output.contains("in 6 sections"), "\(record.errors)")
    let study = """
      schema: 1
      study: again
      memory_budget: 2MiB
      stream: s.ops
      workload: { records: 1_000 }
      commit: { batch_operations: 1_000 }
      engines: [ { engine: append-log }, { engine: sqlite } ]
      phases: [ { phase: replay, name: load }, { phase: replay, name: mixed } ]
      """
    try study.write(toFile: place + "/again.yaml", atomically: true, encoding: .utf8)
    let run = try betula(["run", "again.yaml", "--out", "r", "--quiet"], in: place)
    #expect(run.status == 0, "\(run.errors)")
    let show = try betula(["stream", "show", "s.ops"], in: place)
    let rows = table(try String(contentsOfFile: place + "/r/runs.csv", encoding: .utf8))
    #expect(rows.count == 4)
    for row in rows { #expect(show.output.contains(try #require(row["stream_hash"]))) }
    #expect(try betula(["stream", "show", "again.yaml"], in: place).status == 65)
    try "put,a,1\nget,a\n".write(toFile: place + "/mine.csv", atomically: true, encoding: .utf8)
    let imported = try betula(["stream", "import", "mine.csv", "--out", "mine.ops"], in: place)
    #expect(imported.status == 0 && imported.output.contains("stream: mine.ops"), "\(imported.errors)")
    try "putt,a,1\n".write(toFile: place + "/bad.csv", atomically: true, encoding: .utf8)
    let bad = try betula(["stream", "import", "bad.csv", "--out", "bad.ops"], in: place)
    #expect(bad.status == 65 && bad.errors.contains("bad.csv:1") && bad.errors.contains("nearest: put"))
    #expect(!FileManager.default.fileExists(atPath: place + "/bad.ops"))
  }
}
