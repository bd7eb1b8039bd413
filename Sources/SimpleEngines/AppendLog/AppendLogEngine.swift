// The append-only log: a batch is written behind the last one and nothing is ever moved, so a write costs O(1) and a
// read O(n). The first row of the complexity table, and the template for new engines (AddYourEngine.md).
//
//   apply ─▶ group (one checksummed atom) ─▶ buffer ─▶ segment k                sync ─▶ device sync
//                                                      │ previous               new segment ─▶ durable commit
//                                                      segment k−1 ─▶ … ─▶ segment 0
//   get    ─▶ scan of every group, first to last, folding the operations on one key
//   cursor ─▶ scan of every group into a sorted window; one more scan for each further window
//
// Invariants
// 1. The log is the concatenation of its segments' groups; its state is the fold of them in order.
// 2. The engine root names the last segment, each segment's header the one before it with the bytes in use. So every
//    group before the root's end must be sound; a broken one is corruption. In the last segment, groups after that
//    end count up to the first broken one: what a crash left of them is a prefix.
// 3. The first segment of each opening that writes is made durable, with a life number of its own, before any of its
//    groups is written: a group of a lost life is never taken for one of this life.
// 4. A group never crosses segments; a segment holds at least one.
// 5. It never compacts. Overwritten and deleted values stay for ever, settling gives back only the unused end of the
//    last segment, and that is the point: space is what the complexity table leaves out.

import Accounting
import KeyValue
import Primitives
import Storage

// The witnesses are documented at `Engine`, `ReadView` and `Cursor`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The append-only log engine.
public final class AppendLogEngine: Engine {
  public static let descriptor = EngineDescriptor(
    name: "append-log", summary: "Appends every batch to a log and finds nothing again without reading it all.",
    parameters: [
      ParameterDescriptor(
        "segment_bytes", .bytes(4_096...(1 << 30)), default: .integer(1 << 20),
        "Size of the extents the log grows by; a larger batch gets a larger one."),
      ParameterDescriptor(
        "buffer_bytes", .bytes(4_096...(1 << 26)), default: .integer(1 << 16),
        "Log bytes gathered in memory before they are written; at most a sixteenth of the memory."),
      ParameterDescriptor(
        "read_bytes", .bytes(4_096...(1 << 26)), default: .integer(1 << 16),
        "Log bytes read at a time; at most a sixteenth of the memory."),
    ], formatVersion: 1)

  public let limits: EngineLimits
  let geometry: AppendLogGeometry
  let volume: Volume
  private let syncEveryCommits: Int
  private var root: AppendLogRoot
  private var segments: ContiguousArray<LogSegment>
  private var writer: AppendLogWriter
  private var scanner: AppendLogScanner
  private var value: ValueBuffer
  /// The last segment is the writer's; otherwise the next batch begins a new one.
  private var isWriting = false
  /// Whether this opening wrote a group, and so has a life of its own.
  private var hasWritten = false
  /// Whether the last durable commit knows every segment.
  private var rootIsDurable = true
  /// For headers being encoded.
  private let scratch = UnsafeMutableRawPointer.allocate(
    byteCount: AppendLogFormat.segmentHeaderByteCount, alignment: 16)
  /// How many cursors and gets looked, for `statistics`.
  private var scanCount: UInt64 = 0
  private var finishedCounts = LogScanCounts()
  private var indexByteCount = 0
  private(set) var isClosed = false

  // MARK: Opening

  public static func open(
    _ environment: EngineEnvironment, parameters: ParameterSet
  ) throws(EngineError) -> AppendLogEngine {
    let geometry = try AppendLogGeometry(environment, parameters)
    let configuration = VolumeConfiguration(engineTag: descriptor.name, seed: environment.seed)
    return try rethrowingStorageErrors { () throws(StorageError) in
      let volume =
        environment.creates
        ? try Volume.create(
          channel: environment.channel, budget: environment.budget, pool: environment.channel.pool,
          configuration: configuration)
        : try Volume.open(
          channel: environment.channel, budget: environment.budget, pool: environment.channel.pool,
          configuration: configuration)
      return try AppendLogEngine(
        volume: volume, geometry: geometry, syncEveryCommits: environment.syncEveryCommits)
    }
  }

  private init(volume: Volume, geometry: AppendLogGeometry, syncEveryCommits: Int) throws(StorageError) {
    self.volume = volume
    self.geometry = geometry
    self.syncEveryCommits = syncEveryCommits
    limits = geometry.limits
    try volume.budget.require(geometry.fixedMemoryByteCount, for: .logBuffer)
    writer = AppendLogWriter(
      channel: volume.channel, pool: volume.pool, capacityByteCount: geometry.bufferByteCount)
    scanner = geometry.makeScanner(volume)
    value = ValueBuffer(reservedByteCount: geometry.limits.maximumValueByteCount)
    segments = []
    root = AppendLogRoot()
    do throws(StorageError) {
      root = try AppendLogRoot(decoding: volume.root)
      try loadSegments()
    } catch {
      releaseMemory()
      throw error
    }
  }

