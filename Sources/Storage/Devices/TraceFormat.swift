// The I/O trace: every device call of a run in order, with causes, levels and clients; about 7 bytes a transfer.
// A reader can charge it under another time model, replay it, or draw it, without running the engine again.
//
//   header │ description │ block │ block │ … │ last block (ends with the end event)
//
//   header, 32 bytes                          block, 16 bytes + payload
//   offset size meaning                       offset size meaning
//        0    8 "BETULATR"                         0    4 payload bytes, 1 … 64 MiB
//        8    4 version, 2                         4    4 events in the payload
//       12    4 transfer unit, bytes               8    4 block number, from 0
//       16    8 capacity, bytes                   12    4 CRC-32C of bytes 0 … 11 and of the payload
//       24    4 description, 0 … 65,536 bytes     16    … payload: whole events
//       28    4 CRC-32C of bytes 0 … 27 and
//               of the description
//       32    … description: lines `name: value` that say which run this is (`LabelledText`)
//
//   All fixed fields are little-endian; v is a varint (LEB128, 1 … 10 bytes), z a zigzag varint.
//
//   event     first byte: kind in bits 0 … 2, argument in bits 3 … 7
//   0 batch       argument: number of transfers, 31 for "31 + v"; the transfers follow
//   1 sync        cause (1 byte)
//   2 discard     cause (1 byte), v offset ÷ unit, v bytes ÷ unit
//   3 namespace   argument: direction; v file id
//   4 mark        argument 0: a phase begins; v length, UTF-8 name
//                 argument 1: the phase's last operation is acknowledged; a checkpoint may follow
//                 argument 2: the phase ends; what follows up to the next beginning belongs to no phase
//   5 end         v events before it, v transfers before it; nothing follows
//   6 unmoved     argument: direction; cause, level (1 byte each), v requests, v bytes: answered by memory above the
//                 device, so that requested counts are whole
//
//   transfer  one byte of flags
//   bit 0 write · bit 1 begins where the previous transfer ended · bit 2 as long as the previous one of its direction
//   bit 3 plain: one piece, one request, requested = transferred · bit 4 same cause, level and client as the previous
//   bit 5 the client is not 0
//   then  unless bit 1: z (offset − previous end) ÷ unit        unless bit 2: v bytes ÷ unit
//         bit 3, not bit 4: cause, level (1 byte each), and if bit 5 client (1 byte)
//         not bit 3: v pieces, each: cause, level, client (1 byte each), v requests, v requested, v transferred bytes
//
// Worked example: a write of 8 KiB at 8 KiB, leaf of level 0, as the first event (unit 4 KiB): 08 09 04 02 01 01:
// a batch of one transfer; write and plain; 2 units on from 0 (zigzag 4); 2 units long; cause 1 (leaf); level byte 1
// (level 0). At 0 it would begin where the block's first "previous" ends: 08 0B 02 01 01.
//
// Invariants
// 1. "Previous" never reaches into another block: each block decodes alone, from offset 0, length 0, no owner.
// 2. The reader bounds every count by the bytes left, so no bytes make it trap or allocate more than they are worth.
// 3. A trace without its end event is reported as cut off, after its whole blocks were given out.
//
// Version 1 had no description, no arguments of marks and no unmoved requests; it was never released.

import Accounting
import Primitives

/// Constants of the format.
enum TraceFormat {
  static let magic: [UInt8] = Array("BETULATR".utf8)
  static let version: UInt32 = 2
  static let headerByteCount = 32
  static let blockHeaderByteCount = 16
  /// A block is closed when its payload reaches this size.
  static let blockByteCount = 64 << 10
  static let largestPayloadByteCount = 64 << 20

  enum Kind: UInt8 {
    case batch = 0
    case sync = 1
    case discard = 2
    case namespace = 3
    case mark = 4
    case end = 5
    case unmoved = 6
  }

  static let writeFlag: UInt8 = 1
  static let sequentialFlag: UInt8 = 2
  static let sameLengthFlag: UInt8 = 4
  static let plainFlag: UInt8 = 8
  static let sameOwnerFlag: UInt8 = 16
  static let clientFlag: UInt8 = 32

  static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

  static func unzigzag(_ value: UInt64) -> Int64 {
    Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// The longest name of a phase, in bytes.
  static let longestNameByteCount = 4_096

  enum MarkArgument: UInt8 {
    case phaseBegins = 0
    case acknowledged = 1
    case phaseEnds = 2
  }

  /// What "previous" means, while writing and while reading: begins anew in each block.
  struct Context {
    var end: UInt64 = 0
    var readByteCount = 0
    var writeByteCount = 0
    var hasOwner = false
    var cause: UInt8 = 0
    var level: UInt8 = 0
    var client: UInt8 = 0
  }
}

/// One transfer of a trace.
public struct TraceTransfer: Equatable, Sendable {
  /// Whether it writes.
  public var isWrite: Bool
  /// The first byte on the device.
  public var offset: UInt64
  /// How many bytes.
  public var byteCount: Int
  /// Whose the bytes are; their transferred bytes sum to `byteCount`.
  public var pieces: [Piece]

  /// What a time model sees of it.
  public var charged: ChargedTransfer {
    ChargedTransfer(isWrite: isWrite, offset: offset, byteCount: byteCount)
  }
}

/// One event of a trace.
public enum TraceEvent: Equatable, Sendable {
  /// Transfers that were in flight together.
  case batch([TraceTransfer])
  /// A call that moved no data.
  case control(ControlOperation)
  /// A named point of the run.
  case mark(TraceMark)
  /// A request that moved nothing.
  case unmoved(UnmovedRequest)
}

/// A read or write that memory above the device answered: it was asked, and moved nothing.
public struct UnmovedRequest: Equatable, Sendable {
  /// `.read` or `.write`.
  public var direction: Direction
  /// Why it was asked.
  public var cause: Cause
  /// For which level.
  public var level: Level
  /// 1, or 0 for a later part of a request already counted.
  public var operationCount: UInt64
  /// Bytes asked for.
  public var byteCount: UInt64
}

/// A point between two calls, by which a trace is told apart into phases.
public enum TraceMark: Equatable, Sendable {
  /// A phase of this name begins.
  case phaseBegins(String)
  /// The phase's last operation is acknowledged; the flush and checkpoint that end a writing phase follow.
  case acknowledged
  /// The phase ends; calls up to the next beginning belong to none (opening, closing, space reports).
  case phaseEnds
}
