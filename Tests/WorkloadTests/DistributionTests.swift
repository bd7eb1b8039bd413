// Goal: every distribution draws what its name says, as a pure function of seed, stream and ordinal.
// Method: chi-square of seeded draws against exact probabilities; the hottest key's share against zeta; known answers of
// YCSB; the same draws singly, in blocks and backwards; golden first 20 draws.
//
// Chi-square with f degrees of freedom has mean f and deviation √(2f); the seeds are fixed, and a right distribution
// passes the limit f + 6 √(2f) for all but fewer than one seed in 10⁷.

import KeyValue
import Primitives
import Testing

@testable import Workload

private let random = CounterRandom(seed: 20_250_101, stream: 77)

/// The chi-square of counts against probabilities, cells below 10 expected pooled, and its limit.
private func chiSquare(_ counts: [Int], _ probabilities: [Double]) -> (value: Double, limit: Double) {
  let total = Double(counts.reduce(0, +))
  var value = 0.0
  var cells = 0
  var pooledCount = 0.0
  var pooledExpected = 0.0
  for (count, probability) in zip(counts, probabilities) {
    pooledCount += Double(count)
    pooledExpected += probability * total
    if pooledExpected < 10 { continue }
    value += (pooledCount - pooledExpected) * (pooledCount - pooledExpected) / pooledExpected
    cells += 1
    pooledCount = 0
    pooledExpected = 0
  }
  let freedom = Double(max(1, cells - 1))
  return (value, freedom + 6 * (2 * freedom).squareRoot())
}

private func zipfProbabilities(_ count: Int, _ theta: Double) -> [Double] {
  let weights = (1...count).map { DeterministicMath.pow(Double($0), -theta) }
  let zeta = weights.reversed().reduce(0, +)
  return weights.map { $0 / zeta }
}

private func make(_ name: String, _ population: UInt64, _ parameters: [String: ParameterValue] = [:]) throws
  -> any IndexDistribution
{
  let descriptor = try distribution(named: name)
  return try descriptor.make(
    try ParameterSet(parameters).filled(with: descriptor.parameters),
    DistributionContext(population: population, seed: 1))
}

@Suite struct DistributionTests {
  @Test(arguments: [0, 0.2, 0.5, 0.8, 0.99, 0.99995, 1, 1.00005, 1.01, 1.2, 1.5, 2, 3, 6])
  func zipfRanksFollowTheirProbabilities(theta: Double) {
    for count in [1, 2, 3, 10, 100, 5000] {
      let ranks = ZipfRanks(count: UInt64(count), theta: theta)
      var counts = [Int](repeating: 0, count: count)
      for ordinal in 0..<200_000 as Range<UInt64> {
        counts[Int(ranks.rank(random: random, ordinal: ordinal))] += 1
      }
      let (value, limit) = chiSquare(counts, zipfProbabilities(count, theta))
      #expect(value < limit, "theta \(theta), count \(count)")
    }
  }

