// A list of write operations that an engine applies as one atom.
//
//   entries  [put │ key 0..<16 │ value 16..<116] [delete │ key 116..<132] …
//   arena    k k k k v v v v v v … k k k k            one growing block of bytes, reused after `removeAll`
//
// Invariants
// 1. Entries keep the order of the calls; a later operation on the same key wins or composes.
// 2. After warm-up, appending allocates nothing.
// 3. Every operand has the shape of its kind, so an engine need not check it again.
// 4. `longest` is the component-wise maximum over the entries, so that checking limits is O(1).

import Primitives

/// The kind of one write operation. Raw values are stored in logs and streams.
public enum OperationKind: UInt8, Sendable, CaseIterable {
  /// Key now maps to value.
  case put = 1
  /// Key maps to nothing.
  case delete = 2
  /// Upsert: adds a 64-bit little-endian integer (wrapping) to the value's first 8 bytes; a missing value, or
  /// missing bytes of a shorter one, count as zero; bytes after the eighth stay. Operand: 8 bytes.
  case add = 3
  /// Upsert: appends the operand to the value (missing counts as empty). When the result would exceed the
  /// engine's value limit the value stays as it is.
  case append = 4
  /// Upsert: overwrites bytes from an offset on; a gap is filled with zeros. Operand: 4-byte little-endian
  /// offset, then the bytes. The result is max(old, offset + bytes) long; offset + bytes must be within the
  /// value limit.
  case patch = 5
  /// Removes every key in [key, value): the value field holds the end of the range. An end at or before the
  /// start is an empty range.
  case deleteRange = 6

  /// Whether the new value depends on the old one.
  @inlinable public var isUpsert: Bool { self == .add || self == .append || self == .patch }

  /// Whether an operand of this length can belong to this kind: what a batch demands of its caller and what a
  /// decoder demands of stored bytes.
  @inlinable public func accepts(operandByteCount: Int) -> Bool {
    switch self {
    case .put, .append, .deleteRange: true
    case .delete: operandByteCount == 0
    case .add: operandByteCount == 8
    case .patch: operandByteCount >= 4
    }
  }
}

/// Write operations to be applied together.
public struct WriteBatch: ~Copyable {
  /// One operation; `key` and `operand` are ranges of the arena.
  public struct Entry {
    /// What is done.
    public var kind: OperationKind
    /// Where the key begins in the arena.
    public var keyStart: Int
    /// The length of the key, or of a range's start.
    public var keyByteCount: Int
    /// Where the operand begins in the arena.
    public var operandStart: Int
    /// The length of the value, operand or range end.
    public var operandByteCount: Int
  }

  @usableFromInline var arena: UnsafeMutableRawPointer
  @usableFromInline var arenaByteCount: Int
  @usableFromInline var arenaCapacityByteCount: Int
  /// The operations in the order of the calls.
  public private(set) var entries: ContiguousArray<Entry>
  /// The longest parts of any entry, in bytes.
  public private(set) var longest = Longest()

  /// What the limits of an engine are held against.
  public struct Longest: Equatable, Sendable {
    /// Keys and both bounds of range deletes.
    public var keyByteCount = 0
    /// Values, append operands, and offset + bytes of patches.
    public var valueByteCount = 0
    /// Whether the batch deletes a range.
    public var hasRangeDelete = false
    /// Whether the batch adds to a counter, whose result is at least eight bytes.
    public var hasAdd = false
  }

  /// An empty batch with room for `reservedByteCount` bytes before it grows.
  public init(reservedByteCount: Int = 4096) {
    precondition(reservedByteCount > 0, "A batch reserves at least one byte.")
    arena = UnsafeMutableRawPointer.allocate(byteCount: reservedByteCount, alignment: 16)
    arenaByteCount = 0
    arenaCapacityByteCount = reservedByteCount
    entries = []
  }

  deinit { arena.deallocate() }

  /// The number of operations.
  public var count: Int { entries.count }

  /// The bytes of keys and operands held.
  public var byteCount: Int { arenaByteCount }

