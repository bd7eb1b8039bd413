// Named files for a guest (SQLite) as regions of the one device, so that its bytes are counted, traced, timed and
// crashed exactly as an engine's own. It behaves as an ordered, journaling file system under O_DIRECT does: nothing
// is cached but what was not written yet.
//
//   guest write ─▶ gather buffer ─┬─ sync, namespace operation, buffer full ─▶ one batch ─▶ channel ─▶ device
//   guest read ◀── gathered bytes ┘◀──────── every other byte ◀── one batch ◀──┘
//
//   device   │ directory slot 0 │ directory slot 1 │ chunk 0 │ chunk 1 │ chunk 2 │ …
//
// Counting
// - Requested: every call of the guest and its bytes; a short read counts what it returned.
// - Transferred: after merging and rounding to the transfer unit; the rounding is `padding`. A byte written twice
//   before it left is transferred once and belongs to its last writer. A unit of which only a part was written,
//   and whose rest is neither new, nor kept, nor beyond what the file ever held, is read first: a `padding` read.
//
// Sync
//   gathered data ─▶ device sync ─▶ if a name, size or region changed: directory slot ─▶ device sync
//
// Invariants
// 1. After a crash the space holds the old or the new directory, and every byte that was synced before.
// 2. A region that a durable directory names belongs to its file until a directory that does not is durable;
//    only then is it discarded and free.
// 3. A byte of a file that was never written reads as zero, in a region that was used before as well.
// 4. After a failed write, discard, sync or namespace call every later call throws (the channel is poisoned).
// 5. Same calls, same bytes on the device.

import Accounting
import Primitives

/// What can be chosen about a file space.
public struct FileSpaceConfiguration: Equatable, Sendable {
  /// The smallest allocation, in bytes, a multiple of the transfer unit. Fixed when the space is formatted.
  public var chunkByteCount: Int
  /// A growing file takes an eighth of its size at once, up to this many bytes; equal to the chunk for none.
  public var largestGrowthByteCount: Int
  /// The bytes gathered before they leave on their own.
  public var gatherByteCount: Int
  /// The most files at once.
  public var maximumFileCount: Int

  /// A configuration.
  public init(
    chunkByteCount: Int = 256 << 10, largestGrowthByteCount: Int = 16 << 20, gatherByteCount: Int = 1 << 20,
    maximumFileCount: Int = 8
  ) {
    self.chunkByteCount = chunkByteCount
    self.largestGrowthByteCount = largestGrowthByteCount
    self.gatherByteCount = gatherByteCount
    self.maximumFileCount = maximumFileCount
  }
}

/// A small file system for one guest. Used by one thread at a time.
public final class FileSpace {
  /// Each directory slot, in bytes (or 16 transfer units, when they are larger).
  static let smallestSlotByteCount = 64 << 10
  /// A name's limit in UTF-8 bytes.
  public static let maximumNameByteCount = 64

  /// The channel all bytes go through.
  public let channel: IOChannel
  /// The device's transfer unit in bytes.
  public let transferUnitByteCount: Int
  /// The allocation unit in bytes.
  public let chunkByteCount: Int
  /// The open and existing files, in the order of their making.
  public private(set) var files: ContiguousArray<SpaceFile> = []
  /// The number of directories made durable so far; grows with every change of names, sizes and regions.
  public private(set) var generation: UInt64 = 0
  /// Names what a read brought, for reads that do not say it themselves: given the file, the offset, and the bytes.
  public var readClassifier: ((SpaceFile, UInt64, UnsafeRawBufferPointer) -> Attribution)?

  private let configuration: FileSpaceConfiguration
  private let budget: MemoryBudget
  private let heldByteCount: Int
  private let slotByteCount: Int
  private let dataStart: UInt64
  private let unitMask: UInt64
  private let unitShift: UInt64
  private let gather: GatherBuffer
  private let bounce: UnsafeMutableRawPointer
  private let bounceByteCount: Int
  private let slotMemory: UnsafeMutableRawBufferPointer
  private let pieces: UnsafeMutableBufferPointer<Piece>
  private var allocator: ChunkAllocator
  private var nextFileID: UInt32 = 1
  private var pendingFrees: ContiguousArray<(deviceOffset: UInt64, byteCount: UInt64)> = []
  private var readBatch = TransferBatch()
  private var writeBatch = TransferBatch()
  private var directoryChanged = false
  private var namesChanged = false
  private var wroteSinceSync = false
  // Discards of regions nobody owns: to be synced before a directory gives them to a file, promised to nobody.
  private var recycledSinceSync = false
  private var isClosed = false
  private var holdsMemory = true
  // What `readBatch` reads, for its classifier.
  private var readFile: SpaceFile?
  private var readOffset: UInt64 = 0
  private var readMemory = UnsafeRawBufferPointer(start: nil, count: 0)

  // MARK: Opening and closing

