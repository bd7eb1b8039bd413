// Goal: a stored run is either exactly what was stored or is refused; a table put together as text is the table of
// all rows; nothing of another study, build or living process is lost.
// Method: every truncation and every flipped bit of a small file; merges held against `Table.text` of all rows, with
// columns that differ from run to run and text that needs quotes; a store in a temporary folder.

import Accounting
import Foundation
import Testing

@testable import Results

private func row(_ run: String, _ phase: String, extra: [(String, Cell)] = []) -> RunRow {
  var row = RunRow(runID: run, phase: phase)
  row.study = "s"
  row.status = .ok
  row.operations = 3
  for (column, cell) in extra { row[column] = cell }
  return row
}

private func stored(_ id: String, build: String = "b1", status: RunStatus = .ok, rows: [RunRow] = [])
  -> StoredRun
{
  var run = StoredRun(
    id: id, study: "s", build: build, status: status, reason: status == .ok ? "" : "it \"broke\", twice",
    settings: [.init(name: "page", value: "4096"), .init(name: "odd", value: "a,\"b\"\nend")])
  run.setRows(rows.isEmpty ? [row(id, "load")] : rows)
  run.setRows([IORow(runID: id, phase: "load")])
  return run
}

private final class Folder {
  let path = NSTemporaryDirectory() + "/betula-store-" + UUID().uuidString
  // Left behind only when the system refuses, which no test is about.
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("Run store")
struct RunStoreTests {
  @Test("a stored run reads back as itself")
  func roundTrip() throws {
    for status in RunStatus.allCases {
      let run = stored("0123456789ab", status: status)
      #expect(try StoredRun.decoded(run.encoded()) == run)
    }
  }

  @Test("every truncation and every flipped bit is refused, never read and never a trap")
  func damage() {
    let bytes = stored("0123456789ab").encoded()
    for count in 0..<bytes.count {
      #expect(throws: StoredRun.Damage.self) { _ = try StoredRun.decoded(Array(bytes.prefix(count))) }
    }
    #expect(throws: StoredRun.Damage.self) { _ = try StoredRun.decoded(bytes + [0]) }
    for bit in 0..<(bytes.count * 8) {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: StoredRun.Damage.self) { _ = try StoredRun.decoded(changed) }
    }
  }

  @Test("tables merged as text are the table of all rows, whatever columns each run has")
  func merge() throws {
    let families: [(String, Cell)] = [
      ("p_zebra", .text("a,b")), ("statistic_hits", .count(4)),
      ("p_alpha", .text("say \"no\"\nthen \"yes\"")),
      ("height", .count(3)), ("reason", .text("")), ("wa_data_end", .real(1.5)),
    ]
    var parts: [[RunRow]] = []
    for index in 0..<32 {
      // Every subset of the first five extra columns.
      let extra = families.enumerated().filter { index >> $0.offset & 1 == 1 }.map(\.element)
      parts.append([row("r\(index)", "load", extra: extra), row("r\(index)", "read")])
    }
    parts.append([row("last", "load", extra: [families[5]])])
    let runs = parts.map { rows in
      var run = StoredRun(id: rows[0].runIdentifier, study: "s", build: "b", status: .ok)
      run.setRows(rows)
      return run
    }
    let manifest = emptyManifest()
    let merged = try RecordText(manifest: manifest, runCount: runs.count) { runs[$0] }
    let whole = RecordText(Record(manifest: manifest, runs: parts.flatMap { $0 }))
    for (one, other) in zip(merged.tables, whole.tables) {
      #expect(one.table == other.table)
      #expect(one.bytes == other.bytes, "\(one.table.fileName)")
    }
    #expect(try merged.record().runs == parts.flatMap { $0 })
  }

  @Test("what counts: build, status, checksum, study; damaged files go, everything else stays")
  func survey() throws {
    let folder = Folder()
    let store = RunStore(folder: folder.path, study: "s", build: "b1")
    try store.prepare()
    for (id, build, status) in [
      ("good", "b1", RunStatus.ok), ("old", "b0", .ok), ("failed", "b1", .failed), ("torn", "b1", .ok),
    ] { try store.write(stored(id, build: build, status: status)) }
    let torn = try Data(contentsOf: URL(fileURLWithPath: store.path(of: "torn")))
    try torn.dropLast().write(to: URL(fileURLWithPath: store.path(of: "torn")))
    try FileManager.default.copyItem(atPath: store.path(of: "good"), toPath: store.path(of: "alias"))
    let ids = ["good", "old", "failed", "torn", "alias", "missing"]
    let found = try store.survey(ids, reuse: .sameBuild)
    #expect(found.valid == ["good"])
    #expect(found.failedCount == 1 && found.outdatedCount == 1 && found.notes.count == 2)
    #expect(!FileManager.default.fileExists(atPath: store.path(of: "torn")))
    #expect(try store.survey(ids, reuse: .any).valid == ["good", "old"])
    #expect(try store.survey(ids, reuse: .none).valid.isEmpty)
    #expect(
      try RunStore(folder: folder.path, study: "s", build: "b2").survey(ids, reuse: .sameBuild).valid.isEmpty)
    // Another study's runs are elsewhere, also under the same id.
    let other = RunStore(folder: folder.path, study: "t", build: "b1")
    try other.prepare()
    try other.discard(ids)
    #expect(try store.survey(["good"], reuse: .sameBuild).valid == ["good"])
    try store.discard(["good", "old", "failed"])
    #expect(!FileManager.default.fileExists(atPath: store.directory))
  }

  @Test("what a dead process was writing is removed, what a living one writes is not")
  func leftovers() throws {
    let folder = Folder()
    let store = RunStore(folder: folder.path, study: "s", build: "b1")
    try store.prepare()
    let living = store.directory + "/.abc.partial-1"
    let dead = store.directory + "/.abc.partial-999999999"
    for path in [living, dead] { try Data("half".utf8).write(to: URL(fileURLWithPath: path)) }
    try store.prepare()
    #expect(FileManager.default.fileExists(atPath: living))
    #expect(!FileManager.default.fileExists(atPath: dead))
  }

  private func emptyManifest() -> Manifest {
    Manifest(
      study: .init(id: "s", title: "", question: "", scale: "", resolved: .null), figures: [], seeds: [],
      program: .init(commit: "", hasUncommittedChanges: nil, compiler: "", flags: [], packages: [:]),
      machine: .init(
        processor: "", processorCount: 1, memoryByteCount: 0, kernel: "", fileSystem: "", device: "memory"),
      engines: [], start: "", end: "")
  }
}