  /// Logical bytes as the metrics define them: key + operand for puts and upserts, key for deletes, both bounds
  /// for a range delete. A patch's 4-byte offset is part of its operand.
  public var logicalByteCount: Int { arenaByteCount }

  /// Forgets the operations, keeps the memory.
  public mutating func removeAll() {
    arenaByteCount = 0
    longest = Longest()
    entries.removeAll(keepingCapacity: true)
  }

  /// Adds an operation by copying its key and operand. An operand of the wrong length for its kind is a
  /// mistake of the caller (see `OperationKind.accepts`).
  public mutating func append(
    _ kind: OperationKind, key: UnsafeRawBufferPointer, operand: UnsafeRawBufferPointer
  ) {
    precondition(
      kind.accepts(operandByteCount: operand.count), "An operand has the length its kind demands.")
    longest.keyByteCount = max(longest.keyByteCount, key.count)
    switch kind {
    case .put, .append: longest.valueByteCount = max(longest.valueByteCount, operand.count)
    case .delete: break
    case .add: longest.hasAdd = true
    case .patch:
      longest.valueByteCount = max(longest.valueByteCount, patchEndByteCount(operand: operand))
    case .deleteRange:
      longest.keyByteCount = max(longest.keyByteCount, operand.count)
      longest.hasRangeDelete = true
    }
    let needed = arenaByteCount + key.count + operand.count
    if needed > arenaCapacityByteCount { grow(to: needed) }
    let keyStart = arenaByteCount
    let operandStart = keyStart + key.count
    if let base = key.baseAddress { (arena + keyStart).copyMemory(from: base, byteCount: key.count) }
    if let base = operand.baseAddress {
      (arena + operandStart).copyMemory(from: base, byteCount: operand.count)
    }
    arenaByteCount = needed
    entries.append(
      Entry(
        kind: kind, keyStart: keyStart, keyByteCount: key.count, operandStart: operandStart,
        operandByteCount: operand.count))
  }

  /// The key of an entry; valid while the batch is not changed.
  @inlinable public func key(of entry: Entry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: arena + entry.keyStart, count: entry.keyByteCount)
  }

  /// The value, operand or range end of an entry; valid while the batch is not changed.
  @inlinable public func operand(of entry: Entry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: arena + entry.operandStart, count: entry.operandByteCount)
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

extension WriteBatch {
  /// Adds a put. For tests and examples; hot paths pass raw buffers.
  public mutating func put(_ key: [UInt8], _ value: [UInt8]) {
    key.withUnsafeBytes { k in value.withUnsafeBytes { v in append(.put, key: k, operand: v) } }
  }

  /// Adds a delete.
  public mutating func delete(_ key: [UInt8]) {
    key.withUnsafeBytes { append(.delete, key: $0, operand: UnsafeRawBufferPointer(start: nil, count: 0)) }
  }

  /// Adds an upsert that adds `amount` to a counter.
  public mutating func add(_ key: [UInt8], _ amount: Int64) {
    let operand = withUnsafeBytes(of: amount.littleEndian) { Array($0) }
    key.withUnsafeBytes { k in operand.withUnsafeBytes { append(.add, key: k, operand: $0) } }
  }

  /// Adds an upsert that appends `bytes`.
  public mutating func append(_ key: [UInt8], _ bytes: [UInt8]) {
    key.withUnsafeBytes { k in bytes.withUnsafeBytes { append(.append, key: k, operand: $0) } }
  }

  /// Adds an upsert that overwrites from `offset` on.
  public mutating func patch(_ key: [UInt8], offset: UInt32, _ bytes: [UInt8]) {
    let operand = withUnsafeBytes(of: offset.littleEndian) { Array($0) } + bytes
    key.withUnsafeBytes { k in operand.withUnsafeBytes { append(.patch, key: k, operand: $0) } }
  }

  /// Adds a delete of every key in [start, end).
  public mutating func deleteRange(_ start: [UInt8], _ end: [UInt8]) {
    start.withUnsafeBytes { s in end.withUnsafeBytes { append(.deleteRange, key: s, operand: $0) } }
  }
}