  /// Formats a device, or opens the space on it.
  ///
  /// Formatting discards the whole device, writes an empty directory and syncs. Opening reads both directory slots.
  /// - Parameters:
  ///   - channel: the way to the device.
  ///   - budget: gives the gather buffer, the read buffer, the directory slots and the tails (account `guest`).
  ///   - formats: true to begin anew.
  /// - Throws: `.corrupted` when the device holds no intact directory, `.outOfBudget`, `.noSpace`, or what the
  ///   device throws.
  public init(
    channel: IOChannel, budget: MemoryBudget,
    configuration: FileSpaceConfiguration = FileSpaceConfiguration(),
    formats: Bool
  ) throws(StorageError) {
    let unit = channel.device.transferUnitByteCount
    precondition(
      configuration.maximumFileCount > 0 && configuration.maximumFileCount <= 256,
      "A file space has 1 to 256 files.")
    precondition(
      configuration.chunkByteCount > 0 && configuration.chunkByteCount % unit == 0,
      "A chunk is a multiple of the transfer unit.")
    self.channel = channel
    self.budget = budget
    self.configuration = configuration
    transferUnitByteCount = unit
    unitShift = UInt64(unit.trailingZeroBitCount)
    unitMask = UInt64(unit - 1)
    slotByteCount = max(Self.smallestSlotByteCount, 16 * unit)
    dataStart = UInt64(2 * slotByteCount)
    bounceByteCount = Self.bounceByteCount(unit)
    let gatherCapacity = max(2, configuration.gatherByteCount / unit)
    heldByteCount = Self.memoryByteCount(configuration, transferUnitByteCount: unit)
    guard dataStart + UInt64(configuration.chunkByteCount) <= channel.device.capacityByteCount else {
      throw .noSpace(
        requestedByteCount: dataStart + UInt64(configuration.chunkByteCount),
        freeByteCount: channel.device.capacityByteCount)
    }
    try budget.require(heldByteCount, for: .guest)
    gather = GatherBuffer(unitByteCount: unit, capacity: gatherCapacity)
    bounce = .allocate(byteCount: bounceByteCount, alignment: 4_096)
    slotMemory = .allocate(byteCount: 2 * slotByteCount, alignment: 4_096)
    pieces = .allocate(capacity: gather.runCapacity + 2 + Cause.tableCount * Level.tableCount)
    pieces.initialize(
      repeating: Piece(
        cause: .padding, requestedOperationCount: 0, requestedByteCount: 0, transferredByteCount: 0))
    allocator = ChunkAllocator(chunkCount: 0, isClean: true)
    var directory: FileDirectory?
    if !formats {
      do {
        directory = try Self.readDirectory(channel, slotMemory, slotByteCount: slotByteCount, &generation)
      } catch {
        chunkByteCount = configuration.chunkByteCount
        giveMemoryBack()
        throw error
      }
    }
    chunkByteCount = directory.map { Int(clamping: $0.chunkByteCount) } ?? configuration.chunkByteCount
    readBatch.classifier = { [unowned self] batch in
      if let readFile, let readClassifier {
        let attribution = readClassifier(readFile, readOffset, readMemory)
        batch.attribute(cause: attribution.cause, level: attribution.level)
      }
    }
    do {
      if let directory {
        try adopt(directory)
      } else {
        allocator = ChunkAllocator(chunkCount: chunkCount(chunkByteCount), isClean: true)
        try channel.control(
          .discard(offset: 0, byteCount: channel.device.capacityByteCount, cause: .fileDirectory))
        directoryChanged = true
        try commitDirectory()
      }
    } catch {
      giveMemoryBack()
      throw error
    }
  }

  deinit {
    giveMemoryBack()
    bounce.deallocate()
    slotMemory.deallocate()
    pieces.deallocate()
  }

  /// What a space of this configuration holds of the `guest` account, in bytes.
  public static func memoryByteCount(
    _ configuration: FileSpaceConfiguration, transferUnitByteCount unit: Int
  ) -> Int {
    GatherBuffer.memoryByteCount(
      unitByteCount: unit, capacity: max(2, configuration.gatherByteCount / unit)) + bounceByteCount(unit)
      + 2 * max(smallestSlotByteCount, 16 * unit) + configuration.maximumFileCount * 2 * unit
  }

  /// The largest page of SQLite, unaligned, in one read.
  private static func bounceByteCount(_ unit: Int) -> Int { max(64 << 10, unit) + 2 * unit }

  private func chunkCount(_ chunkByteCount: Int) -> UInt32 {
    UInt32(clamping: (channel.device.capacityByteCount - dataStart) / UInt64(chunkByteCount))
  }

  private func giveMemoryBack() {
    if holdsMemory { budget.release(heldByteCount, for: .guest) }
    holdsMemory = false
  }

  private static func readDirectory(
    _ channel: IOChannel, _ memory: UnsafeMutableRawBufferPointer, slotByteCount: Int,
    _ generation: inout UInt64
  ) throws(StorageError) -> FileDirectory {
    var batch = TransferBatch()
    batch.append(
      .read, offset: 0, memory: .borrowed(memory.baseAddress!), byteCount: 2 * slotByteCount,
      cause: .fileDirectory)
    try channel.submit(&batch)
    let bytes = UnsafeRawBufferPointer(memory)
    let slots = [
      UnsafeRawBufferPointer(rebasing: bytes[..<slotByteCount]),
      UnsafeRawBufferPointer(rebasing: bytes[slotByteCount...]),
    ]
    let newest = try FileDirectory.newest(slots, slotByteCount: slotByteCount)
    generation = newest.generation
    return newest.directory
  }

