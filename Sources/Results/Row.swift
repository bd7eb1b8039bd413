// One row of a table: typed where the columns are fixed, checked against the metric registry everywhere.
//
//   var row = RunRow(runID: "…", phase: "load")
//   row.waDataEnd = WriteAmplification.data(ledger: …, logicalWriteByteCount: …)     nil stays missing
//   row.set("dam_ios_<B>", ending: "4096", .count(81))                              a family's column
//
// Invariants
// 1. Every cell's column is allowed in the row's table by the registry and has the registry's kind.
// 2. `schema_version` is not a cell: the file writes it, the reader checks it.

import Accounting

/// The fixed columns of one table, each a `TypedColumn` constant. A test compares them with the registry.
public protocol ColumnSet: Sendable {
  /// The table they belong to.
  static var table: RecordTable { get }
  /// The one instance.
  static var columns: Self { get }
}

/// One row of the table of `Columns`. Columns are members: `row.waDataEnd = 1.5`.
@dynamicMemberLookup
public struct Row<Columns: ColumnSet>: Equatable, Sendable {
  private var cells: [String: Cell]

  /// An empty row.
  public init() { cells = [:] }

  /// A row of a run's phase.
  public init(runID: String, phase: String) {
    cells = [:]
    self["run_id"] = .text(runID)
    self["phase"] = .text(phase)
  }

  /// The value of a fixed column, nil when missing.
  public subscript<Value: CellConvertible>(
    dynamicMember path: KeyPath<Columns, TypedColumn<Value>>
  ) -> Value? {
    get { cells[Columns.columns[keyPath: path].id].flatMap { Value(cell: $0) } }
    set { self[Columns.columns[keyPath: path].id] = newValue?.cell }
  }

  /// The cell of any column the registry allows in this table, by id.
  public subscript(id: String) -> Cell? {
    get { cells[id] }
    set {
      let metric = MetricRegistry.entry(id)
      guard let metric, metric.tables.contains(Columns.table) else {
        preconditionFailure("The registry has no column '\(id)' in \(Columns.table.fileName).")
      }
      precondition(
        newValue.map { $0.kind == metric.kind } ?? true,
        "Column '\(id)' holds values of the kind the registry says.")
      cells[id] = newValue
    }
  }

  /// Sets a column of a family, for example `set("dam_ios_<B>", ending: "4096", .count(81))`.
  public mutating func set(_ family: String, ending: String, _ cell: Cell?) {
    self[MetricRegistry.identifier(of: family, ending)] = cell
  }

  /// The run the row belongs to; empty in `claims.csv`.
  public var runIdentifier: String { text("run_id") }

  /// The phase the row belongs to; empty in `claims.csv`.
  public var phaseName: String { text("phase") }

  /// The ids of the columns that have a value, sorted.
  public var filledColumns: [String] { cells.keys.sorted() }

  private func text(_ id: String) -> String {
    guard case .text(let value)? = cells[id] else { return "" }
    return value
  }
}
