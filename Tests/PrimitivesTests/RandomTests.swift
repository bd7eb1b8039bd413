// Goal: draws are a pure function of (seed, stream, index, sub), well mixed in every argument, and permutations are
// bijections that look random.
// Method: frozen known answers; equidistribution of bytes and of ranges (chi-square); avalanche of every input bit;
// correlation of neighbouring streams; exhaustive bijections for every small count. Fixed seeds: nothing is flaky.

import Testing

@testable import Primitives

@Suite struct RandomTests {
  @Test func knownAnswersAreFrozen() {
    let random = CounterRandom(seed: 1, stream: 2)
    #expect((0..<4).map { random.draw($0) } == Self.frozenDraws)
    #expect(random.draw(0, 1) == Self.frozenSubDraw)
    #expect(CounterRandom(seed: 0, stream: 0).draw(0) == Self.frozenZeroDraw)
    #expect((0..<8).map { random.uniform(below: 1_000, $0) } == Self.frozenUniform)
    #expect(random.unit(5).bitPattern == Self.frozenUnit)
    let permutation = Permutation(count: 1_000, seed: 3)
    #expect((0..<8).map { permutation[$0] } == Self.frozenPermutation)
  }

  @Test func orderAndCopiesDoNotMatter() {
    let random = CounterRandom(seed: 9, stream: 9)
    let copy = random
    let forward = (0..<100).map { random.draw($0) }
    let backward = (0..<100).reversed().map { copy.draw($0) }
    #expect(forward == backward.reversed())
  }

  /// χ² of counts against equal expectation, as standard deviations from its mean.
  func deviation(_ counts: [Int]) -> Double {
    let total = counts.reduce(0, +)
    let expected = Double(total) / Double(counts.count)
    let sum = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    let freedom = Double(counts.count - 1)
    return (sum - freedom) / (2 * freedom).squareRoot()
  }

  @Test(arguments: [(0, 0), (0, 1), (1, 0), (12_345, 678), (UInt64.max, UInt64.max)])
  func everyByteIsEquidistributed(seed: UInt64, stream: UInt64) {
    let random = CounterRandom(seed: seed, stream: stream)
    for byte in 0..<8 {
      var counts = [Int](repeating: 0, count: 256)
      var pairs = [Int](repeating: 0, count: 256)
      for index in 0..<UInt64(100_000) {
        let draw = random.draw(index) >> UInt64(8 * byte)
        counts[Int(draw & 0xFF)] += 1
        // Successive draws: four bits of each.
        let next = random.draw(index + 1) >> UInt64(8 * byte)
        pairs[Int(draw & 0xF) << 4 | Int(next & 0xF)] += 1
      }
      #expect(abs(deviation(counts)) < 5, "byte \(byte)")
      #expect(abs(deviation(pairs)) < 5, "pairs of byte \(byte)")
    }
  }

  @Test func subDrawsAreEquidistributed() {
    let random = CounterRandom(seed: 4, stream: 4)
    for byte in 0..<8 {
      var counts = [Int](repeating: 0, count: 256)
      for sub in 0..<UInt64(100_000) { counts[Int(random.draw(77, sub) >> UInt64(8 * byte) & 0xFF)] += 1 }
      #expect(abs(deviation(counts)) < 5, "byte \(byte)")
    }
  }

  @Test func everyInputBitFlipsHalfTheOutput() {
    // Avalanche: over 2,000 random inputs each output bit changes with probability ½ ± 0.06 (5 σ).
    var inputs = TestRandom(21)
    let trials = 2_000
    for bit in 0..<64 {
      var flips = [[Int]](repeating: [Int](repeating: 0, count: 64), count: 4)
      for _ in 0..<trials {
        let (seed, stream, index, sub) = (inputs.next(), inputs.next(), inputs.next(), inputs.next() >> 16)
        let mask: UInt64 = 1 << UInt64(bit)
        let base = CounterRandom(seed: seed, stream: stream).draw(index, sub)
        let changed = [
          CounterRandom(seed: seed, stream: stream).draw(index ^ mask, sub),
          CounterRandom(seed: seed ^ mask, stream: stream).draw(index, sub),
          CounterRandom(seed: seed, stream: stream ^ mask).draw(index, sub),
          CounterRandom(seed: seed, stream: stream).draw(index, sub ^ mask),
        ]
        for (argument, value) in changed.enumerated() {
          for position in 0..<64 where (base ^ value) >> UInt64(position) & 1 == 1 {
            flips[argument][position] += 1
          }
        }
      }
      for argument in 0..<4 {
        for position in 0..<64 {
          let share = Double(flips[argument][position]) / Double(trials)
          #expect(abs(share - 0.5) < 0.06, "argument \(argument) bit \(bit) → \(position)")
        }
      }
    }
  }

