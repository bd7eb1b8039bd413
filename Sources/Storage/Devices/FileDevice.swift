// A device in a file: past the page cache (O_DIRECT) or through it, several transfers of a batch at a time.
//
//   batch ──▶ one transfer: preadv / pwritev by the caller
//        ├──▶ several, past the page cache: a ring of the kernel's with `parallelism` of them in flight
//        └──▶ several, else, and where the system offers no rings: threads, each takes the next transfer
//   begin ──▶ a ring or the threads, while the caller goes on ──finish──▶ results
//
//   segment memory ──aligned──▶ the system         O_DIRECT wants memory, offset and length aligned;
//                  └─unaligned─▶ a bounce frame     the rest is copied once
//
// Invariants
// 1. The file has the device's capacity; bytes never written, or discarded, read as zero.
// 2. `.sync` returns after fdatasync returned.
// 3. What the kernel counts otherwise than we do is kept: reads of blocks never written, zeros written for discards.
// 4. Of several failed transfers of a batch the one with the lowest place is reported.
//
// 5. Every transfer says its offset: there is no position of the file that threads could share.
//
// Reads by any number of threads, beside one that writes; each call has lists and a ring of its own (`TransferCall`). The threads
// serve one batch at a time: whoever finds them busy performs its transfers itself.

import Accounting
import CSystem
import Primitives

/// A block device over one file.
public final class FileDevice: BlockDevice {
  /// How bytes reach the file.
  public enum Mode: String, Sendable, CaseIterable {
    /// O_DIRECT: the kernel's counts are the device's.
    case direct
    /// Through the page cache.
    case buffered
  }

  /// Every offset and length is a multiple of it, in bytes.
  public let transferUnitByteCount: Int
  /// The size of the address space and of the file, in bytes.
  public let capacityByteCount: UInt64
  /// Past or through the page cache.
  public let mode: Mode
  /// How many transfers of a batch are with the system at once.
  public let parallelism: Int
  /// The file's path.
  public var path: String { file.path }

  /// What moved since the device was opened that the kernel counts otherwise.
  public var unseenByKernel: UnseenByKernel { notes.withLock { $0.unseenByKernel } }

  private let file: SystemFile
  private let notes: Lock<Notes>
  private let pool: FramePool
  private let workers: WorkerPool?
  /// Whether batches go through rings.
  private let usesRings: Bool
  /// Calls that have ended, to be used again.
  private let idleCalls = Lock<[TransferCall]>([])

  private struct Notes {
    var unseenByKernel = UnseenByKernel()
    /// The blocks of a file this device made; nil for a file that was there before, of which nothing is known.
    var written: WrittenBlocks?
  }

  /// Opens or creates a file as a device.
  ///
  /// - Parameters:
  ///   - creates: true empties or creates the file, false takes it as it is.
  ///   - capacityByteCount: a multiple of the transfer unit; the file is grown to it (sparse).
  ///   - preallocates: reserves all blocks at once, so that no transfer allocates.
  ///   - parallelism: transfers of a batch in flight at once, 1 to 4,096.
  ///   - prefersRings: false always uses threads, as where the system offers no rings.
  /// - Throws: `.deviceFailed` with the system's number: O_DIRECT is refused by some file systems (EINVAL).
  public init(
    path: String, creates: Bool, capacityByteCount: UInt64, transferUnitByteCount: Int = 4_096, mode: Mode,
    preallocates: Bool = false, parallelism: Int = 64, prefersRings: Bool = true,
    pool: FramePool = FramePool()
  ) throws(StorageError) {
    precondition(
      transferUnitByteCount >= 512 && transferUnitByteCount <= 1 << 20
        && transferUnitByteCount.nonzeroBitCount == 1,
      "The transfer unit is a power of two from 512 bytes to 1 MiB, not \(transferUnitByteCount).")
    precondition(
      capacityByteCount % UInt64(transferUnitByteCount) == 0,
      "The capacity is a multiple of the transfer unit.")
    precondition(
      (1...4_096).contains(parallelism), "1 to 4,096 transfers are in flight at once, not \(parallelism).")
    var flags = BETULA_OPEN_WRITE
    if creates { flags |= BETULA_OPEN_CREATE | BETULA_OPEN_TRUNCATE }
    if mode == .direct { flags |= BETULA_OPEN_DIRECT }
    file = try SystemFile(path: path, flags: flags)
    notes = Lock(
      Notes(written: creates ? WrittenBlocks(transferUnitByteCount: transferUnitByteCount) : nil))
    if try file.byteCount() < capacityByteCount {
      try SystemFile.check(betula_truncate(file.descriptor, capacityByteCount), "grow", capacityByteCount)
    }
    if preallocates {
      try SystemFile.check(
        betula_preallocate(file.descriptor, 0, capacityByteCount), "preallocate", 0,
        Int(clamping: capacityByteCount))
    }
    self.transferUnitByteCount = transferUnitByteCount
    self.capacityByteCount = capacityByteCount
    self.mode = mode
    self.parallelism = parallelism
    self.pool = pool
    usesRings = prefersRings && mode == .direct && parallelism > 1 && TransferRing(depth: 2) != nil
    // Through the page cache most transfers are copies, which many threads do not make faster.
    let threadCount = min(parallelism, mode == .direct ? 16 : 4) - 1
    workers = usesRings || threadCount == 0 ? nil : WorkerPool(threadCount: threadCount)
  }

