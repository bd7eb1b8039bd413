// What the tests of this room share: short ways to make workloads, and a naive dictionary that stands in for an engine.

import KeyValue
import Primitives

@testable import Workload

/// All ways keys can look, with lengths that use every branch of the codec.
func someKeyCodecs(seed: UInt64) throws -> [KeyCodec] {
  var codecs: [KeyCodec] = []
  for shape in [KeyShape.random, .sequential] {
    for byteCount in [8, 9, 15, 16, 17, 24, 31] {
      codecs.append(try KeyCodec(shape: shape, keyByteCount: byteCount, seed: seed))
    }
  }
  for (prefix, groups, byteCount) in [
    (1, 256, 9), (1, 3, 16), (3, 1000, 11), (7, 1_000_000, 16), (8, 1, 16), (8, 1000, 24), (9, 7, 18),
    (20, 12, 64),
    (32, 100_000, 40),
  ] {
    codecs.append(
      try KeyCodec(
        shape: .sharedPrefix, keyByteCount: byteCount, prefixByteCount: prefix, groupCount: UInt64(groups),
        seed: seed))
  }
  return codecs
}

extension KeyCodec {
  /// The key of an index.
  func key(_ index: UInt64, missing: Bool = false) -> [UInt8] {
    bytes(orderWord(index: index, missing: missing))
  }

  /// The key of an order word.
  func bytes(_ orderWord: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: keyByteCount)
    bytes.withUnsafeMutableBytes { write(orderWord: orderWord, into: $0) }
    return bytes
  }
}

extension ValueCodec {
  /// The value of an index at a version.
  func value(_ index: UInt64, _ version: UInt32) -> [UInt8] {
    operand(index, version, byteCount: byteCount(keyIndex: index, version: version))
  }

  /// `verify` of an array.
  func accepts(_ bytes: [UInt8], keyIndex: UInt64, version: UInt32) -> Bool {
    verify(bytes.span.bytes, keyIndex: keyIndex, version: version)
  }

  /// `claim` of an array.
  func claim(ofArray bytes: [UInt8]) -> (keyIndex: UInt64, version: UInt32)? { claim(of: bytes.span.bytes) }

  /// Bytes of a given length.
  func operand(_ index: UInt64, _ version: UInt32, byteCount: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: byteCount)
    bytes.withUnsafeMutableBytes { fill(into: $0, keyIndex: index, version: version) }
    return bytes
  }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func isBefore(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.lexicographicallyPrecedes(b) }

/// A dictionary in a sorted array, obviously right and slow.
struct NaiveDictionary {
  var entries: [(key: [UInt8], value: [UInt8])] = []
  var maximumValueByteCount = 1 << 20

  func position(_ key: [UInt8]) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if isBefore(entries[middle].key, key) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func get(_ key: [UInt8]) -> [UInt8]? {
    let place = position(key)
    return place < entries.count && entries[place].key == key ? entries[place].value : nil
  }

  mutating func set(_ key: [UInt8], _ value: [UInt8]?) {
    let place = position(key)
    let exists = place < entries.count && entries[place].key == key
    if let value {
      if exists { entries[place].value = value } else { entries.insert((key, value), at: place) }
    } else if exists {
      entries.remove(at: place)
    }
  }

  mutating func apply(_ batch: borrowing WriteBatch) {
    for entry in batch.entries {
      let key = Array(batch.key(of: entry))
      let operand = Array(batch.operand(of: entry))
      switch entry.kind {
      case .put: set(key, operand)
      case .delete: set(key, nil)
      case .add:
        var value = get(key) ?? []
        while value.count < 8 { value.append(0) }
        var carry = 0
        for place in 0..<8 {
          let sum = Int(value[place]) + Int(operand[place]) + carry
          value[place] = UInt8(sum % 256)
          carry = sum / 256
        }
        set(key, value)
      case .append:
        let value = get(key)
        if (value?.count ?? 0) + operand.count <= maximumValueByteCount { set(key, (value ?? []) + operand) }
      case .patch:
        var value = get(key) ?? []
        let offset = operand[0..<4].reversed().reduce(0) { $0 * 256 + Int($1) }
        while value.count < offset + operand.count - 4 { value.append(0) }
        for (place, byte) in operand[4...].enumerated() { value[offset + place] = byte }
        set(key, value)
      case .deleteRange: entries.removeAll { !isBefore($0.key, key) && isBefore($0.key, operand) }
      }
    }
  }

  /// Up to `count` entries from `key` on, itself included.
  func scan(_ key: [UInt8], count: Int, order: ScanOrder) -> [(key: [UInt8], value: [UInt8])] {
    switch order {
    case .forward: return Array(entries[position(key)...].prefix(count))
    case .reverse:
      var end = position(key)
      if end < entries.count && entries[end].key == key { end += 1 }
      return Array(entries[..<end].suffix(count).reversed())
    }
  }
}
