// Goal: keys are distinct, of their length, ordered as promised, and recognised byte for byte; missing keys never exist.
// Method: every codec branch over many indices against sets and sorted arrays; golden keys for the bytes themselves.

import KeyValue
import Primitives
import Testing

@testable import Workload

@Suite struct KeyCodecTests {
  @Test func scatterIsUndoneByGather() {
    let random = CounterRandom(seed: 7, stream: 1)
    for word in [0, 1, .max, 1 << 63] + (0..<100_000).map({ random.draw($0) }) {
      #expect(Mixing.gather(Mixing.scatter(word)) == word)
      #expect(Mixing.scatter(Mixing.gather(word)) == word)
    }
  }

  @Test(arguments: [1, 2, 99]) func keysDifferAndDecode(seed: UInt64) throws {
    for codec in try someKeyCodecs(seed: seed) {
      var seen: Set<[UInt8]> = []
      for index in (0..<1000 as Range<UInt64>).map({ $0 }) + [1 << 31, 1 << 40, KeyCodec.maximumIndex - 1] {
        for missing in [false, true] {
          let key = codec.key(index, missing: missing)
          #expect(key.count == codec.keyByteCount)
          #expect(seen.insert(key).inserted, "\(codec) \(index)")
          let decoded = key.withUnsafeBytes { codec.decode($0) }
          #expect(decoded == DecodedKey(index: index, isMissing: missing), "\(codec) \(index)")
        }
      }
    }
  }

  @Test func decodeNoticesEveryChangedBit() throws {
    for codec in try someKeyCodecs(seed: 3) {
      for index in 0..<20 as Range<UInt64> {
        let key = codec.key(index)
        for bit in 0..<key.count * 8 {
          var changed = key
          changed[bit / 8] ^= 1 << (bit % 8)
          let decoded = changed.withUnsafeBytes { codec.decode($0) }
          #expect(decoded != DecodedKey(index: index, isMissing: false))
          // What still decodes is another key of the codec, whole: 8-byte keys and the last group bits can do that.
          if let decoded { #expect(codec.key(decoded.index, missing: decoded.isMissing) == changed) }
        }
        #expect(key.dropLast().withUnsafeBytes { codec.decode($0) } == nil)
      }
    }
  }

  @Test func byteOrderIsTheOrderOfOrderWords() throws {
    let random = CounterRandom(seed: 11, stream: 0)
    for codec in try someKeyCodecs(seed: 5) {
      var words = (0..<500 as Range<UInt64>).map { random.draw($0) } + [0, 1, .max, .max - 1]
      if codec.shape == .sequential { words = words.map { $0 >> 40 } }
      let sorted = Set(words).sorted()
      for (word, next) in zip(sorted, sorted.dropFirst()) {
        #expect(isBefore(codec.bytes(word), codec.bytes(next)), "\(codec) \(word) \(next)")
      }
    }
  }

  @Test func sequentialKeysFollowTheirIndices() throws {
    let codec = try KeyCodec(shape: .sequential, keyByteCount: 16, seed: 0)
    for index in 0..<2000 as Range<UInt64> {
      #expect(isBefore(codec.key(index), codec.key(index + 1)))
      #expect(isBefore(codec.key(index), codec.key(index, missing: true)))
      #expect(isBefore(codec.key(index, missing: true), codec.key(index + 1)))
    }
  }

  /// 10⁶ existing keys and 10⁶ missing ones: no key in common, and the missing lie among the existing (each tenth of the
  /// existing keys, in order, is followed by a tenth of the missing, ± 2 %; 6 standard deviations are 0.6 %).
  @Test(arguments: KeyShape.allCases) func missingKeysNeverExistAndLieAmongTheOthers(shape: KeyShape) throws {
    let count = 1_000_000
    let codec = try KeyCodec(shape: shape, keyByteCount: 24, prefixByteCount: 10, groupCount: 500, seed: 21)
    var existing = (0..<UInt64(count)).map { codec.orderWord(index: $0) }
    var missing = (0..<UInt64(count)).map { codec.orderWord(index: $0, missing: true) }
    existing.sort()
    missing.sort()
    var common = 0
    var place = 0
    var followed = [Int](repeating: 0, count: 10)
    for word in missing {
      while place < count && existing[place] < word { place += 1 }
      if place < count && existing[place] == word { common += 1 }
      followed[min(9, place * 10 / count)] += 1
    }
    #expect(common == 0)
    for share in followed { #expect(abs(share - count / 10) < count / 50, "\(followed)") }
  }

  @Test func groupsShareTheirPrefixAndAreAllUsed() throws {
    let codec = try KeyCodec(
      shape: .sharedPrefix, keyByteCount: 40, prefixByteCount: 24, groupCount: 50, seed: 4)
    var sizes: [[UInt8]: Int] = [:]
    for index in 0..<50_000 as Range<UInt64> { sizes[Array(codec.key(index)[..<24]), default: 0] += 1 }
    #expect(sizes.count == 50)
    // 1,000 expected in each; 6 standard deviations are 190.
    for size in sizes.values { #expect(abs(size - 1000) < 190) }
  }

  @Test func rangeEndsAimAtTheirCount() throws {
    let sequential = try KeyCodec(shape: .sequential, seed: 0)
    let start = sequential.orderWord(index: 17)
    #expect(sequential.orderWord(5, entriesAfter: start, population: 99) == sequential.orderWord(index: 22))
    let random = try KeyCodec(shape: .random, seed: 8)
    let words = (0..<100_000 as Range<UInt64>).map { random.orderWord(index: $0) }
    let end = random.orderWord(1000, entriesAfter: 1 << 60, population: 100_000)
    let inside = words.count { $0 >= 1 << 60 && $0 < end }
    // Poisson with mean 1,000: 6 standard deviations are 190.
    #expect(abs(inside - 1000) < 190)
    #expect(random.orderWord(1 << 30, entriesAfter: .max - 5, population: 10) == .max)
  }

  @Test func impossibleGeometryIsRefusedWithTheParameter() {
    #expect(parameterRefused { _ = try KeyCodec(shape: .random, keyByteCount: 7, seed: 0) } == "key_bytes")
    #expect(
      parameterRefused {
        _ = try KeyCodec(shape: .sharedPrefix, keyByteCount: 16, prefixByteCount: 9, seed: 0)
      } == "key_bytes")
    #expect(
      parameterRefused {
        _ = try KeyCodec(shape: .sharedPrefix, keyByteCount: 16, prefixByteCount: 1, groupCount: 257, seed: 0)
      } == "prefix_groups")
  }

  /// Golden bytes: a change here changes every record ever made.
  @Test func goldenKeys() throws {
    let random = try KeyCodec(shape: .random, seed: 1)
    let shared = try KeyCodec(
      shape: .sharedPrefix, keyByteCount: 24, prefixByteCount: 10, groupCount: 100, seed: 1)
    let sequential = try KeyCodec(shape: .sequential, seed: 1)
    let keys = [
      random.key(0), random.key(1), random.key(1, missing: true), shared.key(0), shared.key(1),
      sequential.key(258),
    ]
    #expect(keys.map(hexadecimal) == GoldenStreams.keys)
  }
}

/// The parameter that a `WorkloadError` names, nil when nothing was thrown.
func parameterRefused(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch let error as WorkloadError {
    return error.parameter
  } catch {
    return "another error: \(error)"
  }
}
