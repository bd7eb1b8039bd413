// What a dictionary holds, as a value: the sorted map every engine is compared with. Copying it is a snapshot.
//
//   chunks   [ a b c d ] [ e f ] [ g h i ] …     sorted arrays of at most 256 entries, none empty
//
// Invariants
// 1. Keys ascend strictly within and across chunks.
// 2. No chunk is empty; none has more than `maximumChunkEntryCount` entries.
// 3. `count` is the sum of the chunks' counts, `logicalByteCount` the sum of key and value bytes.

/// A sorted map from byte strings to byte strings.
public struct ReferenceState: Sendable {
  static let maximumChunkEntryCount = 256

  private var chunks: [[KeyValuePair]] = []
  /// The number of keys.
  public private(set) var count = 0
  /// Bytes of all keys and values.
  public private(set) var logicalByteCount = 0

  /// The empty map.
  public init() {}

  /// A place between entries: before entry `index` of chunk `chunk`. The end is (chunks.count, 0).
  struct Position: Equatable {
    var chunk: Int
    var index: Int
  }

  // MARK: Reading

  /// The value of `key`, nil when there is none. O(log n).
  public func value(for key: [UInt8]) -> [UInt8]? {
    let position = firstPosition(atOrAfter: key)
    guard let entry = entry(at: position), entry.key == key else { return nil }
    return entry.value
  }

  /// The entries of `range` in scan order.
  public func entries(in range: KeyRange = .all, order: ScanOrder = .forward) -> [KeyValuePair] {
    var result: [KeyValuePair] = []
    var position = range.lowerBound.map { firstPosition(atOrAfter: $0) } ?? start
    while let entry = entry(at: position) {
      if let upper = range.upperBound, !keyPrecedes(entry.key, upper) { break }
      result.append(entry)
      position = positionAfter(position)
    }
    return order == .forward ? result : result.reversed()
  }

  /// The hash that `ReadView.stateHash` computes for an engine with these contents.
  public var stateHash: UInt64 {
    var hash = StateHash()
    for chunk in chunks {
      for entry in chunk {
        entry.key.withUnsafeBytes { hash.add($0) }
        entry.value.withUnsafeBytes { hash.add($0) }
      }
    }
    return hash.value
  }

  var start: Position { Position(chunk: 0, index: 0) }
  var end: Position { Position(chunk: chunks.count, index: 0) }

  func entry(at position: Position) -> KeyValuePair? {
    position.chunk < chunks.count ? chunks[position.chunk][position.index] : nil
  }

