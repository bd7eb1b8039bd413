// A batch of transfers: what is handed over the seam in one call and is in flight together.
//
//   transfers   [ write @ 8192, 12288 bytes ] [ write @ 65536, 4096 bytes ]
//                 │ segments (where the bytes lie in memory, in device order)
//                 │   ├ frame A, 8192 bytes   └ pointer p, 4096 bytes …
//                 │ pieces (whose bytes they are; Σ transferred bytes = the transfer's bytes)
//                     ├ leaf, level 0, 8192   └ log, 4000   └ padding, 96 …
//
// Invariants
// 1. Σ segments' bytes = transfer's bytes = Σ pieces' transferred bytes, for each transfer.
// 2. After `seal`, transfers are sorted by (direction, offset), do not overlap within a direction, and
//    no two mergeable neighbours are left. This is the only code that merges, for every engine and guest.
// 3. The device sees transfers and segments; only the ledger and the trace read pieces.

import Accounting
import Primitives

/// Where the bytes of (a part of) a transfer lie.
public enum SegmentMemory {
  /// Memory owned by the caller for the duration of the call; the device copies.
  case borrowed(UnsafeMutableRawPointer)
  /// Part of a shared, reference-counted frame. On a write the device may keep the frame instead of
  /// copying, so the caller must not change it afterwards unless it is the only holder.
  case frame(Frame, offset: Int)
  /// Read only: the device replaces this by a frame of its choosing (its own, shared, or a fresh one).
  case vended
}

/// One contiguous piece of memory of a transfer.
public struct Segment {
  public var memory: SegmentMemory
  public var byteCount: Int
}

/// The share of one (cause, level, client) in a transfer.
public struct Piece: Sendable {
  public var cause: Cause
  public var level: Level
  public var client: Client
  /// How many requests of the engine or guest this share answers.
  public var requestedOperationCount: Int
  /// The bytes the engine or guest asked for; may exceed the transferred ones when a gathered byte was
  /// written twice before it left.
  public var requestedByteCount: Int
  public var transferredByteCount: Int

  @inlinable public init(
    cause: Cause, level: Level = .none, client: Client = .first, requestedOperationCount: Int,
    requestedByteCount: Int, transferredByteCount: Int
  ) {
    self.cause = cause
    self.level = level
    self.client = client
    self.requestedOperationCount = requestedOperationCount
    self.requestedByteCount = requestedByteCount
    self.transferredByteCount = transferredByteCount
  }
}

/// One read or write of consecutive bytes of the device.
public struct Transfer {
  /// `.read` or `.write`.
  public var direction: Direction
  public var offset: UInt64
  public var byteCount: Int
  /// Indices into the batch's `segments`.
  public var segments: Range<Int>
  /// Indices into the batch's `pieces`.
  public var pieces: Range<Int>

  /// The first byte after the transfer.
  @inlinable public var end: UInt64 { offset + UInt64(byteCount) }
}

/// Transfers that are handed over together. Reused: `removeAll` keeps the memory.
public struct TransferBatch {
  public internal(set) var transfers: ContiguousArray<Transfer> = []
  public var segments: ContiguousArray<Segment> = []
  public internal(set) var pieces: ContiguousArray<Piece> = []
  public internal(set) var containsWrites = false

  public init() {}

  /// Whether there is nothing to do.
  public var isEmpty: Bool { transfers.isEmpty }

  /// Forgets the transfers, keeps the memory.
  public mutating func removeAll() {
    transfers.removeAll(keepingCapacity: true)
    segments.removeAll(keepingCapacity: true)
    pieces.removeAll(keepingCapacity: true)
    containsWrites = false
  }

  /// Adds a transfer of one cause: requested and transferred bytes are the same.
  public mutating func append(
    _ direction: Direction, offset: UInt64, memory: SegmentMemory, byteCount: Int, cause: Cause,
    level: Level = .none, client: Client = .first
  ) {
    append(
      direction, offset: offset, memory: memory, byteCount: byteCount,
      pieces: CollectionOfOne(
        Piece(
          cause: cause, level: level, client: client, requestedOperationCount: 1,
          requestedByteCount: byteCount, transferredByteCount: byteCount)))
  }

  /// Adds a transfer whose bytes belong to several causes.
  public mutating func append(
    _ direction: Direction, offset: UInt64, memory: SegmentMemory, byteCount: Int,
    pieces newPieces: some Collection<Piece>
  ) {
    precondition(direction == .read || direction == .write, "Only reads and writes move data.")
    precondition(byteCount > 0, "A transfer moves at least one byte.")
    precondition(
      newPieces.reduce(0) { $0 + $1.transferredByteCount } == byteCount,
      "The pieces of a transfer sum to its bytes.")
    let firstPiece = pieces.count
    pieces.append(contentsOf: newPieces)
    let segment = segments.count
    segments.append(Segment(memory: memory, byteCount: byteCount))
    transfers.append(
      Transfer(
        direction: direction, offset: offset, byteCount: byteCount, segments: segment..<(segment + 1),
        pieces: firstPiece..<pieces.count))
    if direction == .write { containsWrites = true }
  }
}
