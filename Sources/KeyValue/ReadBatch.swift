// Keys that are asked for together: an engine that knows them all at once can sort them, walk down once for neighbours, and
// have the device read what is missing side by side.
//
//   keys   [ "m" 0 ] [ "a" 1 ] [ "m" 2 ] …        as they were added; the answers name these places
//   arena  m a m …                                one growing block of bytes, reused after `removeAll`
//
// Invariants
// 1. Keys keep the order and number of the calls; a key may be in it twice and is then answered twice.
// 2. After warm-up, appending allocates nothing.

import Primitives

/// Keys to be looked up together.
public struct ReadBatch: ~Copyable {
  private var arena: UnsafeMutableRawPointer
  private var arenaByteCount = 0
  private var arenaCapacityByteCount: Int
  private var keys: ContiguousArray<(start: Int, byteCount: Int)> = []

  /// An empty batch with room for `reservedByteCount` bytes of keys before it grows.
  public init(reservedByteCount: Int = 1_024) {
    precondition(reservedByteCount > 0, "A batch reserves at least one byte.")
    arena = UnsafeMutableRawPointer.allocate(byteCount: reservedByteCount, alignment: 16)
    arenaCapacityByteCount = reservedByteCount
  }

  deinit { arena.deallocate() }

  /// The number of keys.
  public var count: Int { keys.count }

  /// The bytes of all keys.
  public var byteCount: Int { arenaByteCount }

  /// Forgets the keys, keeps the memory.
  public mutating func removeAll() {
    arenaByteCount = 0
    keys.removeAll(keepingCapacity: true)
  }

  /// Adds a key by copying it.
  public mutating func append(_ key: UnsafeRawBufferPointer) {
    let needed = arenaByteCount + key.count
    if needed > arenaCapacityByteCount { grow(to: needed) }
    if let base = key.baseAddress { (arena + arenaByteCount).copyMemory(from: base, byteCount: key.count) }
    keys.append((arenaByteCount, key.count))
    arenaByteCount = needed
  }

  /// Adds a key by copying it. For tests and examples; hot paths pass raw buffers.
  public mutating func append(_ key: [UInt8]) { key.withUnsafeBytes { append($0) } }

  /// The key at place `index`; valid while the batch is not changed.
  public subscript(index: Int) -> UnsafeRawBufferPointer {
    let key = keys[index]
    return UnsafeRawBufferPointer(start: arena + key.start, count: key.byteCount)
  }

  private mutating func grow(to needed: Int) {
    var capacity = arenaCapacityByteCount
    while capacity < needed { capacity *= 2 }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    larger.copyMemory(from: arena, byteCount: arenaByteCount)
    arena.deallocate()
    arena = larger
    arenaCapacityByteCount = capacity
  }
}

extension ReadView {
  /// One get for each key, in the order of the batch: what an engine without anything better does.
  public func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    for index in 0..<batch.count {
      _ = try get(batch[index].bytes) { body(index, $0) }
    }
  }

  /// Copies of the values of `keys`, nil for each that is missing. For tests and examples.
  public func values(for keys: [[UInt8]]) throws(EngineError) -> [[UInt8]?] {
    var batch = ReadBatch()
    for key in keys { batch.append(key) }
    var values: [[UInt8]?] = Array(repeating: nil, count: keys.count)
    try getBatch(batch) { values[$0] = bytes(of: $1) }
    return values
  }
}
