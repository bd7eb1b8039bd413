// The ledger: how many operations and bytes moved, by direction × cause × level.
//
// It is a value: the channel (or worker) that does the work owns it, and totals are merged at phase ends in
// worker order. The difference of two ledgers is what happened between them.
//
// Invariants
// 1. Σ cells = totals, per direction, for operations and bytes, requested and transferred.
// 2. Only what was ever counted has cells, so that a copy, kept at each phase and sample, is a few kilobytes.
// 3. A ledger only grows; `subtracting` is defined between a later and an earlier state of the same one.

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
  /// For each (direction, cause) the number of its block of cells, −1 before the first count.
  @usableFromInline var blocks: ContiguousArray<Int16>
  /// Blocks of one cell a level, in the order of first use.
  @usableFromInline var cells: ContiguousArray<IOCount>
  @usableFromInline var totals: ContiguousArray<IOCount>

  /// An empty ledger.
  public init() {
    blocks = ContiguousArray(repeating: -1, count: Direction.allCases.count * Cause.tableCount)
    cells = []
    totals = ContiguousArray(repeating: IOCount(), count: Direction.allCases.count)
  }

  /// Whether every cell is the same, whatever the order of first use.
  public static func == (one: IOLedger, other: IOLedger) -> Bool {
    let levels = 0..<Level.tableCount
    return one.blocks.indices.allSatisfy { key in
      levels.allSatisfy { one.cell(key, $0) == other.cell(key, $0) }
    }
  }

  @inlinable static func key(_ direction: Direction, _ cause: Cause) -> Int {
    Int(direction.rawValue) * Cause.tableCount + Int(cause.rawValue)
  }

  @inlinable static func place(_ level: Level) -> Int { min(Int(level.rawValue), Level.tableCount - 1) }

  /// Adds `count` to one cell and to its direction's total.
  @inlinable public mutating func add(
    _ count: IOCount, direction: Direction, cause: Cause, level: Level
  ) {
    let key = Self.key(direction, cause)
    var block = Int(blocks[key])
    if block < 0 { block = openBlock(key) }
    cells[block * Level.tableCount + Self.place(level)].add(count)
    totals[Int(direction.rawValue)].add(count)
  }

  /// Gives a (direction, cause) its block.
  @usableFromInline mutating func openBlock(_ key: Int) -> Int {
    let block = cells.count / Level.tableCount
    blocks[key] = Int16(block)
    cells.append(contentsOf: repeatElement(IOCount(), count: Level.tableCount))
    return block
  }

  private func cell(_ key: Int, _ place: Int) -> IOCount {
    let block = Int(blocks[key])
    return block < 0 ? IOCount() : cells[block * Level.tableCount + place]
  }

  /// The count of one cell.
  public subscript(direction: Direction, cause: Cause, level: Level) -> IOCount {
    cell(Self.key(direction, cause), Self.place(level))
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
    for key in other.blocks.indices where other.blocks[key] >= 0 {
      let block = blocks[key] < 0 ? openBlock(key) : Int(blocks[key])
      for place in 0..<Level.tableCount {
        cells[block * Level.tableCount + place].add(other.cell(key, place))
      }
    }
    for index in totals.indices { totals[index].add(other.totals[index]) }
  }

  /// What was counted since `earlier`, an earlier state of this ledger.
  public func subtracting(_ earlier: IOLedger) -> IOLedger {
    var result = self
    for key in earlier.blocks.indices where earlier.blocks[key] >= 0 {
      let first = Int(blocks[key]) * Level.tableCount
      for place in 0..<Level.tableCount {
        result.cells[first + place] = cells[first + place].subtracting(earlier.cell(key, place))
      }
    }
    for index in totals.indices { result.totals[index] = totals[index].subtracting(earlier.totals[index]) }
    return result
  }
}
