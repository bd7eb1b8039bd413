// How many nodes each level has, and bytes of messages or entries in them.
//
// Invariants
// 1. Counts are of the newest state, whether a node is in memory or not; the superblock's root keeps them.
// 2. What lies above the last level that is told apart is counted with it.

import KeyValue
import Primitives

/// Counts by level, leaves first.
struct TreeLevels: Equatable {
  /// Levels told apart.
  static let count = 12
  private(set) var nodeCounts: ContiguousArray<Int> = ContiguousArray(repeating: 0, count: count)
  private(set) var contentByteCounts: ContiguousArray<Int> = ContiguousArray(repeating: 0, count: count)

  @inline(__always) private static func line(_ level: Int) -> Int { min(level, count - 1) }

  mutating func add(level: Int, _ nodes: Int) { nodeCounts[Self.line(level)] += nodes }

  /// Takes over what a node holds now.
  @inline(__always) mutating func note(_ node: TreeNode) {
    let change = node.contentByteCount - node.countedByteCount
    if change == 0 || node.isOfSnapshot { return }
    contentByteCounts[Self.line(node.level)] += change
    node.countedByteCount = node.contentByteCount
  }

  /// Forgets a node that is destroyed.
  mutating func remove(_ node: TreeNode) {
    nodeCounts[Self.line(node.level)] -= 1
    contentByteCounts[Self.line(node.level)] -= node.countedByteCount
    node.countedByteCount = node.contentByteCount
  }

  /// Adds what a pass over the tree found at a node.
  mutating func count(level: Int, contentByteCount: Int) {
    nodeCounts[Self.line(level)] += 1
    contentByteCounts[Self.line(level)] += contentByteCount
  }

  // MARK: On the device

  /// 4 bytes of nodes and 8 of content for each level.
  static let encodedByteCount = 12 * count

  func encode(to target: UnsafeMutableRawPointer) {
    for level in 0..<Self.count {
      target.setU32(4 * level, UInt32(truncatingIfNeeded: nodeCounts[level]))
      target.setU64(4 * Self.count + 8 * level, UInt64(contentByteCounts[level]))
    }
  }

  static func decode(_ bytes: UnsafeRawPointer) -> TreeLevels {
    var result = TreeLevels()
    for level in 0..<count {
      result.nodeCounts[level] = Int(bytes.u32(4 * level))
      result.contentByteCounts[level] = Int(truncatingIfNeeded: bytes.u64(4 * count + 8 * level))
    }
    return result
  }
}

extension BEpsilonTreeEngine {
  /// The form of the tree now.
  public func treeReport() -> TreeReport? {
    let (levels, geometry) = (table.levels, settings.geometry)
    let logB = DeterministicMath.log2(Double(geometry.nodeUnitCount))
    let lines = (0...min(table.shape.height, TreeLevels.count - 1)).map { level in
      let nodes = levels.nodeCounts[level]
      var line = TreeReport.Level(level: level, nodeCount: UInt64(nodes))
      if level > 0, nodes > 0 {
        let children = Double(levels.nodeCounts[level - 1]) / Double(nodes)
        if children > 0 { line.effectiveEpsilon = DeterministicMath.log2(children) / logB }
        let room = Double(nodes * geometry.bufferByteCount)
        if room > 0 { line.bufferFill = Double(levels.contentByteCounts[level]) / room }
      }
      return line
    }
    return TreeReport(
      height: table.shape.height, configuredEpsilon: settings.configuredEpsilon,
      epsilonUnit: geometry.unit == .bytes ? "bytes" : "entries", levels: lines,
      messagesPerFlush: table.flushSizes)
  }
}