  /// Takes over what a directory says, if it is possible on this device.
  private func adopt(_ directory: FileDirectory) throws(StorageError) {
    func corrupted(_ detail: String) -> StorageError {
      .corrupted(
        structure: "file directory", offset: (generation & 1) * UInt64(slotByteCount), detail: detail)
    }
    let unit = UInt64(transferUnitByteCount)
    guard directory.transferUnitByteCount == UInt32(clamping: transferUnitByteCount),
      directory.chunkByteCount > 0, directory.chunkByteCount % unit == 0,
      directory.chunkByteCount <= channel.device.capacityByteCount,
      directory.capacityByteCount == channel.device.capacityByteCount
    else { throw corrupted("made for a device of another shape") }
    allocator = ChunkAllocator(chunkCount: chunkCount(chunkByteCount), isClean: false)
    nextFileID = directory.nextFileID
    for entry in directory.entries {
      let file = SpaceFile(
        id: entry.id, name: entry.name, byteCount: entry.byteCount,
        transferUnitByteCount: transferUnitByteCount)
      for region in entry.regions {
        guard allocator.claim(start: region.start, count: region.count) else {
          throw corrupted("chunk \(region.start) of file \(entry.id) is not free")
        }
        file.appendRegion(
          deviceOffset: deviceOffset(ofChunk: region.start),
          byteCount: UInt64(region.count) * UInt64(chunkByteCount))
      }
      guard file.byteCount <= file.allocatedByteCount else {
        throw corrupted("file \(entry.id) has more bytes than regions")
      }
      file.writtenEnd = roundedUp(file.byteCount)
      file.staleEnd = file.allocatedByteCount
      files.append(file)
    }
  }

  /// Makes everything durable and gives the memory back; every later call throws `.closed`.
  public func close() throws(StorageError) {
    if isClosed { throw .closed }
    defer {
      isClosed = true
      giveMemoryBack()
    }
    try syncAll(cause: .fileDirectory)
  }

  // MARK: Names

  /// The file called `name`, made when there is none and `creates` is true; nil otherwise.
  ///
  /// Precondition: the name has 1 to 64 bytes.
  public func open(_ name: String, creates: Bool) throws(StorageError) -> SpaceFile? {
    precondition(
      !name.isEmpty && name.utf8.count <= Self.maximumNameByteCount, "A file's name has 1 to 64 bytes.")
    try check()
    if let file = file(named: name) { return file }
    guard creates else { return nil }
    guard files.count < configuration.maximumFileCount else {
      throw .deviceFailed(
        operation: "create", offset: 0, byteCount: 0, errno: 0,
        reason: "the file space holds at most \(configuration.maximumFileCount) files")
    }
    try flush()
    let id = nextFileID
    try channel.control(.namespace(.create, fileID: id))
    nextFileID += 1
    let file = SpaceFile(id: id, name: name, byteCount: 0, transferUnitByteCount: transferUnitByteCount)
    files.append(file)
    directoryChanged = true
    namesChanged = true
    return file
  }

  /// Whether a file of this name exists.
  public func exists(_ name: String) throws(StorageError) -> Bool {
    try check()
    return file(named: name) != nil
  }

  /// Deletes a file.
  ///
  /// The name is gone at once; it is durably gone with the next sync of any file, or now when `syncsDirectory`.
  /// - Throws: `.notFound`, or what the device throws.
  public func delete(_ name: String, syncsDirectory: Bool) throws(StorageError) {
    try check()
    guard let index = files.firstIndex(where: { $0.name == name }) else {
      throw .notFound(what: "file '\(name)'")
    }
    try flush()
    let file = files[index]
    try channel.control(.namespace(.delete, fileID: file.id))
    files.remove(at: index)
    file.isDeleted = true
    pendingFrees.append(contentsOf: file.removeRegions(from: 0))
    file.byteCount = 0
    directoryChanged = true
    namesChanged = true
    if syncsDirectory { try commitDirectory() }
  }

  private func file(named name: String) -> SpaceFile? { files.first { $0.name == name } }

  // MARK: Sizes

  /// Cuts a file, or lengthens it with zeros.
  public func truncate(_ file: SpaceFile, to byteCount: UInt64) throws(StorageError) {
    try check(file)
    try flush()
    try channel.control(.namespace(.truncate, fileID: file.id))
    if byteCount == file.byteCount { return }
    directoryChanged = true
    if byteCount > file.byteCount {
      try allocate(file, upTo: byteCount)
      try prepareGrowth(file, to: byteCount, writesFrom: byteCount)
      file.byteCount = byteCount
      return
    }
    let chunk = UInt64(chunkByteCount)
    let kept = (byteCount + chunk - 1) / chunk * chunk
    if kept < file.allocatedByteCount { pendingFrees.append(contentsOf: file.removeRegions(from: kept)) }
    file.byteCount = byteCount
    file.writtenEnd = min(file.writtenEnd, roundedUp(byteCount))
    file.staleEnd = file.allocatedByteCount
    file.lastWriteEnd = byteCount
    keepTail(&file.tails.recent, below: byteCount)
    keepTail(&file.tails.last, below: byteCount)
  }

