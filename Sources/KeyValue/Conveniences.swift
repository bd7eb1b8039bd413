// Small doors for tests, examples and checks, where an array per key is no harm. Hot paths do not come here.

import Primitives

/// One key and its value, copied.
public struct KeyValuePair: Equatable, Sendable {
  /// The key.
  public var key: [UInt8]
  /// The value.
  public var value: [UInt8]
  /// A pair.
  public init(key: [UInt8], value: [UInt8]) {
    self.key = key
    self.value = value
  }
}

/// A copy of the bytes of a span.
public func bytes(of span: RawSpan) -> [UInt8] {
  span.withUnsafeBytes { [UInt8]($0) }
}

extension ReadView {
  /// A copy of the value of `key`, nil when there is none.
  public func value(for key: [UInt8]) throws(EngineError) -> [UInt8]? {
    var value: [UInt8]? = nil
    let found = try get(key.span.bytes) { value = bytes(of: $0) }
    return found ? value : nil
  }

  /// Copies of the entries of `range` in scan order.
  public func entries(
    in range: KeyRange = .all, order: ScanOrder = .forward
  ) throws(EngineError) -> [KeyValuePair] {
    let cursor = try makeCursor(range, order)
    var result: [KeyValuePair] = []
    while try cursor.next() {
      cursor.withCurrent { result.append(KeyValuePair(key: bytes(of: $0), value: bytes(of: $1))) }
    }
    return result
  }

  /// A hash of every key and value in order: equal contents give equal hashes on every engine. O(n).
  public func stateHash() throws(EngineError) -> UInt64 {
    let cursor = try makeCursor(.all, .forward)
    var hash = StateHash()
    while try cursor.next() {
      cursor.withCurrent { key, value in
        key.withUnsafeBytes { hash.add($0) }
        value.withUnsafeBytes { hash.add($0) }
      }
    }
    return hash.value
  }
}

extension Engine {
  /// Applies a batch of one put, unsynced.
  public func put(_ key: [UInt8], _ value: [UInt8]) throws(EngineError) {
    var batch = WriteBatch()
    batch.put(key, value)
    try apply(batch, sync: false)
  }

  /// Applies a batch of one delete, unsynced.
  public func delete(_ key: [UInt8]) throws(EngineError) {
    var batch = WriteBatch()
    batch.delete(key)
    try apply(batch, sync: false)
  }
}

/// FNV-1a of 64 bits over length-prefixed fields: not secret, not fast, the same everywhere.
/// Source: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm", IETF draft, section 2.
public struct StateHash: Equatable, Sendable {
  /// The hash of the fields so far.
  public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// The hash of no field.
  public init() {}

  /// Adds one field: its length as eight little-endian bytes, then its bytes.
  public mutating func add(_ field: UnsafeRawBufferPointer) {
    var length = UInt64(field.count)
    for _ in 0..<8 {
      add(UInt8(truncatingIfNeeded: length))
      length >>= 8
    }
    for byte in field { add(byte) }
  }

  private mutating func add(_ byte: UInt8) {
    value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
  }
}
