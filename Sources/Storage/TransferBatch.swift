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
// 2. After `seal`, transfers are sorted by (direction, offset), reads before writes; no write overlaps another
//    transfer, and no two mergeable neighbours are left. This is the only code that merges, for every engine
//    and guest.
// 3. The device sees transfers and segments; only the ledger and the trace read pieces.
// 4. Before `seal` each request has one segment, in the order of the appends. Sealing moves segments but keeps
//    the way back: `memory(ofRequest:)` and `frame(ofRequest:)` take the number of the append.

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
  /// Where the bytes are, or are to be put.
  public var memory: SegmentMemory
  /// How many bytes.
  public var byteCount: Int
}

/// The share of one (cause, level, client) in a transfer.
public struct Piece: Equatable, Sendable {
  /// Why the bytes move.
  public var cause: Cause
  /// The level they belong to, or none.
  public var level: Level
  /// Who asked.
  public var client: Client
  /// How many requests of the engine or guest this share answers.
  public var requestedOperationCount: Int
  /// The bytes the engine or guest asked for; may exceed the transferred ones when a gathered byte was
  /// written twice before it left.
  public var requestedByteCount: Int
  /// The bytes at the device; the pieces of a transfer sum to the transfer.
  public var transferredByteCount: Int

  /// A share. Bytes and operations are not negative.
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

  @inlinable func hasSameOwner(as other: Piece) -> Bool {
    cause == other.cause && level == other.level && client == other.client
  }

  @inlinable mutating func add(_ other: Piece) {
    requestedOperationCount += other.requestedOperationCount
    requestedByteCount += other.requestedByteCount
    transferredByteCount += other.transferredByteCount
  }
}

/// One read or write of consecutive bytes of the device.
public struct Transfer {
  /// `.read` or `.write`.
  public var direction: Direction
  /// The first byte on the device.
  public var offset: UInt64
  /// How many bytes.
  public var byteCount: Int
  /// Indices into the batch's `segments`.
  public var segments: Range<Int>
  /// Indices into the batch's `pieces`.
  public var pieces: Range<Int>

  /// The first byte after the transfer. Wraps around for an impossible offset, which the device refuses.
  @inlinable public var end: UInt64 { offset &+ UInt64(byteCount) }
}

/// Transfers that are handed over together. Reused: `removeAll` keeps the memory.
///
///     batch.append(.read, offset: 8_192, memory: .vended, byteCount: 4_096, cause: .leaf)   // request 0
///     batch.append(.read, offset: 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)   // request 1
///     try channel.submit(&batch)                            // one transfer of 8,192 bytes at 4,096
///     let (frame, offset) = batch.frame(ofRequest: 1)       // what lay at 4,096
///     batch.removeAll()
public struct TransferBatch {
  /// At most this many segments are merged into one transfer, so that one vectored system call can carry it.
  public static let maximumSegmentCount = 512

  /// What the device performs; sorted and merged once sealed.
  public internal(set) var transfers: ContiguousArray<Transfer> = []
  /// Where the bytes are in memory; a device replaces vended segments by frames.
  public var segments: ContiguousArray<Segment> = []
  /// Whose the bytes are; read by the ledger and the trace, never by a device.
  public internal(set) var pieces: ContiguousArray<Piece> = []
  /// Whether any transfer writes.
  public internal(set) var containsWrites = false
  /// Whether `seal` was called since the last `removeAll`; a sealed batch takes no more requests.
  public internal(set) var isSealed = false
  /// Says what the bytes of a read are once they are there, for a guest whose pages name their own kind; called
  /// once by `classifyReads` and kept by `removeAll`. It may change causes and levels through `attribute`.
  public var classifier: ((inout TransferBatch) -> Void)?

  private var isClassified = false
  private var containsReads = false
  /// The segment of the k-th request; empty while that is segment k.
  private var segmentOfRequest: ContiguousArray<Int32> = []
  private var order: ContiguousArray<Int32> = []
  private var spareTransfers: ContiguousArray<Transfer> = []
  private var spareSegments: ContiguousArray<Segment> = []
  private var sparePieces: ContiguousArray<Piece> = []

  /// An empty batch.
  public init() {}

  /// Whether there is nothing to do.
  public var isEmpty: Bool { transfers.isEmpty }

  /// How many requests were appended.
  public var requestCount: Int { segments.count }