  @Test func neighbouringStreamsAndSeedsAreUncorrelated() {
    // The number of equal bits of two streams, position by position, is binomial: ½ ± 5 σ; and no stream is a shifted
    // copy of another within the window.
    let length = 20_000
    let names: [(UInt64, UInt64)] = [
      (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 1), (1, 1 << 63), (1 << 63, 1),
    ]
    let sequences = names.map { name in
      (0..<UInt64(length)).map { CounterRandom(seed: name.0, stream: name.1).draw($0) }
    }
    for a in 0..<names.count {
      for b in 0..<a {
        let differing = zip(sequences[a], sequences[b]).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
        let bits = Double(64 * length)
        #expect(abs(Double(differing) - bits / 2) < 5 * (bits / 4).squareRoot(), "\(names[a]) \(names[b])")
        #expect(Set(sequences[a]).isDisjoint(with: sequences[b]))
      }
    }
  }

  @Test func uniformIsUnbiasedInSmallRanges() {
    let random = CounterRandom(seed: 5, stream: 1)
    for bound in [1, 2, 3, 6, 7, 10, 100, 1_000] as [UInt64] {
      var counts = [Int](repeating: 0, count: Int(bound))
      for index in 0..<UInt64(100_000) { counts[Int(random.uniform(below: bound, index))] += 1 }
      if bound > 1 { #expect(abs(deviation(counts)) < 5, "bound \(bound)") }
    }
  }

  @Test func uniformRejectsWhatWouldBias() {
    // With bound 3·2⁶² a quarter of the raw draws must be rejected; without rejection the first third of the range
    // would be hit half of the time.
    let random = CounterRandom(seed: 6, stream: 1)
    let bound: UInt64 = 3 << 62
    var thirds = [0, 0, 0]
    for index in 0..<UInt64(60_000) {
      let value = random.uniform(below: bound, index)
      #expect(value < bound)
      thirds[Int(value >> 62)] += 1
    }
    #expect(abs(deviation(thirds)) < 5)
  }

  @Test func unitLiesInTheHalfOpenInterval() {
    let random = CounterRandom(seed: 7, stream: 1)
    var sum = 0.0
    for index in 0..<UInt64(100_000) {
      let value = random.unit(index)
      #expect(value >= 0 && value < 1)
      sum += value
    }
    #expect(abs(sum / 100_000 - 0.5) < 0.005)
  }

  // MARK: Permutation

  @Test func everySmallPermutationIsABijection() {
    for count in UInt64(1)...300 {
      for seed in UInt64(0)..<4 {
        let permutation = Permutation(count: count, seed: seed)
        var seen = [Bool](repeating: false, count: Int(count))
        for index in 0..<count {
          let position = permutation[index]
          #expect(position < count && !seen[Int(position)])
          seen[Int(position)] = true
          #expect(permutation.inverse(position) == index)
        }
      }
    }
  }

  @Test(arguments: [4_095, 4_096, 4_097, 100_000, 1 << 20] as [UInt64])
  func largerPermutationsAreBijections(count: UInt64) {
    let permutation = Permutation(count: count, seed: 42)
    var seen = [Bool](repeating: false, count: Int(count))
    for index in 0..<count { seen[Int(permutation[index])] = true }
    #expect(!seen.contains(false))
  }

  @Test func hugePermutationsInvertSeed31() {
    var random = TestRandom(31)
    for count in [1 << 40, (1 << 40) + 1, 1_000_000_007_000, 1 << 62] as [UInt64] {
      let permutation = Permutation(count: count, seed: 5)
      for _ in 0..<1_000 {
        let index = random.next() % count
        #expect(permutation.inverse(permutation[index]) == index)
      }
    }
  }

  @Test func permutationsLookRandom() {
    // Over seeds, every element lands everywhere equally often; within one, neighbours land apart: the mean distance of
    // consecutive images is count/3 for random order.
    for count in [5, 16, 40] {
      var counts = [Int](repeating: 0, count: count * count)
      for seed in UInt64(0)..<8_000 {
        let permutation = Permutation(count: UInt64(count), seed: seed)
        for index in 0..<count { counts[index * count + Int(permutation[UInt64(index)])] += 1 }
      }
      #expect(deviation(counts) < 6, "count \(count)")
    }
    for seed in UInt64(0)..<20 {
      let count: UInt64 = 100_000
      let permutation = Permutation(count: count, seed: seed)
      var sum = 0.0
      var ascents = 0
      for index in 0..<(count - 1) {
        let (a, b) = (permutation[index], permutation[index + 1])
        sum += Double(a > b ? a - b : b - a)
        ascents += a < b ? 1 : 0
      }
      #expect(abs(sum / Double(count - 1) - Double(count) / 3) < 0.01 * Double(count))
      #expect(abs(Double(ascents) / Double(count - 1) - 0.5) < 0.01)
    }
  }
}
