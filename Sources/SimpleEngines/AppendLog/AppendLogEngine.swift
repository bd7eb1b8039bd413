// The append-only log: a batch is written behind the last one and nothing is ever moved, so a write costs O(1) and a
// read O(n). The first row of the complexity table, and the template for new engines (AddYourEngine.md).
//
//   apply  ─▶ parts of at most 64 KiB ─▶ VolumeLog (checksums, buffer, segments, recovery)
//   get    ─▶ replay from the first record to the last, folding the operations on one key
//   cursor ─▶ the same replay, folded into a sorted window; one more replay for each further window
//
// Invariants
// 1. The state is the fold of all complete batches in log order.
// 2. A batch is complete when its last part is in the log. `voids` are the position ranges of the others: they are
//    found when opening, and skipped by every scan.
// 3. Readers see the log up to `end`, which moves only after a batch's last part was appended.
// 4. It never compacts. Overwritten and deleted values stay for ever, settling frees nothing, and that is the point:
//    space is what the complexity table leaves out.

import Accounting
import KeyValue
import Primitives
import Storage

// The witnesses are documented at `Engine`, `ReadView` and `Cursor`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The append-only log engine.
public final class AppendLogEngine: Engine {
  public static let descriptor = EngineDescriptor(
    name: "append-log", summary: "Appends every batch to a log, and finds nothing without reading all of it.",
    parameters: [
      ParameterDescriptor(
        "segment_bytes", .bytes(4_096...(1 << 30)), default: .integer(1 << 20),
        "Size of the extents the log grows by."),
      ParameterDescriptor(
        "buffer_bytes", .bytes(4_096...(1 << 26)), default: .integer(1 << 16),
        "Log bytes gathered in memory before they are written; at most a sixteenth of the memory."),
      ParameterDescriptor(
        "read_bytes", .bytes(4_096...(1 << 26)), default: .integer(1 << 16),
        "Log bytes read at a time; at most a sixteenth of the memory."),
    ], formatVersion: 1, limits: { setting throws(EngineError) in try AppendLogGeometry.limits(setting) },
    costs: { _ in
      EngineCostShape(
        .log, spaceFactor: 1.15, writeSeconds: 0.8e-6, readSeconds: 1e-6, entrySeconds: 0.2e-6)
    })

  public let limits: EngineLimits
  let geometry: AppendLogGeometry
  let volume: Volume
  private let log: VolumeLog
  private let syncEveryCommits: Int
  /// The position behind the last complete batch.
  private(set) var end: UInt64 = 0
  private var voids: [Range<UInt64>] = []
  private var part: UnsafeMutableRawBufferPointer
  private var value: ValueBuffer
  private var counters = Counters()
  private var isClosed = false

  private struct Counters {
    var scans: UInt64 = 0
    var blocks: UInt64 = 0
    var records: UInt64 = 0
  }

  // MARK: Opening and closing

  public static func open(
    _ environment: EngineEnvironment, parameters: ParameterSet
  ) throws(EngineError) -> AppendLogEngine {
    let geometry = try AppendLogGeometry(environment.setting(parameters))
    return try rethrowingStorageErrors { () throws(StorageError) in
      let volume = try openVolume(environment, engineTag: descriptor.name)
      return try AppendLogEngine(volume, geometry, syncEveryCommits: environment.syncEveryCommits)
    }
  }

  private init(
    _ volume: Volume, _ geometry: AppendLogGeometry, syncEveryCommits: Int
  ) throws(StorageError) {
    self.volume = volume
    self.geometry = geometry
    self.syncEveryCommits = syncEveryCommits
    limits = geometry.limits
    log = try volume.openLog(0, configuration: geometry.log)
    try volume.budget.require(geometry.fixedMemoryByteCount, for: .logBuffer)
    part = .allocate(byteCount: geometry.partByteCount, alignment: 16)
    value = ValueBuffer(reservedByteCount: geometry.limits.maximumValueByteCount)
    try recover()
  }

  /// Reads the log once: every checksum, where it ends, and the batches that were cut short.
  private func recover() throws(StorageError) {
    var cutShort: UInt64?
    var isSound = true
    let replay = try log.replay { position, bytes in
      guard let flags = AppendLogFormat.flags(of: bytes), AppendLogFormat.decode(bytes, { _ in }) != nil
      else {
        isSound = false
        return false
      }
      if flags & AppendLogFormat.firstPartFlag != 0 {
        if let start = cutShort { voids.append(start..<position) }
        cutShort = position
      }
      if flags & AppendLogFormat.lastPartFlag != 0 { cutShort = nil }
      return true
    }
    end = replay.endPosition
    guard isSound else { throw unsoundRecord(at: end) }
    if let start = cutShort, start < end { voids.append(start..<end) }
  }

  private func unsoundRecord(at position: UInt64) -> StorageError {
    .corrupted(
      structure: "append log record", offset: position,
      detail: "the record before this log position has a right checksum and is no part of a batch")
  }

  public func close() throws(EngineError) {
    try checkpoint()
    isClosed = true
    releaseMemory()
  }

  deinit {
    if !isClosed { releaseMemory() }
    part.deallocate()
  }

  private func releaseMemory() {
    volume.budget.release(geometry.fixedMemoryByteCount, for: .logBuffer)
    volume.close()
  }

  func requireOpen() throws(EngineError) {
    if isClosed { throw .storage(.closed) }
  }

  // MARK: Writing

