// Goal: what a user types does what the manual says: the same study gives the same bytes in two processes, mistakes
// have exit codes a script can act on, Ctrl-C leaves nothing half-written.
// Method: the built program, run as a process of its own, on small studies in a temporary folder.

import Experiment
import Foundation
import Report
import Testing

let quickstart = repository + "/Experiments/quickstart"

@Suite("Command line", .serialized)
struct CommandLineTests {
  @Test("the same study in two processes: the same record and the same volumes, byte for byte")
  func sameBytes() throws {
    let place = try Workplace()
    for name in ["a", "b"] {
      let run = try betula(
        "run", quickstart, "--scale", "smoke", "--out", name, "--keep-volumes", name + "-volumes", "--again",
        "--set", "device.capacity=256MiB",
        in: place)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("sqlite-wal"))
    }
    for file in ["runs.csv", "io.csv", "series.csv", "histograms.csv", "claims.csv"] {
      let (a, b) = (try place.bytes("a/" + file), try place.bytes("b/" + file))
      #expect(a == b, "\(file) differs")
      #expect(file == "claims.csv" || a.count > 200, "\(file) is nearly empty")
    }
    let volumes = try place.names(in: "a-volumes")
    #expect(volumes == (try place.names(in: "b-volumes")))
    // A volume and its note for each engine.
    #expect(volumes.count == 14)
    for volume in volumes {
      #expect(
        try place.bytes("a-volumes/" + volume) == place.bytes("b-volumes/" + volume), "\(volume) differs")
    }
    // Another seed must give other bytes, or the comparison above proves nothing.
    let other = try betula(
      "run", quickstart, "--scale", "smoke", "--set", "seed=2", "--set", "device.capacity=256MiB", "--out",
      "c", "--quiet", in: place)
    #expect(other.status == 0 && other.output.isEmpty)
    #expect(try place.bytes("a/runs.csv") != place.bytes("c/runs.csv"))
  }

  @Test("a report is made again from the record alone, the same")
  func reportAgain() throws {
    let place = try Workplace()
    let run = try betula("run", quickstart, "--scale", "smoke", "--out", "a", "--quiet", in: place)
    #expect(run.status == 0, "\(run.errors)")
    let figures = try place.names(in: "a/figures").filter { $0.hasSuffix(".csv") || $0.hasSuffix(".gnuplot") }
    #expect(figures.count >= 8)
    let before = try figures.map { try place.bytes("a/figures/" + $0) }
    try FileManager.default.moveItem(atPath: place.path + "/a", toPath: place.path + "/moved")
    try FileManager.default.removeItem(atPath: place.path + "/moved/figures")
    let report = try betula("report", "moved", in: place)
    #expect(report.status == 0, "\(report.errors)")
    #expect(report.output.contains("wa_total_end"))
    #expect(try figures.map { try place.bytes("moved/figures/" + $0) } == before)
    // A changed number in a committed file is noticed, not drawn.
    var runs = try place.bytes("moved/runs.csv")
    runs[runs.count - 3] ^= 1
    try runs.write(to: URL(fileURLWithPath: place.path + "/moved/runs.csv"))
    let tampered = try betula("report", "moved", in: place)
    #expect(tampered.status == 65)
    #expect(tampered.errors.contains("runs.csv"))
  }

  @Test("every mistake of a study at once, with line and nearest key, and exit code 65")
  func mistakes() throws {
    let place = try Workplace()
    let text = try String(contentsOfFile: quickstart + "/study.yaml", encoding: .utf8)
      .replacingOccurrences(of: "key_bytes: 16", with: "key_bites: 16")
      .replacingOccurrences(of: "journal_mode: wal", with: "journal_mode: wall")
    let study = try place.write(text, to: "bad.yaml")
    let run = try betula("run", study, "--out", "a", in: place)
    #expect(run.status == 65)
    #expect(run.errors.contains("key_bytes"))
    #expect(run.errors.contains("wall"))
    #expect(run.errors.contains("bad.yaml:"))
    #expect(run.errors.contains("2 problems"))
    #expect(!place.exists("a"))
  }

  @Test("exit codes: wrong usage 64, no such file 66, cannot fit 69, nothing to report 65 or 74")
  func exitCodes() throws {
    let place = try Workplace()
    #expect(try betula("run", in: place).status == 64)
    #expect(try betula("run", "missing.yaml", in: place).status == 66)
    let huge = try betula(
      "run", quickstart, "--set", "workload.records=1_000_000_000_000", "--out", "a", in: place)
    #expect(huge.status == 69 || huge.status == 65, "\(huge.errors)")
    #expect(!place.exists("a"))
    let report = try betula("report", "missing", in: place)
    #expect([65, 66, 74].contains(report.status))
    #expect(try betula("explain", "wa_totl_end", in: place).status == 65)
    #expect(try betula("engines", "sqlit", in: place).errors.contains("nearest: sqlite"))
  }

  @Test("Ctrl-C ends with 130 and leaves no record, also not half of one")
  func interrupt() throws {
    let place = try Workplace()
    let started = try start(
      ["run", quickstart, "--set", "engines.sqlite-wal.records=3_000_000", "--out", "a", "--quiet"],
      in: place.path)
    Thread.sleep(forTimeInterval: 1.5)
    kill(started.0.processIdentifier, SIGINT)
    let ended = finish(started)
    #expect(ended.status == 130, "\(ended.errors)")
    #expect(ended.errors.contains("no record was written"))
    #expect(ended.errors.contains("runs are kept in"))
    let left = try FileManager.default.contentsOfDirectory(atPath: place.path)
    #expect(left == ["Scratch"], "left behind: \(left)")
    let stored = try place.names(in: "Scratch/runs/quickstart")
    #expect(stored.allSatisfy { $0.hasSuffix(".run") }, "left behind: \(stored)")
  }

  @Test("the figures a study may ask for are the figures a report can draw")
  func figureWords() {
    #expect(StudyVocabulary.standard.figures.map(\.name).sorted() == Report.figureKinds.map(\.name).sorted())
  }

  @Test("plan runs nothing and lists every run; JSON is JSON")
  func planAndLists() throws {
    let place = try Workplace()
    let plan = try betula("plan", quickstart, "--set", "workload.value_bytes=100,1000", in: place)
    #expect(plan.status == 0, "\(plan.errors)")
    #expect(plan.output.components(separatedBy: "sqlite-wal").count == 3)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).isEmpty)
    let asJSON = [
      ["plan", quickstart, "--json"], ["engines", "--json"], ["schema"],
    ]
    for arguments in asJSON {
      let ended = finish(try start(arguments, in: place.path))
      #expect(ended.status == 0)
      #expect(throws: Never.self, "\(arguments)") {
        _ = try JSONSerialization.jsonObject(with: Data(ended.output.utf8))
      }
    }
    let engines = try betula("engines", in: place)
    for name in ["null", "append-log", "sorted-file", "sqlite", "rocksdb: ", "absent: "] {
      #expect(engines.output.contains(name))
    }
    #expect(try betula("explain", "wa_total_end", in: place).output.contains("logical"))
  }
}
