// The B-tree: what point operations, ranges and updates cost in transfers, affine setups and written bytes.
//
//   levels below the cache   h = log_{B+1}(N/M)        N entries, M of them cached, B entries per node
//   point operation          h transfers               (1 + αB)·h setups
//   range of l entries       h + ⌈l/B⌉ transfers        (1 + l/B)(1 + αB) + (1 + αB)·h setups
//
// Deviations: the papers' 1 + o(1) is taken as 1; h is real, so that curves are smooth, and never below zero.

import Primitives

/// A B-tree of given geometry.
public struct BTreeModel: Equatable, Sendable {
  /// N, in entries.
  public var entryCount: Double
  /// M, in entries: the part of the tree that is cached.
  public var cachedEntryCount: Double
  /// B, in entries per node.
  public var nodeEntryCount: Double
  /// E, in bytes per entry.
  public var entryByteCount: Double

  /// A tree of N ≥ 1 entries of E bytes, M ≥ 1 of them cached, B ≥ 1 per node.
  public init(entryCount: Double, cachedEntryCount: Double, nodeEntryCount: Double, entryByteCount: Double) {
    precondition(
      entryCount >= 1 && cachedEntryCount >= 1 && nodeEntryCount >= 1 && entryByteCount > 0,
      "N, M and B are at least one entry, E is positive.")
    self.entryCount = entryCount
    self.cachedEntryCount = cachedEntryCount
    self.nodeEntryCount = nodeEntryCount
    self.entryByteCount = entryByteCount
  }

  /// A tree whose nodes and cache are given in bytes.
  public init(entryCount: Double, entryByteCount: Double, cacheByteCount: Double, nodeByteCount: Double) {
    self.init(
      entryCount: entryCount, cachedEntryCount: max(1, cacheByteCount / entryByteCount),
      nodeEntryCount: nodeByteCount / entryByteCount, entryByteCount: entryByteCount)
  }

  /// Bytes per node: B·E.
  public var nodeByteCount: Double { nodeEntryCount * entryByteCount }

  /// log_{B+1}(N/M): the levels that are not cached.
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 2.
  public var uncachedLevelCount: Double {
    logarithm(entryCount / cachedEntryCount, base: nodeEntryCount + 1)
  }

  // MARK: Transfers (DAM)

  /// Transfers of a point query, or of the reads of an insert or delete: log_{B+1}(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 2.
  public var pointTransferCount: Double { uncachedLevelCount }

  /// Transfers of a range query: ⌈l/B⌉ leaves and the descent.
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 2.
  public func rangeTransferCount(resultEntryCount: Double) -> Double {
    DeterministicMath.ceiling(resultEntryCount / nodeEntryCount) + pointTransferCount
  }

  /// Transfers of an insert that reads one leaf and writes it back, all inner nodes cached: 2.
  ///
  /// Source: Jannen et al., FAST 2015, section 2.2 (worked example).
  public static var insertTransferCountInnerCached: Double { 2 }

  // MARK: Affine cost

  /// Setups of a point query, insert or delete: (1 + αB)·log_{B+1}(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 5.
  public func pointSetups(_ device: AffineModel) -> Double {
    device.setups(byteCount: nodeByteCount) * uncachedLevelCount
  }

  /// Seconds of a point query, insert or delete: `pointSetups` times s.
  public func pointSeconds(_ device: AffineModel) -> Double { pointSetups(device) * device.setupSeconds }

  /// Setups of a range of l entries: (1 + l/B)(1 + αB) and the descent.
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 5.
  public func rangeSetups(resultEntryCount: Double, _ device: AffineModel) -> Double {
    (1 + resultEntryCount / nodeEntryCount) * device.setups(byteCount: nodeByteCount) + pointSetups(device)
  }

  /// The point cost apart from the data's size: (1 + αB)/log2(B + 1), to be multiplied by log2(N/M).
  ///
  /// Source: Bender et al., TOPC 2021, Table 3, row "B-tree".
  public func relativePointSetups(_ device: AffineModel) -> Double {
    device.setups(byteCount: nodeByteCount) / DeterministicMath.log2(nodeEntryCount + 1)
  }

  /// The node size, in bytes, at which point operations are cheapest: the x that minimises (1 + αx)/ln(x + 1).
  ///
  /// Found by bisection on the derivative's sign, α(x + 1)ln(x + 1) = 1 + αx, to one part in 10⁹.
  ///
  /// Source: Bender et al., TOPC 2021, Corollary 7.
  public static func optimalNodeByteCount(entryByteCount: Double, _ device: AffineModel) -> Double {
    let alpha = device.alphaPerByte * entryByteCount
    var low = 1.0
    var high = max(2.0, 4 / alpha)
    for _ in 0..<120 {
      let x = 0.5 * (low + high)
      let isBelow = alpha * (x + 1) * DeterministicMath.ln(x + 1) < 1 + alpha * x
      if isBelow { low = x } else { high = x }
      if high - low <= 1e-9 * high { break }
    }
    return 0.5 * (low + high) * entryByteCount
  }

  // MARK: Written bytes

  /// WA of single-entry updates that each rewrite one node: B, the worst case.
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 3.
  public var worstCaseWriteAmplification: Double { nodeEntryCount }

  /// WA of an in-place tree on small records, out of cache: page / record, doubled when every page also goes to a log
  /// or a double-write area.
  ///
  /// Source: arithmetic of Qiao et al., FAST 2022 (8 KiB pages, 128-byte records: 64).
  public static func inPlaceWriteAmplification(
    pageByteCount: Double, recordByteCount: Double, logsWholePages: Bool = false
  ) -> Double {
    precondition(pageByteCount > 0 && recordByteCount > 0, "Pages and records have at least one byte.")
    return (logsWholePages ? 2 : 1) * pageByteCount / recordByteCount
  }

  /// The share of a page that random inserts fill: ln 2.
  ///
  /// Source: A. C. Yao, Acta Informatica 9, 1978.
  public static var randomFill: Double { DeterministicMath.ln(2) }
}

/// Levels of a tree of real height: log_base(ratio), 0 when everything is cached.
func logarithm(_ ratio: Double, base: Double) -> Double {
  precondition(base > 1, "A logarithm's base is above 1.")
  return ratio <= 1 ? 0 : DeterministicMath.log2(ratio) / DeterministicMath.log2(base)
}