  /// zeta(1000, 0.99) = 7.728953217284729 and zeta(10⁶, 0.99) = 15.391849746037371 are published: the hottest key gets
  /// 1 ÷ zeta, the hottest 1 % of 10⁶ keys 66.43 %.
  @Test func hottestKeysGetTheirKnownShare() {
    let draws = 1_000_000
    for (count, zeta) in [(1000, 7.728953217284729), (1_000_000, 15.391849746037371)] {
      let ranks = ZipfRanks(count: UInt64(count), theta: 0.99)
      var hottest = 0
      var hotPart = 0
      for ordinal in 0..<UInt64(draws) {
        let rank = ranks.rank(random: random, ordinal: ordinal)
        if rank == 0 { hottest += 1 }
        if rank < UInt64(count / 100) { hotPart += 1 }
      }
      let share = 1 / zeta
      let deviation = (share * (1 - share) / Double(draws)).squareRoot()
      #expect(abs(Double(hottest) / Double(draws) - share) < 6 * deviation)
      if count == 1_000_000 { #expect(abs(Double(hotPart) / Double(draws) - 0.6643) < 0.003) }
    }
  }

  @Test func approximatePowersAreGoodToFourteenDigits() {
    for ordinal in 0..<200_000 as Range<UInt64> {
      let x = DeterministicMath.exp((random.unit(ordinal) - 0.5) * 100)
      let ln = DeterministicMath.ln(x)
      #expect(abs(ApproximatePower.ln(x) - ln) <= 1e-14 * max(1, abs(ln)))
      let y = (random.unit(ordinal, 1) - 0.5) * 1400
      let exp = DeterministicMath.exp(y)
      #expect(abs(ApproximatePower.exp(y) - exp) <= 1e-14 * exp)
    }
    #expect(ApproximatePower.ln(1) == 0 && ApproximatePower.exp(0) == 1)
    #expect(ApproximatePower.exp(-1e9) == 0 && ApproximatePower.exp(-.infinity) == 0)
    #expect(ApproximatePower.exp(1e9) == .infinity)
  }

  @Test func zipfProbabilitiesGiveThePublishedZeta() {
    #expect(abs(1 / zipfProbabilities(1000, 0.99)[0] - 7.728953217284729) < 1e-12)
  }

  @Test func hugePopulationsStayInRange() {
    for theta in [0, 0.5, 0.99, 1, 1.3, 16] {
      let count: UInt64 = 1 << 50
      let ranks = ZipfRanks(count: count, theta: theta)
      for ordinal in 0..<10_000 as Range<UInt64> {
        #expect(ranks.rank(random: random, ordinal: ordinal) < count)
      }
    }
  }

  @Test func resizedRanksAreFreshRanks() {
    var resized = ZipfRanks(count: 7, theta: 0.8)
    for count in [8, 1000, 3, 12345] as [UInt64] {
      resized.resize(count: count)
      let fresh = ZipfRanks(count: count, theta: 0.8)
      for ordinal in 0..<500 as Range<UInt64> {
        #expect(
          resized.rank(random: random, ordinal: ordinal) == fresh.rank(random: random, ordinal: ordinal))
      }
    }
  }

  /// The hot keys are a permutation of the ranks: sorted by frequency they have the ranks' probabilities.
  @Test func zipfSpreadsItsRanksOverTheKeys() throws {
    let zipf = try make("zipf", 500, ["theta": .real(0.99)])
    let order = DistributionContext(population: 500, seed: 1).hotKeys
    var counts = [Int](repeating: 0, count: 500)
    for ordinal in 0..<200_000 as Range<UInt64> {
      let index = zipf.index(random: random, ordinal: ordinal, population: 500)
      counts[Int(order.inverse(index))] += 1
    }
    let (value, limit) = chiSquare(counts, zipfProbabilities(500, 0.99))
    #expect(value < limit)
    #expect(order[0] != 0 || order[1] != 1 || order[2] != 2)
  }

  @Test func uniformIsUniform() throws {
    let uniform = try make("uniform", 1)
    for count in [1, 7, 1000] {
      var counts = [Int](repeating: 0, count: count)
      for ordinal in 0..<300_000 as Range<UInt64> {
        counts[Int(uniform.index(random: random, ordinal: ordinal, population: UInt64(count)))] += 1
      }
      let (value, limit) = chiSquare(counts, [Double](repeating: 1 / Double(count), count: count))
      #expect(value < limit)
    }
  }

  @Test func sequentialGoesRound() throws {
    let sequential = try make("sequential", 5)
    let indices = (0..<12).map { sequential.index(random: random, ordinal: $0, population: 5) }
    #expect(indices == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1])
  }

  @Test func latestPrefersTheNewest() throws {
    let latest = try make("latest", 10, ["theta": .real(0.99)])
    var counts = [Int](repeating: 0, count: 300)
    for ordinal in 0..<200_000 as Range<UInt64> {
      counts[299 - Int(latest.index(random: random, ordinal: ordinal, population: 300))] += 1
    }
    let (value, limit) = chiSquare(counts, zipfProbabilities(300, 0.99))
    #expect(value < limit)
  }

  @Test func hotspotSplitsItsOperations() throws {
    let hotspot = try make("hotspot", 1000)
    var counts = [Int](repeating: 0, count: 1000)
    for ordinal in 0..<300_000 as Range<UInt64> {
      counts[Int(hotspot.index(random: random, ordinal: ordinal, population: 1000))] += 1
    }
    let expected = (0..<1000).map { $0 < 200 ? 0.8 / 200 : 0.2 / 800 }
    let (value, limit) = chiSquare(counts, expected)
    #expect(value < limit)
  }

