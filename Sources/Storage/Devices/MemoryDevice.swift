// A device in memory: sparse, exact, deterministic, and fast because it shares frames instead of copying them.
//
//   byte offset ─▶ unit number = offset ÷ transfer unit
//
//   unit table  [ frame A @ 0 ][ frame A @ 4096 ][ nil ][ frame B @ 0 ] …      see `UnitTable`
//                  │              │                        │
//                  └── Frame A ───┘                        └── Frame B          shared with whoever wrote them
//
// Invariants
// 1. A unit without a frame reads as zero; a discarded unit has no frame.
// 2. The device never changes the bytes of a frame: a write puts another frame in the table.
// 3. A `.frame` written to the device belongs to both: the writer must not change it while the device may hold
//    it (`Frame.makeExclusive` sees to that). `guardsSharedFrames` finds who does.
// 4. A clone shares table pages and frames; the first write to a shared page copies the page, never data.
// 5. `allocatedByteCount` = units with a frame × transfer unit.
//
// 6. The table is used under a short lock: for the entries of one segment, never while bytes are copied or checked. A
//    reader keeps the frame it found, and frames in the table do not change (2), so its bytes are those of its moment.
//
// Reads by any number of threads, beside one that writes; everything else by that one.

import Accounting
import Primitives

/// A block device whose bytes live in shared frames.
public final class MemoryDevice: BlockDevice {
  /// Every offset and length is a multiple of it, in bytes.
  public let transferUnitByteCount: Int
  /// The size of the address space, in bytes.
  public let capacityByteCount: UInt64
  /// Where frames for copies and for vended reads come from.
  public let pool: FramePool
  /// Whether each unit is checksummed when it is written by reference and verified when it is read, so that a
  /// holder who changed a shared frame is found. For tests: it costs a pass over the bytes each time.
  public let guardsSharedFrames: Bool
  private let unitShift: Int
  private var table: UnitTable
  private let tableLock = Lock<Void>(())

  /// An empty device: every byte reads as zero.
  ///
  /// - Parameters:
  ///   - capacityByteCount: size of the address space, rounded down to the transfer unit; memory is taken only
  ///     for what is written.
  ///   - transferUnitByteCount: a power of two from 512 bytes to 1 MiB.
  public init(
    capacityByteCount: UInt64, transferUnitByteCount: Int = 4_096, pool: FramePool = FramePool(),
    guardsSharedFrames: Bool = false
  ) {
    precondition(
      transferUnitByteCount >= 512 && transferUnitByteCount <= 1 << 20
        && transferUnitByteCount.nonzeroBitCount == 1,
      "The transfer unit is a power of two from 512 bytes to 1 MiB, not \(transferUnitByteCount).")
    precondition(capacityByteCount < 1 << 50, "A memory device has less than a pebibyte of addresses.")
    let shift = transferUnitByteCount.trailingZeroBitCount
    unitShift = shift
    self.transferUnitByteCount = transferUnitByteCount
    self.capacityByteCount = (capacityByteCount >> UInt64(shift)) << UInt64(shift)
    self.pool = pool
    self.guardsSharedFrames = guardsSharedFrames
    table = UnitTable(unitCount: Int(capacityByteCount >> UInt64(shift)))
  }

  private init(branching original: MemoryDevice) {
    transferUnitByteCount = original.transferUnitByteCount
    capacityByteCount = original.capacityByteCount
    pool = original.pool
    guardsSharedFrames = original.guardsSharedFrames
    unitShift = original.unitShift
    table = original.tableLock.withLock { _ in original.table }
  }

  /// Bytes of units that were written and not discarded.
  public var allocatedByteCount: UInt64 { UInt64(table.occupiedUnitCount) << UInt64(unitShift) }

  /// A second device with the same bytes; from now on each goes its own way.
  ///
  /// Cost: constant; the first write after it copies the directory, and each table page when it is first written.
  public func clone() -> MemoryDevice { MemoryDevice(branching: self) }

  // MARK: Transfers