  /// Follows the chain of segments from the root, and finds the end of the last one.
  private func loadSegments() throws(StorageError) {
    let unit = UInt64(volume.transferUnitByteCount)
    let capacity = volume.channel.capacityByteCount
    guard root.segmentCount <= capacity / unit, root.lastByteCount < 1 << 40,
      root.lastUsedByteCount <= root.lastByteCount
    else {
      throw .corrupted(structure: "append log root", offset: 0, detail: "its numbers are impossible")
    }
    guard root.segmentCount > 0 else { return }
    try reserveIndex(forSegmentCount: Int(root.segmentCount))
    var segment = LogSegment(
      offset: root.lastOffset, byteCount: Int(root.lastByteCount),
      usedByteCount: Int(root.lastUsedByteCount), life: root.life)
    for number in stride(from: Int(root.segmentCount) - 1, through: 0, by: -1) {
      guard segment.offset % unit == 0, segment.offset >= 2 * unit, segment.offset < capacity,
        segment.byteCount > 0, segment.byteCount % Int(unit) == 0,
        UInt64(segment.byteCount) <= capacity - segment.offset,
        segment.usedByteCount >= AppendLogFormat.segmentHeaderByteCount,
        segment.usedByteCount <= segment.byteCount
      else {
        throw .corrupted(
          structure: "log segment header", offset: segment.offset, detail: "segment \(number) lies nowhere")
      }
      let (frame, offset) = try volume.channel.read(
        at: segment.offset, byteCount: Int(unit), cause: .record)
      let bytes = UnsafeRawBufferPointer(start: frame.pointer + offset, count: Int(unit))
      let previous = try AppendLogFormat.decodeSegmentHeader(
        bytes, number: number, segment: segment, volumeID: volume.volumeID)
      segments.append(segment)
      if let previous { segment = previous }
    }
    segments.reverse()
    // What follows the durable end of the last segment counts up to the first broken group.
    let last = segments.count - 1
    scanner.enter(segments[last], limit: segments[last].byteCount)
    var end = segments[last].usedByteCount
    while case .sound(let next) = try scanner.scanGroup(at: end, limit: segments[last].byteCount, { _ in }) {
      end = next
    }
    segments[last].usedByteCount = end
  }

  private func reserveIndex(forSegmentCount count: Int) throws(StorageError) {
    let needed = count * 2 * MemoryLayout<LogSegment>.stride
    if needed > indexByteCount {
      try volume.budget.require(needed - indexByteCount, for: .index)
      indexByteCount = needed
    }
  }

  private func releaseMemory() {
    volume.budget.release(geometry.fixedMemoryByteCount, for: .logBuffer)
    volume.budget.release(indexByteCount, for: .index)
    volume.close()
  }

  deinit {
    if !isClosed { releaseMemory() }
    scratch.deallocate()
  }

  // MARK: Writing

