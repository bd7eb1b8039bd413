// What `betula trace show` prints: header, phases by direction and cause, and the first transfers.

import Accounting
import Experiment
import Foundation
import Primitives
import Report
import Results
import Storage

/// A trace, read through once.
struct TraceSummary {
  let description: LabelledText
  let transferUnitByteCount: Int
  let capacityByteCount: UInt64
  let byteCount: UInt64
  let audit: TraceAudit

  init(path: String) throws {
    var reader = try TraceReader(path: path)
    audit = try TraceAudit(&reader)
    description = reader.description
    transferUnitByteCount = reader.transferUnitByteCount
    capacityByteCount = reader.capacityByteCount
    byteCount = reader.byteCount
  }

  /// One line: what was written, and how compactly.
  func headline(path: String) -> String {
    let batches = audit.whole.batches
    let each =
      batches.transferCount == 0
      ? ""
      : ", \(Numbers.fixed(Double(byteCount) / Double(batches.transferCount), places: 1)) bytes a transfer"
    return "\(path): \(Numbers.grouped(batches.transferCount)) transfers in "
      + "\(Numbers.grouped(batches.batchCount)) batches, \(audit.phases.count) phases, "
      + "\(Numbers.bytes(byteCount))\(each)"
  }

  /// Everything for people.
  func text(path: String, _ named: [(name: String, stretch: TraceStretch)]) -> String {
    var text = headline(path: path) + "\n"
    for line in description.lines { text += "  \(line.name): \(line.value)\n" }
    text += "  transfer_unit_bytes: \(transferUnitByteCount)\n  capacity_bytes: \(capacityByteCount)\n"
    for (name, stretch) in named { text += "\n" + Self.text(name, stretch) }
    return text
  }

  private static func text(_ name: String, _ stretch: TraceStretch) -> String {
    let batches = stretch.batches
    var text = "\(name): \(Numbers.grouped(batches.batchCount)) batches"
    if let mean = batches.meanTransferCount {
      let sizes = batches.buckets.enumerated().filter { $0.element > 0 }.map { bucket, count in
        let (first, last) = (1 << bucket, (2 << bucket) - 1)
        return "\(first == last ? "\(first)" : "\(first)-\(last)"): \(Numbers.grouped(count))"
      }
      text += " of \(Numbers.short(mean)) transfers (\(sizes.joined(separator: ", ")))"
    }
    text += "\n"
    let columns = [
      ("direction", false), ("cause", false), ("level", true), ("requests", true), ("requested bytes", true),
      ("transfers", true), ("bytes", true), ("device sequential", true), ("stream sequential", true),
    ]
    var table = TextTable(columns: columns.map { TextTable.Column(name: $0.0, isNumeric: $0.1) })
    for row in stretch.ledger.rows {
      let count = row.count
      let moves = row.direction == .read || row.direction == .write
      let share = { (part: UInt64) -> String in
        guard moves, count.transferredOperationCount > 0 else { return Numbers.missing }
        return Numbers.fixed(Double(part) * 100 / Double(count.transferredOperationCount), places: 1) + " %"
      }
      table.rows.append([
        row.direction.name, row.cause.name, row.level.number.map { String($0) } ?? Numbers.missing,
        Numbers.grouped(count.requestedOperationCount), Numbers.grouped(count.requestedByteCount),
        Numbers.grouped(count.transferredOperationCount), Numbers.grouped(count.transferredByteCount),
        share(count.deviceSequentialCount), share(count.streamSequentialCount),
      ])
    }
    if !table.rows.isEmpty {
      text += table.text.split(separator: "\n").map { "  \($0)\n" }.joined()
    }
    return text
  }

  /// The cells as rows of io.csv.
  private func rows(_ named: [(name: String, stretch: TraceStretch)]) -> [IORow] {
    named.flatMap { name, stretch in
      IORow.rows(runID: description["run"] ?? "", phase: name, ledger: stretch.ledger)
    }
  }

