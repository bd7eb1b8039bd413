// Goal: a record is there whole or not at all, reads back as written, and no edit goes unnoticed.
// Method: write in a throw-away directory, stopping after each file in turn as a crash would; then every byte
// edit, every missing file and every dangling row must be refused with its place.

import Accounting
import Foundation
import Testing

@testable import Results

/// A directory that is removed at the end.
final class ScratchDirectory {
  let path: String
  init() throws {
    path = NSTemporaryDirectory() + "betula-results-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  // A leftover in the temporary directory is harmless.
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func entries(_ sub: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + sub).sorted()
  }
  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path + name)))
  }
  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + name))
  }
}

/// A small record with something in every table.
func sampleRecord(seed: UInt64 = 7) -> Record {
  let manifest = Manifest(
    study: Manifest.Study(
      id: "sample", title: "A sample", question: "Does it come back?", scale: "smoke",
      resolved: .object([
        "schema": .integer(1), "half": .real(0.5), "on": .boolean(true), "none": .null,
        "list": .array([.text("a/b"), .integer(-3)]),
      ])),
    figures: [FigureRequest(figure: "write_amplification", phases: ["load"])], seeds: [seed, .max],
    program: Manifest.Program(
      commit: "abc", hasUncommittedChanges: true, compiler: "Swift 6", flags: ["-O"],
      packages: ["b": "2", "a": "1"]),
    machine: Manifest.Machine(
      processor: "p", processorCount: 2, memoryByteCount: 1 << 34, kernel: "k", fileSystem: "",
      device: "memory"),
    engines: [
      Manifest.EngineReadBack(
        label: "sqlite", engine: "sqlite", libraryVersion: "3.40.1", formatVersion: 1,
        settings: ["page_size": "4096", "journal_mode": "wal"])
    ],
    start: "2000-01-01T00:00:00Z", end: "2000-01-01T00:00:01Z", limits: ["Memory device only."])
  var row = RunRow(runID: "r1", phase: "load")
  row.status = .ok
  row.seed = seed
  row.waDataEnd = 1.25
  row.setParameter("page_bytes", "4096")
  var failed = RunRow(runID: "r2", phase: "load")
  failed.status = .failed
  failed.reason = "device write of 4096 bytes at offset 0 failed:\n\"no space\""
  var ledger = IOLedger()
  var count = IOCount()
  count.transferredByteCount = 4096
  ledger.add(count, direction: .write, cause: .leaf, level: .number(0))
  var claim = ClaimRow()
  claim.claim = "c1"
  claim.verdict = .held
  claim.measured = 0.1
  var latency = LatencyRow(runID: "r1", phase: "load")
  latency.operation = "put"
  return Record(
    manifest: manifest, runs: [row, failed], io: IORow.rows(runID: "r1", phase: "load", ledger: ledger),
    series: [SeriesRow(runID: "r1", phase: "load", operations: 5, ledger: ledger, logicalWriteByteCount: 9)],
    histograms: [
      HistogramRow(runID: "r1", phase: "load", histogram: "read_transfers/get_hit", bucket: 0...3, count: 2)
    ],
    timing: [
      TimingRow(
        runID: "r1", phase: "load", wallSeconds: 2, userSeconds: 1, systemSeconds: 0.5, operationCount: 4)
    ], latency: [latency], claims: [claim])
}

@Suite struct RecordTests {
  @Test func recordComesBackAsItWas() throws {
    let scratch = try ScratchDirectory()
    let record = sampleRecord()
    let manifest = try RecordWriter(directory: scratch.path + "/deep/record").write(record)
    let read = try RecordReader(directory: scratch.path + "/deep/record").read()
    var expected = record
    expected.manifest = manifest
    #expect(read == expected)
    #expect(read.manifest.outputs.map(\.file) == RecordTable.allCases.map(\.fileName))
    #expect(read.timing.first?.opsPerS == 2)
    #expect(read.timing.first?.cpuUsPerOperation == 375_000)
    #expect(try scratch.entries("/deep") == ["record"])
  }

