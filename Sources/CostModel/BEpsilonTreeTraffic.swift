// What an insert and a query of a Bε-tree transfer, with the constants that the asymptotic forms hide.
//
//   level      bytes                 what a message costs there, in its own bytes
//   inner      nodes of ln 2 · b     (1 + 2ρ) where it is not cached,   ρ = ln 2 · b ÷ m
//   leaves     nodes of ln 2 · B     (1 + 2ρ) where it is not cached,   ρ = ln 2 · B ÷ m
//   log        its bytes             1
//
//   query      reads                                  bytes
//   inner      a head and one child's buffer, or      b ÷ n and the head,
//              the node, where children share one     b and the head: (1 + αB) of Lemma 8 beside (1 + αB/F + αF) of Theorem 9
//   leaves     a head and a basement                  a basement and the head
//
//   b = B − F     n = ln 2 · (F + 1) children     m = 2b ÷ n message bytes a flush moves, at least one message
//
// A node with n children that flushes the fullest keeps buffers evenly spread between nothing and the fullest: that one holds twice
// the average. Each flush reads a node and writes it with what came. That is the DAM form 2F·log_F(N/M) of the textbook with fill,
// flush size and cache said; the affine form adds s for each transfer.
//
// Invariants
// 1. No constant was fitted to a measurement: ln 2 is the fill of nodes that split in halves (A. C. Yao, Acta Informatica 1978).
// 2. A load is the mean over trees of 1/32, 3/32 … 31/32 of its records.
//
// 3. Of a level of k nodes, a query after a cold start finds its node in memory when one of the queries before it came there:
//    over q queries (k ÷ q)·(1 − (1 − 1/k)^q) of them do not, and never fewer than what the memory cannot hold.
//
// Deviations: levels are cached from the top, whole parts of them; what two flushes share, sequential keys, and messages that meet
// on their way are left out.
//
// Source: M. A. Bender et al., ACM TOPC 8(3), 2021, Theorem 4 (DAM), Lemma 8 and Theorem 9 (affine).

import Primitives

/// A Bε-tree with a cache, in bytes.
public struct BEpsilonTreeTraffic: Equatable, Sendable {
  /// Entries at the end.
  public var entryCount: Double
  /// Bytes of a message or an entry.
  public var entryByteCount: Double
  /// B, in bytes.
  public var nodeByteCount: Double
  /// F.
  public var fanout: Double
  /// b = B − F, in bytes; 0 for ε = 1.
  public var bufferByteCount: Double
  /// Bytes of a basement; nodes of up to four are stored and read whole.
  public var basementByteCount: Double
  /// Bytes of a child's line in a node's head.
  public var pivotByteCount: Double
  /// Memory for nodes that readers use.
  public var cacheByteCount: Double
  /// The part of it that may be dirty.
  public var dirtyByteCount: Double
  /// Bytes of log between two checkpoints.
  public var checkpointByteCount: Double
  /// Bytes of a transfer unit.
  public var unitByteCount: Double
  /// Whether a node's children share one buffer: then a query reads the whole node.
  public var sharesBuffers = false
  /// Queries since the memory was empty; nil for many.
  public var coldQueryCount: Double?

  /// A tree.
  public init(
    entryCount: Double, entryByteCount: Double, nodeByteCount: Double, fanout: Double,
    bufferByteCount: Double,
    basementByteCount: Double, pivotByteCount: Double, cacheByteCount: Double, dirtyByteCount: Double,
    checkpointByteCount: Double, unitByteCount: Double
  ) {
    precondition(
      entryCount >= 1 && entryByteCount > 0 && nodeByteCount >= entryByteCount && fanout >= 2
        && bufferByteCount >= 0 && basementByteCount > 0 && checkpointByteCount > 0 && unitByteCount > 0,
      "A tree has entries, nodes that hold one, two children, basements, checkpoints and a transfer unit.")
    self.entryCount = entryCount
    self.entryByteCount = entryByteCount
    self.nodeByteCount = nodeByteCount
    self.fanout = fanout
    self.bufferByteCount = bufferByteCount
    self.basementByteCount = basementByteCount
    self.pivotByteCount = pivotByteCount
    self.cacheByteCount = max(0, cacheByteCount)
    self.dirtyByteCount = max(0, dirtyByteCount)
    self.checkpointByteCount = checkpointByteCount
    self.unitByteCount = unitByteCount
  }

  private static let fill = DeterministicMath.ln(2)

  /// n, children of an inner node: one that has more than F, or than 3, is halved.
  public var childCount: Double { max(2, Self.fill * (max(fanout, 3) + 1)) }

  /// m, message bytes a flush moves.
  public var flushByteCount: Double { max(entryByteCount, 2 * bufferByteCount / childCount) }

  /// Nodes of each inner level of a tree of so many entries, lowest level first.
  private func innerLevels(_ entries: Double) -> [Double] {
    var count = max(1, entries * entryByteCount / (Self.fill * nodeByteCount))
    var levels: [Double] = []
    while count > 1, levels.count < 64 {
      count = max(1, count / childCount)
      levels.append(count)
    }
    return levels
  }