  /// After a cut, a tail beyond the end is nothing, and the one at the end is zero behind it.
  private func keepTail(_ tail: inout SpaceFile.Tail, below byteCount: UInt64) {
    guard tail.unit != .max else { return }
    let start = tail.unit << unitShift
    if start >= byteCount {
      tail.unit = .max
    } else if start + UInt64(transferUnitByteCount) > byteCount {
      let kept = Int(byteCount - start)
      (tail.memory + kept).initializeMemory(as: UInt8.self, repeating: 0, count: transferUnitByteCount - kept)
    }
  }

  /// Gives a file regions for its first `end` bytes.
  private func allocate(_ file: SpaceFile, upTo end: UInt64) throws(StorageError) {
    let chunk = UInt64(chunkByteCount)
    guard end <= channel.device.capacityByteCount else {
      throw .noSpace(requestedByteCount: end, freeByteCount: allocator.freeChunkCount * chunk)
    }
    while file.allocatedByteCount < end {
      let missing = (end - file.allocatedByteCount + chunk - 1) / chunk
      let growth = min(file.allocatedByteCount / 8, UInt64(configuration.largestGrowthByteCount)) / chunk
      let continuation = file.regions.last.flatMap { chunkNumber(ofDeviceOffset: $0.deviceEnd) }
      guard let run = allocator.take(UInt32(clamping: max(missing, growth)), continuation: continuation)
      else {
        if pendingFrees.isEmpty { throw .noSpace(requestedByteCount: missing * chunk, freeByteCount: 0) }
        // Given up, but still named by the durable directory: make one durable that does not.
        try flush()
        try commitDirectory()
        continue
      }
      let offset = deviceOffset(ofChunk: run.start)
      let byteCount = UInt64(run.count) * chunk
      if !run.isClean {
        try channel.control(.discard(offset: offset, byteCount: byteCount, cause: .fileDirectory))
        wroteSinceSync = true
      }
      file.appendRegion(deviceOffset: offset, byteCount: byteCount)
      directoryChanged = true
    }
  }

  /// Zeroes what an earlier, longer state of the file may have left between its end and `writesFrom`, before the
  /// file ends at `newEnd`.
  private func prepareGrowth(
    _ file: SpaceFile, to newEnd: UInt64, writesFrom: UInt64
  ) throws(StorageError) {
    let stale = min(file.staleEnd, newEnd)
    let end = file.byteCount
    guard stale > end else { return }
    // The rest of the unit the file ends in.
    let unitEnd = roundedUp(end)
    if end < unitEnd { try writeZeros(file, from: end, to: unitEnd) }
    guard writesFrom > unitEnd else { return }
    // Whole units that are skipped, and the beginning of the unit the write begins in.
    let firstWritten = writesFrom & ~unitMask
    if firstWritten > unitEnd { try discard(file, from: unitEnd, to: min(firstWritten, roundedUp(stale))) }
    if writesFrom > firstWritten { try writeZeros(file, from: firstWritten, to: writesFrom) }
  }

  /// Puts zeros that nobody asked for into one unit of the gather buffer.
  private func writeZeros(_ file: SpaceFile, from start: UInt64, to end: UInt64) throws(StorageError) {
    let index = try gatheredUnit(file, start >> unitShift)
    let within = Int(start & unitMask)
    let count = Int(end - start)
    (gather.content(index) + within).initializeMemory(as: UInt8.self, repeating: 0, count: count)
    gather.mark(
      index, within, within + count, Attribution(.padding), requestedOperationCount: 0, requestedByteCount: 0)
  }

  private func discard(_ file: SpaceFile, from start: UInt64, to end: UInt64) throws(StorageError) {
    var position = start
    while position < end {
      let region = file.region(at: position)
      let count = min(end, region.fileEnd) - position
      try channel.control(
        .discard(
          offset: region.deviceOffset + (position - region.fileOffset), byteCount: count,
          cause: .fileDirectory))
      wroteSinceSync = true
      position += count
    }
  }

  // MARK: Writing

