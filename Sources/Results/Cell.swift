// One value of a table, and its spelling in a file.
//
//   text   as it is            count  decimal digits          real  the shortest form that reads back as itself
//
// Invariants
// 1. A missing value is no cell at all; an empty text is a cell. On disk they differ: `` and `""`.
// 2. `Cell(spelling:kind:)` of a cell's spelling is that cell.
// 3. A real is finite: what has no denominator has no number, and is missing.

import Accounting

/// A value of a table.
public enum Cell: Equatable, Sendable {
  case text(String)
  case count(UInt64)
  case real(Double)

  /// The value as it is written.
  public var spelling: String {
    switch self {
    case .text(let value): value
    case .count(let value): String(value)
    case .real(let value): value.description
    }
  }

  /// The value's kind.
  public var kind: MetricKind {
    switch self {
    case .text: .text
    case .count: .count
    case .real: .real
    }
  }

  /// Reads a spelling.
  ///
  /// - Returns: nil when it is not one of `kind`.
  public init?(spelling: String, kind: MetricKind) {
    switch kind {
    case .text: self = .text(spelling)
    case .count:
      let digits = spelling.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
      guard digits, let value = UInt64(spelling) else { return nil }
      self = .count(value)
    case .real:
      let plain = spelling.utf8.allSatisfy { byte in
        (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || "+-.eE".utf8.contains(byte)
      }
      guard plain, let value = Double(spelling), value.isFinite else { return nil }
      self = .real(value)
    }
  }

  /// The number, nil for text.
  public var number: Double? {
    switch self {
    case .text: nil
    case .count(let value): Double(value)
    case .real(let value): value
    }
  }
}

/// A Swift type that a cell can hold.
public protocol CellConvertible: Sendable {
  /// The value as a cell.
  var cell: Cell { get }
  /// The value of a cell of the right kind; nil for another, or for a word that is none of the type's.
  init?(cell: Cell)
  /// The kind of its cells.
  static var cellKind: MetricKind { get }
}

extension String: CellConvertible {
  /// The value as a cell.
  public var cell: Cell { .text(self) }
  /// The kind of its cells.
  public static var cellKind: MetricKind { .text }
  /// The value of a cell of the right kind.
  public init?(cell: Cell) {
    guard case .text(let value) = cell else { return nil }
    self = value
  }
}

extension UInt64: CellConvertible {
  /// The value as a cell.
  public var cell: Cell { .count(self) }
  /// The kind of its cells.
  public static var cellKind: MetricKind { .count }
  /// The value of a cell of the right kind.
  public init?(cell: Cell) {
    guard case .count(let value) = cell else { return nil }
    self = value
  }
}

extension Double: CellConvertible {
  /// The value as a cell.
  public var cell: Cell {
    precondition(isFinite, "A number that is not finite is not a result; leave the cell missing.")
    return .real(self)
  }
  /// The kind of its cells.
  public static var cellKind: MetricKind { .real }
  /// The value of a cell of the right kind.
  public init?(cell: Cell) {
    guard case .real(let value) = cell else { return nil }
    self = value
  }
}

/// A column and the Swift type of its values.
public struct TypedColumn<Value: CellConvertible>: Sendable {
  /// The column's id in the metric registry.
  public let id: String

  /// The column `id`.
  public init(_ id: String) { self.id = id }
}
