// Key index ↔ key bytes, computed both ways in constant memory. Every key, and every key that can never exist, has an
// order word: a 64-bit integer whose numeric order is the byte order of the keys.
//
//   index i ──2·i──▶ code ─┬─ random, shared_prefix: scatter (bijection) ─┬─▶ order word ──▶ key bytes
//   miss  i ──2·i+1─▶ code ┘  sequential: the code itself                 ┘
//
//   random         │ order word, big-endian 8 │ filler …                        │
//   sequential     │ code, big-endian 8       │ '0' '0' … (as db_bench does)    │
//   shared_prefix  │ group │ group filler …   │ position, big-endian 8 │ filler │
//                  └─── prefix_bytes ────────┘
//   (group, position) = high and low word of order word × groups: their order is the order word's
//
// Invariants
// 1. Distinct (index, missing) pairs give distinct keys; all keys have `keyByteCount` bytes.
// 2. Byte order of keys = order of order words. `sequential`: also the order of indices.
// 3. A missing key is the twin of an index, with an odd code. No index ever has an odd code, so it cannot exist;
//    it lies right after its twin (sequential) or anywhere among the keys (the other shapes).
// 4. `decode` accepts exactly the bytes that `write` makes: every byte is checked.

import Primitives

/// How keys look and in which order they sort.
public enum KeyShape: String, Sendable, CaseIterable {
  /// Uniform over all keys; order unrelated to the index.
  case random
  /// Big-endian; index order is key order.
  case sequential
  /// Groups of keys that share a long prefix; order unrelated to the index.
  case sharedPrefix = "shared_prefix"
}

/// What a key says of itself.
public struct DecodedKey: Equatable, Sendable {
  /// The key's index.
  public var index: UInt64
  /// Whether it is the twin that never exists.
  public var isMissing: Bool
}

/// Translates key indices to key bytes and back. A value of a few words; O(key bytes) and no allocation per key.
public struct KeyCodec: Sendable, Equatable {
  /// The largest index a codec takes.
  public static let maximumIndex: UInt64 = 1 << 62

  /// How keys look.
  public let shape: KeyShape
  /// The length of every key, in bytes.
  public let keyByteCount: Int
  /// The length of the shared prefix, in bytes; 0 unless the shape is `sharedPrefix`.
  public let prefixByteCount: Int
  /// The number of groups; 1 unless the shape is `sharedPrefix`.
  public let groupCount: UInt64

  private let scatterKey: UInt64
  private let fillerKey: UInt64

  /// A codec.
  ///
  /// - Parameters:
  ///   - keyByteCount: at least 8, and 8 more than the prefix.
  ///   - prefixByteCount: `sharedPrefix` only; at least 1, and enough to number the groups.
  ///   - groupCount: `sharedPrefix` only; at least 1.
  ///   - seed: the run's seed; another seed gives other keys (not for `sequential`).
  public init(
    shape: KeyShape = .random, keyByteCount: Int = 16, prefixByteCount: Int = 8, groupCount: UInt64 = 1000,
    seed: UInt64
  ) throws(WorkloadError) {
    let isGrouped = shape == .sharedPrefix
    let least = isGrouped ? prefixByteCount + 8 : 8
    if keyByteCount < least {
      let why =
        isGrouped ? "the prefix of \(prefixByteCount) and 8 that tell keys apart" : "8 that tell keys apart"
      throw WorkloadError(
        parameter: "key_bytes", reason: "is \(keyByteCount), but a \(shape.rawValue) key needs \(why)")
    }
    if isGrouped && (prefixByteCount < 1 || groupCount < 1) {
      throw WorkloadError(parameter: "prefix_bytes", reason: "prefix and group count are at least 1")
    }
    if isGrouped && prefixByteCount < 8 && groupCount > 1 << (8 * UInt64(prefixByteCount)) {
      throw WorkloadError(
        parameter: "prefix_groups",
        reason: "is \(groupCount), but \(prefixByteCount) bytes cannot number that many groups")
    }
    self.shape = shape
    self.keyByteCount = keyByteCount
    self.prefixByteCount = isGrouped ? prefixByteCount : 0
    self.groupCount = isGrouped ? groupCount : 1
    let random = CounterRandom(seed: seed, stream: StreamNumber.keys)
    scatterKey = random.draw(0)
    fillerKey = random.draw(1)
  }

  /// The order word of a key, or of the missing twin of an index.
  public func orderWord(index: UInt64, missing: Bool = false) -> UInt64 {
    let code = index << 1 | (missing ? 1 : 0)
    return shape == .sequential ? code : Mixing.scatter(code &+ scatterKey)
  }

