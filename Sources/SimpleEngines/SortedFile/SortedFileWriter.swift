// Writes a sorted file from its first entry to its last: blocks are packed one after the other, gathered into batches,
// and placed in at most sixteen pieces of the device.
//
// Invariants
// 1. Entries arrive in strictly ascending key order.
// 2. Everything it allocates belongs to the caller's transaction; when that rolls back, nothing was written that
//    anyone points to.

import Accounting
import KeyValue
import Primitives
import Storage

/// A sorted file in the making.
struct SortedFileWriter {
  private let volume: Volume
  private let blockByteCount: Int
  private let batchBlockCount: Int
  /// The file so far; whole after `finish`.
  private(set) var run: SortedFileRun
  /// The first keys of the blocks, when they are to stay in memory.
  let fence: SortedFileFence?

  private var frame: Frame?
  private var used = 0
  private var offsets: ContiguousArray<UInt32> = []
  private var pending: ContiguousArray<BlockWrite> = []
  private var expectedBlockCount: Int
  private var allocatedBlockCount = 0

  /// A writer of a file of about `expectedBlockCount` blocks.
  init(
    _ volume: Volume, blockByteCount: Int, batchBlockCount: Int, expectedBlockCount: Int,
    fence: SortedFileFence?
  ) {
    self.volume = volume
    self.blockByteCount = blockByteCount
    self.batchBlockCount = batchBlockCount
    self.expectedBlockCount = max(1, expectedBlockCount)
    self.fence = fence
    run = SortedFileRun(blockByteCount: blockByteCount)
  }

  private var payloadCapacity: Int { blockByteCount - VolumeBlock.headerByteCount }

  /// Adds an entry.
  mutating func append(
    key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let fields = Varint.size(of: UInt64(key.count)) + Varint.size(of: UInt64(value.count))
    let byteCount = fields + key.count + value.count
    if frame != nil, used + byteCount + 4 * (offsets.count + 1) > payloadCapacity {
      try finishBlock(head: run.blockCount, &transaction)
    }
    let frame = frame ?? beginBlock()
    if offsets.isEmpty { try fence?.append(key, block: run.blockCount) }
    let start = frame.pointer + VolumeBlock.headerByteCount
    offsets.append(UInt32(used))
    used += Varint.encode(UInt64(key.count), to: start + used)
    used += Varint.encode(UInt64(value.count), to: start + used)
    copy(key, to: start)
    let room = payloadCapacity - used - 4 * offsets.count
    let here = min(room, value.count)
    copy(UnsafeRawBufferPointer(rebasing: value[..<here]), to: start)
    run.entryCount += 1
    run.logicalByteCount += UInt64(key.count + value.count)
    if here < value.count {
      try appendContinuations(UnsafeRawBufferPointer(rebasing: value[here...]), &transaction)
    }
  }

  /// Ends the block of a long entry and writes the rest of its value.
  private mutating func appendContinuations(
    _ rest: UnsafeRawBufferPointer, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let head = run.blockCount
    try finishBlock(head: head, &transaction)
    var position = 0
    while position < rest.count {
      let frame = beginBlock()
      let count = min(rest.count - position, payloadCapacity - SortedFileBlock.headerByteCount)
      copy(
        UnsafeRawBufferPointer(rebasing: rest[position..<(position + count)]),
        to: frame.pointer + VolumeBlock.headerByteCount)
      position += count
      try finishBlock(head: head, &transaction)
    }
  }

  private mutating func copy(_ bytes: UnsafeRawBufferPointer, to start: UnsafeMutableRawPointer) {
    if let base = bytes.baseAddress { (start + used).copyMemory(from: base, byteCount: bytes.count) }
    used += bytes.count
  }

  private mutating func beginBlock() -> Frame {
    let fresh = volume.makeFrame(byteCount: blockByteCount)
    frame = fresh
    used = SortedFileBlock.headerByteCount
    offsets.removeAll(keepingCapacity: true)
    return fresh
  }

  /// Completes the block being filled and gives it a place.
  private mutating func finishBlock(
    head: Int, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    guard let frame else { return }
    let payload = frame.pointer + VolumeBlock.headerByteCount
    payload.setU32(0, UInt32(run.blockCount))
    payload.setU32(4, UInt32(head))
    payload.setU32(8, UInt32(offsets.count))
    for offset in offsets {
      payload.setU32(used, offset)
      used += 4
    }
    let extent = try placeBlock(&transaction)
    pending.append(
      BlockWrite(
        extent: extent, frame: frame, type: SortedFileBlock.type, payloadByteCount: used, cause: .sortedRun))
    run.blockCount += 1
    self.frame = nil
    offsets.removeAll(keepingCapacity: true)
    if pending.count == batchBlockCount { try writePending() }
  }

