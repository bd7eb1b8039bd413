// The arithmetic of upserts, once, for every engine: what a value becomes when an operation meets it.
//
//             absent        present, old
//   put v     v             v
//   delete    absent        absent
//   add x     le64(x)       le64(first 8 bytes of old, zero-extended) &+ x, then old[8...]
//   append a  a             old + a, or old when that would exceed the limit
//   patch o,b 0…0 b         old with b at o; the gap between old and o is zeros
//
// Invariants
// 1. An upsert never makes a value absent, and never makes one longer than the limit, provided its operand was
//    within the limits when it was accepted (`WriteBatch.check`).
// 2. After warm-up nothing is allocated: the buffer keeps its memory.
// 3. Upserts compose in order only: `append` is not associative at the limit, so operands are not merged.

import Primitives

/// The first byte after what a patch writes, in bytes from the start of the value; the operand is well-formed.
public func patchEndByteCount(operand: UnsafeRawBufferPointer) -> Int {
  Int(UInt32(littleEndian: operand.loadUnaligned(as: UInt32.self))) + operand.count - 4
}

/// A value under construction: absent, or bytes in memory that is reused from key to key.
public struct ValueBuffer: ~Copyable {
  private var memory: UnsafeMutableRawPointer
  /// The bytes held before the buffer grows: what an engine reserves in its budget.
  public private(set) var capacityByteCount: Int
  private var valueByteCount = 0
  /// Whether there is a value.
  public private(set) var isPresent = false

  /// An absent value with room for `reservedByteCount` bytes (at least 8).
  public init(reservedByteCount: Int = 256) {
    capacityByteCount = max(8, reservedByteCount)
    memory = .allocate(byteCount: capacityByteCount, alignment: 16)
  }

  deinit { memory.deallocate() }

  /// The length of the value, 0 when absent.
  public var byteCount: Int { valueByteCount }

  /// The value's bytes; valid until the next change. Empty when absent.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory, count: valueByteCount)
  }

  /// Makes the value absent.
  public mutating func makeAbsent() {
    isPresent = false
    valueByteCount = 0
  }

  /// Makes the value a copy of `value`, which must not lie in this buffer.
  public mutating func assign(_ value: UnsafeRawBufferPointer) {
    reserve(value.count)
    if let base = value.baseAddress { memory.copyMemory(from: base, byteCount: value.count) }
    valueByteCount = value.count
    isPresent = true
  }

  /// Applies one operation on a single key (anything but a range delete) in place. O(operand), without
  /// allocation once the buffer is large enough. The operand must be well-formed and not lie in this buffer.
  public mutating func apply(
    _ kind: OperationKind, operand: UnsafeRawBufferPointer, maximumValueByteCount: Int
  ) {
    switch kind {
    case .put: assign(operand)
    case .delete: makeAbsent()
    case .add: add(operand)
    case .append: append(operand, maximumValueByteCount: maximumValueByteCount)
    case .patch: patch(operand)
    case .deleteRange: preconditionFailure("A range delete has no value to compute.")
    }
  }

  private mutating func add(_ operand: UnsafeRawBufferPointer) {
    precondition(operand.count == 8, "The operand of an add is eight bytes.")
    extend(to: 8)
    let old = UInt64(littleEndian: memory.loadUnaligned(as: UInt64.self))
    let amount = UInt64(littleEndian: operand.loadUnaligned(as: UInt64.self))
    memory.storeBytes(of: (old &+ amount).littleEndian, as: UInt64.self)
    isPresent = true
  }

  private mutating func append(_ operand: UnsafeRawBufferPointer, maximumValueByteCount: Int) {
    guard operand.count <= maximumValueByteCount - valueByteCount else { return }
    reserve(valueByteCount + operand.count)
    if let base = operand.baseAddress {
      (memory + valueByteCount).copyMemory(from: base, byteCount: operand.count)
    }
    valueByteCount += operand.count
    isPresent = true
  }

  private mutating func patch(_ operand: UnsafeRawBufferPointer) {
    precondition(operand.count >= 4, "The operand of a patch begins with its offset.")
    let end = patchEndByteCount(operand: operand)
    extend(to: end)
    let bytes = UnsafeRawBufferPointer(rebasing: operand[4...])
    if let base = bytes.baseAddress {
      (memory + (end - bytes.count)).copyMemory(from: base, byteCount: bytes.count)
    }
    isPresent = true
  }

  /// Makes the value at least `byteCount` long, with zeros.
  private mutating func extend(to byteCount: Int) {
    guard byteCount > valueByteCount else { return }
    reserve(byteCount)
    (memory + valueByteCount).initializeMemory(
      as: UInt8.self, repeating: 0, count: byteCount - valueByteCount)
    valueByteCount = byteCount
  }

  private mutating func reserve(_ needed: Int) {
    guard needed > capacityByteCount else { return }
    var capacity = capacityByteCount
    while capacity < needed { capacity *= 2 }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    larger.copyMemory(from: memory, byteCount: valueByteCount)
    memory.deallocate()
    memory = larger
    capacityByteCount = capacity
  }
}

/// Computes into `buffer` what `old` (nil: absent) becomes under one operation on a single key.
///
/// The operand is well-formed and within `limits`; neither `old` nor `operand` lies in `buffer`.
public func applyUpsert(
  _ kind: OperationKind, old: UnsafeRawBufferPointer?, operand: UnsafeRawBufferPointer,
  limits: EngineLimits, into buffer: inout ValueBuffer
) {
  if let old, kind.isUpsert { buffer.assign(old) } else { buffer.makeAbsent() }
  buffer.apply(kind, operand: operand, maximumValueByteCount: limits.maximumValueByteCount)
}

extension WriteBatch {
  /// Holds the batch against an engine's limits; O(1) unless something is refused.
  ///
  /// - Throws: `.limitExceeded` for the first entry that exceeds one, `.unsupported` for a range delete the
  ///   engine does not offer.
  public func check(against limits: EngineLimits) throws(EngineError) {
    if count > limits.maximumBatchOperationCount {
      throw .limitExceeded(
        what: "batch operation count", given: count, limit: limits.maximumBatchOperationCount)
    }
    if longest.hasRangeDelete, !limits.offersRangeDelete {
      throw .unsupported(what: "range delete", reason: "the engine declares that it deletes single keys only")
    }
    if longest.hasAdd, limits.maximumValueByteCount < 8 {
      throw .limitExceeded(what: "value byte count", given: 8, limit: limits.maximumValueByteCount)
    }
    if longest.keyByteCount <= limits.maximumKeyByteCount,
      longest.valueByteCount <= limits.maximumValueByteCount
    {
      return
    }
    for entry in entries {
      try check(entry, against: limits)
    }
    preconditionFailure("The longest parts of a batch belong to one of its entries.")
  }

  private func check(_ entry: Entry, against limits: EngineLimits) throws(EngineError) {
    var keyByteCount = entry.keyByteCount
    var valueByteCount = 0
    switch entry.kind {
    case .put, .append: valueByteCount = entry.operandByteCount
    case .patch: valueByteCount = patchEndByteCount(operand: operand(of: entry))
    case .deleteRange: keyByteCount = max(keyByteCount, entry.operandByteCount)
    case .delete, .add: break
    }
    if keyByteCount > limits.maximumKeyByteCount {
      throw .limitExceeded(
        what: "key byte count", given: keyByteCount, limit: limits.maximumKeyByteCount)
    }
    if valueByteCount > limits.maximumValueByteCount {
      throw .limitExceeded(
        what: "value byte count", given: valueByteCount, limit: limits.maximumValueByteCount)
    }
  }
}
