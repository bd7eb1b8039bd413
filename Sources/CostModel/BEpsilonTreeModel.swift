// The Bε-tree: messages travel down in batches of about B/F, so an insert costs a share of a transfer per level.
//
//   fanout F ≈ B^ε      height below the cache H = log_F(N/M)
//   insert   (2F/B)·H transfers      each flush reads and writes a node for B/F messages
//   query    H (+1)    transfers     whole nodes, or one child's segment of them
//   WA       2F·H                    parent and child rewritten;  H + 1 when a flush moves pointers only
//
//   ε = 1 is a B-tree, ε = 0 (F = 2) a buffered repository tree.
//
// Deviations: constants are explicit (factor 2 for reading and writing); H is real and never below zero.

import Primitives

/// A Bε-tree of given geometry.
public struct BEpsilonTreeModel: Equatable, Sendable {
  /// N, in entries.
  public var entryCount: Double
  /// M, in entries.
  public var cachedEntryCount: Double
  /// B, in entries per node.
  public var nodeEntryCount: Double
  /// F, children per node, at least 2.
  public var fanout: Double
  /// E, in bytes per entry.
  public var entryByteCount: Double

  /// A tree with fanout F.
  public init(
    entryCount: Double, cachedEntryCount: Double, nodeEntryCount: Double, fanout: Double,
    entryByteCount: Double
  ) {
    precondition(
      entryCount >= 1 && cachedEntryCount >= 1 && nodeEntryCount >= 2 && entryByteCount > 0,
      "N and M are at least one entry, B at least two, E is positive.")
    precondition(fanout >= 2, "The fanout is at least 2.")
    self.entryCount = entryCount
    self.cachedEntryCount = cachedEntryCount
    self.nodeEntryCount = nodeEntryCount
    self.fanout = fanout
    self.entryByteCount = entryByteCount
  }

  /// A tree with exponent ε: F = max(2, ⌊B^ε⌋), B in entries.
  public init(
    entryCount: Double, cachedEntryCount: Double, nodeEntryCount: Double, epsilon: Double,
    entryByteCount: Double
  ) {
    self.init(
      entryCount: entryCount, cachedEntryCount: cachedEntryCount, nodeEntryCount: nodeEntryCount,
      fanout: Self.fanout(nodeEntryCount: nodeEntryCount, epsilon: epsilon), entryByteCount: entryByteCount)
  }

  // MARK: Geometry

  /// F = max(2, ⌊B^ε⌋).
  ///
  /// Source: Brodal, Fagerberg, SODA 2003; Bender et al., ;login: 40(5), 2015.
  public static func fanout(nodeEntryCount: Double, epsilon: Double) -> Double {
    precondition(epsilon >= 0 && epsilon <= 1, "ε lies between 0 and 1.")
    // A power that is whole on paper may come out one unit in the last place below: lift it before cutting.
    let power = DeterministicMath.pow(nodeEntryCount, epsilon)
    return max(2, DeterministicMath.floor(power + 4 * power.ulp))
  }

  /// The buffer, in the unit of B: B − F.
  ///
  /// Source: Bender et al., ;login: 40(5), 2015 (B − B^ε).
  public var bufferEntryCount: Double { max(0, nodeEntryCount - fanout) }

  /// H = log_F(N/M): the levels that are not cached.
  ///
  /// Source: Bender et al., TOPC 2021, Theorem 4.
  public var uncachedLevelCount: Double { logarithm(entryCount / cachedEntryCount, base: fanout) }

  /// ε of the fanout: ln F / ln B.
  public var effectiveEpsilon: Double {
    DeterministicMath.log2(fanout) / DeterministicMath.log2(nodeEntryCount)
  }

  // MARK: Transfers (DAM)

  /// Amortised transfers of an insert: (2F/B)·log_F(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Theorem 4, with the factor 2 for reading and writing.
  public var insertTransferCount: Double { 2 * fanout / nodeEntryCount * uncachedLevelCount }

  /// Transfers of a point query: log_F(N/M), at least the leaf when anything is uncached.
  ///
  /// Source: Bender et al., TOPC 2021, Theorem 4.
  public var pointTransferCount: Double { uncachedLevelCount }

  /// Transfers of a range query: l/B and a point query.
  ///
  /// Source: Bender et al., TOPC 2021, Theorem 4.
  public func rangeTransferCount(resultEntryCount: Double) -> Double {
    DeterministicMath.ceiling(resultEntryCount / nodeEntryCount) + pointTransferCount
  }

  /// Transfers per inserted item of a tree with cold nodes: 2·(1 + log_F(leaves))·F·E / node bytes.
  ///
  /// Each level reads and writes one node for a batch of node bytes/(F·E) items.
  ///
  /// Source: Jannen et al., FAST 2015, section 2.2 (worked example: 14 transfers per 100 items).
  public static func insertTransferCount(
    leafCount: Double, fanout: Double, entryByteCount: Double, nodeByteCount: Double
  ) -> Double {
    precondition(leafCount >= 1 && nodeByteCount > 0, "A tree has a leaf, and nodes have bytes.")
    let height = 1 + logarithm(leafCount, base: fanout)
    return 2 * height * fanout * entryByteCount / nodeByteCount
  }

