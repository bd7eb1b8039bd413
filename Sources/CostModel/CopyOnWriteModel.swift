// A copy-on-write B-tree: a commit of b operations copies every node on the union of b root-to-leaf paths.
//
//   level i has nᵢ nodes; b uniform keys touch nᵢ·(1 − (1 − 1/nᵢ)ᵇ) of them in expectation
//
//   root   1        ─ touched by every commit
//   …      n₁       ─ shared by many of the b paths
//   leaf   n₀       ─ nearly one per key while b ≪ n₀

import Primitives

/// Bytes written per operation by path copying.
public struct CopyOnWriteModel: Equatable, Sendable {
  /// P, in bytes.
  public var pageByteCount: Double
  /// Nodes of each level, leaves first, the root (1) last.
  public var levelNodeCounts: [Double]
  /// Bytes each commit writes beside the nodes: space map or pending log, and superblock.
  public var commitOverheadByteCount: Double

  /// A tree of given levels.
  public init(pageByteCount: Double, levelNodeCounts: [Double], commitOverheadByteCount: Double) {
    precondition(pageByteCount > 0 && commitOverheadByteCount >= 0, "Sizes are not negative.")
    precondition(levelNodeCounts.allSatisfy { $0 >= 1 }, "Every level has at least one node.")
    self.pageByteCount = pageByteCount
    self.levelNodeCounts = levelNodeCounts
    self.commitOverheadByteCount = commitOverheadByteCount
  }

  /// Nodes of each level, leaves first: ⌈N / entries per leaf⌉, then ⌈· / fanout⌉ to a single root.
  public static func levelNodeCounts(entryCount: Double, leafEntryCount: Double, fanout: Double) -> [Double] {
    precondition(
      entryCount >= 1 && leafEntryCount >= 1 && fanout >= 2, "A tree has entries, and fanout at least 2.")
    var counts = [DeterministicMath.ceiling(entryCount / leafEntryCount)]
    while let last = counts.last, last > 1 { counts.append(DeterministicMath.ceiling(last / fanout)) }
    return counts
  }

  /// The expected number of distinct nodes of a level with n nodes that b uniform keys touch: n(1 − (1 − 1/n)ᵇ).
  ///
  /// Source: A. F. Cárdenas, CACM 18(5), 1975.
  public static func touchedNodeCount(nodeCount: Double, operationCount: Double) -> Double {
    nodeCount * (1 - DeterministicMath.pow(1 - 1 / nodeCount, operationCount))
  }

  /// Pages written per commit of b uniform updates: Σ nᵢ(1 − (1 − 1/nᵢ)ᵇ).
  public func pagesPerCommit(batchOperationCount: Double) -> Double {
    levelNodeCounts.reduce(0) {
      $0 + Self.touchedNodeCount(nodeCount: $1, operationCount: batchOperationCount)
    }
  }

  /// Bytes written per operation: (P/b)·Σ nᵢ(1 − (1 − 1/nᵢ)ᵇ) + overhead/b.
  public func writtenBytesPerOperation(batchOperationCount: Double) -> Double {
    precondition(batchOperationCount >= 1, "A commit has at least one operation.")
    let pages = pagesPerCommit(batchOperationCount: batchOperationCount)
    return (pageByteCount * pages + commitOverheadByteCount) / batchOperationCount
  }

  /// `wa_total` of uniform updates of records of the given size.
  public func writeAmplification(batchOperationCount: Double, recordByteCount: Double) -> Double {
    writtenBytesPerOperation(batchOperationCount: batchOperationCount) / recordByteCount
  }
}