  /// Which key has this order word.
  public func decode(orderWord: UInt64) -> DecodedKey {
    let code = shape == .sequential ? orderWord : Mixing.gather(orderWord) &- scatterKey
    return DecodedKey(index: code >> 1, isMissing: code & 1 == 1)
  }

  /// An order word about `entryCount` keys after `start` when `population` keys exist: exact for `sequential`, the
  /// expectation otherwise. Stops at the largest word.
  public func orderWord(_ entryCount: UInt64, entriesAfter start: UInt64, population: UInt64) -> UInt64 {
    let gap = shape == .sequential ? 2 : UInt64.max / max(1, population)
    let (width, tooWide) = gap.multipliedReportingOverflow(by: entryCount)
    let (end, beyond) = start.addingReportingOverflow(width)
    return tooWide || beyond ? .max : end
  }

  /// Writes the key of `index`.
  ///
  /// - Parameter buffer: exactly `keyByteCount` bytes.
  public func write(index: UInt64, into buffer: UnsafeMutableRawBufferPointer) {
    write(orderWord: orderWord(index: index), into: buffer)
  }

  /// Writes the key that lies among the keys and never exists, the twin of `index`.
  ///
  /// - Parameter buffer: exactly `keyByteCount` bytes.
  public func writeMissing(index: UInt64, into buffer: UnsafeMutableRawBufferPointer) {
    write(orderWord: orderWord(index: index, missing: true), into: buffer)
  }

  /// Writes the key with this order word; as a bound it stands before every key with a larger word.
  ///
  /// - Parameter buffer: exactly `keyByteCount` bytes.
  public func write(orderWord: UInt64, into buffer: UnsafeMutableRawBufferPointer) {
    precondition(buffer.count == keyByteCount, "A key is written into exactly its own length.")
    guard let base = buffer.baseAddress else { return }
    switch shape {
    case .random:
      if keyByteCount > 8 { fill(base, from: 8, to: keyByteCount, source: orderWord) }
      base.setBigEndianU64(0, orderWord)
    case .sequential:
      if keyByteCount > 8 {
        (base + 8).initializeMemory(as: UInt8.self, repeating: 0x30, count: keyByteCount - 8)
      }
      base.setBigEndianU64(0, orderWord)
    case .sharedPrefix:
      let product = orderWord.multipliedFullWidth(by: groupCount)
      let end = prefixByteCount + 8
      if keyByteCount > end { fill(base, from: end, to: keyByteCount, source: orderWord) }
      if prefixByteCount > 8 {
        fill(base, from: 8, to: prefixByteCount, source: product.high)
        base.setBigEndianU64(0, product.high)
      } else {
        base.setBigEndianU64(0, product.high << (64 - 8 * UInt64(prefixByteCount)))
      }
      base.setBigEndianU64(prefixByteCount, product.low)
    }
  }

  /// Which key these bytes are, nil when they are no key of this codec.
  public func decode(_ key: UnsafeRawBufferPointer) -> DecodedKey? {
    guard key.count == keyByteCount, let base = key.baseAddress else { return nil }
    let orderWord: UInt64
    if shape == .sharedPrefix {
      let high =
        prefixByteCount < 8
        ? base.bigEndianU64(0) >> (64 - 8 * UInt64(prefixByteCount)) : base.bigEndianU64(0)
      guard high < groupCount else { return nil }
      let division = groupCount.dividingFullWidth((high, base.bigEndianU64(prefixByteCount)))
      guard division.remainder == 0 else { return nil }
      orderWord = division.quotient
    } else {
      orderWord = base.bigEndianU64(0)
    }
    let matches = withUnsafeTemporaryAllocation(byteCount: keyByteCount, alignment: 8) { expected in
      write(orderWord: orderWord, into: expected)
      return expected.elementsEqual(key)
    }
    return matches ? decode(orderWord: orderWord) : nil
  }

  /// Filler in bytes start ..< end, derived from `source`. May also write up to 7 bytes before `start` (at least 8
  /// bytes of the key come before it), which the caller writes afterwards.
  @inline(__always) private func fill(
    _ base: UnsafeMutableRawPointer, from start: Int, to end: Int, source: UInt64
  ) {
    var word = source ^ fillerKey
    base.setU64(end - 8, Mixing.fold(word))
    var offset = start
    while offset + 8 < end {
      word = word &+ Mixing.golden
      base.setU64(offset, Mixing.fold(word))
      offset += 8
    }
  }
}