  /// Asymptotic insert cost of the summary tables, constants one: log_B N / (ε·B^(1 − ε)).
  ///
  /// Source: Bender et al., ;login: 40(5), 2015, Table 1.
  public static func textbookInsertTransferCount(
    entryCount: Double, nodeEntryCount: Double, epsilon: Double
  ) -> Double {
    precondition(epsilon > 0 && epsilon <= 1, "The textbook form needs 0 < ε ≤ 1.")
    let flushed = DeterministicMath.pow(nodeEntryCount, 1 - epsilon)
    return logarithm(entryCount, base: nodeEntryCount) / (epsilon * flushed)
  }

  /// Asymptotic query cost of the summary tables, constants one: log_B N / ε.
  ///
  /// Source: Bender et al., ;login: 40(5), 2015, Table 1.
  public static func textbookQueryTransferCount(
    entryCount: Double, nodeEntryCount: Double, epsilon: Double
  ) -> Double {
    precondition(epsilon > 0 && epsilon <= 1, "The textbook form needs 0 < ε ≤ 1.")
    return logarithm(entryCount, base: nodeEntryCount) / epsilon
  }

  // MARK: Affine cost

  /// α per entry of a device.
  private func alpha(_ device: AffineModel) -> Double { device.alphaPerByte * entryByteCount }

  /// Setups of an insert: (F/B + αF)·log_F(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 8; unchanged by Theorem 9.
  public func insertSetups(_ device: AffineModel) -> Double {
    (fanout / nodeEntryCount + alpha(device) * fanout) * uncachedLevelCount
  }

  /// Setups of a point query that reads whole nodes: (1 + αB)·log_F(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 8.
  public func wholeNodePointSetups(_ device: AffineModel) -> Double {
    (1 + alpha(device) * nodeEntryCount) * uncachedLevelCount
  }

  /// Setups of a point query that reads one child's segment: (1 + αB/F + αF)·log_F(N/M)·(1 + 1/log2 F).
  ///
  /// The last factor is the weight balance; it is 1 + o(1) and left out when `includesWeightBalance` is false.
  ///
  /// Source: Bender et al., TOPC 2021, Theorem 9.
  public func segmentPointSetups(_ device: AffineModel, includesWeightBalance: Bool = true) -> Double {
    let node = 1 + alpha(device) * nodeEntryCount / fanout + alpha(device) * fanout
    let balance = includesWeightBalance ? 1 + 1 / DeterministicMath.log2(fanout) : 1
    return node * uncachedLevelCount * balance
  }

  /// Insert cost of the B^½-tree apart from the data's size: (1 + αB)/(√B·log2 B), times log2(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Table 3, row "B^½".
  public static func relativeInsertSetupsOfSquareRootTree(
    nodeEntryCount: Double, entryByteCount: Double, _ device: AffineModel
  ) -> Double {
    let alpha = device.alphaPerByte * entryByteCount
    let root = nodeEntryCount.squareRoot()
    return (1 + alpha * nodeEntryCount) / (root * DeterministicMath.log2(nodeEntryCount))
  }

  /// Query cost of the B^½-tree with segments, apart from the data's size: (1 + α√B)/log2 B, times log2(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Table 3, row "B^½".
  public static func relativeQuerySetupsOfSquareRootTree(
    nodeEntryCount: Double, entryByteCount: Double, _ device: AffineModel
  ) -> Double {
    let alpha = device.alphaPerByte * entryByteCount
    return (1 + alpha * nodeEntryCount.squareRoot()) / DeterministicMath.log2(nodeEntryCount)
  }

  // MARK: Written bytes

  /// WA when a flush rewrites parent and child: 2F·log_F(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Theorem 4 (B^ε·log_F(N/M)), with the factor 2 for parent and child.
  public var writeAmplification: Double { 2 * fanout * uncachedLevelCount }

  /// WA when a flush moves pointers and bytes are rewritten once per level: log_F(N/M) + 1.
  ///
  /// Source: Conway et al., ATC 2020 (size-tiered buffers).
  public var pointerFlushWriteAmplification: Double { uncachedLevelCount + 1 }

  // MARK: Limits

  /// The shape of the query lower bound for a structure whose inserts cost δ/B transfers:
  /// log_{c·δ·log2²N}(N/M). The constant c is free: a shape, no bound on its own.
  ///
  /// Source: Brodal, Fagerberg, SODA 2003, second bound.
  public static func queryLowerBoundShape(
    entryCount: Double, cachedEntryCount: Double, insertFactor: Double, constant: Double = 1
  ) -> Double {
    let logarithmOfN = DeterministicMath.log2(entryCount)
    let base = max(2, constant * insertFactor * logarithmOfN * logarithmOfN)
    return logarithm(entryCount / cachedEntryCount, base: base)
  }
}