  /// The columns of io.csv. The whole is left out beside its parts, so that rows can be added up.
  func commaSeparatedText(_ named: [(name: String, stretch: TraceStretch)]) -> String {
    Table<IOColumns>.text(rows(named.count == 1 ? named : named.filter { $0.name != ChargeTable.whole }))
  }

  private struct Listing: Encodable {
    struct Phase: Encodable {
      var phase: String
      var batches: UInt64
      var transfers: UInt64
      var largestBatchTransfers: UInt64
      var batchesByPowerOfTwoTransfers: [UInt64]
      var io: [[String: String]]
    }
    var trace: [String: String]
    var transferUnitBytes: Int
    var capacityBytes: UInt64
    var bytes: UInt64
    var phases: [Phase]
    var transfers: [[String: String]]?
  }

  /// Everything as JSON.
  func json(_ named: [(name: String, stretch: TraceStretch)], _ transfers: TraceListing?) throws -> String {
    let phases = named.map { name, stretch in
      let cells = IORow.rows(runID: description["run"] ?? "", phase: name, ledger: stretch.ledger).map {
        row in
        var cells: [String: String] = [:]
        for column in row.filledColumns where column != "run_id" && column != "phase" {
          cells[column] = row[column].map(\.spelling)
        }
        return cells
      }
      return Listing.Phase(
        phase: name, batches: stretch.batches.batchCount, transfers: stretch.batches.transferCount,
        largestBatchTransfers: stretch.batches.largestTransferCount,
        batchesByPowerOfTwoTransfers: stretch.batches.buckets, io: cells)
    }
    return try encodeForPeople(
      Listing(
        trace: description.dictionary, transferUnitBytes: transferUnitByteCount,
        capacityBytes: capacityByteCount, bytes: byteCount, phases: phases, transfers: transfers?.cells))
  }
}

/// The first transfers of a trace, or of some of its phases.
struct TraceListing {
  private static let columns = [
    ("batch", true), ("phase", false), ("direction", false), ("offset", true), ("bytes", true),
    ("cause", false), ("level", true), ("client", true), ("requested_bytes", true),
  ]
  /// One row a piece: a transfer of several causes has several.
  private(set) var rows: [[String]] = []

  init(path: String, phases: [String], limit: Int) throws {
    var reader = try TraceReader(path: path)
    var phase = ChargeTable.outside
    var batch = TransferBatch()
    var number = 0
    var listed = 0
    let takesAll = phases.isEmpty || phases.contains(ChargeTable.whole)
    while listed < limit, let step = try reader.next(into: &batch) {
      switch step {
      case .mark(.phaseBegins(let name)): phase = name
      case .mark(.phaseEnds): phase = ChargeTable.outside
      case .mark(.acknowledged), .control, .unmoved: break
      case .batch:
        for transfer in batch.transfers where takesAll || phases.contains(phase) {
          guard listed < limit else { break }
          listed += 1
          for piece in batch.pieces[transfer.pieces] {
            rows.append([
              String(number), phase, transfer.direction.name, String(transfer.offset),
              String(piece.transferredByteCount), piece.cause.name,
              piece.level.number.map { String($0) } ?? "", String(piece.client.rawValue),
              String(piece.requestedByteCount),
            ])
          }
        }
        number += 1
      }
    }
  }

  /// For people.
  var text: String {
    let columns = Self.columns.map { TextTable.Column(name: $0.0, isNumeric: $0.1) }
    return TextTable(columns: columns, rows: rows).text
  }

  /// As CSV.
  var commaSeparatedText: String {
    var text = ""
    CommaSeparatedText.append(Self.columns.map(\.0), to: &text)
    for row in rows { CommaSeparatedText.append(row.map { $0.isEmpty ? nil : $0 }, to: &text) }
    return text
  }

  /// As dictionaries, for JSON.
  var cells: [[String: String]] {
    rows.map { row in
      Dictionary(uniqueKeysWithValues: zip(Self.columns.map(\.0), row).filter { !$1.isEmpty })
    }
  }
}
