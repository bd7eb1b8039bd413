// A device in memory: sparse, exact, deterministic, and fast because it shares frames instead of copying them.
//
//   byte offset ─▶ unit number = offset ÷ transfer unit
//
//   directory   [ page 0 ][ nil ][ page 2 ] …          one entry per 512 units; nil reads as zero
//                  │
//   table page  [ frame A @ 0 ][ frame A @ 4096 ][ nil ][ frame B @ 0 ] …      512 units
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
// Used by one thread at a time.

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
  /// Bytes of units that were written and not discarded.
  public private(set) var allocatedByteCount: UInt64 = 0

  private let unitShift: Int
  private var directory: ContiguousArray<TablePage?>

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
    let unitCount = Int(capacityByteCount >> UInt64(shift))
    let pageCount = (unitCount + TablePage.unitCount - 1) / TablePage.unitCount
    directory = ContiguousArray(repeating: nil, count: pageCount)
  }

  private init(branching original: MemoryDevice) {
    transferUnitByteCount = original.transferUnitByteCount
    capacityByteCount = original.capacityByteCount
    pool = original.pool
    guardsSharedFrames = original.guardsSharedFrames
    allocatedByteCount = original.allocatedByteCount
    unitShift = original.unitShift
    directory = original.directory
  }

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
        write(transfer, batch.segments)
      } else {
        try read(transfer, &batch.segments)
      }
    }
  }

  /// A sync is a no-op here (the fault device keeps what a crash would leave); a discard frees units.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    guard case .discard(let offset, let byteCount, _) = operation else { return }
    try checkDiscard(offset: offset, byteCount: byteCount)
    let first = Int(offset >> UInt64(unitShift))
    let end = first + Int(byteCount >> UInt64(unitShift))
    var unit = first
    while unit < end {
      let pageNumber = unit / TablePage.unitCount
      let pageEnd = min(end, (pageNumber + 1) * TablePage.unitCount)
      if directory[pageNumber] != nil {
        if unit % TablePage.unitCount == 0 && pageEnd - unit == TablePage.unitCount {
          allocatedByteCount -= UInt64(directory[pageNumber]!.occupiedCount << unitShift)
          directory[pageNumber] = nil
        } else {
          for clearedUnit in unit..<pageEnd { setUnit(clearedUnit, frame: nil, offset: 0) }
        }
      }
      unit = pageEnd
    }
  }

  private func write(_ transfer: Transfer, _ segments: ContiguousArray<Segment>) {
    var unit = Int(transfer.offset >> UInt64(unitShift))
    let unitMask = transferUnitByteCount - 1
    var position = transfer.segments.lowerBound
    while position < transfer.segments.upperBound {
      let segment = segments[position]
      if segment.byteCount & unitMask != 0 {
        // Segments that end inside a unit: gather the rest of the transfer in one frame.
        gather(segments[position..<transfer.segments.upperBound], at: unit)
        return
      }
      switch segment.memory {
      case .frame(let frame, let offset)
      where segment.byteCount * 2 >= frame.byteCount:
        place(frame, offset: offset, at: unit, count: segment.byteCount >> unitShift)
      case .frame(let frame, let offset):
        let copy = pool.frame(byteCount: segment.byteCount)
        copy.pointer.copyMemory(from: frame.pointer + offset, byteCount: segment.byteCount)
        place(copy, offset: 0, at: unit, count: segment.byteCount >> unitShift)
      case .borrowed(let pointer):
        let copy = pool.frame(byteCount: segment.byteCount)
        copy.pointer.copyMemory(from: pointer, byteCount: segment.byteCount)
        place(copy, offset: 0, at: unit, count: segment.byteCount >> unitShift)
      case .vended: preconditionFailure("Only a read can be vended a frame.")
      }
      unit += segment.byteCount >> unitShift
      position += 1
    }
  }

  private func gather(_ segments: ArraySlice<Segment>, at unit: Int) {
    let byteCount = segments.reduce(0) { $0 + $1.byteCount }
    let copy = pool.frame(byteCount: byteCount)
    var position = 0
    for segment in segments {
      guard let source = segment.sourcePointer else {
        preconditionFailure("Only a read can be vended a frame.")
      }
      (copy.pointer + position).copyMemory(from: source, byteCount: segment.byteCount)
      position += segment.byteCount
    }
    place(copy, offset: 0, at: unit, count: byteCount >> unitShift)
  }

  private func place(_ frame: Frame, offset: Int, at firstUnit: Int, count: Int) {
    for index in 0..<count {
      setUnit(firstUnit + index, frame: frame, offset: offset + (index << unitShift))
    }
  }

  /// Puts `frame` (nil: nothing) at a unit, making the table page this device's own first.
  private func setUnit(_ unit: Int, frame: Frame?, offset: Int) {
    let pageNumber = unit / TablePage.unitCount
    let slot = unit % TablePage.unitCount
    if directory[pageNumber] == nil {
      if frame == nil { return }
      directory[pageNumber] = TablePage()
    } else if !isKnownUniquelyReferenced(&directory[pageNumber]) {
      directory[pageNumber] = directory[pageNumber]!.copy()
    }
    let page = directory[pageNumber]!
    let before = page.occupiedCount
    var checksum: UInt32 = 0
    if guardsSharedFrames, let frame {
      checksum = UInt32(truncatingIfNeeded: ContentHash.hash(frame.pointer + offset, transferUnitByteCount))
    }
    page.set(slot, frame: frame, offset: offset, checksum: checksum)
    allocatedByteCount =
      allocatedByteCount &+ UInt64(bitPattern: Int64((page.occupiedCount - before) << unitShift))
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
  private func wholeFrame(
    at offset: Int, byteCount: Int
  ) throws(StorageError) -> (Frame, Int)? {
    let first = offset >> unitShift
    let within = offset & (transferUnitByteCount - 1)
    let last = (offset + byteCount - 1) >> unitShift
    guard let page = directory[first / TablePage.unitCount],
      let frame = page.frame(first % TablePage.unitCount)
    else { return nil }
    let start = page.offset(first % TablePage.unitCount)
    if guardsSharedFrames { try verify(first) }
    var unit = first + 1
    while unit <= last {
      guard let page = directory[unit / TablePage.unitCount],
        page.holds(frame, offset: start + ((unit - first) << unitShift), at: unit % TablePage.unitCount)
      else { return nil }
      if guardsSharedFrames { try verify(unit) }
      unit += 1
    }
    return (frame, start + within)
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
      if let page = directory[unit / TablePage.unitCount],
        let source = page.pointer(unit % TablePage.unitCount)
      {
        if guardsSharedFrames { try verify(unit) }
        target.copyMemory(from: source + within, byteCount: count)
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
    guard let page = directory[unit / TablePage.unitCount],
      let source = page.pointer(unit % TablePage.unitCount)
    else { return true }
    let checksum = UInt32(truncatingIfNeeded: ContentHash.hash(source, transferUnitByteCount))
    return checksum == page.checksum(unit % TablePage.unitCount)
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
  func forEachUnit(_ body: (_ offset: UInt64, _ bytes: UnsafeRawPointer) -> Void) {
    for pageNumber in directory.indices {
      guard let page = directory[pageNumber] else { continue }
      for slot in 0..<TablePage.unitCount {
        guard let pointer = page.pointer(slot) else { continue }
        body(UInt64(pageNumber * TablePage.unitCount + slot) << UInt64(unitShift), UnsafeRawPointer(pointer))
      }
    }
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
        let source = directory[unit / TablePage.unitCount]?.pointer(unit % TablePage.unitCount)
        for index in 0..<length {
          let byte = source?.load(fromByteOffset: within + index, as: UInt8.self) ?? 0
          buffer.initializeElement(at: position + index, to: byte)
        }
        position += length
      }
      count = byteCount
    }
  }

  /// Replaces one unit, without counting: how the fault device builds what a crash leaves.
  func place(unitAt offset: UInt64, frame: Frame?, frameOffset: Int) {
    setUnit(Int(offset >> UInt64(unitShift)), frame: frame, offset: frameOffset)
  }

  /// The frame and offset of one unit, nil when it reads as zero.
  func frame(ofUnitAt offset: UInt64) -> (frame: Frame, offset: Int)? {
    let unit = Int(offset >> UInt64(unitShift))
    guard let page = directory[unit / TablePage.unitCount],
      let frame = page.frame(unit % TablePage.unitCount)
    else { return nil }
    return (frame, page.offset(unit % TablePage.unitCount))
  }
}

