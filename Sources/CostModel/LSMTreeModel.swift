// The leveled LSM-tree: how often an item is rewritten on its way down, in the worst case and for uniform updates.
//
//   log ─▶ memtable ─▶ L0 (a few runs) ─▶ L1 ─▶ L2 ─▶ … ─▶ last level, all N keys
//    1        1          S₁/w₀ + 1     growth + 1 each        growth + 1        ← worst case: Σ
//
// The second model counts distinct keys instead: a key that is overwritten before it moves costs nothing further.
// Unique(p) keys are seen by p requests; merging u and v distinct keys gives Unique(Unique⁻¹(u) + Unique⁻¹(v)).
//
// Source: H. Lim, D. G. Andersen, M. Kaminsky, "Towards Accurate and Fast Evaluation of Multi-Stage Log-structured
// Designs", FAST 2016, sections 4 and 5, and the authors' published model code.

import Primitives

/// A leveled LSM-tree with partial compaction in round-robin order.
public struct LeveledLSMModel: Equatable, Sendable {
  /// N, in unique keys.
  public var keyCount: Double
  /// The memtable, in items.
  public var memtableItemCount: Double
  /// L0 runs that trigger their compaction.
  public var levelZeroRunCount: Double
  /// L1, in items.
  public var firstLevelItemCount: Double
  /// T, how much larger each level is than the one above.
  public var sizeRatio: Double

  /// A tree described in items.
  public init(
    keyCount: Double, memtableItemCount: Double, levelZeroRunCount: Double, firstLevelItemCount: Double,
    sizeRatio: Double
  ) {
    precondition(
      keyCount >= 2 && memtableItemCount >= 1 && levelZeroRunCount >= 1 && firstLevelItemCount >= 1
        && sizeRatio >= 2, "Counts are at least 1 (keys and T at least 2).")
    self.keyCount = keyCount
    self.memtableItemCount = memtableItemCount
    self.levelZeroRunCount = levelZeroRunCount
    self.firstLevelItemCount = firstLevelItemCount
    self.sizeRatio = sizeRatio
  }

  /// LevelDB's sizes: memtable 4 MiB, 4 runs in L0, L1 10 MiB, T = 10.
  public init(keyCount: Double, itemByteCount: Double) {
    self.init(
      keyCount: keyCount, memtableItemCount: 4_194_304 / itemByteCount, levelZeroRunCount: 4,
      firstLevelItemCount: 10_485_760 / itemByteCount, sizeRatio: 10)
  }

  /// S₁ … S_L in items: L1·Tⁱ⁻¹ while below N, then N.
  public var levelItemCounts: [Double] {
    var counts: [Double] = []
    var size = firstLevelItemCount
    while size < keyCount {
      counts.append(size)
      size *= sizeRatio
    }
    return counts + [keyCount]
  }

  /// Items that leave L0 in one compaction: w₀.
  private var levelZeroItemCount: Double { levelZeroRunCount * memtableItemCount }

  // MARK: Worst case

  /// WA by stage when nothing is merged away: log 1, flush 1, L0 → L1 S₁/w₀ + 1, then Sᵢ₊₁/Sᵢ + 1.
  public var worstCaseStages: [Double] {
    let sizes = levelItemCounts
    var stages = [1, 1, sizes[0] / levelZeroItemCount + 1]
    for index in sizes.indices.dropFirst() { stages.append(sizes[index] / sizes[index - 1] + 1) }
    return stages
  }

  /// The sum of `worstCaseStages`.
  public var worstCaseWriteAmplification: Double { worstCaseStages.reduce(0, +) }

  // MARK: Distinct keys, uniform requests

  /// −ln(1 − 1/N): how fast uniform requests use up new keys.
  private var rate: Double { -DeterministicMath.ln(1 - 1 / keyCount) }

  /// Distinct keys in p uniform requests: N(1 − (1 − 1/N)ᵖ).
  public func uniqueKeyCount(requestCount: Double) -> Double {
    keyCount * (1 - DeterministicMath.exp(-rate * requestCount))
  }