  /// The place before the first entry whose key is not before `key`; `end` when there is none.
  func firstPosition(atOrAfter key: [UInt8]) -> Position {
    var low = 0
    var high = chunks.count
    while low < high {
      let middle = (low + high) / 2
      if keyPrecedes(chunks[middle][chunks[middle].count - 1].key, key) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    if low == chunks.count { return end }
    let chunk = low
    low = 0
    high = chunks[chunk].count
    while low < high {
      let middle = (low + high) / 2
      if keyPrecedes(chunks[chunk][middle].key, key) { low = middle + 1 } else { high = middle }
    }
    return Position(chunk: chunk, index: low)
  }

  func positionAfter(_ position: Position) -> Position {
    if position.index + 1 < chunks[position.chunk].count {
      return Position(chunk: position.chunk, index: position.index + 1)
    }
    return Position(chunk: position.chunk + 1, index: 0)
  }

  /// nil at the start.
  func positionBefore(_ position: Position) -> Position? {
    if position.index > 0 { return Position(chunk: position.chunk, index: position.index - 1) }
    if position.chunk == 0 { return nil }
    return Position(chunk: position.chunk - 1, index: chunks[position.chunk - 1].count - 1)
  }

  // MARK: Writing

  /// Maps `key` to `value`.
  public mutating func set(_ key: [UInt8], to value: [UInt8]) {
    let position = firstPosition(atOrAfter: key)
    if let old = entry(at: position), old.key == key {
      logicalByteCount += value.count - old.value.count
      chunks[position.chunk][position.index].value = value
      return
    }
    count += 1
    logicalByteCount += key.count + value.count
    let pair = KeyValuePair(key: key, value: value)
    if chunks.isEmpty {
      chunks.append([pair])
      return
    }
    // At the end the last chunk takes it; elsewhere the chunk that holds the first greater key.
    let chunk = min(position.chunk, chunks.count - 1)
    let index = position.chunk == chunks.count ? chunks[chunk].count : position.index
    chunks[chunk].insert(pair, at: index)
    if chunks[chunk].count > ReferenceState.maximumChunkEntryCount {
      let half = chunks[chunk].count / 2
      let upper = [KeyValuePair](chunks[chunk][half...])
      chunks[chunk].removeSubrange(half...)
      chunks.insert(upper, at: chunk + 1)
    }
  }

  /// Maps `key` to nothing.
  public mutating func remove(_ key: [UInt8]) {
    let position = firstPosition(atOrAfter: key)
    guard let old = entry(at: position), old.key == key else { return }
    count -= 1
    logicalByteCount -= old.key.count + old.value.count
    chunks[position.chunk].remove(at: position.index)
    if chunks[position.chunk].isEmpty { chunks.remove(at: position.chunk) }
  }

  /// Removes every key in [start, end); an end at or before the start removes nothing.
  public mutating func removeRange(from start: [UInt8], to end: [UInt8]) {
    for entry in entries(in: KeyRange(lowerBound: start, upperBound: end)) { remove(entry.key) }
  }

  /// Applies the operations of a batch in order, as documented at `OperationKind`. The batch is within the
  /// limits.
  public mutating func apply(_ batch: borrowing WriteBatch, limits: EngineLimits) {
    for index in 0..<batch.count {
      let entry = batch.entries[index]
      apply(
        entry.kind, key: [UInt8](batch.key(of: entry)), operand: [UInt8](batch.operand(of: entry)),
        maximumValueByteCount: limits.maximumValueByteCount)
    }
  }

  /// Applies one operation, written with arrays and without the engines' `ValueBuffer`: a second opinion.
  public mutating func apply(
    _ kind: OperationKind, key: [UInt8], operand: [UInt8], maximumValueByteCount: Int
  ) {
    switch kind {
    case .put: set(key, to: operand)
    case .delete: remove(key)
    case .deleteRange: removeRange(from: key, to: operand)
    case .add:
      var value = value(for: key) ?? []
      while value.count < 8 { value.append(0) }
      var carry = 0
      for index in 0..<8 {
        let sum = Int(value[index]) + Int(operand[index]) + carry
        value[index] = UInt8(sum % 256)
        carry = sum / 256
      }
      set(key, to: value)
    case .append:
      let value = (value(for: key) ?? []) + operand
      if value.count <= maximumValueByteCount { set(key, to: value) }
    case .patch:
      var value = value(for: key) ?? []
      let offset =
        Int(operand[0]) + Int(operand[1]) * 256 + Int(operand[2]) * 65_536
        + Int(operand[3]) * 16_777_216
      let bytes = operand[4...]
      while value.count < offset + bytes.count { value.append(0) }
      value.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
      set(key, to: value)
    }
  }

  /// Checks invariants 1 to 3; a sentence when one is broken.
  public func brokenInvariant() -> String? {
    var previous: [UInt8]? = nil
    var entryCount = 0
    var byteCount = 0
    for chunk in chunks {
      if chunk.isEmpty || chunk.count > ReferenceState.maximumChunkEntryCount {
        return "A chunk has \(chunk.count) entries."
      }
      for entry in chunk {
        if let previous, !keyPrecedes(previous, entry.key) { return "Keys do not ascend." }
        previous = entry.key
        entryCount += 1
        byteCount += entry.key.count + entry.value.count
      }
    }
    if entryCount != count { return "count is \(count), entries are \(entryCount)." }
    if byteCount != logicalByteCount { return "bytes are \(byteCount), not \(logicalByteCount)." }
    return nil
  }
}

extension ReferenceState: Equatable {
  /// Whether both hold the same entries, however they are cut into chunks.
  public static func == (left: ReferenceState, right: ReferenceState) -> Bool {
    left.count == right.count && left.entries() == right.entries()
  }
}
