// The value an upsert works on: read, changed, and written back inside one transaction. The meaning of the upserts is
// that of `OperationKind`.

import KeyValue
import Primitives

/// Growing memory for one value; allocates only to grow.
struct ValueBuffer: ~Copyable {
  private var pointer: UnsafeMutableRawPointer
  private var capacityByteCount: Int
  private var byteCount = 0

  init() {
    capacityByteCount = 4_096
    pointer = .allocate(byteCount: capacityByteCount, alignment: 16)
  }

  deinit { pointer.deallocate() }

  /// The value; valid until the buffer changes.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: byteCount) }

  /// Makes the buffer hold a copy of `bytes`.
  mutating func replace(_ bytes: UnsafeRawBufferPointer) {
    byteCount = 0
    resize(to: bytes.count)
    if let base = bytes.baseAddress { pointer.copyMemory(from: base, byteCount: bytes.count) }
  }

  /// Lengthens with zeros, or shortens.
  private mutating func resize(to newByteCount: Int) {
    if newByteCount > capacityByteCount {
      var capacity = capacityByteCount
      while capacity < newByteCount { capacity *= 2 }
      let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
      larger.copyMemory(from: pointer, byteCount: byteCount)
      pointer.deallocate()
      pointer = larger
      capacityByteCount = capacity
    }
    if newByteCount > byteCount {
      (pointer + byteCount).initializeMemory(as: UInt8.self, repeating: 0, count: newByteCount - byteCount)
    }
    byteCount = newByteCount
  }

  /// Applies an upsert to the value.
  ///
  /// - Returns: false when the value stays as it is, because it would pass the limit.
  mutating func upsert(_ kind: OperationKind, _ operand: UnsafeRawBufferPointer, limitByteCount: Int) -> Bool
  {
    guard let source = operand.baseAddress else { return kind == .append }
    switch kind {
    case .add:
      if byteCount < 8 { resize(to: 8) }
      pointer.setU64(0, pointer.u64(0) &+ source.u64(0))
    case .append:
      let start = byteCount
      guard start + operand.count <= limitByteCount else { return false }
      resize(to: start + operand.count)
      (pointer + start).copyMemory(from: source, byteCount: operand.count)
    case .patch:
      let offset = Int(source.u32(0))
      let count = operand.count - 4
      if byteCount < offset + count { resize(to: offset + count) }
      (pointer + offset).copyMemory(from: source + 4, byteCount: count)
    case .put, .delete, .deleteRange:
      preconditionFailure("Only an upsert changes a value.")
    }
    return true
  }
}
