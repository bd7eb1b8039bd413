// Goal: values have the promised sizes, verify when untouched, and never verify when anything is different.
// Method: all lengths 0 … 130 with every bit flipped; sizes against the inverses' known answers and moments.

import KeyValue
import Primitives
import Testing

@testable import Workload

@Suite struct ValueCodecTests {
  @Test func everyFlippedBitIsNoticed() {
    for byteCount in 0...130 {
      let codec = ValueCodec(sizes: .fixed(byteCount), seed: 5)
      let value = codec.value(12345, 678)
      #expect(codec.accepts(value, keyIndex: 12345, version: 678))
      for bit in 0..<byteCount * 8 {
        var changed = value
        changed[bit / 8] ^= 1 << (bit % 8)
        #expect(!codec.accepts(changed, keyIndex: 12345, version: 678), "\(byteCount) \(bit)")
      }
      #expect(!codec.accepts((value + [0]), keyIndex: 12345, version: 678))
      if byteCount > 0 {
        #expect(!codec.accepts(Array(value.dropLast()), keyIndex: 12345, version: 678))
      }
    }
  }

  /// Lengths from 4 bytes on: 40,000 pairs collide by chance with probability below 10⁻⁵.
  @Test func otherIdentitiesDoNotVerify() {
    for byteCount in [4, 7, 8, 12, 15, 16, 17, 24, 100] {
      let codec = ValueCodec(sizes: .fixed(byteCount), seed: 5)
      let other = ValueCodec(sizes: .fixed(byteCount), seed: 6)
      for index in 0..<20 as Range<UInt64> {
        for version in 1...20 as ClosedRange<UInt32> {
          let value = codec.value(index, version)
          #expect(!codec.accepts(value, keyIndex: index, version: version + 1))
          #expect(!codec.accepts(value, keyIndex: index + 1, version: version))
          #expect(!codec.accepts(value, keyIndex: UInt64(version), version: UInt32(index) + 30))
          #expect(!other.accepts(value, keyIndex: index, version: version))
        }
      }
    }
  }

  @Test func claimsNameTheirValue() {
    for sizes in [ValueSizes.fixed(16), .fixed(17), .fixed(100), .uniform(16...300)] {
      let codec = ValueCodec(sizes: sizes, seed: 9)
      var value = codec.value(1 << 40, 77)
      let claim = codec.claim(ofArray: value)
      #expect(claim?.keyIndex == 1 << 40 && claim?.version == 77)
      value[value.count - 1] ^= 4
      #expect(codec.claim(ofArray: value) == nil)
    }
    #expect(ValueCodec(sizes: .fixed(15), seed: 9).claim(ofArray: [UInt8](repeating: 0, count: 15)) == nil)
  }

  @Test func sizesAreAPureFunctionWithinTheirRange() {
    for sizes in [
      ValueSizes.uniform(0...40), .normal(mean: 100, deviation: 50, 20...180),
      .pareto(location: 0, shape: 0.2615, scale: 25.45, 10...1024),
    ] {
      let codec = ValueCodec(sizes: sizes, seed: 2)
      for index in 0..<5000 as Range<UInt64> {
        let byteCount = codec.byteCount(keyIndex: index, version: 3)
        #expect(byteCount == codec.byteCount(keyIndex: index, version: 3))
        #expect(byteCount <= sizes.maximumByteCount)
        let value = codec.value(index, 3)
        #expect(value.count == byteCount && codec.accepts(value, keyIndex: index, version: 3))
      }
    }
  }

  /// Known answers of mixgraph's model: sizes exceeded by a fraction u of values.
  @Test func paretoKnownAnswers() {
    let size = { (u: Double) in
      ValueSizes.paretoQuantile(u, location: 0, shape: 0.2615, scale: 25.45)
    }
    #expect([0.9, 0.5, 0.1, 0.01].map { DeterministicMath.ceiling(size($0)) } == [3, 20, 81, 228])
    let scan = { (u: Double) in ValueSizes.paretoQuantile(u, location: 0, shape: 2.517, scale: 14.236) }
    #expect([0.5, 0.1].map { DeterministicMath.ceiling(scan($0)) } == [27, 1855])
    let exponential = ValueSizes.paretoQuantile(0.5, location: 3, shape: 0, scale: 10)
    #expect(abs(exponential - 9.931471805599453) < 1e-12)
  }

  @Test func normalQuantileKnownAnswers() {
    for (u, quantile) in [
      (0.5, 0), (0.8413447460685429, 1), (0.9772498680518208, 2), (0.9986501019683699, 3),
      (0.001, -3.090232306167813), (0.975, 1.959963984540054), (1e-9, -5.997807015008182),
    ] {
      #expect(abs(ValueSizes.normalQuantile(u) - quantile) < 1e-8)
    }
  }

  /// Means of 200,000 sizes against the known ones; tolerances are 6 standard errors or more. Mixgraph's mean after
  /// clamping is about 36.4 bytes.
  @Test func meansAreTheKnownOnes() {
    for (sizes, mean, tolerance) in [
      (ValueSizes.uniform(0...200), 100.0, 0.8),
      (.normal(mean: 100, deviation: 20, 10...1024), 100.0, 0.3),
      (.pareto(location: 0, shape: 0.2615, scale: 25.45, 10...1024), 36.4, 0.6),
    ] {
      let codec = ValueCodec(sizes: sizes, seed: 31)
      var sum = 0
      for index in 0..<200_000 as Range<UInt64> { sum += codec.byteCount(keyIndex: index, version: 1) }
      #expect(abs(Double(sum) / 200_000 - mean) < tolerance, "\(sizes): \(Double(sum) / 200_000)")
      #expect(abs(sizes.meanByteCount - mean) < tolerance, "\(sizes): \(sizes.meanByteCount)")
    }
  }

  @Test func goldenValues() {
    let values = [0, 5, 12, 16, 20, 40].map { byteCount in
      hexadecimal(ValueCodec(sizes: .fixed(byteCount), seed: 1).value(3, 2))
    }
    #expect(values == GoldenStreams.values)
    let sizes = ValueCodec(sizes: .uniform(10...1000), seed: 1)
    #expect((0..<8).map { sizes.byteCount(keyIndex: $0, version: 1) } == GoldenStreams.valueSizes)
  }
}
