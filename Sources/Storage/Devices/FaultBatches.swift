// Parts of a sealed batch: what lands of one that is torn, cut short, or loses a write.
//
//   batch            [ read ][ write: u0 u1 u2 ][ write: u3 ]
//   prefix(1, u0)    [ read ][ write: u0 ]
//   losing(unit 1)   [ read ][ write: u0 ][ write: u2 ][ write: u3 ]
//
// Invariant: segments of what comes before the first cut keep their numbers, so what a read was vended is found in its place.

import Accounting
import Primitives

extension TransferBatch {
  /// The bytes of all transfers in one direction.
  func byteCount(_ direction: Direction) -> UInt64 {
    transfers.reduce(0) { $0 + ($1.direction == direction ? UInt64($1.byteCount) : 0) }
  }

  /// The first transfers of a sealed batch, and the first bytes of the next one: what lands of a torn batch.
  func prefix(transferCount: Int, byteCount: Int) -> TransferBatch {
    var result = TransferBatch()
    result.isSealed = true
    for transfer in transfers.prefix(transferCount) {
      result.take(transfer, 0..<transfer.byteCount, of: self)
    }
    if byteCount > 0 { result.take(transfers[transferCount], 0..<byteCount, of: self) }
    return result
  }

  /// A sealed batch without unit `number` of its writes.
  func losing(unit number: Int, unitByteCount: Int) -> TransferBatch {
    var result = TransferBatch()
    result.isSealed = true
    var left = number
    for transfer in transfers {
      let unitCount = transfer.byteCount / unitByteCount
      if transfer.direction == .write, left >= 0, left < unitCount {
        let lost = left * unitByteCount
        result.take(transfer, 0..<lost, of: self)
        result.take(transfer, (lost + unitByteCount)..<transfer.byteCount, of: self)
        left = -1
      } else {
        result.take(transfer, 0..<transfer.byteCount, of: self)
        if transfer.direction == .write, left >= 0 { left -= unitCount }
      }
    }
    return result
  }

  /// Adds bytes `range` of a transfer of another batch.
  private mutating func take(_ transfer: Transfer, _ range: Range<Int>, of batch: TransferBatch) {
    if range.isEmpty { return }
    var part = transfer
    part.offset += UInt64(range.lowerBound)
    part.byteCount = range.count
    let firstSegment = segments.count
    var start = 0
    for index in transfer.segments {
      let whole = batch.segments[index]
      let shared = range.clamped(to: start..<(start + whole.byteCount))
      if !shared.isEmpty {
        segments.append(
          Segment(memory: whole.memory.moved(by: shared.lowerBound - start), byteCount: shared.count))
      }
      start += whole.byteCount
    }
    let firstPiece = pieces.count
    start = 0
    for index in transfer.pieces {
      var piece = batch.pieces[index]
      let shared = range.clamped(to: start..<(start + piece.transferredByteCount))
      start += piece.transferredByteCount
      if shared.isEmpty { continue }
      piece.transferredByteCount = shared.count
      pieces.append(piece)
    }
    part.segments = firstSegment..<segments.count
    part.pieces = firstPiece..<pieces.count
    transfers.append(part)
    if part.direction == .write { containsWrites = true }
  }
}

extension SegmentMemory {
  /// The same memory from a later byte on.
  fileprivate func moved(by byteCount: Int) -> SegmentMemory {
    switch self {
    case .borrowed(let pointer): .borrowed(pointer + byteCount)
    case .frame(let frame, let offset): .frame(frame, offset: offset + byteCount)
    case .vended: .vended
    }
  }
}
