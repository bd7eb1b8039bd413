// What `betula crash` prints: a table of crashes, a table of faults, and how to repeat what failed.

import Foundation
import Report
import Trials

/// Gathers outcomes and says them.
struct CrashReport: Codable {
  private struct Crash: Codable {
    var outcome: CrashOutcome
    var syncEvery: Int
    var imagesPerSecond: Double
  }

  private struct Faults: Codable {
    var outcome: FaultOutcome
    var syncEvery: Int
  }

  private var crashes: [Crash] = []
  private var faults: [Faults] = []
  private var repeats: [Repeat] = []
  private var notes: [String] = []
  private var noteFailed = false

  private struct Repeat: Codable {
    var engine: String
    var sentence: String
    var command: String
    var script: [String]
  }

  private var explained: [String] = []

  /// Whether nothing failed.
  var isSound: Bool {
    !noteFailed && crashes.allSatisfy { $0.outcome.isSound } && faults.allSatisfy { $0.outcome.isSound }
  }

  mutating func add(_ outcome: CrashOutcome, syncEvery: Int, elapsed: Duration) {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    crashes.append(
      Crash(
        outcome: outcome, syncEvery: syncEvery,
        imagesPerSecond: seconds > 0 ? Double(outcome.openedImageCount) / seconds : 0))
  }

  mutating func add(_ outcome: FaultOutcome, syncEvery: Int) {
    faults.append(Faults(outcome: outcome, syncEvery: syncEvery))
  }

  /// Adds what another report gathered, behind what is here.
  mutating func merge(_ other: CrashReport) {
    crashes += other.crashes
    faults += other.faults
    repeats += other.repeats
    notes += other.notes
    noteFailed = noteFailed || other.noteFailed
  }

  /// One sentence about one case.
  mutating func note(_ engine: String, _ sentence: String, _ failed: Bool) {
    notes.append("\(engine): \(sentence)")
    if failed { noteFailed = true }
  }

  /// Keeps the smallest script for the next `addRepeat`.
  mutating func explain(_ smallest: SmallestFailure) {
    explained = smallest.script.items.map { "\($0.number) \(Self.words($0.item))" }
  }

  mutating func addRepeat(_ engine: String, _ sentence: String, _ command: String) {
    repeats.append(Repeat(engine: engine, sentence: sentence, command: command, script: explained))
    explained = []
  }

  private static func words(_ item: TrialItem) -> String {
    switch item {
    case .write(let operation):
      "\(operation.kind) \(short(operation.key)) \(operation.operand.count) bytes"
    case .commit: "commit"
    case .load: "bulk load"
    case .get(let key): "get \(short(key))"
    case .checkpoint: "checkpoint"
    case .settle: "settle"
    case .dropCache: "drop_cache"
    case .reopen: "reopen"
    }
  }

  private static func short(_ key: [UInt8]) -> String {
    key.prefix(8).map { String(format: "%02x", $0) }.joined() + (key.count > 8 ? "…" : "")
  }

  // MARK: Text

  var text: String {
    var result = ""
    if !crashes.isEmpty { result += crashTable }
    if !faults.isEmpty { result += (result.isEmpty ? "" : "\n") + faultTable }
    for note in notes { result += note + "\n" }
    for failure in repeats {
      result += "\nFAILED \(failure.engine): \(failure.sentence)\n"
      for line in failure.script { result += "    \(line)\n" }
      result += "  repeat: \(failure.command)\n"
    }
    return result
  }

  private var crashTable: String {
    let words = ["engine", "durability"]
    let numbers = [
      "points", "images", "distinct", "second", "prefixes", "reads_p50", "reads_max", "writes_p50",
      "writes_max",
      "recovery_ms_max", "lost_ops_max", "failures",
    ]
    var table = TextTable(
      columns: words.map { TextTable.Column(name: $0, isNumeric: false) }
        + numbers.map { TextTable.Column(name: $0, isNumeric: true) })
    var remarks = ""
    for crash in crashes {
      let (outcome, syncEvery, rate) = (crash.outcome, crash.syncEvery, crash.imagesPerSecond)
      if let refusal = outcome.refusal {
        remarks += "skipped \(outcome.label), sync every \(syncEvery): \(refusal)\n"
        continue
      }
      if let failure = outcome.lifeFailure {
        remarks += "FAILED \(outcome.label), sync every \(syncEvery): \(failure)\n"
      }
      remarks +=
        "\(outcome.label), sync every \(syncEvery): \(outcome.exhaustiveIntervalCount) of "
        + "\(outcome.intervalCount) stretches exhaustively, \(Int(rate)) images/s\n"
      table.rows.append([
        outcome.label, "\(outcome.durabilityClass)", "\(outcome.pointCount)", "\(outcome.imageCount)",
        "\(outcome.distinctImageCount)", "\(outcome.secondCrashCount)",
        "\(outcome.prefixCount)/\(outcome.batchCount + 1)", "\(outcome.recoveryReadsP50)",
        "\(outcome.recoveryReadsMax)", "\(outcome.recoveryWritesP50)", "\(outcome.recoveryWritesMax)",
        String(format: "%.2f", outcome.recoverySecondsMax * 1e3), "\(outcome.lostOperationsMax)",
        "\(outcome.failureCount)",
      ])
    }
    return (table.rows.isEmpty ? "" : table.text + "\n") + remarks
  }