  /// Performs the batch; several transfers go to the system in parallel.
  ///
  /// - Throws: the first failed transfer, with its offset and the system's number. Other transfers of the batch
  ///   may have been performed.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try checkRanges(of: batch)
    let call = takeCall()
    prepare(&batch, call)
    call.perform(ringDepth: ringDepth, workers)
    try complete(batch, call)
  }

  /// Hands the batch to a ring or to the threads.
  ///
  /// - Returns: nil for a batch that is refused, and when there is neither.
  public func begin(_ batch: inout TransferBatch) -> (any BatchInFlight)? {
    do throws(StorageError) {
      try checkRanges(of: batch)
    } catch {
      // Whoever submits it is told.
      return nil
    }
    let call = takeCall()
    prepare(&batch, call)
    if call.begin(ringDepth: ringDepth, workers) { return call }
    giveBack(call)
    return nil
  }

  /// Waits for the batch.
  ///
  /// - Throws: as `submit`.
  public func finish(_ batch: inout TransferBatch, _ flight: any BatchInFlight) throws(StorageError) {
    guard let call = flight as? TransferCall else {
      preconditionFailure("A batch is finished where it was begun.")
    }
    call.finish(workers)
    try complete(batch, call)
  }

  /// Any number of readers beside one writer.
  public var allowsConcurrentReads: Bool { true }

  private var ringDepth: Int? { usesRings ? parallelism : nil }

  private func takeCall() -> TransferCall { idleCalls.withLock { $0.popLast() } ?? TransferCall(file) }

  private func giveBack(_ call: TransferCall) {
    call.removeAll()
    idleCalls.withLock { $0.append(call) }
  }

  /// What follows when all transfers of a call have ended.
  private func complete(_ batch: borrowing TransferBatch, _ call: TransferCall) throws(StorageError) {
    defer { giveBack(call) }
    for index in call.prepared.indices where call.errorNumber(index) != 0 {
      let transfer = batch.transfers[index]
      throw SystemFile.transferFailure(
        isWrite: transfer.direction == .write, transfer.offset, transfer.byteCount, call.errorNumber(index))
    }
    note(batch)
    for index in call.prepared.indices where !call.prepared[index].isWrite {
      guard let bounce = call.prepared[index].bounce else { continue }
      Self.copySegments(batch, batch.transfers[index], bounce: bounce, isWrite: false)
    }
  }

  /// Keeps what the kernel will count otherwise.
  private func note(_ batch: borrowing TransferBatch) {
    let transfers = batch.transfers
    notes.withLock { notes in
      for transfer in transfers {
        if transfer.direction == .write {
          notes.written?.insert(offset: transfer.offset, byteCount: UInt64(transfer.byteCount))
        } else if let written = notes.written {
          notes.unseenByKernel.unwrittenReadByteCount += written.unwrittenByteCount(
            offset: transfer.offset, byteCount: UInt64(transfer.byteCount))
        }
      }
    }
  }

  /// Vends frames to reads, and gives every transfer memory that the system takes.
  private func prepare(_ batch: inout TransferBatch, _ call: TransferCall) {
    let alignment = mode == .direct ? UInt(min(transferUnitByteCount, 4_096)) : 1
    for position in batch.transfers.indices {
      let transfer = batch.transfers[position]
      let first = call.segments.count
      var isAligned = true
      for index in transfer.segments {
        let byteCount = batch.segments[index].byteCount
        if case .vended = batch.segments[index].memory {
          batch.segments[index].memory = .frame(pool.frame(byteCount: byteCount), offset: 0)
        }
        guard let pointer = batch.segments[index].sourcePointer else {
          preconditionFailure("A segment has memory before it goes to the system.")
        }
        if (UInt(bitPattern: pointer) | UInt(byteCount)) & (alignment - 1) != 0 { isAligned = false }
        call.segments.append(betula_segment(base: pointer, byte_count: byteCount))
      }
      let isWrite = transfer.direction == .write
      var bounce: Frame?
      if !isAligned {
        let frame = pool.frame(byteCount: transfer.byteCount)
        if isWrite { Self.copySegments(batch, transfer, bounce: frame, isWrite: true) }
        call.segments.removeLast(call.segments.count - first)
        call.segments.append(betula_segment(base: frame.pointer, byte_count: transfer.byteCount))
        bounce = frame
      }
      call.prepared.append(
        PreparedTransfer(
          isWrite: isWrite, offset: transfer.offset, segments: first..<call.segments.count, bounce: bounce))
    }
  }

  private static func copySegments(
    _ batch: borrowing TransferBatch, _ transfer: Transfer, bounce: Frame, isWrite: Bool
  ) {
    var position = 0
    for index in transfer.segments {
      let segment = batch.segments[index]
      guard let pointer = segment.sourcePointer else { continue }
      if isWrite {
        (bounce.pointer + position).copyMemory(from: pointer, byteCount: segment.byteCount)
      } else {
        pointer.copyMemory(from: bounce.pointer + position, byteCount: segment.byteCount)
      }
      position += segment.byteCount
    }
  }

  /// Syncs with fdatasync; discards by punching a hole, or by writing zeros where the file system has no holes.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    switch operation {
    case .sync: try SystemFile.check(betula_fdatasync(file.descriptor), "sync")
    case .discard(let offset, let byteCount, _):
      try checkDiscard(offset: offset, byteCount: byteCount)
      if byteCount == 0 { return }
      let result = betula_punch_hole(file.descriptor, offset, byteCount)
      if result == -Self.notSupported {
        try writeZeros(at: offset, byteCount: byteCount)
        notes.withLock { notes in
          notes.unseenByKernel.zeroedByteCount += byteCount
          notes.written?.insert(offset: offset, byteCount: byteCount)
        }
      } else {
        try SystemFile.check(result, "discard", offset, Int(clamping: byteCount))
        notes.withLock { $0.written?.remove(offset: offset, byteCount: byteCount) }
      }
    case .namespace: break
    }
  }

  // EOPNOTSUPP.
  private static let notSupported: Int32 = 95

  private func writeZeros(at firstOffset: UInt64, byteCount: UInt64) throws(StorageError) {
    let chunk = 1 << 20
    let zeros = pool.frame(byteCount: chunk, zeroed: true)
    var offset = firstOffset
    let end = firstOffset + byteCount
    while offset < end {
      let count = Int(min(UInt64(chunk), end - offset))
      try file.transfer(isWrite: true, zeros.pointer, byteCount: count, at: offset)
      offset += UInt64(count)
    }
  }

  /// Asks the kernel to forget the file's clean pages: the phase verb `drop_cache` of buffered files.
  public func dropPageCache() throws(StorageError) {
    try SystemFile.check(betula_fdatasync(file.descriptor), "sync")
    try SystemFile.check(betula_drop_page_cache(file.descriptor), "drop page cache")
  }

  /// Bytes of the blocks the file occupies.
  public func allocatedByteCount() throws(StorageError) -> UInt64 {
    let result = betula_file_allocated_byte_count(file.descriptor)
    if result < 0 { throw SystemFile.failure("status", 0, 0, Int32(truncatingIfNeeded: -result)) }
    return UInt64(result)
  }
}