  /// Forgets the transfers, keeps the memory.
  public mutating func removeAll() {
    if transfers.count == 1 && segments.count == 1 && pieces.count == 1 {
      transfers.removeLast()
      segments.removeLast()
      pieces.removeLast()
    } else {
      transfers.removeAll(keepingCapacity: true)
      segments.removeAll(keepingCapacity: true)
      pieces.removeAll(keepingCapacity: true)
    }
    if !segmentOfRequest.isEmpty { segmentOfRequest.removeAll(keepingCapacity: true) }
    containsWrites = false
    containsReads = false
    isSealed = false
    isClassified = false
  }

  /// Makes room for so many requests of one cause.
  mutating func reserve(_ count: Int) {
    transfers.reserveCapacity(count)
    segments.reserveCapacity(count)
    pieces.reserveCapacity(count)
  }

  /// Adds a request of one cause: requested and transferred bytes are the same.
  public mutating func append(
    _ direction: Direction, offset: UInt64, memory: SegmentMemory, byteCount: Int, cause: Cause,
    level: Level = .none, client: Client = .first
  ) {
    let first = pieces.count
    pieces.append(
      Piece(
        cause: cause, level: level, client: client, requestedOperationCount: 1,
        requestedByteCount: byteCount, transferredByteCount: byteCount))
    appendTransfer(direction, offset: offset, memory: memory, byteCount: byteCount, firstPiece: first)
  }

  /// Adds a request whose bytes belong to several causes. Precondition: the pieces' transferred bytes sum to
  /// `byteCount`.
  public mutating func append(
    _ direction: Direction, offset: UInt64, memory: SegmentMemory, byteCount: Int,
    pieces newPieces: some Collection<Piece>
  ) {
    precondition(
      newPieces.reduce(0) { $0 + $1.transferredByteCount } == byteCount,
      "The pieces of a transfer sum to its bytes.")
    let first = pieces.count
    pieces.append(contentsOf: newPieces)
    appendTransfer(direction, offset: offset, memory: memory, byteCount: byteCount, firstPiece: first)
  }

  private mutating func appendTransfer(
    _ direction: Direction, offset: UInt64, memory: SegmentMemory, byteCount: Int, firstPiece: Int
  ) {
    precondition(!isSealed, "A sealed batch takes no more requests before removeAll().")
    precondition(direction == .read || direction == .write, "Only reads and writes move data.")
    precondition(byteCount > 0, "A transfer moves at least one byte.")
    switch memory {
    case .vended: precondition(direction == .read, "Only a read can be vended a frame.")
    case .frame(let frame, let frameOffset):
      precondition(
        frameOffset >= 0 && frameOffset + byteCount <= frame.byteCount, "A segment lies within its frame.")
    case .borrowed: break
    }
    let segment = segments.count
    segments.append(Segment(memory: memory, byteCount: byteCount))
    transfers.append(
      Transfer(
        direction: direction, offset: offset, byteCount: byteCount, segments: segment..<(segment + 1),
        pieces: firstPiece..<pieces.count))
    if direction == .write { containsWrites = true } else { containsReads = true }
  }

  /// Lets the classifier say what was read. Whoever reads the pieces after the device performed the batch (the
  /// ledger, a trace) calls this first; only the first call does anything.
  public mutating func classifyReads() {
    guard let classifier, !isClassified else { return }
    isClassified = true
    classifier(&self)
  }

  /// Gives every piece but padding another cause and level; for the classifier.
  public mutating func attribute(cause: Cause, level: Level) {
    for index in pieces.indices where pieces[index].cause != .padding {
      pieces[index].cause = cause
      pieces[index].level = level
    }
  }

  /// The memory of the k-th appended request; after a read, where its bytes are.
  public func memory(ofRequest request: Int) -> SegmentMemory {
    segments[segmentOfRequest.isEmpty ? request : Int(segmentOfRequest[request])].memory
  }

  /// The frame of the k-th appended request, and where in it the request's bytes begin: after a vended read,
  /// what the device handed out. The frame may be shared with the device: it is read, never changed.
  ///
  /// Precondition: the request's memory is a frame.
  public func frame(ofRequest request: Int) -> (frame: Frame, offset: Int) {
    guard case .frame(let frame, let offset) = memory(ofRequest: request) else {
      preconditionFailure("Request \(request) has no frame: it is borrowed memory, or was not performed.")
    }
    return (frame, offset)
  }

  /// Sorts by (direction, offset), merges neighbours, and refuses overlapping writes.
  ///
  /// Two transfers of one direction merge when the second begins where the first ends, the sum stays at or
  /// below `maximumTransferByteCount`, and the segments at or below `maximumSegmentCount`. Pieces of equal
  /// cause, level and client that meet are added up. A single larger request stays whole. Sealing a sealed
  /// batch does nothing.
  ///
  /// Cost: one pass, no allocation, when the requests came in order; else a sort of n indices.
  public mutating func seal(coalesces: Bool, maximumTransferByteCount: Int) {
    precondition(maximumTransferByteCount > 0, "The largest transfer has at least one byte.")
    if isSealed { return }
    isSealed = true
    if transfers.count < 2 { return }
    if !isInOrder { sortTransfers() }
    checkOverlap()
    if coalesces { mergeNeighbours(maximumTransferByteCount) }
  }

