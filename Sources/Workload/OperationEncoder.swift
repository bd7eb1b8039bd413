// From operations to bytes: the keys, values and operands that a runner hands to an engine.
//
// Invariant: the bytes are a function of (workload, operation); the encoder's scratch memory is only reused.

import KeyValue
import Primitives

/// Writes operations into batches and keys into scratch memory. One per thread.
public struct OperationEncoder: ~Copyable {
  private let workload: WorkloadSpec
  private let keyMemory: UnsafeMutableRawBufferPointer
  private let endMemory: UnsafeMutableRawBufferPointer
  private var valueMemory: UnsafeMutableRawBufferPointer

  /// An encoder for a workload.
  public init(workload: WorkloadSpec) {
    self.workload = workload
    let keyByteCount = workload.keys.keyByteCount
    keyMemory = .allocate(byteCount: keyByteCount, alignment: 16)
    endMemory = .allocate(byteCount: keyByteCount, alignment: 16)
    let typical = min(workload.values.sizes.maximumByteCount, 1 << 16)
    valueMemory = .allocate(byteCount: max(64, typical), alignment: 16)
  }

  deinit {
    keyMemory.deallocate()
    endMemory.deallocate()
    valueMemory.deallocate()
  }

  /// The key that a get looks up or a scan begins at (missing twins for get_miss). Valid until the next call;
  /// `.bytes` of it is the `RawSpan` an engine takes.
  public mutating func key(of operation: Operation) -> UnsafeRawBufferPointer {
    if operation.kind == .getMiss {
      workload.keys.writeMissing(index: operation.keyIndex, into: keyMemory)
    } else {
      workload.keys.write(index: operation.keyIndex, into: keyMemory)
    }
    return UnsafeRawBufferPointer(keyMemory)
  }

  /// Appends a write operation to a batch.
  public mutating func append(_ operation: Operation, to batch: inout WriteBatch) {
    let key = key(of: operation)
    let length = Int(operation.length)
    switch operation.kind {
    case .put, .overwrite:
      let value = value(length)
      workload.values.fill(into: value, keyIndex: operation.keyIndex, version: operation.version)
      batch.append(.put, key: key, operand: UnsafeRawBufferPointer(value))
    case .delete:
      batch.append(.delete, key: key, operand: UnsafeRawBufferPointer(start: nil, count: 0))
    case .upsertAdd, .upsertAppend, .upsertPatch:
      let operand = value(Self.operandByteCount(operation))
      Self.fillOperand(operation, values: workload.values, into: operand)
      batch.append(Self.batchKind(operation.kind), key: key, operand: UnsafeRawBufferPointer(operand))
    case .rangeDelete:
      workload.keys.write(orderWord: operation.detail, into: endMemory)
      batch.append(.deleteRange, key: key, operand: UnsafeRawBufferPointer(endMemory))
    case .getHit, .getMiss, .scan:
      preconditionFailure("A batch takes write operations only.")
    }
  }

  /// The bytes of an upsert's operand, a patch's offset included.
  static func operandByteCount(_ operation: Operation) -> Int {
    Int(operation.length) + (operation.kind == .upsertPatch ? 4 : 0)
  }

  /// The kind by which a batch knows an upsert.
  static func batchKind(_ kind: StreamOperation) -> OperationKind {
    switch kind {
    case .upsertAdd: .add
    case .upsertAppend: .append
    case .upsertPatch: .patch
    case .put, .overwrite: .put
    case .delete: .delete
    case .rangeDelete: .deleteRange
    case .getHit, .getMiss, .scan: preconditionFailure("A read is no kind of write.")
    }
  }

  /// Writes the operand of an upsert.
  static func fillOperand(
    _ operation: Operation, values: ValueCodec, into buffer: UnsafeMutableRawBufferPointer
  ) {
    guard let base = buffer.baseAddress else { return }
    switch operation.kind {
    case .upsertAdd: base.setU64(0, operation.detail)
    case .upsertPatch:
      base.setU32(0, UInt32(operation.detail))
      values.fill(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[4...]), keyIndex: operation.keyIndex,
        version: operation.version)
    default: values.fill(into: buffer, keyIndex: operation.keyIndex, version: operation.version)
    }
  }

  private mutating func value(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
    if byteCount > valueMemory.count {
      let larger = max(byteCount, valueMemory.count * 2)
      valueMemory.deallocate()
      valueMemory = .allocate(byteCount: larger, alignment: 16)
    }
    return UnsafeMutableRawBufferPointer(rebasing: valueMemory[..<byteCount])
  }
}
