// The bytes of the append-only log, inside the records of a `VolumeLog` (which adds length, checksum and place).
//
//   record = part of a batch              operation
//   offset size meaning                   size meaning
//      0    1   1 first part, 2 last,        1   kind (`OperationKind`)
//               3 both, 0 neither            …   key bytes, varint
//      1    …   operations to its end        …   operand bytes, varint
//                                            …   key, operand
//
// A batch is the parts from a first one to the next last one. Parts that no last one follows belong to a batch that
// was cut short; they count for nothing, and the next first part tells so.

import KeyValue
import Primitives

/// One operation of the log, borrowed.
struct LogOperation {
  var kind: OperationKind
  var key: UnsafeRawBufferPointer
  var operand: UnsafeRawBufferPointer
}

/// The codec of parts and operations.
enum AppendLogFormat {
  static let firstPartFlag: UInt8 = 1
  static let lastPartFlag: UInt8 = 2
  static let partHeaderByteCount = 1
  /// Kind and two lengths, at their longest.
  static let longestOperationHeaderByteCount = 1 + 2 * Varint.maximumByteCount

  /// The bytes of an operation in a part.
  static func byteCount(of entry: WriteBatch.Entry) -> Int {
    1 + Varint.size(of: UInt64(entry.keyByteCount)) + Varint.size(of: UInt64(entry.operandByteCount))
      + entry.keyByteCount + entry.operandByteCount
  }

  /// Writes an operation at `target`, which has room for it.
  ///
  /// - Returns: the bytes written.
  static func encode(
    _ kind: OperationKind, key: UnsafeRawBufferPointer, operand: UnsafeRawBufferPointer,
    to target: UnsafeMutableRawPointer
  ) -> Int {
    target.setU8(0, kind.rawValue)
    var end = 1 + Varint.encode(UInt64(key.count), to: target + 1)
    end += Varint.encode(UInt64(operand.count), to: target + end)
    if let base = key.baseAddress { (target + end).copyMemory(from: base, byteCount: key.count) }
    end += key.count
    if let base = operand.baseAddress { (target + end).copyMemory(from: base, byteCount: operand.count) }
    return end + operand.count
  }

  /// The flags of a part, nil when it cannot be one.
  static func flags(of part: UnsafeRawBufferPointer) -> UInt8? {
    guard let flags = part.first, flags <= firstPartFlag | lastPartFlag else { return nil }
    return flags
  }

  /// Shows the operations of a part in order.
  ///
  /// - Returns: how many were shown, nil when the bytes cannot be what was written.
  static func decode(_ part: UnsafeRawBufferPointer, _ visit: (LogOperation) -> Void) -> Int? {
    var position = partHeaderByteCount
    var count = 0
    while position < part.count {
      guard let kind = OperationKind(rawValue: part[position]),
        let key = Varint.decode(part, at: position + 1),
        let operand = Varint.decode(part, at: position + 1 + key.byteCount)
      else { return nil }
      let keyStart = position + 1 + key.byteCount + operand.byteCount
      guard key.value <= UInt64(part.count - keyStart) else { return nil }
      let operandStart = keyStart + Int(key.value)
      guard operand.value <= UInt64(part.count - operandStart),
        kind.accepts(operandByteCount: Int(operand.value))
      else { return nil }
      position = operandStart + Int(operand.value)
      visit(
        LogOperation(
          kind: kind, key: UnsafeRawBufferPointer(rebasing: part[keyStart..<operandStart]),
          operand: UnsafeRawBufferPointer(rebasing: part[operandStart..<position])))
      count += 1
    }
    return count
  }
}