  private static func isBefore(_ left: Transfer, _ right: Transfer) -> Bool {
    left.direction == right.direction
      ? left.offset < right.offset : left.direction.rawValue < right.direction.rawValue
  }

  private var isInOrder: Bool {
    for index in 1..<transfers.count
    where Self.isBefore(transfers[index], transfers[index - 1]) { return false }
    return true
  }

  /// Permutes transfers, segments and pieces; the index decides between equals, so the sort is stable.
  private mutating func sortTransfers() {
    let count = transfers.count
    var order: ContiguousArray<Int32> = []
    swap(&order, &self.order)
    order.removeAll(keepingCapacity: true)
    for index in 0..<count { order.append(Int32(index)) }
    order.sort { left, right in
      let (a, b) = (transfers[Int(left)], transfers[Int(right)])
      return Self.isBefore(a, b) || (!Self.isBefore(b, a) && left < right)
    }
    segmentOfRequest.removeAll(keepingCapacity: true)
    segmentOfRequest.append(contentsOf: repeatElement(0, count: segments.count))
    for position in order {
      var transfer = transfers[Int(position)]
      let request = transfer.segments.lowerBound
      let segment = spareSegments.count
      segmentOfRequest[request] = Int32(segment)
      spareSegments.append(segments[request])
      let firstPiece = sparePieces.count
      sparePieces.append(contentsOf: pieces[transfer.pieces])
      transfer.segments = segment..<(segment + 1)
      transfer.pieces = firstPiece..<sparePieces.count
      spareTransfers.append(transfer)
    }
    swap(&order, &self.order)
    swap(&transfers, &spareTransfers)
    swap(&segments, &spareSegments)
    swap(&pieces, &sparePieces)
    spareTransfers.removeAll(keepingCapacity: true)
    spareSegments.removeAll(keepingCapacity: true)
    sparePieces.removeAll(keepingCapacity: true)
  }

  /// Everything of a batch is in flight at once, so a write may overlap nothing.
  private func checkOverlap() {
    guard containsWrites else { return }
    for index in 1..<transfers.count {
      let (previous, next) = (transfers[index - 1], transfers[index])
      guard previous.direction == .write else { continue }
      precondition(
        next.offset >= previous.end,
        "The writes at \(previous.offset) and \(next.offset) of one batch overlap.")
    }
    guard containsReads else { return }
    var write = transfers.firstIndex { $0.direction == .write } ?? transfers.count
    for read in transfers {
      guard read.direction == .read else { return }
      while write < transfers.count, transfers[write].end <= read.offset { write += 1 }
      precondition(
        write == transfers.count || transfers[write].offset >= read.end,
        "The read at \(read.offset) overlaps a write of the same batch.")
    }
  }

  /// Compacts transfers and pieces in place; segments already lie in the order of the merged transfers.
  private mutating func mergeNeighbours(_ maximumByteCount: Int) {
    var kept = 0
    var keptPieces = 0
    for index in transfers.indices {
      let next = transfers[index]
      var merges = false
      if index > 0 {
        let last = transfers[kept - 1]
        merges =
          last.direction == next.direction && last.end == next.offset
          && last.byteCount + next.byteCount <= maximumByteCount
          && last.segments.count + next.segments.count <= Self.maximumSegmentCount
      }
      let firstPiece = merges ? transfers[kept - 1].pieces.lowerBound : keptPieces
      for piece in next.pieces {
        let addition = pieces[piece]
        if merges, keptPieces > firstPiece, pieces[keptPieces - 1].hasSameOwner(as: addition) {
          pieces[keptPieces - 1].add(addition)
        } else {
          if keptPieces != piece { pieces[keptPieces] = addition }
          keptPieces += 1
        }
      }
      if merges {
        transfers[kept - 1].byteCount += next.byteCount
        transfers[kept - 1].segments = transfers[kept - 1].segments.lowerBound..<next.segments.upperBound
        transfers[kept - 1].pieces = firstPiece..<keptPieces
      } else {
        transfers[kept] = next
        transfers[kept].pieces = firstPiece..<keptPieces
        kept += 1
      }
    }
    transfers.removeLast(transfers.count - kept)
    pieces.removeLast(pieces.count - keptPieces)
  }
}
