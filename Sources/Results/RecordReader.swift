// Reads a record and refuses one that is not what its manifest says.
//
// Invariants
// 1. Every table's bytes hash to what the manifest states, or nothing is returned.
// 2. Every row belongs to a run and phase that `runs.csv` has, once.

import Accounting
import Foundation

/// Reads a record from one directory. Never writes.
public struct RecordReader: Sendable {
  /// The record's directory.
  public let directory: String

  /// A reader of `directory`.
  public init(directory: String) { self.directory = directory }

  /// Whether the directory holds a record: whether its manifest is there.
  public var exists: Bool { FileManager.default.fileExists(atPath: path(Manifest.fileName)) }

  /// The manifest alone, without checking the tables.
  public func readManifest() throws(RecordError) -> Manifest {
    guard exists else {
      throw .unusable(path: directory, reason: "is not a record: it has no \(Manifest.fileName)")
    }
    return try Manifest.decoded(try bytes(Manifest.fileName), file: path(Manifest.fileName))
  }

  /// The whole record.
  ///
  /// - Throws: `.unusable`, `.badManifest`, `.hashMismatch`, or `.malformed` with file, line and column.
  public func read() throws(RecordError) -> Record {
    let manifest = try readManifest()
    var record = Record(manifest: manifest)
    let runs = try content(RunColumns.self, manifest)
    record.runs = runs.rows
    let phases = try runPhases(runs)
    record.io = try rows(IOColumns.self, manifest, of: phases)
    record.series = try rows(SeriesColumns.self, manifest, of: phases)
    record.histograms = try rows(HistogramColumns.self, manifest, of: phases)
    record.timing = try rows(TimingColumns.self, manifest, of: phases)
    record.latency = try rows(LatencyColumns.self, manifest, of: phases)
    record.claims = try claims(manifest)
    return record
  }

  private struct RunPhase: Hashable {
    var run: String
    var phase: String
  }

  private func runPhases(_ runs: Table<RunColumns>.Content) throws(RecordError) -> Set<RunPhase> {
    var phases: Set<RunPhase> = []
    for (index, row) in runs.rows.enumerated() {
      func malformed(_ id: String, _ reason: String) -> RecordError {
        runs.malformed(path("runs.csv"), row: index, column: id, reason)
      }
      let key = RunPhase(run: row.runIdentifier, phase: row.phaseName)
      if key.run.isEmpty { throw malformed("run_id", "the run id is missing") }
      guard let status = row["status"] else { throw malformed("status", "the status is missing") }
      guard RunStatus(cell: status) != nil else {
        throw malformed("status", "'\(status.spelling)' is not a status: ok, failed or skipped")
      }
      if row.status != .ok && (row.reason ?? "").isEmpty {
        throw malformed("reason", "a run that is not ok has a reason")
      }
      guard phases.insert(key).inserted else {
        throw malformed("phase", "run '\(key.run)' has phase '\(key.phase)' twice")
      }
    }
    return phases
  }

  private func claims(_ manifest: Manifest) throws(RecordError) -> [ClaimRow] {
    let claims = try content(ClaimColumns.self, manifest)
    for (index, row) in claims.rows.enumerated() {
      if row.verdict == nil {
        throw claims.malformed(
          path("claims.csv"), row: index, column: "verdict",
          "'\(row["verdict"]?.spelling ?? "")' is not a verdict: held, not_held or not_decidable")
      }
    }
    return claims.rows
  }

  private func content<Columns>(
    _ columns: Columns.Type, _ manifest: Manifest
  ) throws(RecordError) -> Table<Columns>.Content {
    let name = Columns.table.fileName
    guard let output = manifest.outputs.first(where: { $0.file == name }) else {
      throw .badManifest(file: path(Manifest.fileName), reason: "outputs do not name \(name)")
    }
    let content = try bytes(name)
    let hash = SHA256.hexadecimal(content)
    guard hash == output.sha256 else {
      throw .hashMismatch(file: path(name), expected: output.sha256, found: hash)
    }
    return try Table<Columns>.content(content, file: path(name))
  }

  private func rows<Columns>(
    _ columns: Columns.Type, _ manifest: Manifest, of phases: Set<RunPhase>
  ) throws(RecordError) -> [Row<Columns>] {
    let content = try content(Columns.self, manifest)
    for (index, row) in content.rows.enumerated() {
      if !phases.contains(RunPhase(run: row.runIdentifier, phase: row.phaseName)) {
        throw content.malformed(
          path(Columns.table.fileName), row: index, column: "run_id",
          "runs.csv has no run '\(row.runIdentifier)' with phase '\(row.phaseName)'")
      }
    }
    return content.rows
  }

  private func path(_ name: String) -> String { directory + "/" + name }

  private func bytes(_ name: String) throws(RecordError) -> [UInt8] {
    do {
      return Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
    } catch {
      throw .unusable(path: path(name), reason: "cannot be read: \(error.localizedDescription)")
    }
  }
}