  private mutating func writePending() throws(StorageError) {
    if pending.isEmpty { return }
    try volume.writeBlocks(pending)
    pending.removeAll(keepingCapacity: true)
  }

  /// The place of the next block; a new piece when the last one is full.
  private mutating func placeBlock(_ transaction: inout VolumeTransaction) throws(StorageError) -> Extent {
    if run.blockCount == allocatedBlockCount {
      guard run.pieces.count < SortedFileRun.maximumPieceCount else {
        throw .noSpace(
          requestedByteCount: UInt64(blockByteCount), freeByteCount: volume.availableByteCount)
      }
      // The file's expected size first, then half of what there is; less when the device is fragmented.
      let largest = (1 << 22) * volume.transferUnitByteCount / blockByteCount
      var wanted = run.pieces.isEmpty ? expectedBlockCount : max(16, allocatedBlockCount / 2)
      wanted = min(wanted, largest)
      while true {
        do throws(StorageError) {
          let extent = try transaction.allocate(
            byteCount: wanted * blockByteCount, near: run.pieces.last?.offset)
          run.pieces.append(FilePiece(offset: extent.offset, blockCount: wanted))
          allocatedBlockCount += wanted
          break
        } catch {
          guard case .noSpace = error, wanted > 1 else { throw error }
          wanted = (wanted + 1) / 2
        }
      }
    }
    guard let piece = run.pieces.last else { preconditionFailure("A block lies in a piece.") }
    let inPiece = piece.blockCount - (allocatedBlockCount - run.blockCount)
    return Extent(offset: piece.offset + UInt64(inPiece * blockByteCount), byteCount: blockByteCount)
  }

  /// Writes what is left and gives back what was allocated and not used.
  mutating func finish(_ transaction: inout VolumeTransaction) throws(StorageError) {
    try finishBlock(head: run.blockCount, &transaction)
    try writePending()
    let unused = allocatedBlockCount - run.blockCount
    guard unused > 0, let last = run.pieces.popLast() else { return }
    let kept = last.blockCount - unused
    transaction.free(
      Extent(
        offset: last.offset + UInt64(kept * blockByteCount), byteCount: unused * blockByteCount))
    if kept > 0 { run.pieces.append(FilePiece(offset: last.offset, blockCount: kept)) }
  }
}

/// The first key of every block that has one, in memory: a get then reads one block.
final class SortedFileFence {
  private let budget: MemoryBudget
  private var heldByteCount = 0
  private var keys: ContiguousArray<UInt8> = []
  private var starts: ContiguousArray<UInt32> = []
  private var blocks: ContiguousArray<UInt32> = []

  init(budget: MemoryBudget) { self.budget = budget }

  deinit { budget.release(heldByteCount, for: .index) }

  /// - Throws: `.outOfBudget` when the account `index` cannot hold one more key.
  func append(_ key: UnsafeRawBufferPointer, block: Int) throws(StorageError) {
    // What the arrays may have grown to: twice what they hold.
    let needed = 2 * (keys.count + key.count + 8 * (blocks.count + 1))
    if needed > heldByteCount {
      let more = max(needed - heldByteCount, min(heldByteCount, 1 << 16))
      try budget.require(more, for: .index)
      heldByteCount += more
    }
    starts.append(UInt32(keys.count))
    blocks.append(UInt32(block))
    keys.append(contentsOf: key)
  }

  /// The last block whose first key is not after `key`; nil when `key` is before all of them.
  func block(for key: UnsafeRawBufferPointer, inspected: inout UInt64) -> Int? {
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) / 2
      inspected += 1
      let end = middle + 1 < starts.count ? Int(starts[middle + 1]) : keys.count
      let isAfter = keys.withUnsafeBytes { all in
        compareKeys(UnsafeRawBufferPointer(rebasing: all[Int(starts[middle])..<end]), key) > 0
      }
      if isAfter { high = middle } else { low = middle + 1 }
    }
    return low == 0 ? nil : Int(blocks[low - 1])
  }
}
