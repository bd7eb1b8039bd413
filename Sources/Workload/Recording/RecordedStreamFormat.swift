// A recorded operation stream: the operations of a run, phase by phase, without keys and values, which follow from the
// workload. About 1 byte for an operation whose key follows the last, 4 for one at random among a million keys.
//
//   header │ description │ block │ block │ … │ last block (ends with the end event)
//
//   header, 20 bytes                          block, 16 bytes + payload
//   offset size meaning                       offset size meaning
//        0    8 "BETULAOP"                         0    4 payload bytes, 1 … 64 MiB
//        8    4 version, 1                         4    4 events in the payload
//       12    4 description, 0 … 65,536 bytes      8    4 block number, from 0
//       16    4 CRC-32C of bytes 0 … 15 and       12    4 CRC-32C of bytes 0 … 11 and of the payload
//               of the description                16    … payload: whole events
//       20    … description: lines `name: value` (`LabelledText`)
//
//   All fixed fields are little-endian; v is a varint (LEB128, 1 … 10 bytes).
//
//   event    first byte: kind in bits 0 … 3, flags in bits 4 … 7
//   1 … 10   an operation, the kind as in `StreamOperation`
//              bits 4 … 5 the key's index: 0 v follows · 1 the last operation's + 1 · 2 the largest put so far + 1
//                         · 3 the last operation's
//              bit 6      as long as the last operation of this kind; unless it is set, v length follows
//                         (get, delete and upsert_add have no length; the bit is 0)
//              then       upsert_add: amount, 8 bytes · upsert_patch: v byte offset · range_delete: order word, 8 bytes
//   11       a section (phase) begins: v length, name · v length, kind of phase · scan order, 1 byte (0 forward,
//              1 reverse) · v next key index · v next version
//   12       the section ends: v operations in it, stream hash, 8 bytes
//   13       the stream ends: v sections, v operations; nothing follows
//
// A write's version is the section's next version plus the operation's place in the section; reads have none.
// "Last" and "largest" begin anew with each section: key index 2^64 − 1 (so that + 1 is 0), largest put: the section's
// next key index − 1, lengths 0.
//
// Worked example: a section whose first two operations put keys 0 and 1 with values of 100 bytes, then a get of key 1:
// 21 64 · 61 · 33: put, next key, length 100; put, next key, same length; get_hit, the same key.
//
// Invariants
// 1. A stream is validated whole before one operation of it is used: counts, checksums, hashes, ranges.
// 2. No bytes make the reader trap or allocate more than they are worth.
// 3. The operations handed out, and so their hash, are those that were recorded.

import KeyValue
import Primitives

/// Constants of the format.
enum RecordedStreamFormat {
  static let magic: [UInt8] = Array("BETULAOP".utf8)
  static let version: UInt32 = 1
  static let headerByteCount = 20
  static let blockHeaderByteCount = 16
  /// A block is closed when its payload reaches this size.
  static let blockByteCount = 64 << 10
  static let largestPayloadByteCount = 64 << 20
  static let longestNameByteCount = 256

  static let sectionBegins: UInt8 = 11
  static let sectionEnds: UInt8 = 12
  static let end: UInt8 = 13

  static let kindMask: UInt8 = 0x0F
  static let keyShift: UInt8 = 4
  static let sameLengthFlag: UInt8 = 0x40
  static let unusedFlag: UInt8 = 0x80

  /// How an operation's key is given.
  enum KeyMode: UInt8 {
    case written = 0
    case next = 1
    case nextPut = 2
    case same = 3
  }

  /// What "last" and "largest" mean within a section.
  struct Context {
    var lastKeyIndex: UInt64 = .max
    var nextPutIndex: UInt64
    var lengths = ContiguousArray<UInt32>(repeating: 0, count: 16)
    var nextVersion: UInt32

    init(_ position: StreamPosition) {
      nextPutIndex = position.nextKeyIndex
      nextVersion = position.nextVersion
    }

    /// Takes note of an operation.
    @inline(__always) mutating func passed(_ operation: Operation) {
      lastKeyIndex = operation.keyIndex
      if operation.kind == .put, operation.keyIndex >= nextPutIndex { nextPutIndex = operation.keyIndex &+ 1 }
      lengths[Int(operation.kind.rawValue)] = operation.length
      nextVersion &+= 1
    }
  }
}

extension StreamOperation {
  /// Whether its length is recorded; the others' is a function of the kind.
  var recordsLength: Bool {
    switch self {
    case .put, .overwrite, .upsertAppend, .upsertPatch, .scan, .rangeDelete: true
    case .getHit, .getMiss, .delete, .upsertAdd: false
    }
  }

  /// What a length may be.
  var lengthRange: ClosedRange<UInt64> {
    switch self {
    case .put, .overwrite: 0...(1 << 30)
    case .upsertAppend, .upsertPatch: 1...(1 << 20)
    case .scan, .rangeDelete: 1...(1 << 31)
    case .upsertAdd: 8...8
    case .getHit, .getMiss, .delete: 0...0
    }
  }
}
