// The ledger: how many operations and bytes moved, by direction × cause × level.
//
// It is a value: the channel (or worker) that does the work owns it, and totals are merged at phase ends in
// worker order. The difference of two ledgers is what happened between them.
//
// Invariants
// 1. Σ cells = totals, per direction, for operations and bytes, requested and transferred.
// 2. A ledger only grows; `subtracting` is defined between a later and an earlier state of the same one.

/// Counts of one (direction, cause, level).
public struct IOCount: Equatable, Sendable {
  /// Calls of the engine or guest.
  public var requestedOperationCount: UInt64 = 0
  /// Bytes of those calls.
  public var requestedByteCount: UInt64 = 0
  /// Transfers at the device after merging. A transfer made of several causes counts for the first that is not padding.
  public var transferredOperationCount: UInt64 = 0
  /// Bytes at the device.
  public var transferredByteCount: UInt64 = 0
  /// Transfers that began where the device's previous transfer in this direction ended.
  public var deviceSequentialCount: UInt64 = 0
  /// Transfers that began where this cause's previous transfer in this direction ended.
  public var streamSequentialCount: UInt64 = 0

  /// All zero.
  public init() {}

  /// Whether nothing was counted.
  public var isZero: Bool { self == IOCount() }

  /// Adds another count.
  public mutating func add(_ other: IOCount) {
    requestedOperationCount += other.requestedOperationCount
    requestedByteCount += other.requestedByteCount
    transferredOperationCount += other.transferredOperationCount
    transferredByteCount += other.transferredByteCount
    deviceSequentialCount += other.deviceSequentialCount
    streamSequentialCount += other.streamSequentialCount
  }

  /// This count less an earlier one.
  public func subtracting(_ earlier: IOCount) -> IOCount {
    var result = IOCount()
    result.requestedOperationCount = requestedOperationCount - earlier.requestedOperationCount
    result.requestedByteCount = requestedByteCount - earlier.requestedByteCount
    result.transferredOperationCount = transferredOperationCount - earlier.transferredOperationCount
    result.transferredByteCount = transferredByteCount - earlier.transferredByteCount
    result.deviceSequentialCount = deviceSequentialCount - earlier.deviceSequentialCount
    result.streamSequentialCount = streamSequentialCount - earlier.streamSequentialCount
    return result
  }
}

/// Counts by direction × cause × level.
public struct IOLedger: Equatable, Sendable {
  @usableFromInline var cells: ContiguousArray<IOCount>
  @usableFromInline var totals: ContiguousArray<IOCount>
  /// For each direction a bit for each cause that was ever added to: sums and differences visit only those.
  @usableFromInline var usedCauses: InlineArray<8, UInt64>

  /// An empty ledger.
  public init() {
    cells = ContiguousArray(
      repeating: IOCount(), count: Direction.allCases.count * Cause.tableCount * Level.tableCount)
    totals = ContiguousArray(repeating: IOCount(), count: Direction.allCases.count)
    usedCauses = InlineArray(repeating: 0)
  }

  /// Whether every cell is the same.
  public static func == (one: IOLedger, other: IOLedger) -> Bool { one.cells == other.cells }

  @inlinable static func index(_ direction: Direction, _ cause: Cause, _ level: Level) -> Int {
    (Int(direction.rawValue) * Cause.tableCount + Int(cause.rawValue)) * Level.tableCount
      + min(Int(level.rawValue), Level.tableCount - 1)
  }

  /// Adds `count` to one cell and to its direction's total.
  @inlinable public mutating func add(
    _ count: IOCount, direction: Direction, cause: Cause, level: Level
  ) {
    usedCauses[Int(direction.rawValue)] |= 1 << UInt64(cause.rawValue)
    cells[Self.index(direction, cause, level)].add(count)
    totals[Int(direction.rawValue)].add(count)
  }

  /// The count of one cell.
  public subscript(direction: Direction, cause: Cause, level: Level) -> IOCount {
    cells[Self.index(direction, cause, level)]
  }

  /// The sum over causes and levels of one direction.
  @inlinable public func total(_ direction: Direction) -> IOCount { totals[Int(direction.rawValue)] }

  /// The sum over levels of one direction and cause.
  public func total(_ direction: Direction, _ cause: Cause) -> IOCount {
    var sum = IOCount()
    for level in 0..<Level.tableCount {
      sum.add(self[direction, cause, Level(rawValue: UInt8(level))])
    }
    return sum
  }

  /// The sum over causes of one direction and level.
  public func total(_ direction: Direction, _ level: Level) -> IOCount {
    var sum = IOCount()
    for cause in Cause.allCases { sum.add(self[direction, cause, level]) }
    return sum
  }

  /// The sum over the causes of one class.
  public func total(_ direction: Direction, _ causeClass: CauseClass) -> IOCount {
    var sum = IOCount()
    for cause in Cause.allCases where cause.causeClass == causeClass { sum.add(total(direction, cause)) }
    return sum
  }

  /// One non-zero cell.
  public struct Row: Equatable, Sendable {
    /// The kind of call.
    public var direction: Direction
    /// Why.
    public var cause: Cause
    /// For which level.
    public var level: Level
    /// How much.
    public var count: IOCount
  }

  /// The non-zero cells in (direction, cause, level) order: the order of `io.csv`.
  public var rows: [Row] {
    var rows: [Row] = []
    for direction in Direction.allCases {
      for cause in Cause.allCases {
        for raw in 0..<Level.tableCount {
          let level = Level(rawValue: UInt8(raw))
          let count = self[direction, cause, level]
          if !count.isZero {
            rows.append(Row(direction: direction, cause: cause, level: level, count: count))
          }
        }
      }
    }
    return rows
  }

  /// Adds every cell of another ledger (another worker's).
  public mutating func merge(_ other: IOLedger) {
    other.forEachUsedCell { cells[$0].add(other.cells[$0]) }
    for direction in usedCauses.indices { usedCauses[direction] |= other.usedCauses[direction] }
    for index in totals.indices { totals[index].add(other.totals[index]) }
  }

  /// What was counted since `earlier`, an earlier state of this ledger.
  public func subtracting(_ earlier: IOLedger) -> IOLedger {
    var result = IOLedger()
    result.usedCauses = usedCauses
    forEachUsedCell { result.cells[$0] = cells[$0].subtracting(earlier.cells[$0]) }
    for index in totals.indices { result.totals[index] = totals[index].subtracting(earlier.totals[index]) }
    return result
  }

  /// Visits the cells of every (direction, cause) that was ever added to; all others are zero.
  private func forEachUsedCell(_ body: (Int) -> Void) {
    for direction in usedCauses.indices {
      var causes = usedCauses[direction]
      while causes != 0 {
        let first = (direction * Cause.tableCount + causes.trailingZeroBitCount) * Level.tableCount
        for index in first..<(first + Level.tableCount) { body(index) }
        causes &= causes - 1
      }
    }
  }
}