  @Test func hotspotWithoutColdOrHotKeysStaysInRange() throws {
    for (keys, operations) in [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)] {
      let hotspot = HotspotDistribution(hotKeyFraction: keys, hotOperationFraction: operations)
      for ordinal in 0..<1000 as Range<UInt64> {
        #expect(hotspot.index(random: random, ordinal: ordinal, population: 3) < 3)
      }
    }
  }

  /// Distances are exponential, cut at the population: P(distance ≥ d) before the cut is e^(−d ÷ mean).
  @Test func exponentialFollowsItsRate() throws {
    let exponential = try make("exponential", 1000)
    let mean = 857.1428571 / -DeterministicMath.ln(0.05)
    let below = { (distance: Int) in 1 - DeterministicMath.exp(-Double(distance) / mean) }
    let expected = (0..<1000).map { (below($0 + 1) - below($0)) / below(1000) }
    var counts = [Int](repeating: 0, count: 1000)
    for ordinal in 0..<300_000 as Range<UInt64> {
      counts[999 - Int(exponential.index(random: random, ordinal: ordinal, population: 1000))] += 1
    }
    let (value, limit) = chiSquare(counts, expected)
    #expect(value < limit)
  }

  @Test func ycsbHashKnownAnswers() {
    #expect(
      [0, 1, 2, 3, 1_000_000].map { YCSBZipfianDistribution.hash($0) } == [
        6_284_781_860_667_377_211, 8_517_097_267_634_966_620, 1_820_151_046_732_198_393,
        4_052_466_453_699_787_802, 1_011_632_231_655_643_464,
      ])
  }

  /// The hottest rank takes 1 ÷ 26.469 = 3.78 % and the second 2^−0.99 of that, at any number of keys.
  @Test func ycsbHottestShareDoesNotDependOnTheKeys() throws {
    for population in [1000, 1_000_000] as [UInt64] {
      let zipfian = try make("zipf_ycsb", population)
      let hottest = YCSBZipfianDistribution.hash(0) % population
      var count = 0
      for ordinal in 0..<500_000 as Range<UInt64> {
        if zipfian.index(random: random, ordinal: ordinal, population: population) == hottest { count += 1 }
      }
      // Collisions of other ranks add about 1 / population.
      let share = 1 / 26.46902820178302 + 0.96 / Double(population)
      #expect(abs(Double(count) / 500_000 - share) < 0.0018)
    }
    let zipfian = YCSBZipfianDistribution(context: DistributionContext(population: 10, seed: 1))
    #expect(zipfian.rank(unit: 0) == 0 && zipfian.rank(unit: 0.0377) == 0)
    #expect(zipfian.rank(unit: 0.0378) == 1 && zipfian.rank(unit: 0.0568) == 1)
    #expect(zipfian.rank(unit: 0.0569) >= 2)
    #expect(zipfian.rank(unit: 1 - 0x1p-53) <= 10_000_000_001)
  }

  /// All distributions: the same index singly, in one block, and in a block drawn backwards; always in range.
  @Test(arguments: distributionCatalogue.map(\.name))
  func drawsDoNotDependOnTheirBlock(name: String) throws {
    let population: UInt64 = 700
    let chosen = try make(name, population)
    var forward = ContiguousArray(
      (0..<300).map { IndexDraw(ordinal: $0, population: population + $0 / 3) })
    var backward = ContiguousArray(forward.reversed())
    resolve(chosen, &forward)
    resolve(chosen, &backward)
    for place in 0..<300 {
      let draw = forward[place]
      #expect(draw.index == backward[299 - place].index)
      #expect(
        draw.index == chosen.index(random: random, ordinal: draw.ordinal, population: draw.population))
      #expect(draw.index < draw.population)
    }
    // A population of one key leaves no choice.
    let single = try make(name, 1)
    for ordinal in 0..<50 as Range<UInt64> {
      #expect(single.index(random: random, ordinal: ordinal, population: 1) == 0)
    }
  }

  /// Golden: the first 20 draws over 1,000 keys. A change here changes every record ever made.
  @Test(arguments: distributionCatalogue.map(\.name)) func goldenDraws(name: String) throws {
    let chosen = try make(name, 1000)
    let draws = (0..<20).map { chosen.index(random: random, ordinal: $0, population: 1000) }
    #expect(draws == GoldenStreams.draws[name], "\(name): \(draws)")
  }

  @Test func unknownNamesAreRefused() {
    #expect(parameterRefused { _ = try distribution(named: "zipfian") } == "distribution")
  }

  private func resolve(_ chosen: any IndexDistribution, _ draws: inout ContiguousArray<IndexDraw>) {
    var span = draws.mutableSpan
    chosen.resolve(&span, random: random)
  }
}