  public func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try requireOpen()
    try batch.check(against: limits)
    do throws(StorageError) {
      if batch.count > 0 { try append(batch) }
      if sync { try log.sync() }
    } catch {
      throw .storage(error)
    }
  }

  private func append(_ batch: borrowing WriteBatch) throws(StorageError) {
    guard let target = part.baseAddress else { return }
    // Room for all of it first, so that a refusal leaves nothing behind.
    try log.ensureRoom(logByteCount(of: batch))
    var flags = AppendLogFormat.firstPartFlag
    var used = AppendLogFormat.partHeaderByteCount
    for entry in batch.entries {
      if used + AppendLogFormat.byteCount(of: entry) > part.count {
        target.setU8(0, flags)
        try log.append(UnsafeRawBufferPointer(start: target, count: used))
        flags = 0
        used = AppendLogFormat.partHeaderByteCount
      }
      used += AppendLogFormat.encode(
        entry.kind, key: batch.key(of: entry), operand: batch.operand(of: entry), to: target + used)
    }
    target.setU8(0, flags | AppendLogFormat.lastPartFlag)
    try log.append(UnsafeRawBufferPointer(start: target, count: used))
    end = log.tailPosition
  }

  /// The log bytes of a batch cut into parts.
  private func logByteCount(of batch: borrowing WriteBatch) -> Int {
    let partOverhead = VolumeLog.recordHeaderByteCount + AppendLogFormat.partHeaderByteCount
    var total = partOverhead
    var used = AppendLogFormat.partHeaderByteCount
    for entry in batch.entries {
      let byteCount = AppendLogFormat.byteCount(of: entry)
      if used + byteCount > part.count {
        total += partOverhead
        used = AppendLogFormat.partHeaderByteCount
      }
      used += byteCount
      total += byteCount
    }
    return total
  }

  // MARK: Reading

  /// Shows every operation of the complete batches before log position `end`, in order. O(n).
  func scan(to end: UInt64, _ visit: (LogOperation) -> Void) throws(StorageError) {
    let start = log.startPosition
    var nextVoid = 0
    var unsoundPosition: UInt64?
    var recordCount = 0
    let voids = voids
    if start < end {
      _ = try log.replay { position, bytes in
        if position >= end { return false }
        while nextVoid < voids.count, voids[nextVoid].upperBound <= position { nextVoid += 1 }
        if nextVoid < voids.count, voids[nextVoid].contains(position) { return true }
        guard let count = AppendLogFormat.decode(bytes, visit) else {
          unsoundPosition = position
          return false
        }
        recordCount += count
        return true
      }
    }
    if let unsoundPosition { throw unsoundRecord(at: unsoundPosition) }
    counters.scans += 1
    counters.records += UInt64(recordCount)
    counters.blocks +=
      (end - start + UInt64(volume.transferUnitByteCount) - 1)
      / UInt64(volume.transferUnitByteCount)
  }

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try get(key, before: end, body)
  }

  func get(_ key: RawSpan, before end: UInt64, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool
  {
    try requireOpen()
    let limit = limits.maximumValueByteCount
    let found = try key.withUnsafeBytes { (wanted) throws(EngineError) -> UnsafeRawBufferPointer? in
      value.makeAbsent()
      do throws(StorageError) {
        try scan(to: end) { operation in
          if operation.kind == .deleteRange {
            if compareKeys(operation.key, wanted) <= 0, compareKeys(wanted, operation.operand) < 0 {
              value.makeAbsent()
            }
          } else if compareKeys(operation.key, wanted) == 0 {
            value.apply(operation.kind, operand: operation.operand, maximumValueByteCount: limit)
          }
        }
      } catch {
        throw .storage(error)
      }
      return value.isPresent ? value.bytes : nil
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

  // MARK: Phase verbs and reports

  public func checkpoint() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in
      try log.sync()
      try volume.checkpoint()
    }
  }

  /// Checkpoints. There is nothing to settle: the log is never compacted.
  public func settle() throws(EngineError) { try checkpoint() }

  /// There is no cache.
  public func dropCache() throws(EngineError) { try requireOpen() }

  /// Reads everything: the volume's structures, and every record to the last operation.
  public func verify() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in
      try verifyVolume(volume, liveByteCount: 0)
      try scan(to: end) { _ in }
    }
  }

  public var durabilityClass: DurabilityClass {
    syncEveryCommits == 0 ? .prefix : .everyCommits(syncEveryCommits)
  }

  public func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    let accounting = volume.accounting()
    let used = log.tailPosition - log.startPosition
    return volumeSpaceReport(
      accounting, parts: [("log_records", used), ("log_slack", accounting.logByteCount - used)])
  }

  public func settingsReadBack() -> [(name: String, value: String)] {
    [
      ("buffer_bytes", String(geometry.log.bufferByteCount)),
      ("maximum_value_bytes", String(limits.maximumValueByteCount)),
      ("read_bytes", String(geometry.log.readByteCount)),
      ("segment_bytes", String(geometry.log.segmentByteCount)),
    ]
  }

  public func statistics() -> [(name: String, value: UInt64)] {
    [
      ("blocks_inspected", counters.blocks), ("records_inspected", counters.records),
      ("scans", counters.scans), ("voided_batches", UInt64(voids.count)),
    ]
  }
}

/// The log up to a position: stable, because nothing before it ever changes.
private final class AppendLogSnapshot: ReadView {
  private let engine: AppendLogEngine
  private let end: UInt64

  init(engine: AppendLogEngine, end: UInt64) {
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