  @Test func equalRecordsAreEqualBytes() throws {
    let scratch = try ScratchDirectory()
    try RecordWriter(directory: scratch.path + "/a").write(sampleRecord())
    try RecordWriter(directory: scratch.path + "/b").write(sampleRecord())
    for name in RecordTable.allCases.map(\.fileName) + [Manifest.fileName] {
      #expect(try scratch.bytes("/a/" + name) == scratch.bytes("/b/" + name), "\(name)")
    }
  }

  @Test func stoppingAfterAnyFileLeavesTheOldRecordOrNone() throws {
    let names = RecordTable.allCases.map(\.fileName) + [Manifest.fileName]
    for stop in names {
      let scratch = try ScratchDirectory()
      let writer = RecordWriter(directory: scratch.path + "/record")
      func attempt(_ seed: UInt64) -> Bool {
        do {
          try writer.write(sampleRecord(seed: seed)) { file throws(RecordError) in
            if file == stop { throw .unusable(path: file, reason: "stopped here") }
          }
          return true
        } catch { return false }
      }
      #expect(!attempt(1))
      #expect(try scratch.entries() == [], "after \(stop)")
      #expect(!RecordReader(directory: scratch.path + "/record").exists)
      try writer.write(sampleRecord(seed: 2))
      #expect(!attempt(3))
      #expect(try scratch.entries() == ["record"])
      #expect(try RecordReader(directory: scratch.path + "/record").read().runs[0].seed == 2)
    }
  }