extension MemoryDevice {
  /// Writes all bytes into a file of the device's capacity, with holes where nothing was written.
  ///
  /// - Throws: `.deviceFailed` with the system's number.
  public func writeImage(to path: String) throws(StorageError) {
    let flags = BETULA_OPEN_WRITE | BETULA_OPEN_CREATE | BETULA_OPEN_TRUNCATE
    let file = try SystemFile(path: path, flags: flags)
    try SystemFile.check(betula_truncate(file.descriptor, capacityByteCount), "grow", capacityByteCount)
    var failure: StorageError?
    forEachUnit { offset, bytes in
      if failure != nil { return }
      do throws(StorageError) {
        try file.transfer(
          isWrite: true, UnsafeMutableRawPointer(mutating: bytes), byteCount: transferUnitByteCount,
          at: offset)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// A device with the bytes of a file written by `writeImage`; its size is the capacity, zero units stay holes.
  ///
  /// - Throws: `.deviceFailed` with the system's number.
  public convenience init(
    imageAt path: String, transferUnitByteCount: Int = 4_096, pool: FramePool = FramePool()
  ) throws(StorageError) {
    let file = try SystemFile(path: path, flags: 0)
    let byteCount = try file.byteCount()
    self.init(capacityByteCount: byteCount, transferUnitByteCount: transferUnitByteCount, pool: pool)
    var offset: UInt64 = 0
    while offset < capacityByteCount {
      let frame = pool.frame(byteCount: transferUnitByteCount)
      try file.transfer(isWrite: false, frame.pointer, byteCount: transferUnitByteCount, at: offset)
      if !ContentHash.isZero(frame.pointer, transferUnitByteCount) {
        place(unitAt: offset, frame: frame, frameOffset: 0)
      }
      offset += UInt64(transferUnitByteCount)
    }
  }
}
