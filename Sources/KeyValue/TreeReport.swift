// What a tree says of its form: height, nodes of each level, how full its buffers are, and how large the batches were that
// moved through it.
//
// Invariant: batch sizes only grow in number, so that what a phase added is a difference.

import Primitives

/// How many of something came together, each time: counts by size, exact up to 32 and within a thirty-second above.
public struct FlushSizes: Equatable, Sendable {
  private var counts = [UInt64](repeating: 0, count: 32 + 32 * 59)
  /// How often.
  public private(set) var total: UInt64 = 0

  /// None.
  public init() {}

  private static func bucket(_ size: UInt64) -> Int {
    if size < 32 { return Int(size) }
    let shift = 63 - size.leadingZeroBitCount - 5
    return 32 * (shift + 1) + Int(size >> UInt64(shift)) - 32
  }

  private static func lowerEnd(_ bucket: Int) -> UInt64 {
    if bucket < 32 { return UInt64(bucket) }
    return UInt64(32 + bucket % 32) << UInt64(bucket / 32 - 1)
  }

  /// Counts one batch.
  public mutating func add(_ size: UInt64) {
    counts[Self.bucket(size)] += 1
    total += 1
  }

  /// What came since `earlier`.
  public func subtracting(_ earlier: FlushSizes) -> FlushSizes {
    var result = self
    for index in counts.indices { result.counts[index] -= earlier.counts[index] }
    result.total -= earlier.total
    return result
  }

  /// The size that `percent` of all batches do not exceed, rounded down to its bucket; nil without batches.
  public func percentile(_ percent: Int) -> UInt64? {
    if total == 0 { return nil }
    let rank = (total * UInt64(percent) + 99) / 100
    var sum: UInt64 = 0
    for (index, count) in counts.enumerated() where count > 0 {
      sum += count
      if sum >= max(1, rank) { return Self.lowerEnd(index) }
    }
    return nil
  }
}

/// A tree's form now.
public struct TreeReport: Equatable, Sendable {
  /// The nodes of one distance from the leaves.
  public struct Level: Equatable, Sendable {
    /// 0 for leaves.
    public var level: Int
    /// Nodes.
    public var nodeCount: UInt64
    /// ln(children per node) ÷ ln(B); nil for leaves.
    public var effectiveEpsilon: Double?
    /// Message bytes ÷ what the buffers have room for; nil for leaves, and without buffers.
    public var bufferFill: Double?

    /// A level.
    public init(level: Int, nodeCount: UInt64, effectiveEpsilon: Double? = nil, bufferFill: Double? = nil) {
      self.level = level
      self.nodeCount = nodeCount
      self.effectiveEpsilon = effectiveEpsilon
      self.bufferFill = bufferFill
    }
  }

  /// The root's level: 0 when it is a leaf.
  public var height: Int
  /// ε: as it was asked for, or that of the fanout that was.
  public var configuredEpsilon: Double?
  /// What B is counted in: "entries" or "bytes".
  public var epsilonUnit: String?
  /// The levels that are there, leaves first.
  public var levels: [Level]
  /// Messages that moved from a node to a child together.
  public var messagesPerFlush: FlushSizes

  /// A report.
  public init(
    height: Int, configuredEpsilon: Double? = nil, epsilonUnit: String? = nil, levels: [Level],
    messagesPerFlush: FlushSizes = FlushSizes()
  ) {
    self.height = height
    self.configuredEpsilon = configuredEpsilon
    self.epsilonUnit = epsilonUnit
    self.levels = levels
    self.messagesPerFlush = messagesPerFlush
  }
}

extension Engine {
  /// No report: not every engine is a tree.
  public func treeReport() -> TreeReport? { nil }
}