  @Test func leftoversOfDeadWritersAreRemovedAndReplacedRecordsPutBack() throws {
    let scratch = try ScratchDirectory()
    let record = scratch.path + "/record"
    // Process numbers stay below 2^22 on Linux, so this one is nobody's.
    let dead = Int32.max
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/.record.partial-\(dead)/figures", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/.other.partial-\(dead)", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/.record.partial-1", withIntermediateDirectories: true)
    try RecordWriter(directory: record).write(sampleRecord(seed: 5))
    #expect(try scratch.entries() == [".other.partial-\(dead)", ".record.partial-1", "record"])
    // A replacement cut short between its two renames.
    try FileManager.default.moveItem(atPath: record, toPath: scratch.path + "/.record.replaced-\(dead)")
    do {
      try RecordWriter(directory: record).write(sampleRecord(seed: 6)) { _ throws(RecordError) in
        throw .unusable(path: "", reason: "stopped")
      }
    } catch { #expect("\(error)".contains("stopped")) }
    #expect(try RecordReader(directory: record).read().runs[0].seed == 5)
  }

  @Test func replacingKeepsStrangersFilesAndDropsFigures() throws {
    let scratch = try ScratchDirectory()
    let writer = RecordWriter(directory: scratch.path + "/record")
    try writer.write(sampleRecord(seed: 1))
    try scratch.write("/record/README.md", "mine")
    try scratch.write("/record/report.html", "old")
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/record/figures", withIntermediateDirectories: true)
    try writer.write(sampleRecord(seed: 2))
    let entries = try scratch.entries("/record")
    #expect(entries.contains("README.md"))
    #expect(!entries.contains("report.html") && !entries.contains("figures"))
    #expect(try RecordReader(directory: scratch.path + "/record").read().runs[0].seed == 2)
  }

  @Test func whatIsNotARecordIsNotReplaced() throws {
    let scratch = try ScratchDirectory()
    try FileManager.default.createDirectory(atPath: scratch.path + "/d", withIntermediateDirectories: true)
    try scratch.write("/d/thesis.txt", "years of work")
    #expect(throws: RecordError.self) {
      try RecordWriter(directory: scratch.path + "/d").write(sampleRecord())
    }
    #expect(throws: RecordError.self) {
      try RecordWriter(directory: scratch.path + "/d/thesis.txt").write(sampleRecord())
    }
    #expect(try scratch.entries("/d") == ["thesis.txt"])
  }

  /// Rewrites a table of a record and its hash, as a careful forger would.
  func forge(_ directory: String, _ table: String, _ edit: (String) -> String) throws {
    let path = directory + "/" + table
    let text = edit(String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self))
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    var manifest = try RecordReader(directory: directory).readManifest()
    for index in manifest.outputs.indices where manifest.outputs[index].file == table {
      manifest.outputs[index].sha256 = SHA256.hexadecimal(Array(text.utf8))
    }
    try Data(try manifest.encoded()).write(to: URL(fileURLWithPath: directory + "/" + Manifest.fileName))
  }

  func errorReading(_ directory: String) -> String {
    do {
      _ = try RecordReader(directory: directory).read()
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func editsAreRefused() throws {
    let scratch = try ScratchDirectory()
    let directory = scratch.path + "/record"
    let writer = RecordWriter(directory: directory)
    try writer.write(sampleRecord())
    let text = String(decoding: try scratch.bytes("/record/runs.csv"), as: UTF8.self)
    try scratch.write("/record/runs.csv", text.replacingOccurrences(of: "1.25", with: "1.05"))
    #expect(errorReading(directory).contains("records are never edited"))

    try writer.write(sampleRecord())
    try forge(directory, "runs.csv") { $0.replacingOccurrences(of: ",ok,", with: ",fine,") }
    #expect(errorReading(directory).contains("runs.csv, line 2, column 11: 'fine' is not a status"))

    try writer.write(sampleRecord())
    try forge(directory, "io.csv") { $0.replacingOccurrences(of: "r1", with: "r9") }
    #expect(errorReading(directory).contains("io.csv, line 2, column 2: runs.csv has no run 'r9'"))

    try writer.write(sampleRecord())
    try forge(directory, "runs.csv") { $0 + $0.split(separator: "\n")[1] + "\n" }
    #expect(errorReading(directory).contains("line 5, column 6: run 'r1' has phase 'load' twice"))

    try writer.write(sampleRecord())
    try forge(directory, "claims.csv") { $0.replacingOccurrences(of: "held", with: "maybe") }
    #expect(errorReading(directory).contains("claims.csv, line 2, column 5: 'maybe' is not a verdict"))

    try writer.write(sampleRecord())
    try FileManager.default.removeItem(atPath: directory + "/series.csv")
    #expect(errorReading(directory).contains("series.csv: cannot be read"))

    try FileManager.default.removeItem(atPath: directory + "/manifest.json")
    #expect(errorReading(directory).contains("is not a record"))
  }

  @Test func badManifestsSayWhatIsMissing() throws {
    func message(_ text: String) -> String {
      do {
        _ = try Manifest.decoded(Array(text.utf8), file: "manifest.json")
        return "no error"
      } catch { return "\(error)" }
    }
    let good = String(decoding: try sampleRecord().manifest.encoded(), as: UTF8.self)
    #expect(message(good) == "no error")
    #expect(message("{").contains("manifest.json"))
    #expect(message("{}").contains("schema version is missing"))
    #expect(
      message(good.replacingOccurrences(of: "\"schema_version\" : 1", with: "\"schema_version\" : 9"))
        .contains("schema version is 9, this program reads 1"))
    #expect(
      message(good.replacingOccurrences(of: "\"kernel\"", with: "\"kernle\"")).contains(
        "'machine.kernel' is missing"))
  }

  @Test func hashIsTheStandards() {
    // FIPS 180-4 examples, and lengths around the padding's edges.
    #expect(SHA256.hexadecimal([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hexadecimal(Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      SHA256.hexadecimal(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      SHA256.hexadecimal([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    #expect(Set((50...70).map { SHA256.hexadecimal([UInt8](repeating: 0, count: $0)) }).count == 21)
  }
}