  public func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try requireOpen()
    try batch.check(against: limits)
    // `rethrowingStorageErrors` takes no borrowed batch along, hence the plain form.
    do throws(StorageError) {
      if batch.count > 0 { try append(batch) }
      if sync { try makeDurable() }
    } catch {
      throw .storage(error)
    }
  }

  private func append(_ batch: borrowing WriteBatch) throws(StorageError) {
    var payloadByteCount = 0
    for entry in batch.entries { payloadByteCount += AppendLogFormat.byteCount(of: entry) }
    let groupByteCount =
      AppendLogFormat.groupHeaderByteCount + payloadByteCount + AppendLogFormat.groupTrailerByteCount
    if !isWriting || writer.position + groupByteCount > segments[segments.count - 1].byteCount {
      try beginSegment(forGroupByteCount: groupByteCount)
    }
    let segment = segments[segments.count - 1]
    var crc = AppendLogFormat.seed(
      volumeID: volume.volumeID, life: segment.life, offset: segment.offset + UInt64(writer.position))
    scratch.setU32(0, AppendLogFormat.groupMagic)
    scratch.setU32(4, UInt32(batch.count))
    scratch.setU64(8, UInt64(payloadByteCount))
    try append(scratch, AppendLogFormat.groupHeaderByteCount, &crc)
    for entry in batch.entries {
      scratch.setU8(0, entry.kind.rawValue)
      var headByteCount = 1 + Varint.encode(UInt64(entry.keyByteCount), to: scratch + 1)
      headByteCount += Varint.encode(UInt64(entry.operandByteCount), to: scratch + headByteCount)
      try append(scratch, headByteCount, &crc)
      let key = batch.key(of: entry)
      let operand = batch.operand(of: entry)
      crc = CRC32C.of(operand, seed: CRC32C.of(key, seed: crc))
      try writer.append(key)
      try writer.append(operand)
    }
    scratch.setU32(0, crc)
    try append(scratch, AppendLogFormat.groupTrailerByteCount, &crc)
    // Only now do readers see the group.
    segments[segments.count - 1].usedByteCount = writer.position
  }

  private func append(
    _ start: UnsafeRawPointer, _ byteCount: Int, _ crc: inout UInt32
  ) throws(StorageError) {
    let bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
    crc = CRC32C.of(bytes, seed: crc)
    try writer.append(bytes)
  }

  /// Begins a segment that has room for a group. The first one of an opening begins a life, durably.
  private func beginSegment(forGroupByteCount groupByteCount: Int) throws(StorageError) {
    let beginsLife = !hasWritten
    try reserveIndex(forSegmentCount: segments.count + 1)
    let byteCount = max(
      geometry.segmentByteCount, AppendLogFormat.segmentHeaderByteCount + groupByteCount)
    var transaction = try volume.beginTransaction()
    let extent = try transaction.allocate(byteCount: byteCount, near: segments.last?.offset)
    if isWriting { try writer.flush() }
    let previous = segments.last.map { trimmed($0, &transaction) }
    let segment = LogSegment(
      offset: extent.offset, byteCount: extent.byteCount,
      usedByteCount: AppendLogFormat.segmentHeaderByteCount, life: root.life + (beginsLife ? 1 : 0))
    isWriting = false
    writer.begin(segmentAt: segment.offset)
    AppendLogFormat.encodeSegmentHeader(
      scratch, number: segments.count, segment: segment, previous: previous, volumeID: volume.volumeID)
    try writer.append(
      UnsafeRawBufferPointer(start: scratch, count: AppendLogFormat.segmentHeaderByteCount))
    // A durable root needs the header on the device.
    if beginsLife { try writer.flush() }
    if let previous { segments[segments.count - 1] = previous }
    segments.append(segment)
    root.life = segment.life
    setRoot(&transaction)
    rootIsDurable = false
    try commit(transaction, durable: beginsLife)
    isWriting = true
    hasWritten = true
  }

  /// Commits; when that fails, what is visible and what is durable have parted, and only reopening heals it.
  private func commit(
    _ transaction: consuming VolumeTransaction, durable: Bool
  ) throws(StorageError) {
    do {
      try transaction.commit(durable: durable)
    } catch {
      volume.channel.poison(error.description)
      throw error
    }
    if durable { rootIsDurable = true }
  }

  /// Gives the unused end of a finished segment back.
  private func trimmed(_ segment: LogSegment, _ transaction: inout VolumeTransaction) -> LogSegment {
    let unit = volume.transferUnitByteCount
    let kept = (segment.usedByteCount + unit - 1) / unit * unit
    var result = segment
    if kept < segment.byteCount {
      transaction.free(
        Extent(offset: segment.offset + UInt64(kept), byteCount: segment.byteCount - kept))
      result.byteCount = kept
    }
    return result
  }

  private func setRoot(_ transaction: inout VolumeTransaction) {
    root.segmentCount = UInt64(segments.count)
    root.lastOffset = segments.last?.offset ?? 0
    root.lastByteCount = UInt64(segments.last?.byteCount ?? 0)
    root.lastUsedByteCount = UInt64(segments.last?.usedByteCount ?? 0)
    transaction.setRoot(root.encoded())
  }

  /// Everything applied survives: one device sync, or a durable commit when a segment is not in the durable root yet.
  private func makeDurable() throws(StorageError) {
    if isWriting { try writer.flush() }
    if rootIsDurable {
      if isWriting { try volume.channel.control(.sync(cause: .record)) }
    } else {
      try commitRoot()
    }
  }

  private func commitRoot(trimming: Bool = false) throws(StorageError) {
    var transaction = try volume.beginTransaction()
    if trimming, let last = segments.last {
      segments[segments.count - 1] = trimmed(last, &transaction)
      isWriting = false
    }
    setRoot(&transaction)
    try commit(transaction, durable: true)
  }

  // MARK: Reading

  /// Where a state of the log ends.
  struct End {
    var segmentCount: Int
    var lastUsedByteCount: Int
  }

  var end: End { End(segmentCount: segments.count, lastUsedByteCount: segments.last?.usedByteCount ?? 0) }

  /// Shows every operation before `end` to `visit`, with a scanner of the caller's.
  func scan(
    to end: End, with scanner: inout AppendLogScanner, _ visit: (LogOperation) -> Void
  ) throws(StorageError) {
    scanCount += 1
    for number in 0..<end.segmentCount {
      let segment = segments[number]
      let used = number == end.segmentCount - 1 ? end.lastUsedByteCount : segment.usedByteCount
      if isWriting, number == segments.count - 1 {
        scanner.enter(segment, limit: used, tailStart: writer.start, tail: writer.tail)
      } else {
        scanner.enter(segment, limit: used)
      }
      try scanner.scan(from: AppendLogFormat.segmentHeaderByteCount, to: used, visit)
    }
  }

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try get(key, before: end, body)
  }

  func get(_ key: RawSpan, before end: End, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try requireOpen()
    let limit = limits.maximumValueByteCount
    let found = try key.withUnsafeBytes { (wanted) throws(EngineError) -> UnsafeRawBufferPointer? in
      // Taken out for the scan, so that the visitor can change it while the engine's other parts are read.
      var folded = ValueBuffer(reservedByteCount: 8)
      swap(&folded, &value)
      defer { swap(&folded, &value) }
      folded.makeAbsent()
      do throws(StorageError) {
        try scan(to: end, with: &scanner) { operation in
          if operation.kind == .deleteRange {
            if compareKeys(operation.key, wanted) <= 0, compareKeys(wanted, operation.operand) < 0 {
              folded.makeAbsent()
            }
          } else if compareKeys(operation.key, wanted) == 0 {
            folded.apply(operation.kind, operand: operation.operand, maximumValueByteCount: limit)
          }
        }
      } catch {
        throw .storage(error)
      }
      return folded.isPresent ? folded.bytes : nil
    }
    guard let found else { return false }
    body(found.bytes)
    return true
  }

  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try requireOpen()
    return try AppendLogCursor(engine: self, end: end, range: range, order: order)
  }

  public func makeSnapshot() throws(EngineError) -> any ReadView {
    try requireOpen()
    return AppendLogSnapshot(engine: self, end: end)
  }

  /// Adds what a cursor's scanner counted.
  func add(_ counts: LogScanCounts) {
    finishedCounts.groups += counts.groups
    finishedCounts.operations += counts.operations
    finishedCounts.blocks += counts.blocks
  }

  // MARK: Phase verbs and reports

  public func checkpoint() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in
      if isWriting { try writer.flush() }
      try commitRoot()
    }
  }

  /// Checkpoints and gives back the unused end of the last segment. There is nothing else to settle: the log is
  /// never compacted.
  public func settle() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in
      if isWriting { try writer.flush() }
      try commitRoot(trimming: true)
    }
  }

  public func dropCache() throws(EngineError) { try requireOpen() }

  public func close() throws(EngineError) {
    try settle()
    isClosed = true
    releaseMemory()
  }

  public func verify() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in
      try scan(to: end, with: &scanner) { _ in }
    }
  }

  public var durabilityClass: DurabilityClass {
    syncEveryCommits == 0 ? .prefix : .everyCommits(syncEveryCommits)
  }

  public func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    var used = 0
    var allocated = 0
    for segment in segments {
      used += segment.usedByteCount
      allocated += segment.byteCount
    }
    return volumeSpaceReport(
      volume, parts: [("log_records", UInt64(used)), ("log_slack", UInt64(allocated - used))])
  }

  public func settingsReadBack() -> [(name: String, value: String)] {
    [
      ("buffer_bytes", String(geometry.bufferByteCount)),
      ("maximum_value_bytes", String(limits.maximumValueByteCount)),
      ("read_bytes", String(geometry.readByteCount)), ("segment_bytes", String(geometry.segmentByteCount)),
    ]
  }

  public func statistics() -> [(name: String, value: UInt64)] {
    [
      ("blocks_inspected", finishedCounts.blocks + scanner.counts.blocks),
      ("groups_verified", finishedCounts.groups + scanner.counts.groups),
      ("records_inspected", finishedCounts.operations + scanner.counts.operations),
      ("scans", scanCount),
      ("segments", UInt64(segments.count)),
    ]
  }

  func requireOpen() throws(EngineError) {
    if isClosed { throw .storage(.closed) }
  }
}

/// The state of the log up to a place: stable, because nothing before the end ever changes.
final class AppendLogSnapshot: ReadView {
  private let engine: AppendLogEngine
  private let end: AppendLogEngine.End

  init(engine: AppendLogEngine, end: AppendLogEngine.End) {
    self.engine = engine
    self.end = end
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try engine.get(key, before: end, body)
  }

  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try engine.requireOpen()
    return try AppendLogCursor(engine: engine, end: end, range: range, order: order)
  }
}