  private var faultTable: String {
    var table = TextTable(
      columns: ["engine", "fault"].map { TextTable.Column(name: $0, isNumeric: false) }
        + ["cases", "errors", "right", "older", "unnoticed", "wrong"].map {
          TextTable.Column(name: $0, isNumeric: true)
        })
    for outcome in faults.map(\.outcome) where outcome.refusal == nil {
      let rows = Self.rows(outcome)
      for (name, tally) in rows {
        let wrong = tally.caseCount - tally.errorCount - tally.rightCount - tally.unnoticedCount
        table.rows.append([
          outcome.label, name, "\(tally.caseCount)", "\(tally.errorCount)", "\(tally.rightCount)",
          "\(tally.olderCount)", "\(tally.unnoticedCount)", "\(wrong)",
        ])
      }
    }
    return table.text
  }

  /// Kinds of faults and how they were answered.
  private static func rows(_ outcome: FaultOutcome) -> [(name: String, tally: FaultTally)] {
    [("calls", outcome.calls), ("small device", outcome.capacities)]
      + outcome.readingByKind.map { ("reads: \($0.kind)", $0.tally) }
      + outcome.rot.map { ("rot: \($0.kind)", $0.tally) }
      + outcome.losses.map { ("lost write: \($0.kind)", $0.tally) }
  }

  // MARK: Files

  private struct CrashListing: Encodable {
    var engine: String
    var durabilityClass: String
    var syncEveryCommits: Int
    var skippedBecause: String?
    var lifeFailure: String?
    var points: Int
    var images: Int
    var distinctImages: Int
    var secondCrashes: Int
    var batches: Int
    var prefixes: Int
    var stretches: Int
    var exhaustiveStretches: Int
    var recoveryReadsP50: UInt64
    var recoveryReadsMax: UInt64
    var recoveryWritesP50: UInt64
    var recoveryWritesMax: UInt64
    var recoveryDeviceSecondsMax: Double
    var lostOperationsMax: Int
    var failures: Int
  }

  private struct FaultListing: Encodable {
    var engine: String
    var fault: String
    var cases: Int
    var errors: Int
    var right: Int
    var older: Int
    var unnoticed: Int
  }

  private struct Listing: Encodable {
    var crashes: [CrashListing]
    var faults: [FaultListing]
    var failed: [Repeat]
    var notes: [String]
  }

  /// Everything but the speed, which is not a property of the engines.
  func json() throws -> String {
    let listing = Listing(
      crashes: crashes.map { crash in
        let (outcome, syncEvery) = (crash.outcome, crash.syncEvery)
        return CrashListing(
          engine: outcome.label, durabilityClass: "\(outcome.durabilityClass)", syncEveryCommits: syncEvery,
          skippedBecause: outcome.refusal, lifeFailure: outcome.lifeFailure, points: outcome.pointCount,
          images: outcome.imageCount, distinctImages: outcome.distinctImageCount,
          secondCrashes: outcome.secondCrashCount, batches: outcome.batchCount,
          prefixes: outcome.prefixCount, stretches: outcome.intervalCount,
          exhaustiveStretches: outcome.exhaustiveIntervalCount,
          recoveryReadsP50: outcome.recoveryReadsP50, recoveryReadsMax: outcome.recoveryReadsMax,
          recoveryWritesP50: outcome.recoveryWritesP50, recoveryWritesMax: outcome.recoveryWritesMax,
          recoveryDeviceSecondsMax: outcome.recoverySecondsMax,
          lostOperationsMax: outcome.lostOperationsMax, failures: outcome.failureCount)
      },
      faults: faults.map(\.outcome).flatMap { outcome in
        Self.rows(outcome).map { name, tally in
          FaultListing(
            engine: outcome.label, fault: name, cases: tally.caseCount, errors: tally.errorCount,
            right: tally.rightCount, older: tally.olderCount, unnoticed: tally.unnoticedCount)
        }
      }, failed: repeats, notes: notes)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return String(decoding: try encoder.encode(listing), as: UTF8.self) + "\n"
  }

  /// One row for each stretch between syncs: recovery's reads, writes, modelled time and lost operations.
  func writeRecovery(to path: String) throws {
    var lines = [
      "engine,durability_class,sync_every_commits,point,acknowledged_operations,images,lost_operations_max,"
        + "recovery_read_bytes_p50,recovery_read_bytes_max,recovery_write_bytes_max,recovery_device_s_max"
    ]
    for crash in crashes {
      let (outcome, syncEvery) = (crash.outcome, crash.syncEvery)
      for row in outcome.recovery {
        lines.append(
          "\"\(outcome.label)\",\(outcome.durabilityClass),\(syncEvery),\(row.point),"
            + "\(row.acknowledgedOperationCount),\(row.imageCount),\(row.lostOperationsMax),\(row.readBytesP50),"
            + "\(row.readBytesMax),\(row.writeBytesMax),\(row.deviceSecondsMax)")
      }
    }
    do {
      try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      complain("\(path) cannot be written: \(error.localizedDescription)")
      throw ExitStatus.fileSystem
    }
  }
}