/// 512 entries of the table: which frame holds a unit, and where in it.
private final class TablePage {
  static let unitCount = 512

  private struct Entry {
    var frame: Frame?
    var offset: UInt32
    var checksum: UInt32
  }

  private let entries: UnsafeMutablePointer<Entry>
  private(set) var occupiedCount = 0

  init() {
    entries = .allocate(capacity: Self.unitCount)
    entries.initialize(repeating: Entry(frame: nil, offset: 0, checksum: 0), count: Self.unitCount)
  }

  private init(copying original: TablePage) {
    entries = .allocate(capacity: Self.unitCount)
    entries.initialize(from: original.entries, count: Self.unitCount)
    occupiedCount = original.occupiedCount
  }

  deinit {
    entries.deinitialize(count: Self.unitCount)
    entries.deallocate()
  }

  func copy() -> TablePage { TablePage(copying: self) }

  func frame(_ slot: Int) -> Frame? { entries[slot].frame }

  func offset(_ slot: Int) -> Int { Int(entries[slot].offset) }

  func checksum(_ slot: Int) -> UInt32 { entries[slot].checksum }

  /// Where the unit's bytes are; valid while the page is not changed.
  func pointer(_ slot: Int) -> UnsafeMutableRawPointer? {
    guard let frame = entries[slot].frame else { return nil }
    return frame.pointer + Int(entries[slot].offset)
  }

  func holds(_ frame: Frame, offset: Int, at slot: Int) -> Bool {
    entries[slot].frame === frame && entries[slot].offset == UInt32(truncatingIfNeeded: offset)
  }

  func set(_ slot: Int, frame: Frame?, offset: Int, checksum: UInt32) {
    precondition(offset <= Int(UInt32.max), "A frame is smaller than 4 GiB.")
    let wasOccupied = entries[slot].frame != nil
    occupiedCount += (frame == nil ? 0 : 1) - (wasOccupied ? 1 : 0)
    entries[slot] = Entry(frame: frame, offset: UInt32(offset), checksum: checksum)
  }
}
