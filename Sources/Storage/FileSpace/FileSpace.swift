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
  public internal(set) var files: ContiguousArray<SpaceFile> = []
  /// The number of directories made durable so far; grows with every change of names, sizes and regions.
  public internal(set) var generation: UInt64 = 0
  /// Names what a read brought, for reads that do not say it themselves: given the file, the offset, and the bytes.
  public var readClassifier: ((SpaceFile, UInt64, UnsafeRawBufferPointer) -> Attribution)?

  let configuration: FileSpaceConfiguration
  let budget: MemoryBudget
  let heldByteCount: Int
  let slotByteCount: Int
  let dataStart: UInt64
  let unitMask: UInt64
  let unitShift: UInt64
  let gather: GatherBuffer
  let bounce: UnsafeMutableRawPointer
  let bounceByteCount: Int
  let slotMemory: UnsafeMutableRawBufferPointer
  let pieces: UnsafeMutableBufferPointer<Piece>
  var allocator: ChunkAllocator
  var nextFileID: UInt32 = 1
  var pendingFrees: ContiguousArray<(deviceOffset: UInt64, byteCount: UInt64)> = []
  var readBatch = TransferBatch()
  var writeBatch = TransferBatch()
  var directoryChanged = false
  var namesChanged = false
  var wroteSinceSync = false
  // Discards of regions nobody owns: to be synced before a directory gives them to a file, promised to nobody.
  var recycledSinceSync = false
  var isClosed = false
  var holdsMemory = true
  // What `readBatch` reads, for its classifier.
  var readFile: SpaceFile?
  var readOffset: UInt64 = 0
  var readMemory = UnsafeRawBufferPointer(start: nil, count: 0)

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
  static func bounceByteCount(_ unit: Int) -> Int { max(64 << 10, unit) + 2 * unit }

  func chunkCount(_ chunkByteCount: Int) -> UInt32 {
    UInt32(clamping: (channel.device.capacityByteCount - dataStart) / UInt64(chunkByteCount))
  }

  func giveMemoryBack() {
    if holdsMemory { budget.release(heldByteCount, for: .guest) }
    holdsMemory = false
  }

  static func readDirectory(
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
  func adopt(_ directory: FileDirectory) throws(StorageError) {
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

  func file(named name: String) -> SpaceFile? { files.first { $0.name == name } }

  // MARK: Places and state

  func roundedUp(_ offset: UInt64) -> UInt64 { (offset + unitMask) & ~unitMask }

  func deviceOffset(ofChunk chunk: UInt32) -> UInt64 {
    dataStart + UInt64(chunk) * UInt64(chunkByteCount)
  }

  func chunkNumber(ofDeviceOffset offset: UInt64) -> UInt32? {
    offset < dataStart ? nil : UInt32(exactly: (offset - dataStart) / UInt64(chunkByteCount))
  }

  func deviceOffset(_ file: SpaceFile, _ offset: UInt64) -> UInt64 {
    let region = file.region(at: offset)
    return region.deviceOffset + (offset - region.fileOffset)
  }

  func check() throws(StorageError) {
    if isClosed { throw .closed }
    if let reason = channel.poisonedBy { throw .poisoned(by: reason) }
  }

  func check(_ file: SpaceFile) throws(StorageError) {
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
}