  /// Requests needed to see u < N distinct keys: the inverse of `uniqueKeyCount`.
  public func requestCount(uniqueKeyCount: Double) -> Double {
    precondition(uniqueKeyCount < keyCount, "Fewer than all keys are seen after finitely many requests.")
    return -DeterministicMath.ln(1 - uniqueKeyCount / keyCount) / rate
  }

  /// c with ∫₀¹ Unique(c·z) dz = u: the requests between two round-robin visits of a place in a level of u items.
  ///
  /// For uniform requests the integral is N(1 − (1 − e^(−λc))/(λc)); solved by bisection to one part in 10¹².
  public func compactionInterval(levelItemCount: Double) -> Double {
    precondition(levelItemCount < keyCount, "Only a level smaller than the data has an interval.")
    let wanted = levelItemCount / keyCount
    func filled(_ x: Double) -> Double {
      // 1 − (1 − e⁻ˣ)/x; its series near 0, where the difference would cancel.
      x < 1e-4 ? x / 2 - x * x / 6 : 1 - (1 - DeterministicMath.exp(-x)) / x
    }
    var high = 1.0
    while filled(high) < wanted { high *= 2 }
    var low = 0.0
    for _ in 0..<200 where high - low > 1e-12 * high {
      let x = 0.5 * (low + high)
      if filled(x) < wanted { low = x } else { high = x }
    }
    return 0.5 * (low + high) / rate
  }

  /// WA by stage for uniform requests in the steady state: log, flush, L0 → L1, …, into the last level.
  public var uniformStages: [Double] {
    let sizes = levelItemCounts
    let memtable = memtableItemCount
    var requests = levelZeroItemCount
    var stages = [1, uniqueKeyCount(requestCount: memtable) / memtable]
    guard sizes.count > 1 else { return stages + [keyCount / requests] }
    stages.append(
      uniqueKeyCount(requestCount: requests + requestCount(uniqueKeyCount: sizes[0])) / requests)
    for index in 0..<(sizes.count - 1) {
      requests += compactionInterval(levelItemCount: sizes[index])
      let moved = uniqueKeyCount(requestCount: requests)
      let isLast = index + 1 == sizes.count - 1
      let merged =
        isLast
        ? keyCount : uniqueKeyCount(requestCount: requests + requestCount(uniqueKeyCount: sizes[index + 1]))
      // The second term: tables of the next level that overlap only in part.
      stages.append((merged + moved) / requests)
    }
    return stages
  }

  /// The sum of `uniformStages`.
  public var uniformWriteAmplification: Double { uniformStages.reduce(0, +) }
}

/// Closed forms that need fewer parameters.
public enum LSMFormulas {
  /// WA of n full levels with total fanout T = data/memtable: n·T^(1/n).
  ///
  /// Source: M. Callaghan, 2018, "Describing tiered and leveled compaction".
  public static func leveledWriteAmplification(levelCount: Double, totalFanout: Double) -> Double {
    levelCount * DeterministicMath.pow(totalFanout, 1 / levelCount)
  }

  /// The number of levels that minimises it: ln T.
  public static func optimalLevelCount(totalFanout: Double) -> Double { DeterministicMath.ln(totalFanout) }

  /// The bound on space amplification of leveling: 1 + 1/(T − 1).
  ///
  /// Source: Dong et al., CIDR 2017.
  public static func leveledSpaceAmplificationBound(sizeRatio: Double) -> Double { 1 + 1 / (sizeRatio - 1) }

  /// The false-positive rate of a Bloom filter with the best number of hash functions: e^(−bits·ln²2).
  ///
  /// Source: Dayan et al., SIGMOD 2017 (Monkey), equation 2.
  public static func falsePositiveRate(bitsPerEntry: Double) -> Double {
    let logarithm = DeterministicMath.ln(2)
    return DeterministicMath.exp(-bitsPerEntry * logarithm * logarithm)
  }
}
