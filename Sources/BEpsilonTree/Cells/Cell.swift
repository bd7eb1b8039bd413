// One message, or one entry of a leaf: a head, a key and an operand, side by side.
//
//   offset  size  meaning
//        0     1  kind: 1 put, 2 delete, 3 add, 4 append, 5 patch, 6 delete range   (`OperationKind`)
//        1     1  zero
//        2     2  key bytes; of a delete range: bytes of its start
//        4     4  operand bytes; of a delete range: bytes of its end
//        8     …  key, operand
//
// Messages travel from buffer to buffer and come to rest in leaves as the same bytes, so moving one is one copy. An entry of
// a leaf is a put. The log holds the same cells.
//
// Invariants
// 1. A cell that entered memory from the device was checked once (`Cell.problem`), so its readers trust its lengths.
// 2. Cells follow each other without gaps and without alignment.

import KeyValue
import Primitives

/// Compares a key given as an array with another.
@inline(__always) func compare(_ first: [UInt8], _ second: Bytes) -> Int {
  first.withUnsafeBytes { Bytes($0).compare(second) }
}

/// The codec of a cell.
enum Cell {
  static var headByteCount: Int { 8 }

  /// Bytes of a cell with a key and an operand of these lengths.
  @inline(__always) static func byteCount(key: Int, operand: Int) -> Int { headByteCount + key + operand }

  @inline(__always) static func byteCount(_ cell: UnsafeRawPointer) -> Int {
    headByteCount + Int(cell.u16(2)) + Int(cell.u32(4))
  }

  @inline(__always) static func rawKind(_ cell: UnsafeRawPointer) -> UInt8 { cell.u8(0) }

  /// The kind of a checked cell.
  @inline(__always) static func kind(_ cell: UnsafeRawPointer) -> OperationKind {
    // Every value was checked on its way in.
    OperationKind(rawValue: cell.u8(0)).unsafelyUnwrapped
  }

  @inline(__always) static func key(_ cell: UnsafeRawPointer) -> Bytes {
    Bytes(cell + headByteCount, Int(cell.u16(2)))
  }

  @inline(__always) static func operand(_ cell: UnsafeRawPointer) -> Bytes {
    Bytes(cell + (headByteCount + Int(cell.u16(2))), Int(cell.u32(4)))
  }

  /// Writes a cell; there is room for it.
  @inline(__always) static func write(
    to target: UnsafeMutableRawPointer, kind: UInt8, key: Bytes, operand: Bytes
  ) {
    target.setU16(0, UInt16(kind))
    target.setU16(2, UInt16(truncatingIfNeeded: key.count))
    target.setU32(4, UInt32(truncatingIfNeeded: operand.count))
    key.copy(to: target + headByteCount)
    operand.copy(to: target + (headByteCount + key.count))
  }

  /// What is wrong with the cell that should begin `bytes`, nil when it is one.
  static func problem(_ bytes: Bytes, maximumKeyByteCount: Int) -> String? {
    guard bytes.count >= headByteCount else { return "it ends inside a cell's head" }
    guard let kind = OperationKind(rawValue: bytes.start.u8(0)), bytes.start.u8(1) == 0 else {
      return "a cell is of kind \(bytes.start.u8(0))"
    }
    let keyCount = Int(bytes.start.u16(2))
    let operandCount = Int(bytes.start.u32(4))
    guard keyCount + operandCount <= bytes.count - headByteCount else { return "it ends inside a cell" }
    guard keyCount <= maximumKeyByteCount else { return "a key has \(keyCount) bytes" }
    guard kind.accepts(operandByteCount: operandCount) else {
      return "a \(kind) has an operand of \(operandCount) bytes"
    }
    if kind == .deleteRange, operandCount > maximumKeyByteCount {
      return "the end of a range has \(operandCount) bytes"
    }
    return nil
  }
}
