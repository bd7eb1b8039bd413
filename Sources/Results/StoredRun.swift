// One finished run as a file: everything a record takes from it, and everything that says whether it still counts.
//
//   betula-run 1 CRC32C HEAD-BYTES ⏎         checksum over the rest of this line and of the file
//   key,value ⏎ …                            head: what the run is and what made it
//   schema_version,run_id,…  ⏎ …             its rows of runs.csv, then of io.csv, … : texts of `Table`, one after another
//
// Invariants
// 1. decode(encode(run)) = run; a file of which any bit is changed, or that ends early, is refused with a reason.
// 2. The tables' texts are those a record of this run alone would have.

import Accounting
import Primitives

/// A run's rows and how it ended.
public struct StoredRun: Equatable, Sendable {
  /// A setting as read back from the engine.
  public struct Setting: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: String

    /// A setting.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The run's id.
  public var id: String
  /// The study's id; a column of its rows, and no part of the run's id.
  public var study: String
  /// The program that made it: see `RunStore`.
  public var build: String
  /// How it ended.
  public var status: RunStatus
  /// Why, when it is not ok; else empty.
  public var reason: String
  /// The engine's settings in their order.
  public var settings: [Setting]
  /// The texts of the tables that have rows, in the order of `RecordTable`.
  public var tables: [RecordTable: [UInt8]]

  /// A run without rows.
  public init(
    id: String, study: String, build: String, status: RunStatus, reason: String = "", settings: [Setting] = []
  ) {
    self.id = id
    self.study = study
    self.build = build
    self.status = status
    self.reason = reason
    self.settings = settings
    tables = [:]
  }

  /// Sets the rows of one table.
  public mutating func setRows<Columns>(_ rows: [Row<Columns>]) {
    tables[Columns.table] = rows.isEmpty ? nil : Array(Table<Columns>.text(rows).utf8)
  }

  /// Why bytes are not a stored run.
  public struct Damage: Error, Equatable, Sendable {
    /// A clause.
    public var reason: String
  }

  private static let magic = "betula-run"
  private static let version = "1"

  /// The file's bytes.
  public func encoded() -> [UInt8] {
    var head = ""
    for (key, value) in [
      ("schema_version", String(recordSchemaVersion)), ("id", id), ("study", study), ("build", build),
      ("status", status.rawValue), ("reason", reason),
    ] { CommaSeparatedText.append([key, value], to: &head) }
    for setting in settings {
      CommaSeparatedText.append(["setting", setting.name, setting.value], to: &head)
    }
    let filled = RecordTable.allCases.filter { tables[$0] != nil }
    for table in filled {
      CommaSeparatedText.append(["table", table.rawValue, String(tables[table]?.count ?? 0)], to: &head)
    }
    var body = Array("\(head.utf8.count)\n".utf8)
    body.append(contentsOf: head.utf8)
    for table in filled { body.append(contentsOf: tables[table] ?? []) }
    return Array("\(Self.magic) \(Self.version) \(Self.checksum(body[...])) ".utf8) + body
  }

  /// Reads a file's bytes.
  ///
  /// - Throws: `Damage` for anything that `encoded` did not make.
  public static func decoded(_ bytes: [UInt8]) throws(Damage) -> StoredRun {
    var parts: [Range<Int>] = []
    var start = 0
    for (index, byte) in bytes.prefix(64).enumerated()
    where byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") {
      parts.append(start..<index)
      start = index + 1
      if byte == UInt8(ascii: "\n") { break }
    }
    guard parts.count == 4 else { throw Damage(reason: "it does not begin as a stored run") }
    let words = parts.map { String(decoding: bytes[$0], as: UTF8.self) }
    guard words[0] == magic, words[1] == version else {
      throw Damage(reason: "it is no stored run of format \(version)")
    }
    guard words[2] == checksum(bytes[parts[3].lowerBound...]) else {
      throw Damage(reason: "its checksum does not match: it is torn or changed")
    }
    guard let headCount = Int(words[3]), headCount >= 0, headCount <= bytes.count - start else {
      throw Damage(reason: "its head is longer than the file")
    }
    return try read(head: Array(bytes[start..<(start + headCount)]), tables: bytes[(start + headCount)...])
  }

  private static func read(head: [UInt8], tables bytes: ArraySlice<UInt8>) throws(Damage) -> StoredRun {
    let lines: [[CommaSeparatedText.Field]]
    do {
      lines = try CommaSeparatedText.records(head)
    } catch {
      throw Damage(reason: "its head, line \(error.line): \(error.reason)")
    }
    var values: [String: String] = [:]
    var settings: [Setting] = []
    var tables: [RecordTable: [UInt8]] = [:]
    var rest = bytes
    for line in lines {
      let fields = line.map { $0.value ?? "" }
      if fields.count == 3, fields[0] == "setting" {
        settings.append(Setting(name: fields[1], value: fields[2]))
      } else if fields.count == 3, fields[0] == "table" {
        guard let table = RecordTable(rawValue: fields[1]), let count = Int(fields[2]), count >= 0,
          count <= rest.count
        else { throw Damage(reason: "its table '\(fields[1])' is not there") }
        tables[table] = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
      } else if fields.count == 2 {
        values[fields[0]] = fields[1]
      }
    }
    guard values["schema_version"] == String(recordSchemaVersion) else {
      throw Damage(
        reason:
          "its tables have schema \(values["schema_version"] ?? "?"), this program writes \(recordSchemaVersion)"
      )
    }
    guard rest.isEmpty, let id = values["id"], let study = values["study"], let build = values["build"],
      let status = values["status"].flatMap({ RunStatus(rawValue: $0) })
    else { throw Damage(reason: "its head is not complete") }
    var run = StoredRun(id: id, study: study, build: build, status: status)
    run.reason = values["reason"] ?? ""
    run.settings = settings
    run.tables = tables
    return run
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> String {
    let crc = bytes.withUnsafeBytes { CRC32C.of($0) }
    let digits = String(crc, radix: 16)
    return String(repeating: "0", count: 8 - digits.utf8.count) + digits
  }
}
