// A trace, charged: one row for each phase and model.
//
// Invariants
// 1. Rows stand in the order of the trace's phases, then "outside" (what belongs to no phase), then "whole"; models in
//    the grid's order within each. Phases chosen by name keep that order.
// 2. A row's numbers are those that a live run under the model would have shown.

import Primitives
import Results
import Storage

/// One phase under one model.
public struct ChargeRow: Equatable, Sendable {
  /// The phase, `outside` or `whole`.
  public var phase: String
  /// The model.
  public var model: ChargeModel
  /// Read transfers and their bytes.
  public var readCount: UInt64, readByteCount: UInt64
  /// Write transfers and their bytes.
  public var writeCount: UInt64, writeByteCount: UInt64
  /// What the model charges.
  public var cost: ModelCost
}

/// The charges of a trace.
public struct ChargeTable: Equatable, Sendable {
  /// What the trace says of itself.
  public let description: LabelledText
  /// The models asked for.
  public let models: [ChargeModel]
  /// The rows.
  public let rows: [ChargeRow]

  /// What calls outside all phases are called.
  public static let outside = "outside"
  /// What the whole trace is called.
  public static let whole = "whole"

  /// Charges the trace in a file.
  ///
  /// - Parameter phases: the phases wanted; empty for all, `outside` and `whole` included.
  /// - Throws: `StorageError` where the file is no trace, `UnknownNameError` for a phase it does not have.
  public init(path: String, models: [ChargeModel], phases: [String] = []) throws {
    var reader = try TraceReader(path: path)
    try self.init(&reader, models: models, phases: phases)
  }

  /// Charges what is left of a trace.
  ///
  /// - Throws: as above.
  public init(_ reader: inout TraceReader, models: [ChargeModel], phases: [String] = []) throws {
    // Models of several kinds with the same constants share a clock, which charges all four at once.
    var clocks: [TimeModel] = []
    let clockOfModel = models.map { model in
      if let known = clocks.firstIndex(of: model.constants) { return known }
      clocks.append(model.constants)
      return clocks.count - 1
    }
    let audit = try TraceAudit(&reader, models: clocks)
    description = reader.description
    self.models = models
    let named = try audit.named(phases)
    rows = named.flatMap { name, stretch in
      zip(models, clockOfModel).map { Self.row(name, stretch, $0, stretch.charges[$1]) }
    }
  }

  private static func row(
    _ name: String, _ stretch: TraceStretch, _ model: ChargeModel, _ charge: TimeCharge
  ) -> ChargeRow {
    let reads = stretch.ledger.total(.read)
    let writes = stretch.ledger.total(.write)
    return ChargeRow(
      phase: name, model: model, readCount: reads.transferredOperationCount,
      readByteCount: reads.transferredByteCount, writeCount: writes.transferredOperationCount,
      writeByteCount: writes.transferredByteCount,
      cost: model.cost(charge, transferCount: stretch.batches.transferCount))
  }

  /// The rows as comma-separated text; empty fields where a model has no such number.
  public var commaSeparatedText: String {
    var text = ""
    CommaSeparatedText.append(
      [
        "run_id", "label", "phase", "model", "kind", "profile", "block_bytes", "parallelism", "read_setup_s",
        "read_s_per_byte", "write_setup_s", "write_s_per_byte", "device_read_count", "device_read_bytes",
        "device_write_count", "device_write_bytes", "blocks", "seeks", "steps", "seconds",
      ], to: &text)
    for row in rows {
      let constants = row.model.constants
      let usesTime = row.model.kind == .affine || row.model.kind == .profile
      let usesBlocks = !usesTime
      let usesLanes = row.model.kind == .pdam || row.model.kind == .profile
      let identity: [String?] = [
        description["run"], description["label"], row.phase, row.model.name, row.model.kind.rawValue,
        row.model.profile,
      ]
      let parameters: [String?] = [
        usesBlocks ? String(constants.blockByteCount) : nil,
        usesLanes ? String(constants.parallelBlockCount) : nil,
        usesTime ? String(constants.readSetupSeconds) : nil,
        usesTime ? String(constants.readSecondsPerByte) : nil,
        usesTime ? String(constants.writeSetupSeconds) : nil,
        usesTime ? String(constants.writeSecondsPerByte) : nil,
      ]
      let counts: [String?] = [
        String(row.readCount), String(row.readByteCount), String(row.writeCount), String(row.writeByteCount),
        row.cost.blockCount.map { String($0) }, row.cost.seekCount.map { String($0) },
        row.cost.stepCount.map { String($0) }, row.cost.seconds.map { String($0) },
      ]
      CommaSeparatedText.append(identity + parameters + counts, to: &text)
    }
    return text
  }
}

extension TraceAudit {
  /// Stretches by name: the phases, what is outside them, and the whole; or those asked for.
  ///
  /// - Throws: `UnknownNameError` for a name the trace does not have.
  public func named(_ wanted: [String]) throws(UnknownNameError) -> [(name: String, stretch: TraceStretch)] {
    var named = phases.map { (name: $0.phase ?? ChargeTable.outside, stretch: $0) }
    if let outside { named.append((ChargeTable.outside, outside)) }
    named.append((ChargeTable.whole, whole))
    let names = named.map(\.name)
    for name in wanted where !names.contains(name) {
      throw UnknownNameError(kind: "phase", name: name, known: names)
    }
    return wanted.isEmpty ? named : named.filter { wanted.contains($0.name) }
  }
}
