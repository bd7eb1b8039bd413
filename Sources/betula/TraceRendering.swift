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
      var blockBytes: Int
      var parallelism: Int
      var readSetupS: Double
      var readSPerByte: Double
      var writeSetupS: Double
      var writeSPerByte: Double
      var deviceReadCount: UInt64
      var deviceReadBytes: UInt64
      var deviceWriteCount: UInt64
      var deviceWriteBytes: UInt64
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
        blockBytes: constants.blockByteCount, parallelism: constants.parallelBlockCount,
        readSetupS: constants.readSetupSeconds, readSPerByte: constants.readSecondsPerByte,
        writeSetupS: constants.writeSetupSeconds, writeSPerByte: constants.writeSecondsPerByte,
        deviceReadCount: row.readCount, deviceReadBytes: row.readByteCount,
        deviceWriteCount: row.writeCount, deviceWriteBytes: row.writeByteCount,
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

/// JSON with sorted keys in snake_case and line ends.
func encodeForPeople(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