  // MARK: Inserts

  /// Transfers and bytes, for one operation.
  public struct Cost: Equatable, Sendable {
    /// Read transfers.
    public var readCount = 0.0
    /// Bytes of them.
    public var readByteCount = 0.0
    /// Write transfers, those of the log left out.
    public var writeCount = 0.0
    /// Bytes written, the log's included.
    public var writeByteCount = 0.0

    /// Nothing.
    public init() {}

    /// Bytes read and written.
    public var byteCount: Double { readByteCount + writeByteCount }

    /// Blocks of B bytes: the disk-access machine's cost.
    public func blockCount(blockByteCount: Double) -> Double { byteCount / blockByteCount }

    /// Seconds in the affine model: s for each transfer, t for each byte.
    public func seconds(reads: AffineModel, writes: AffineModel) -> Double {
      reads.seconds(transferCount: readCount, byteCount: readByteCount)
        + writes.seconds(transferCount: writeCount, byteCount: writeByteCount)
    }
  }

  /// An insert with random keys into a tree that grows from nothing, log included.
  public var insertCost: Cost {
    var cost = Cost()
    let steps = 16
    for step in 0..<steps {
      let entries = entryCount * (Double(step) + 0.5) / Double(steps)
      addInsert(into: max(1, entries), to: &cost, share: 1 / Double(steps))
    }
    return cost
  }

  private func addInsert(into entries: Double, to cost: inout Cost, share: Double) {
    cost.writeByteCount += share * entryByteCount
    var left = dirtyByteCount
    let flush = flushByteCount
    func add(levelByteCount: Double, contentByteCount: Double) {
      let cached = min(left, levelByteCount)
      left -= cached
      let missing = 1 - cached / levelByteCount
      let rewritten = contentByteCount / flush
      let messages = share * entryByteCount
      cost.readCount += messages * missing / flush
      cost.readByteCount += messages * missing * rewritten
      cost.writeCount += messages * missing / flush
      cost.writeByteCount += messages * missing * (1 + rewritten)
      // What stays is written by checkpoints, unless a flush between two of them is rarer.
      cost.writeByteCount += messages * min(cached / checkpointByteCount, 1 + rewritten)
    }
    if bufferByteCount > 0 {
      for count in innerLevels(entries).reversed() {
        let content = Self.fill * bufferByteCount
        add(levelByteCount: count * content, contentByteCount: content)
      }
    }
    add(levelByteCount: entries * entryByteCount, contentByteCount: Self.fill * nodeByteCount)
  }

  // MARK: Queries

  /// The share of queries that come first to one of `count` places, when all start with an empty memory.
  private func firstVisitShare(_ count: Double) -> Double {
    guard let queries = coldQueryCount, queries >= 1 else { return 0 }
    let places = max(1, count)
    if places == 1 { return 1 / queries }
    return places / queries * (1 - DeterministicMath.pow(1 - 1 / places, queries))
  }

  /// A point query for a key that exists, of a tree whose buffers are as full as a load leaves them, uniform keys.
  public var pointCost: Cost {
    var cost = Cost()
    var left = cacheByteCount
    // The share of queries that go on: the rest found their message in a buffer above.
    var reach = 1.0
    let leafByteCount = entryCount * entryByteCount
    let leafCount = max(1, leafByteCount / (Self.fill * nodeByteCount))
    let levels = innerLevels(entryCount)
    let content = Self.fill * bufferByteCount
    let total = leafByteCount + levels.reduce(0) { $0 + $1 * content }
    func rounded(_ byteCount: Double) -> Double {
      DeterministicMath.ceiling(byteCount / unitByteCount) * unitByteCount
    }
    func read(_ byteCount: Double, levelByteCount: Double) {
      let cached = min(left, levelByteCount)
      left -= cached
      let missing = reach * max(1 - cached / levelByteCount, firstVisitShare(levelByteCount / byteCount))
      cost.readCount += missing
      cost.readByteCount += missing * byteCount
    }
    let head = childCount * pivotByteCount + 64
    for count in levels.reversed() {
      if sharesBuffers || content + head <= 4 * basementByteCount {
        let node = rounded(content + head)
        read(node, levelByteCount: count * node)
      } else {
        read(rounded(head), levelByteCount: count * rounded(head))
        let part = rounded(content / childCount + 16)
        read(part, levelByteCount: count * childCount * part)
      }
      reach -= count * content / total
    }
    if Self.fill * nodeByteCount <= 4 * basementByteCount {
      let leaf = rounded(Self.fill * nodeByteCount)
      read(leaf, levelByteCount: leafCount * leaf)
    } else {
      let parts = Self.fill * nodeByteCount / basementByteCount
      let directory = rounded(parts * pivotByteCount + 64)
      read(directory, levelByteCount: leafCount * directory)
      read(basementByteCount, levelByteCount: leafCount * parts * basementByteCount)
    }
    return cost
  }
}
