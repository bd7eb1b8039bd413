// What a durable state of a Bε-tree writes: every node that messages reached since the last one, once.
//
//   W message bytes since the last durable tree      m = 2b ÷ (n + 1), what one flush of a node with n children moves
//
//   root      always                                 b − m/2 of messages: full, less half of a flush
//   level i   nᵢ·(1 − (1 − 1/nᵢ)^(W ÷ m)) nodes     ln 2 · b of messages; leaves ln 2 · B
//
// By path copying a durable commit is such a state, and costs a superblock and the pending record beside it. With a log a
// durable commit appends, and only checkpoints are such states: the same nodes, shared by more operations.
//
// Invariant: no constant was fitted to a measurement.
//
// Deviations: flushes reach nodes evenly; what changes twice between two durable states is in memory until then; splits,
// merges, the directory and the space map are left out; without a buffer (ε = 1) there is no prediction.
//
// Source: A. F. Cárdenas, CACM 18(5), 1975, for the distinct nodes; M. A. Bender et al., ;login: 40(5), 2015, for flushes to
// the fullest child.

import Primitives

/// The nodes of a Bε-tree's durable states.
public struct BEpsilonCommitModel: Equatable, Sendable {
  /// Geometry and sizes; its caches are not used.
  public var tree: BEpsilonTreeTraffic
  /// Nodes of each level, leaves first, the root (1) last.
  public let levels: [Double]

  /// A tree of at least two levels; nil for one leaf, and without buffers.
  public init?(tree: BEpsilonTreeTraffic) {
    let leaves = tree.entryCount * tree.entryByteCount / (Self.fill * tree.nodeByteCount)
    guard tree.bufferByteCount > 0, leaves > 1 else { return nil }
    self.tree = tree
    var levels = [leaves]
    while let last = levels.last, last > 1 { levels.append(max(1, last / tree.childCount)) }
    self.levels = levels
  }

  private static let fill = DeterministicMath.ln(2)

  /// Nodes and their bytes.
  public struct Nodes: Equatable, Sendable {
    /// Nodes written.
    public var count = 0.0
    /// Bytes of them, heads and rounding to transfer units included.
    public var byteCount = 0.0

    /// Nothing.
    public init() {}
  }

  /// Message bytes that a flush of a node of this level moves: its fullest buffer, when n of them lie evenly between nothing
  /// and that one. At least one message.
  public func flushByteCount(level: Int) -> Double {
    let children = levels[level - 1] / levels[level]
    return max(tree.entryByteCount, 2 * tree.bufferByteCount / (children + 1))
  }

  /// Bytes of a node: the head apart from messages, both in whole transfer units.
  private func nodeByteCount(_ contentByteCount: Double) -> Double {
    let unit = tree.unitByteCount
    return unit * (1 + DeterministicMath.ceiling(contentByteCount / unit))
  }

  /// The nodes written for one durable state with so many operations since the last one.
  public func nodes(operationCount: Double) -> Nodes {
    precondition(operationCount > 0, "A durable state has operations.")
    let byteCount = operationCount * tree.entryByteCount
    let root = levels.count - 1
    var nodes = Nodes()
    nodes.count = 1
    nodes.byteCount = nodeByteCount(tree.bufferByteCount - flushByteCount(level: root) / 2)
    var level = root - 1
    while level >= 0 {
      let flushes = byteCount / flushByteCount(level: level + 1)
      // A fraction of a flush reaches that fraction of a node.
      let touched = CopyOnWriteModel.touchedNodeCount(nodeCount: levels[level], operationCount: flushes)
      let reached = min(flushes, touched)
      let content = Self.fill * (level == 0 ? tree.nodeByteCount : tree.bufferByteCount)
      nodes.count += reached
      nodes.byteCount += reached * nodeByteCount(content)
      level -= 1
    }
    return nodes
  }
}