  /// Performs the batch. A borrowed segment is copied, a written frame is kept by reference when the segment is
  /// at least half of it, and a vended segment shares the device's frame when its bytes lie in one.
  ///
  /// Cost: about 0.1 µs and one reference count per unit, plus the bytes copied.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try checkRanges(of: batch)
    for index in batch.transfers.indices {
      let transfer = batch.transfers[index]
      if transfer.direction == .write {
        prefetchFrames(batch.transfers, after: index)
        write(transfer, batch.segments)
      } else {
        try read(transfer, &batch.segments)
      }
    }
  }

  /// Any number of readers beside one writer.
  public var allowsConcurrentReads: Bool { true }

  /// A sync is a no-op here (the fault device keeps what a crash would leave); a discard frees units.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    guard case .discard(let offset, let byteCount, _) = operation else { return }
    try checkDiscard(offset: offset, byteCount: byteCount)
    discardUnits(offset: offset, byteCount: byteCount)
  }

  /// Takes the frames of a checked range out of the table.
  package func discardUnits(offset: UInt64, byteCount: UInt64) {
    let first = Int(offset >> UInt64(unitShift))
    let units = first..<(first + Int(byteCount >> UInt64(unitShift)))
    tableLock.withLock { _ in table.clear(units) }
  }

  /// Asks memory for the objects of frames that the transfers after one are going to replace. Without the lock: the table changes on
  /// this thread only.
  private func prefetchFrames(_ transfers: borrowing ContiguousArray<Transfer>, after index: Int) {
    let ahead = index + 2
    guard ahead < transfers.count, transfers[ahead].direction == .write else { return }
    let first = Int(transfers[ahead].offset >> UInt64(unitShift))
    for unit in first..<(first + min(4, transfers[ahead].byteCount >> unitShift)) {
      table.prefetchFrame(at: unit)
    }
  }

  private func write(
    _ transfer: Transfer, _ segments: borrowing ContiguousArray<Segment>
  ) {
    var unit = Int(transfer.offset >> UInt64(unitShift))
    let unitMask = transferUnitByteCount - 1
    var position = transfer.segments.lowerBound
    let end = Int(transfer.end >> UInt64(unitShift))
    while position < transfer.segments.upperBound {
      if unit + 4 < end { table.prefetchFrame(at: unit + 4) }
      let byteCount = segments[position].byteCount
      if byteCount & unitMask != 0 {
        // Segments that end inside a unit: gather the rest of the transfer in one frame.
        let rest = position..<transfer.segments.upperBound
        let total = Int(transfer.end) - unit << unitShift
        put(gather(rest, segments, byteCount: total), offset: 0, at: unit, count: total >> unitShift)
        return
      }
      let count = byteCount >> unitShift
      if case .frame(let frame, let offset) = segments[position].memory, byteCount * 2 >= frame.byteCount {
        put(frame, offset: offset, at: unit, count: count)
      } else {
        let copy = gather(position..<(position + 1), segments, byteCount: byteCount)
        put(copy, offset: 0, at: unit, count: count)
      }
      unit += count
      position += 1
    }
  }

  /// A frame with the bytes of some segments.
  private func gather(
    _ range: Range<Int>, _ segments: borrowing ContiguousArray<Segment>, byteCount: Int
  ) -> Frame {
    let copy = pool.frame(byteCount: byteCount)
    var position = 0
    for index in range {
      guard let source = segments[index].sourcePointer else {
        preconditionFailure("Only a read can be vended a frame.")
      }
      (copy.pointer + position).copyMemory(from: source, byteCount: segments[index].byteCount)
      position += segments[index].byteCount
    }
    return copy
  }

  private func put(
    _ frame: Frame, offset firstOffset: Int, at firstUnit: Int, count: Int
  ) {
    tableLock.withLock { _ in
      for index in 0..<count {
        let offset = firstOffset + (index << unitShift)
        let checksum =
          guardsSharedFrames ? ContentHash.checksum(frame.pointer + offset, transferUnitByteCount) : 0
        table.set(firstUnit + index, frame: frame, offset: offset, checksum: checksum)
      }
    }
  }

  private func read(
    _ transfer: Transfer, _ segments: inout ContiguousArray<Segment>
  ) throws(StorageError) {
    var offset = Int(transfer.offset)
    for position in transfer.segments {
      let byteCount = segments[position].byteCount
      switch segments[position].memory {
      case .vended:
        if let (frame, frameOffset) = try wholeFrame(at: offset, byteCount: byteCount) {
          segments[position].memory = .frame(frame, offset: frameOffset)
        } else {
          let frame = pool.frame(byteCount: byteCount)
          try copy(at: offset, byteCount: byteCount, to: frame.pointer)
          segments[position].memory = .frame(frame, offset: 0)
        }
      case .frame(let frame, let frameOffset):
        try copy(at: offset, byteCount: byteCount, to: frame.pointer + frameOffset)
      case .borrowed(let pointer):
        try copy(at: offset, byteCount: byteCount, to: pointer)
      }
      offset += byteCount
    }
  }

  /// The frame that holds all of the region at consecutive offsets, if one does.
  private func wholeFrame(at offset: Int, byteCount: Int) throws(StorageError) -> (Frame, Int)? {
    let first = offset >> unitShift
    let last = (offset + byteCount - 1) >> unitShift
    let found = tableLock.withLock { _ -> (frame: Frame, start: Int)? in
      guard let (frame, start) = table.place(first) else { return nil }
      var unit = first + 1
      while unit <= last {
        guard table.holds(frame, offset: start + ((unit - first) << unitShift), at: unit) else { return nil }
        unit += 1
      }
      return (frame, start)
    }
    guard let found else { return nil }
    if guardsSharedFrames {
      for unit in first...last { try verify(unit) }
    }
    return (found.frame, found.start + (offset & (transferUnitByteCount - 1)))
  }

  private func copy(
    at firstOffset: Int, byteCount: Int, to destination: UnsafeMutableRawPointer
  ) throws(StorageError) {
    var offset = firstOffset
    let end = firstOffset + byteCount
    while offset < end {
      let unit = offset >> unitShift
      let within = offset & (transferUnitByteCount - 1)
      let count = min(end - offset, transferUnitByteCount - within)
      let target = destination + (offset - firstOffset)
      if let (frame, start) = tableLock.withLock({ _ in table.place(unit) }) {
        if guardsSharedFrames { try verify(unit) }
        target.copyMemory(from: frame.pointer + start + within, byteCount: count)
        frame.markRead()
      } else {
        target.initializeMemory(as: UInt8.self, repeating: 0, count: count)
      }
      offset += count
    }
  }

  // MARK: Shared frames

  private func verify(_ unit: Int) throws(StorageError) {
    if !isIntact(unit) {
      throw .corrupted(
        structure: "shared frame", offset: UInt64(unit) << UInt64(unitShift),
        detail: "its bytes changed after they were written to the device")
    }
  }

  private func isIntact(_ unit: Int) -> Bool {
    let held = tableLock.withLock { _ in
      table.place(unit).map { (frame: $0.frame, offset: $0.offset, checksum: table.checksum(unit)) }
    }
    guard let held else { return true }
    return ContentHash.checksum(held.frame.pointer + held.offset, transferUnitByteCount) == held.checksum
  }

  /// The offsets of units whose bytes changed after they were written: someone wrote to a shared frame.
  ///
  /// Precondition: the device was made with `guardsSharedFrames`. Cost: a pass over everything.
  public func changedSharedOffsets() -> [UInt64] {
    precondition(guardsSharedFrames, "Only a device that guards shared frames knows what they held.")
    var offsets: [UInt64] = []
    for unit in 0..<Int(capacityByteCount >> UInt64(unitShift)) where !isIntact(unit) {
      offsets.append(UInt64(unit) << UInt64(unitShift))
    }
    return offsets
  }

  // MARK: The whole content

  /// Calls `body` for every unit that has bytes, in order of offset.
  package func forEachUnit(_ body: (_ offset: UInt64, _ bytes: UnsafeRawPointer) -> Void) {
    table.forEach { unit, bytes in body(UInt64(unit) << UInt64(unitShift), UnsafeRawPointer(bytes)) }
  }

  /// A hash of all units that are not zero and of where they lie: equal for equal bytes, however they came
  /// there. Depends on the transfer unit, not on the capacity.
  public func contentHash() -> UInt64 {
    var result = ContentHash.mix(UInt64(transferUnitByteCount))
    forEachUnit { offset, bytes in
      if ContentHash.isZero(bytes, transferUnitByteCount) { return }
      result = ContentHash.mix(result ^ offset)
      result = ContentHash.mix(result ^ ContentHash.hash(bytes, transferUnitByteCount))
    }
    return result
  }

  /// Copies bytes out without counting: for inspection and tests, never for an engine.
  ///
  /// Precondition: the range lies on the device.
  public func peek(at offset: UInt64, byteCount: Int) -> [UInt8] {
    precondition(
      offset <= capacityByteCount && UInt64(byteCount) <= capacityByteCount - offset,
      "A range to peek at lies on the device.")
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      var position = 0
      while position < byteCount {
        let absolute = Int(offset) + position
        let unit = absolute >> unitShift
        let within = absolute & (transferUnitByteCount - 1)
        let length = min(byteCount - position, transferUnitByteCount - within)
        let source = table.pointer(unit)
        for index in 0..<length {
          let byte = source?.load(fromByteOffset: within + index, as: UInt8.self) ?? 0
          buffer.initializeElement(at: position + index, to: byte)
        }
        position += length
      }
      count = byteCount
    }
  }

  /// Replaces one unit, without counting: how the fault device and the crash laboratory build what a crash leaves.
  package func place(unitAt offset: UInt64, frame: Frame?, frameOffset: Int) {
    let unit = Int(offset >> UInt64(unitShift))
    if let frame {
      put(frame, offset: frameOffset, at: unit, count: 1)
    } else {
      tableLock.withLock { _ in table.clear(unit..<(unit + 1)) }
    }
  }

  /// Flips one bit of the stored bytes, without counting: rot, for integrity tests. A shared frame stays as it is;
  /// the device gets a damaged copy of the unit.
  ///
  /// Precondition: the byte lies on the device.
  public func flipBit(ofByteAt offset: UInt64, bit: Int) {
    precondition(offset < capacityByteCount && bit >= 0 && bit < 8, "The bit to flip lies on the device.")
    let unitOffset = (offset >> UInt64(unitShift)) << UInt64(unitShift)
    let copy = pool.frame(byteCount: transferUnitByteCount, zeroed: true)
    if let (frame, frameOffset) = frame(ofUnitAt: unitOffset) {
      copy.pointer.copyMemory(from: frame.pointer + frameOffset, byteCount: transferUnitByteCount)
    }
    copy.mutableBytes[Int(offset - unitOffset)] ^= 1 << UInt8(bit)
    place(unitAt: unitOffset, frame: copy, frameOffset: 0)
  }

  /// The frame and offset of one unit, nil when it reads as zero.
  package func frame(ofUnitAt offset: UInt64) -> (frame: Frame, offset: Int)? {
    table.place(Int(offset >> UInt64(unitShift)))
  }
}