  /// Writes `bytes` at `offset`; the file grows as needed, and a gap reads as zero. The bytes are gathered: they
  /// reach the device with the next sync, namespace operation, or when the buffer is full.
  public func write(
    _ file: SpaceFile, at offset: UInt64, _ bytes: UnsafeRawBufferPointer, _ attribution: Attribution
  ) throws(StorageError) {
    try check(file)
    guard let source = bytes.baseAddress, bytes.count > 0 else {
      channel.enterUnmoved(.write, byteCount: 0, cause: attribution.cause, level: attribution.level)
      return
    }
    let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.count))
    guard !overflow else {
      throw .outOfRange(
        offset: offset, byteCount: bytes.count, capacityByteCount: channel.device.capacityByteCount)
    }
    if end > file.byteCount {
      if end > file.allocatedByteCount { try allocate(file, upTo: end) }
      if file.staleEnd > file.byteCount { try prepareGrowth(file, to: end, writesFrom: offset) }
    }
    var position = offset
    var operations = 1
    while position < end {
      let within = Int(position & unitMask)
      let count = min(transferUnitByteCount - within, Int(end - position))
      let index = try gatheredUnit(file, position >> unitShift)
      (gather.content(index) + within).copyMemory(from: source + Int(position - offset), byteCount: count)
      gather.mark(
        index, within, within + count, attribution, requestedOperationCount: operations,
        requestedByteCount: count)
      operations = 0
      position += UInt64(count)
      if position > file.byteCount {
        file.byteCount = position
        directoryChanged = true
      }
    }
    file.lastWriteEnd = end
  }

  /// The gathered unit `unit` of `file`, with room for a run; empties the buffer when there is none.
  private func gatheredUnit(_ file: SpaceFile, _ unit: UInt64) throws(StorageError) -> Int {
    if file.gatheredUnitCount > 0, let index = gather.find(file, unit) {
      if gather.hasRoomForRun(index) { return index }
      try flush()
    }
    if let index = gather.add(file, unit) { return index }
    try flush()
    guard let index = gather.add(file, unit) else {
      preconditionFailure("An empty gather buffer takes a unit.")
    }
    return index
  }

  /// Hands everything gathered to the device in one batch.
  private func flush() throws(StorageError) {
    if gather.count == 0 { return }
    try fillGaps()
    writeBatch.removeAll()
    for index in 0..<gather.count {
      let unit = gather.units[index]
      let file = unit.file.takeUnretainedValue()
      var pieceCount = 0
      var padding = transferUnitByteCount - Int(unit.coveredByteCount)
      for run in gather.runs(of: index) {
        let byteCount = Int(run.end - run.start)
        if run.attribution.cause == .padding {
          padding += byteCount
          continue
        }
        pieces[pieceCount] = Piece(
          cause: run.attribution.cause, level: run.attribution.level,
          requestedOperationCount: Int(run.requestedOperationCount),
          requestedByteCount: Int(run.requestedByteCount), transferredByteCount: byteCount)
        pieceCount += 1
      }
      if index == 0 {
        for piece in gather.carried {
          pieces[pieceCount] = piece
          pieceCount += 1
        }
      }
      if padding > 0 {
        pieces[pieceCount] = Piece(
          cause: .padding, requestedOperationCount: 0, requestedByteCount: 0, transferredByteCount: padding)
        pieceCount += 1
      }
      writeBatch.append(
        .write, offset: deviceOffset(file, unit.number << unitShift),
        memory: .borrowed(gather.content(index)),
        byteCount: transferUnitByteCount, pieces: UnsafeMutableBufferPointer(rebasing: pieces[..<pieceCount]))
    }
    wroteSinceSync = true
    try channel.submit(&writeBatch)
    for index in 0..<gather.count {
      let unit = gather.units[index]
      let file = unit.file.takeUnretainedValue()
      file.writtenEnd = max(file.writtenEnd, (unit.number + 1) << unitShift)
      let content = gather.content(index)
      renewTail(&file.tails.recent, of: unit.number, content, wanted: file.lastWriteEnd)
      renewTail(&file.tails.last, of: unit.number, content, wanted: file.byteCount)
    }
    gather.removeAll()
  }

  /// Keeps a written unit when the file's next write is likely to continue it: `wanted` lies inside it.
  private func renewTail(
    _ tail: inout SpaceFile.Tail, of unit: UInt64, _ content: UnsafeMutableRawPointer, wanted: UInt64
  ) {
    if wanted >> unitShift == unit && wanted & unitMask != 0 {
      tail.unit = unit
      tail.memory.copyMemory(from: content, byteCount: transferUnitByteCount)
    } else if tail.unit == unit {
      tail.unit = .max
    }
  }

  /// Completes units of which only a part was written: from a tail, with zeros, or by reading the device.
  private func fillGaps() throws(StorageError) {
    let perBatch = bounceByteCount / transferUnitByteCount
    var first = 0
    while first < gather.count {
      readBatch.removeAll()
      readFile = nil
      var waiting = 0
      var index = first
      while index < gather.count && waiting < perBatch {
        if fillWithoutReading(index) {
          index += 1
          continue
        }
        let unit = gather.units[index]
        readBatch.append(
          .read, offset: deviceOffset(unit.file.takeUnretainedValue(), unit.number << unitShift),
          memory: .borrowed(bounce + waiting * transferUnitByteCount), byteCount: transferUnitByteCount,
          pieces: CollectionOfOne(
            Piece(
              cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
              transferredByteCount: transferUnitByteCount)))
        waiting += 1
        index += 1
      }
      if waiting > 0 {
        try channel.submit(&readBatch)
        var next = 0
        for filled in first..<index
        where !gather.units[filled].isFilled && gather.units[filled].coveredByteCount < transferUnitByteCount
        {
          fill(filled, from: bounce + next * transferUnitByteCount)
          next += 1
        }
      }
      first = index
    }
  }

  /// Completes one unit if that takes no read.
  private func fillWithoutReading(_ index: Int) -> Bool {
    let unit = gather.units[index]
    if unit.isFilled || Int(unit.coveredByteCount) == transferUnitByteCount { return true }
    let file = unit.file.takeUnretainedValue()
    if unit.number << unitShift >= file.writtenEnd {
      fill(index, from: nil)
    } else if let tail = file.tail(of: unit.number) {
      fill(index, from: tail)
    } else {
      // Bytes behind the file's end are zero whatever the device holds.
      var needsReading = false
      let known = knownByteCount(file, unit.number)
      gather.forEachGap(index) { start, _ in if start < known { needsReading = true } }
      if needsReading { return false }
      fill(index, from: nil)
    }
    return true
  }

  /// Copies the old content (nil: zeros) into the gaps of a unit; behind the file's end it is zero.
  private func fill(_ index: Int, from source: UnsafeMutableRawPointer?) {
    let file = gather.units[index].file.takeUnretainedValue()
    let content = gather.content(index)
    let known = source == nil ? 0 : knownByteCount(file, gather.units[index].number)
    gather.forEachGap(index) { start, end in
      let copied = max(start, min(end, known))
      if let source, copied > start {
        (content + start).copyMemory(from: source + start, byteCount: copied - start)
      }
      if end > copied {
        (content + copied).initializeMemory(as: UInt8.self, repeating: 0, count: end - copied)
      }
    }
    gather.units[index].isFilled = true
  }

  /// How many bytes of a unit lie before the file's end.
  private func knownByteCount(_ file: SpaceFile, _ unit: UInt64) -> Int {
    let start = unit << unitShift
    return file.byteCount > start ? Int(min(file.byteCount - start, UInt64(transferUnitByteCount))) : 0
  }

  // MARK: Syncing

  /// Whether anything was written, made, cut or deleted that no sync covered yet.
  public var hasUnsyncedChanges: Bool { gather.count > 0 || wroteSinceSync || directoryChanged }

  /// Makes everything written so far durable, and the directory when it changed.
  ///
  /// - Parameter cause: what the sync is for, in the ledger.
  public func sync(_ file: SpaceFile, cause: Cause) throws(StorageError) {
    try check(file)
    try syncAll(cause: cause)
  }

  /// `sync` for every file.
  public func syncAll(cause: Cause) throws(StorageError) {
    try check()
    try flush()
    try channel.control(.sync(cause: cause))
    wroteSinceSync = false
    recycledSinceSync = false
    if directoryChanged { try commitDirectory() }
  }

  /// Writes the directory to the older slot and syncs; then what was given up is free.
  ///
  /// Precondition: nothing is gathered.
  private func commitDirectory() throws(StorageError) {
    let next = generation + 1
    var directory = FileDirectory(
      transferUnitByteCount: UInt32(transferUnitByteCount), chunkByteCount: UInt64(chunkByteCount),
      capacityByteCount: channel.device.capacityByteCount, nextFileID: nextFileID, entries: [])
    for file in files {
      var entry = FileDirectory.Entry(id: file.id, name: file.name, byteCount: file.byteCount, regions: [])
      for region in file.regions {
        guard let start = chunkNumber(ofDeviceOffset: region.deviceOffset) else {
          preconditionFailure("A region begins at a chunk.")
        }
        entry.regions.append(
          FileDirectory.ClosedChunkRun(start: start, count: UInt32(region.byteCount / UInt64(chunkByteCount)))
        )
      }
      directory.entries.append(entry)
    }
    let needed = directory.imageByteCount
    let room = slotByteCount / FileDirectory.sectorByteCount * FileDirectory.payloadByteCount
    guard needed <= room else {
      throw .noSpace(requestedByteCount: UInt64(needed), freeByteCount: UInt64(room))
    }
    if wroteSinceSync || recycledSinceSync {
      try channel.control(.sync(cause: .fileDirectory))
      wroteSinceSync = false
      recycledSinceSync = false
    }
    if namesChanged { try channel.control(.namespace(.directorySync, fileID: 0)) }
    _ = slotMemory.initializeMemory(as: UInt8.self, repeating: 0)
    let used = directory.encode(
      generation: next, into: UnsafeMutableRawBufferPointer(rebasing: slotMemory[..<slotByteCount]))
    let written = Int(roundedUp(UInt64(used)))
    writeBatch.removeAll()
    writeBatch.append(
      .write, offset: (next & 1) * UInt64(slotByteCount), memory: .borrowed(slotMemory.baseAddress!),
      byteCount: written,
      pieces: [
        Piece(
          cause: .fileDirectory, requestedOperationCount: 1, requestedByteCount: used,
          transferredByteCount: used),
        Piece(
          cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
          transferredByteCount: written - used),
      ].prefix(written > used ? 2 : 1))
    try channel.submit(&writeBatch)
    try channel.control(.sync(cause: .fileDirectory))
    generation = next
    directoryChanged = false
    namesChanged = false
    for freed in pendingFrees {
      try channel.control(
        .discard(offset: freed.deviceOffset, byteCount: freed.byteCount, cause: .fileDirectory))
      guard let start = chunkNumber(ofDeviceOffset: freed.deviceOffset) else {
        preconditionFailure("A region begins at a chunk.")
      }
      allocator.putBack(start: start, count: UInt32(freed.byteCount / UInt64(chunkByteCount)))
    }
    if !pendingFrees.isEmpty { recycledSinceSync = true }
    pendingFrees.removeAll(keepingCapacity: true)
  }

  // MARK: Reading

  /// Reads up to `destination.count` bytes at `offset`.
  ///
  /// - Parameter attribution: whose bytes they are; nil asks `readClassifier` once they are there.
  /// - Returns: the bytes read; fewer than asked only at the file's end. What lies behind them is not touched.
  public func read(
    _ file: SpaceFile, at offset: UInt64, into destination: UnsafeMutableRawBufferPointer,
    _ attribution: Attribution? = nil
  ) throws(StorageError) -> Int {
    try check(file)
    let available = offset < file.byteCount ? file.byteCount - offset : 0
    let total = Int(min(UInt64(destination.count), available))
    guard total > 0, let target = destination.baseAddress else {
      let owner = attribution ?? classify(file, offset, UnsafeRawBufferPointer(start: nil, count: 0))
      channel.enterUnmoved(.read, byteCount: 0, cause: owner.cause, level: owner.level)
      return 0
    }
    var done = 0
    if offset & unitMask == 0 && UInt64(total) & unitMask == 0 && file.gatheredUnitCount == 0
      && offset + UInt64(total) <= file.writtenEnd
    {
      try readAligned(file, offset, UnsafeMutableRawBufferPointer(start: target, count: total), attribution)
      return total
    }
    while done < total {
      let position = offset + UInt64(done)
      let room = bounceByteCount - Int(position & unitMask)
      let count = min(total - done, room)
      try readPart(
        file, position, UnsafeMutableRawBufferPointer(start: target + done, count: count), attribution,
        isFirst: done == 0)
      done += count
    }
    return total
  }

  /// Reads whole units straight into the guest's memory: the common case, a page of a database.
  private func readAligned(
    _ file: SpaceFile, _ offset: UInt64, _ destination: UnsafeMutableRawBufferPointer,
    _ attribution: Attribution?
  ) throws(StorageError) {
    let owner = attribution ?? Attribution(.guestOther)
    readBatch.removeAll()
    var done = 0
    while done < destination.count {
      let position = offset + UInt64(done)
      let region = file.region(at: position)
      let count = Int(min(UInt64(destination.count - done), region.fileEnd - position))
      pieces[0] = Piece(
        cause: owner.cause, level: owner.level, requestedOperationCount: done == 0 ? 1 : 0,
        requestedByteCount: count, transferredByteCount: count)
      readBatch.append(
        .read, offset: region.deviceOffset + (position - region.fileOffset),
        memory: .borrowed(destination.baseAddress! + done), byteCount: count,
        pieces: UnsafeMutableBufferPointer(rebasing: pieces[..<1]))
      done += count
    }
    readFile = attribution == nil ? file : nil
    readOffset = offset
    readMemory = UnsafeRawBufferPointer(destination)
    try channel.submit(&readBatch)
  }

  private func classify(
    _ file: SpaceFile, _ offset: UInt64, _ bytes: UnsafeRawBufferPointer
  ) -> Attribution {
    readClassifier?(file, offset, bytes) ?? Attribution(.guestOther)
  }

  /// Reads a part that fits the bounce buffer with its rounding.
  private func readPart(
    _ file: SpaceFile, _ offset: UInt64, _ destination: UnsafeMutableRawBufferPointer,
    _ attribution: Attribution?, isFirst: Bool
  ) throws(StorageError) {
    let end = offset + UInt64(destination.count)
    let firstUnit = offset >> unitShift
    let endUnit = (end + unitMask) >> unitShift
    let start = firstUnit << unitShift
    let writtenUnit = file.writtenEnd >> unitShift
    var needsPlacing = false
    if file.gatheredUnitCount > 0 {
      for unit in firstUnit..<endUnit {
        guard let index = gather.find(file, unit) else { continue }
        needsPlacing = true
        let from = Int(max(offset, unit << unitShift) & unitMask)
        let to = Int(min(end, (unit + 1) << unitShift) - (unit << unitShift))
        if !gather.covers(index, from, to) { try readGaps(index) }
      }
    }
    // One request of the guest, whatever it takes.
    var owed = (operations: isFirst ? 1 : 0, bytes: destination.count)
    let owner = attribution ?? Attribution(.guestOther)
    readBatch.removeAll()
    var unit = firstUnit
    while unit < endUnit {
      if unit >= writtenUnit || (needsPlacing && gather.find(file, unit) != nil) {
        needsPlacing = true
        unit += 1
        continue
      }
      let region = file.region(at: unit << unitShift)
      let regionEnd = min(endUnit, writtenUnit, region.fileEnd >> unitShift)
      var runEnd = unit + 1
      while runEnd < regionEnd && !(needsPlacing && gather.find(file, runEnd) != nil) { runEnd += 1 }
      let byteCount = Int((runEnd - unit) << unitShift)
      let useful = Int(min(end, runEnd << unitShift) - max(offset, unit << unitShift))
      pieces[0] = Piece(
        cause: owner.cause, level: owner.level, requestedOperationCount: owed.operations,
        requestedByteCount: owed.bytes, transferredByteCount: useful)
      owed = (0, 0)
      pieces[1] = Piece(
        cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
        transferredByteCount: byteCount - useful)
      readBatch.append(
        .read, offset: region.deviceOffset + ((unit << unitShift) - region.fileOffset),
        memory: .borrowed(bounce + Int((unit << unitShift) - start)), byteCount: byteCount,
        pieces: UnsafeMutableBufferPointer(rebasing: pieces[..<(byteCount > useful ? 2 : 1)]))
      unit = runEnd
    }
    let source = bounce + Int(offset - start)
    readFile = attribution == nil ? file : nil
    readOffset = offset
    readMemory = UnsafeRawBufferPointer(start: source, count: destination.count)
    if needsPlacing {
      for unit in firstUnit..<endUnit {
        let place = bounce + Int((unit << unitShift) - start)
        if let index = gather.find(file, unit) {
          place.copyMemory(from: gather.content(index), byteCount: transferUnitByteCount)
        } else if unit >= writtenUnit {
          place.initializeMemory(as: UInt8.self, repeating: 0, count: transferUnitByteCount)
        }
      }
    }
    if readBatch.isEmpty {
      let whose = attribution ?? classify(file, offset, readMemory)
      channel.enterUnmoved(
        .read, byteCount: destination.count, cause: whose.cause, level: whose.level,
        operationCount: isFirst ? 1 : 0)
    } else {
      try channel.submit(&readBatch)
    }
    destination.baseAddress!.copyMemory(from: source, byteCount: destination.count)
  }

  /// Completes a gathered unit that a read needs more of.
  private func readGaps(_ index: Int) throws(StorageError) {
    if fillWithoutReading(index) { return }
    let unit = gather.units[index]
    readBatch.removeAll()
    readFile = nil
    readBatch.append(
      .read, offset: deviceOffset(unit.file.takeUnretainedValue(), unit.number << unitShift),
      memory: .borrowed(bounce), byteCount: transferUnitByteCount,
      pieces: CollectionOfOne(
        Piece(
          cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
          transferredByteCount: transferUnitByteCount)))
    try channel.submit(&readBatch)
    fill(index, from: bounce)
  }

  // MARK: Places

  private func roundedUp(_ offset: UInt64) -> UInt64 { (offset + unitMask) & ~unitMask }

  private func deviceOffset(ofChunk chunk: UInt32) -> UInt64 {
    dataStart + UInt64(chunk) * UInt64(chunkByteCount)
  }

  private func chunkNumber(ofDeviceOffset offset: UInt64) -> UInt32? {
    offset < dataStart ? nil : UInt32(exactly: (offset - dataStart) / UInt64(chunkByteCount))
  }

  private func deviceOffset(_ file: SpaceFile, _ offset: UInt64) -> UInt64 {
    let region = file.region(at: offset)
    return region.deviceOffset + (offset - region.fileOffset)
  }

  // MARK: State

  private func check() throws(StorageError) {
    if isClosed { throw .closed }
    if let reason = channel.poisonedBy { throw .poisoned(by: reason) }
  }

  private func check(_ file: SpaceFile) throws(StorageError) {
    try check()
    if file.isDeleted { throw .notFound(what: "file '\(file.name)', which was deleted") }
  }

  /// Bytes allocated to files or to the directory, and the longest run of free bytes.
  public var space: (allocatedByteCount: UInt64, largestFreeExtentByteCount: UInt64) {
    let chunk = UInt64(chunkByteCount)
    let pending = pendingFrees.reduce(0) { $0 + $1.byteCount }
    let allocated = files.reduce(dataStart + pending) { $0 + $1.allocatedByteCount }
    return (allocated, UInt64(allocator.largestFreeRunChunkCount) * chunk)
  }

  /// The two directory slots, in bytes.
  public var directoryByteCount: UInt64 { dataStart }

  /// Checks that every chunk belongs to exactly one file or is free, and that no file is longer than its regions.
  ///
  /// - Throws: `.corrupted` at the first that fails. Reads nothing.
  public func verify() throws(StorageError) {
    try check()
    var runs = allocator.free.map { (start: UInt64($0.start), end: UInt64($0.end)) }
    let chunk = UInt64(chunkByteCount)
    func add(_ deviceOffset: UInt64, _ byteCount: UInt64) {
      let start = (deviceOffset - dataStart) / chunk
      runs.append((start, start + byteCount / chunk))
    }
    for freed in pendingFrees { add(freed.deviceOffset, freed.byteCount) }
    for file in files {
      for region in file.regions { add(region.deviceOffset, region.byteCount) }
      if file.byteCount > file.allocatedByteCount {
        throw .corrupted(
          structure: "file space", offset: 0, detail: "file \(file.id) is longer than its regions")
      }
    }
    runs.sort { $0.start < $1.start }
    var position: UInt64 = 0
    for run in runs {
      if run.start != position {
        throw .corrupted(
          structure: "file space", offset: dataStart + position * chunk,
          detail: "live + free + pending chunks are not all chunks")
      }
      position = run.end
    }
    if position != UInt64(chunkCount(chunkByteCount)) {
      throw .corrupted(
        structure: "file space", offset: dataStart + position * chunk, detail: "chunks are missing")
    }
  }
}
