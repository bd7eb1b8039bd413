// What `betula trace charge` prints: the table for people, and the same as JSON.

import Experiment
import Foundation
import Primitives
import Report
import Storage

extension ChargeTable {
  /// The table for people.
  var text: String {
    let names = [
      ("phase", false), ("model", false), ("reads", true), ("read bytes", true), ("writes", true),
      ("written bytes", true), ("blocks", true), ("seeks", true), ("steps", true), ("seconds", true),
    ]
    var table = TextTable(columns: names.map { TextTable.Column(name: $0.0, isNumeric: $0.1) })
    var previous: String?
    for row in rows {
      let isFirst = row.phase != previous
      previous = row.phase
      let counts = [
        Numbers.grouped(row.readCount), Numbers.bytes(row.readByteCount), Numbers.grouped(row.writeCount),
        Numbers.bytes(row.writeByteCount),
      ]
      let cost = [
        Self.count(row.cost.blockCount), Self.count(row.cost.seekCount), Self.count(row.cost.stepCount),
        row.cost.seconds.map { Numbers.fixed($0, places: 6) } ?? Numbers.missing,
      ]
      table.rows.append(
        [isFirst ? row.phase : "", row.model.name] + (isFirst ? counts : ["", "", "", ""]) + cost)
    }
    return heading + table.text
  }

  private var heading: String {
    let words = [description["label"] ?? "a run", description["study"].map { "of study \($0)" } ?? ""]
    let run = description["run"].map { ", run \($0)" } ?? ""
    return words.filter { !$0.isEmpty }.joined(separator: " ") + run + "\n\n"
  }

  private static func count(_ value: UInt64?) -> String { value.map(Numbers.grouped) ?? Numbers.missing }

  private struct Listing: Encodable {
    struct Row: Encodable {
      var phase: String
      var model: String
      var kind: String
      var profile: String?
      var block_bytes: Int
      var parallelism: Int
      var read_setup_s: Double
      var read_s_per_byte: Double
      var write_setup_s: Double
      var write_s_per_byte: Double
      var device_read_count: UInt64
      var device_read_bytes: UInt64
      var device_write_count: UInt64
      var device_write_bytes: UInt64
      var blocks: UInt64?
      var seeks: UInt64?
      var steps: UInt64?
      var seconds: Double?
    }
    var trace: [String: String]
    var charges: [Row]
  }

  /// The same as JSON.
  func json() throws -> String {
    let listed = rows.map { row in
      let constants = row.model.constants
      return Listing.Row(
        phase: row.phase, model: row.model.name, kind: row.model.kind.rawValue, profile: row.model.profile,
        block_bytes: constants.blockByteCount, parallelism: constants.parallelBlockCount,
        read_setup_s: constants.readSetupSeconds, read_s_per_byte: constants.readSecondsPerByte,
        write_setup_s: constants.writeSetupSeconds, write_s_per_byte: constants.writeSecondsPerByte,
        device_read_count: row.readCount, device_read_bytes: row.readByteCount,
        device_write_count: row.writeCount, device_write_bytes: row.writeByteCount,
        blocks: row.cost.blockCount, seeks: row.cost.seekCount, steps: row.cost.stepCount,
        seconds: row.cost.seconds)
    }
    return try encodeForPeople(Listing(trace: description.dictionary, charges: listed)) + "\n"
  }
}

extension LabelledText {
  /// The lines as a dictionary, for JSON.
  var dictionary: [String: String] {
    Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0.value) })
  }
}

/// JSON with sorted keys and line ends.
func encodeForPeople(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
