// An append-only log of records for engines: what was appended and synced is found again, in order, and nothing else.
//
//   positions    0 ……………… start ………………………………………… tail ………… capacity
//                 truncated  │  records, replayed   │  spare     │
//   segments              [ era 7: s0 ][ s1 ┊ sealed ][ era 9: rest of s1 ][ s2 ][ s3 ]
//
//   record, at any byte position, may span segments of one era
//   offset  size  meaning
//        0     4  CRC-32C of the bytes from 4 on, seeded with (volume id, era, position)
//        4     4  payload bytes, in the low 28 bits; 1 in the high 4
//        8     8  the end of the last record known to be synced when this record was appended
//       16     …  payload
//
//   segment list block (copy-on-write, found through the superblock)
//   payload  0  8  segments
//            8 40  each: first unit 8, units 8, era 8, position of its first byte 8, position of its end 8 (2^64 − 1:
//                  not sealed)
//
// Positions only grow and are never used twice. An *era* is what one opening of the volume appends: the first append
// after opening seals what was found at the tail, gives all bytes from the next unit on a new era (the epoch of the
// superblock that says so), and only then writes. So a record that an earlier opening wrote and lost its place to a
// crash, and a record of an earlier use of a recycled extent, have another seed and never replay.
//
// Where does the log end? Segments that are sealed end where the list says: an invalid record before that is
// corruption. In the last era the log ends at the first invalid record, position x, unless something proves that bytes
// at x were durable: the superblock's durable position is beyond x, or a valid record of the same era behind x says
// that the log was synced beyond x. Then it is corruption. (A valid record behind x alone proves nothing: a crash may
// keep a later unsynced write and lose an earlier one.) A proof is searched for in `proofSearchByteCount` bytes behind
// x when replaying; `Volume.verify` searches to the end.
//
// Recycling: segments before the start go back to the volume's free extents with the durable commit that truncates,
// under the volume's rule of two commits, and the same commit preallocates new ones; so a log in steady state grows
// without commits of its own.
//
// Invariants
// 1. start ≤ durable ≤ written ≤ tail ≤ capacity; start and durable are ends of records (or the first position).
// 2. The buffer holds the bytes from the unit of `written` on; the last unit is written again when records are added
//    to it (counted), each byte as before or as appended.
// 3. Every byte that was written lies in a segment that the durable segment list names.
// 4. One durable append = one batch and one sync, as long as the preallocated segments last.

import Accounting
import Primitives

/// How a log is kept.
public struct VolumeLogConfiguration: Sendable {
  /// Bytes of a segment, rounded up to the transfer unit.
  public var segmentByteCount: Int
  /// Segments kept allocated ahead of the tail.
  public var preallocatedSegmentCount: Int
  /// Bytes gathered in memory before they are written without being asked, rounded up to the transfer unit; account
  /// `logBuffer`.
  public var bufferByteCount: Int
  /// Bytes read at once when replaying, rounded up to the transfer unit; account `logBuffer` while replaying.
  public var readByteCount: Int
  /// The cause of the log's reads and writes; an engine whose records are its data says `.record`.
  public var cause: Cause

  /// A configuration. The segment list is rewritten whenever segments are added, so a log that holds n bytes wants
  /// segments of about √(n · 40 · 16) bytes or more.
  public init(
    segmentByteCount: Int = 1 << 20, preallocatedSegmentCount: Int = 1, bufferByteCount: Int = 64 << 10,
    readByteCount: Int = 64 << 10, cause: Cause = .log
  ) {
    precondition(segmentByteCount > 0 && bufferByteCount > 0 && readByteCount > 0, "Sizes are positive.")
    precondition(preallocatedSegmentCount >= 1, "At least one segment is preallocated.")
    self.segmentByteCount = segmentByteCount
    self.preallocatedSegmentCount = preallocatedSegmentCount
    self.bufferByteCount = bufferByteCount
    self.readByteCount = readByteCount
    self.cause = cause
  }
}

/// What a replay found.
public struct VolumeLogReplay: Equatable, Sendable {
  /// Records handed to the body.
  public var recordCount = 0
  /// Their payload bytes.
  public var payloadByteCount: UInt64 = 0
  /// The position behind the last record handed out.
  public var endPosition: UInt64 = 0
  /// Whether the body asked to stop.
  public var stoppedEarly = false
}

/// A piece of a log.
struct LogSegment: Equatable {
  var startUnit: Int
  var unitCount: Int
  var era: UInt64
  var base: UInt64
  var end: UInt64

  var units: Range<Int> { startUnit..<(startUnit + unitCount) }
  func fullEnd(_ unit: Int) -> UInt64 { base + UInt64(unitCount * unit) }
}

/// A log's segment list and where it lies.
struct LogSegmentList: Equatable {
  var startUnit = 0
  var unitCount = 0
  var segments: ContiguousArray<LogSegment> = []
  var startPosition: UInt64 = 0
}

/// A planned change of a log's list.
struct LogPlan {
  var number: Int
  var list: LogSegmentList
  var isRewritten: Bool
  /// The new era and its first position, when one begins.
  var newEra: (era: UInt64, base: UInt64)?
}

/// An append-only log in a volume. Made by `Volume.openLog`.
public final class VolumeLog {
  /// Bytes before each record's payload.
  public static let recordHeaderByteCount = 16
  /// The largest payload of a record, in bytes.
  public static let maximumRecordByteCount = 1 << 28 - 1
  /// Bytes searched behind an invalid record for a proof that it had been durable.
  public static let proofSearchByteCount = 256 << 10

  /// Which of the volume's logs this is.
  public let number: Int
  let configuration: VolumeLogConfiguration
  let volume: Volume
  private let unit: Int
  let segmentUnitCount: Int

  /// Where the next record goes; before the first replay or append after opening, not yet known: the start.
  @exclusivity(unchecked) public private(set) var tailPosition: UInt64
  /// Bytes before this position were handed to the device.
  @exclusivity(unchecked) public private(set) var writtenPosition: UInt64
  /// The end of the last record of which every byte was handed to the device.
  @exclusivity(unchecked) private var writtenRecordEnd: UInt64
  /// Records that end at or before this position are known to be synced; it is always the end of a record.
  @exclusivity(unchecked) public private(set) var durablePosition: UInt64
  /// The era of the records that this opening appends, nil before the first append.
  @exclusivity(unchecked) private(set) var era: UInt64?
  @exclusivity(unchecked) private(set) var tailIsKnown: Bool
  @exclusivity(unchecked) var truncationPosition: UInt64?

  @exclusivity(unchecked) private var buffer: Frame
  private let bufferByteCount: Int
  @exclusivity(unchecked) private var bufferStart: UInt64
  @exclusivity(unchecked) private var unwrittenRecordCount = 0
  /// Where the record begins that is being copied in.
  @exclusivity(unchecked) private var openRecordPosition: UInt64?
  @exclusivity(unchecked) private var holdsMemory = true

  init(volume: Volume, number: Int, configuration: VolumeLogConfiguration) throws(StorageError) {
    self.volume = volume
    self.number = number
    self.configuration = configuration
    unit = volume.transferUnitByteCount
    segmentUnitCount = (configuration.segmentByteCount - 1) / unit + 1
    bufferByteCount = ((configuration.bufferByteCount - 1) / unit + 1) * unit
    try volume.budget.require(bufferByteCount, for: .logBuffer)
    buffer = volume.channel.pool.frame(byteCount: bufferByteCount)
    let start = volume.logLists[number].startPosition
    tailPosition = start
    writtenPosition = start
    writtenRecordEnd = start
    durablePosition = max(start, volume.superblock.logs[number].durablePosition)
    bufferStart = start / UInt64(unit) * UInt64(unit)
    tailIsKnown = volume.logLists[number].segments.isEmpty
    if tailIsKnown { durablePosition = start }
  }

  deinit { releaseMemory() }

  func releaseMemory() {
    if holdsMemory { volume.budget.release(bufferByteCount, for: .logBuffer) }
    holdsMemory = false
  }

  /// Records before this position were truncated.
  public var startPosition: UInt64 { volume.logLists[number].startPosition }

  /// Bytes of the log's segments.
  public var allocatedByteCount: UInt64 {
    volume.logLists[number].segments.reduce(0) { $0 + UInt64($1.unitCount * unit) }
  }

  var capacityPosition: UInt64 {
    volume.logLists[number].segments.last?.fullEnd(unit) ?? startPosition
  }

  /// Where on the device a position of the log lies, nil when it is in none of its segments.
  public func deviceOffset(of position: UInt64) -> UInt64? {
    let segments = volume.logLists[number].segments
    guard let segment = segments.last(where: { $0.base <= position }), position < segment.fullEnd(unit) else {
      return nil
    }
    return UInt64(segment.startUnit * unit) + (position - segment.base)
  }

  /// Whether the volume's next durable commit has something to say about this log.
  var hasUndurableChanges: Bool { truncationPosition.map { $0 > startPosition } ?? false }

  // MARK: Appending

  /// Makes sure that records of `byteCount` bytes in all (headers included) can be appended without a superblock
  /// being written for them.
  ///
  /// Cost: nothing while the preallocated segments last, otherwise a superblock of the volume: two syncs.
  /// - Throws: `.noSpace`, with nothing changed; what the device throws.
  public func ensureRoom(_ byteCount: Int) throws(StorageError) {
    try volume.check()
    if !tailIsKnown { _ = try replay { _, _ in true } }
    if era == nil || tailPosition + UInt64(byteCount) > capacityPosition {
      try volume.publish(.logGrowth(number: number, byteCount: byteCount), checkpoint: false)
    }
  }

  /// Appends a record. It is in the log for `replay` at once, on the device after `flush`, durable after `sync`.
  ///
  /// Precondition: at most `maximumRecordByteCount` bytes.
  /// - Returns: the record's position.
  /// - Throws: `.noSpace` with nothing appended; what the device throws.
  /// Cost: one copy, and one batch whenever the buffer is full.
  @discardableResult
  public func append(_ payload: UnsafeRawBufferPointer) throws(StorageError) -> UInt64 {
    precondition(
      payload.count <= Self.maximumRecordByteCount,
      "A log record has at most \(Self.maximumRecordByteCount) bytes, not \(payload.count).")
    try ensureRoom(Self.recordHeaderByteCount + payload.count)
    guard let era else { preconditionFailure("A log with room has an era.") }
    let position = tailPosition
    openRecordPosition = position
    defer { openRecordPosition = nil }
    let (first, second) = (UInt64(payload.count) | 1 << 28, durablePosition)
    let crc = Self.checksum(
      volumeID: volume.volumeID, era: era, position: position, length: UInt32(first), durable: second,
      payload: payload)
    try withUnsafeTemporaryHeader(crc, UInt32(first), second) { bytes throws(StorageError) in
      try copyIn(bytes)
    }
    try copyIn(payload)
    unwrittenRecordCount += 1
    return position
  }

  /// Appends a record given as an array. For tests and examples.
  @discardableResult
  public func append(_ payload: [UInt8]) throws(StorageError) -> UInt64 {
    var result: Result<UInt64, StorageError> = .success(0)
    payload.withUnsafeBytes { bytes in
      do throws(StorageError) { result = .success(try append(bytes)) } catch { result = .failure(error) }
    }
    return try result.get()
  }

  private func withUnsafeTemporaryHeader(
    _ crc: UInt32, _ length: UInt32, _ durable: UInt64,
    _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Void
  ) throws(StorageError) {
    // Two words on the stack, in the order of the record's head.
    var words: (UInt64, UInt64) = (
      (UInt64(length) << 32 | UInt64(crc)).littleEndian, durable.littleEndian
    )
    var failure: StorageError?
    withUnsafeBytes(of: &words) { bytes in
      do throws(StorageError) { try body(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  static func checksum(
    volumeID: UInt64, era: UInt64, position: UInt64, length: UInt32, durable: UInt64,
    payload: UnsafeRawBufferPointer
  ) -> UInt32 {
    var crc = VolumeChecksum.seed(volumeID, era, position)
    crc = withUnsafeBytes(of: length.littleEndian) { CRC32C.of($0, seed: crc) }
    crc = withUnsafeBytes(of: durable.littleEndian) { CRC32C.of($0, seed: crc) }
    crc = CRC32C.of(payload, seed: crc)
    return crc
  }

  /// Copies bytes to the tail, writing whole units whenever the buffer is full.
  private func copyIn(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
    var copied = 0
    while copied < bytes.count {
      let used = Int(tailPosition - bufferStart)
      if used == bufferByteCount {
        try writeOut()
        continue
      }
      let count = min(bytes.count - copied, bufferByteCount - used)
      if let base = bytes.baseAddress {
        (buffer.pointer + used).copyMemory(from: base + copied, byteCount: count)
      }
      tailPosition += UInt64(count)
      copied += count
    }
  }

  /// Hands everything appended to the device; the last unit is padded with zeros and will be written again.
  ///
  /// Cost: at most one batch.
  public func flush() throws(StorageError) {
    try volume.check()
    if tailPosition > writtenPosition { try writeOut() }
  }

  /// Makes everything appended durable.
  ///
  /// Cost: at most one batch, and one sync when something was written since the last.
  public func sync() throws(StorageError) {
    try flush()
    if durablePosition == writtenPosition { return }
    try volume.channel.control(.sync(cause: configuration.cause))
    durablePosition = writtenRecordEnd
  }

  /// A sync of the whole device happened.
  func becameDurable() { durablePosition = max(durablePosition, writtenRecordEnd) }

  private func writeOut() throws(StorageError) {
    let used = Int(tailPosition - bufferStart)
    let padded = (used + unit - 1) / unit * unit
    (buffer.pointer + used).initializeMemory(as: UInt8.self, repeating: 0, count: padded - used)
    var batch = TransferBatch()
    var position = bufferStart
    let end = bufferStart + UInt64(padded)
    while position < end {
      let segment = volume.logLists[number].segments[segmentIndex(of: position)]
      let count = Int(min(end, segment.fullEnd(unit)) - position)
      let start = Int(position - bufferStart)
      let zeros = max(0, start + count - used)
      let newBytes = max(0, start + count - zeros - max(start, Int(writtenPosition - bufferStart)))
      var pieces = [
        Piece(
          cause: configuration.cause, requestedOperationCount: unwrittenRecordCount,
          requestedByteCount: newBytes,
          transferredByteCount: count - zeros)
      ]
      if zeros > 0 {
        pieces.append(
          Piece(
            cause: .padding, requestedOperationCount: 0, requestedByteCount: 0, transferredByteCount: zeros))
      }
      batch.append(
        .write, offset: UInt64(segment.startUnit * unit) + (position - segment.base),
        memory: .borrowed(buffer.pointer + start), byteCount: count, pieces: pieces)
      unwrittenRecordCount = 0
      position += UInt64(count)
    }
    if writtenPosition > bufferStart, writtenPosition % UInt64(unit) != 0 {
      volume.statistics.logTailRewriteCount += 1
    }
    try volume.channel.submit(&batch)
    writtenPosition = tailPosition
    writtenRecordEnd = openRecordPosition ?? tailPosition
    let kept = used % unit
    if kept > 0 {
      buffer.pointer.copyMemory(from: buffer.pointer + (used - kept), byteCount: kept)
    }
    bufferStart = tailPosition - UInt64(kept)
  }

  /// The segment that holds a position.
  private func segmentIndex(of position: UInt64) -> Int {
    let segments = volume.logLists[number].segments
    var (low, high) = (0, segments.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if segments[middle].base <= position { low = middle } else { high = middle }
    }
    precondition(
      low < segments.count && segments[low].base <= position && position < segments[low].fullEnd(unit),
      "Position \(position) lies in a segment of log \(number).")
    return low
  }

  /// The volume applied a plan that begins an era: appending goes on at its first position.
  func beginEra(_ era: UInt64, base: UInt64) {
    self.era = era
    tailPosition = base
    writtenPosition = base
    writtenRecordEnd = base
    durablePosition = base
    bufferStart = base
  }

  // MARK: Replaying

  /// Hands out the records from a position on, oldest first, until `body` returns false or the log ends.
  ///
  /// Records that were appended and not flushed are included.
  ///
  /// - Parameter position: nil for the start; otherwise what `append` or an earlier replay gave, not truncated.
  /// - Parameter body: gets a record's position and payload (valid during the call) and says whether to go on.
  /// - Throws: `.corrupted` for a record that was durable and is not valid (see the head of this file); `.outOfBudget`
  ///   for a record that the account `logBuffer` cannot hold; what the device throws.
  /// Cost: every segment byte from the position to the tail is read once, in pieces of `readByteCount`; after opening
  ///   also up to `proofSearchByteCount` behind the tail.
  public func replay(
    from position: UInt64? = nil, _ body: (UInt64, UnsafeRawBufferPointer) -> Bool
  ) throws(StorageError) -> VolumeLogReplay {
    try volume.check()
    let start = max(position ?? startPosition, startPosition)
    var scanner = LogScanner(volume: volume, log: self, cause: configuration.cause)
    defer { scanner.releaseMemory() }
    let result = try scanner.scan(from: start, proofByteCount: Self.proofSearchByteCount, body)
    if !tailIsKnown, !result.stoppedEarly {
      tailIsKnown = true
      tailPosition = result.endPosition
      writtenPosition = result.endPosition
      writtenRecordEnd = result.endPosition
      bufferStart = result.endPosition / UInt64(unit) * UInt64(unit)
      durablePosition = min(durablePosition, result.endPosition)
    }
    return result
  }

  /// Copies bytes that are still in the buffer.
  ///
  /// - Returns: how many from `position` on were copied; 0 when they are on the device.
  func copyBuffered(from position: UInt64, into target: UnsafeMutableRawBufferPointer) -> Int {
    guard era != nil, position >= bufferStart, position < tailPosition, let base = target.baseAddress else {
      return 0
    }
    let count = min(target.count, Int(tailPosition - position))
    base.copyMemory(from: buffer.pointer + Int(position - bufferStart), byteCount: count)
    return count
  }

  /// The first position that is in memory and not, or not entirely, on the device.
  var bufferedFrom: UInt64 { era == nil ? .max : bufferStart }
}

extension Volume {
  /// Opens log `number` (0 or 1); a log never opened before is empty and takes no space until the first append.
  ///
  /// Precondition: it is not open already. The log holds the volume; dropping it forgets what was not flushed.
  /// - Throws: `.outOfBudget` when the account `logBuffer` cannot hold the buffer.
  public func openLog(
    _ number: Int, configuration: VolumeLogConfiguration = VolumeLogConfiguration()
  ) throws(StorageError) -> VolumeLog {
    try check()
    precondition(logs.indices.contains(number), "A volume has logs 0 ..< \(Self.logCount).")
    precondition(logs[number] == nil, "A log is open once at a time.")
    let log = try VolumeLog(volume: self, number: number, configuration: configuration)
    register(log)
    return log
  }

  // MARK: Segment lists

  func logListUnitCount(segmentCount: Int) -> Int {
    (VolumeBlock.headerByteCount + 8 + 40 * segmentCount - 1) / transferUnitByteCount + 1
  }

  /// What a publication changes in a log's list.
  func planLog(
    _ number: Int, scope: PublishScope, epoch: UInt64, _ staged: inout StagedUnits
  ) throws(StorageError) -> LogPlan {
    var plan = LogPlan(number: number, list: logLists[number], isRewritten: false, newEra: nil)
    guard let log = logs[number] else { return plan }
    var neededByteCount: Int?
    switch scope {
    case .everything:
      if let position = log.truncationPosition, position > plan.list.startPosition {
        plan.list.startPosition = position
      }
      while let first = plan.list.segments.first,
        min(first.end, first.fullEnd(transferUnitByteCount)) <= plan.list.startPosition
      {
        staged.released.append(first.units)
        plan.list.segments.removeFirst()
      }
    case .logGrowth(number, let byteCount): neededByteCount = byteCount
    case .logGrowth: return plan
    }
    var era = log.era
    var tail = log.tailPosition
    if era == nil, neededByteCount != nil {
      let base = sealTail(&plan.list.segments, at: tail, era: epoch)
      plan.newEra = (epoch, base)
      era = epoch
      tail = base
    }
    if let era {
      try extend(
        &plan.list.segments, log, era: era, tail: tail, neededByteCount: neededByteCount ?? 0, &staged)
    }
    plan.isRewritten = plan.list.segments != logLists[number].segments
    if plan.isRewritten {
      let old = logLists[number]
      if old.unitCount > 0 { staged.released.append(old.startUnit..<(old.startUnit + old.unitCount)) }
      let place = try stage(logListUnitCount(segmentCount: plan.list.segments.count), in: &staged)
      (plan.list.startUnit, plan.list.unitCount) = (place.lowerBound, place.count)
    }
    return plan
  }

  /// Ends the last era at the tail and gives the units behind it to a new one.
  ///
  /// - Returns: the new era's first position.
  private func sealTail(
    _ segments: inout ContiguousArray<LogSegment>, at tail: UInt64, era: UInt64
  ) -> UInt64 {
    let unit = UInt64(transferUnitByteCount)
    let base = (tail + unit - 1) / unit * unit
    var result: ContiguousArray<LogSegment> = []
    for segment in segments {
      if segment.fullEnd(transferUnitByteCount) <= tail {
        result.append(segment)
        continue
      }
      let usedUnits = segment.base >= tail ? 0 : Int((base - segment.base) / unit)
      if usedUnits > 0 {
        result.append(
          LogSegment(
            startUnit: segment.startUnit, unitCount: usedUnits, era: segment.era, base: segment.base,
            end: tail))
      }
      if usedUnits < segment.unitCount {
        result.append(
          LogSegment(
            startUnit: segment.startUnit + usedUnits, unitCount: segment.unitCount - usedUnits, era: era,
            base: segment.base + UInt64(usedUnits) * unit, end: .max))
      }
    }
    // The last segment of the sealed era may end exactly at the tail.
    if let last = result.lastIndex(where: { $0.era != era }), result[last].end == .max {
      result[last].end = min(tail, result[last].fullEnd(transferUnitByteCount))
    }
    segments = result
    return base
  }

  /// Adds segments until `neededByteCount` bytes and the preallocated segments fit behind the tail.
  private func extend(
    _ segments: inout ContiguousArray<LogSegment>, _ log: VolumeLog, era: UInt64, tail: UInt64,
    neededByteCount: Int, _ staged: inout StagedUnits
  ) throws(StorageError) {
    let segmentByteCount = UInt64(log.segmentUnitCount * transferUnitByteCount)
    var capacity = tail
    if let last = segments.last, last.era == era { capacity = last.fullEnd(transferUnitByteCount) }
    let unit = UInt64(transferUnitByteCount)
    capacity = max(capacity, (tail + unit - 1) / unit * unit)
    let needed = tail + UInt64(neededByteCount)
    let isRequired = needed > capacity
    let preallocated = UInt64(log.configuration.preallocatedSegmentCount) * segmentByteCount
    // Growing is paid with a superblock, so a log that must grow takes all its spare segments at once; a commit that
    // happens anyway fills up what was used.
    let wanted = isRequired ? max(needed, capacity + preallocated) : tail + preallocated
    while capacity < wanted {
      let hint = segments.last.map { $0.startUnit + $0.unitCount }
      guard free.unitCount - log.segmentUnitCount >= reservedUnitCount,
        let range = takeUnits(log.segmentUnitCount, near: hint)
      else {
        if capacity >= needed { return }
        throw .noSpace(
          requestedByteCount: segmentByteCount,
          freeByteCount: UInt64(free.unitCount) * UInt64(transferUnitByteCount))
      }
      staged.taken.append(range)
      segments.append(
        LogSegment(
          startUnit: range.lowerBound, unitCount: range.count, era: era, base: capacity, end: .max))
      capacity += segmentByteCount
    }
  }

  func applyLog(_ plan: LogPlan, _ next: inout Superblock, _ batch: inout TransferBatch) {
    logLists[plan.number] = plan.list
    next.logs[plan.number].startPosition = plan.list.startPosition
    next.logs[plan.number].durablePosition = max(
      next.logs[plan.number].durablePosition, plan.list.startPosition)
    if let log = logs[plan.number] {
      if let position = log.truncationPosition, position <= plan.list.startPosition {
        log.truncationPosition = nil
      }
      if let newEra = plan.newEra { log.beginEra(newEra.era, base: newEra.base) }
    }
    guard plan.isRewritten else { return }
    let place = plan.list.startUnit..<(plan.list.startUnit + plan.list.unitCount)
    next.logs[plan.number].listStartUnit = plan.list.startUnit
    next.logs[plan.number].listUnitCount = plan.list.unitCount
    next.logs[plan.number].listChecksum = appendBlock(
      place, type: .logList, cause: .log, to: &batch
    ) { payload in
      let image = ImageWriter(payload)
      image.store(UInt64(plan.list.segments.count), at: 0)
      var offset = 8
      for segment in plan.list.segments {
        image.store(UInt64(segment.startUnit), at: offset)
        image.store(UInt64(segment.unitCount), at: offset + 8)
        image.store(segment.era, at: offset + 16)
        image.store(segment.base, at: offset + 24)
        image.store(segment.end, at: offset + 32)
        offset += 40
      }
      return offset
    }
  }

  /// Reads a segment list and checks that it makes sense.
  func loadLogList(_ root: LogRoot, cause: Cause) throws(StorageError) -> LogSegmentList {
    var list = LogSegmentList()
    list.startPosition = root.startPosition
    if root.listStartUnit == 0 { return list }
    let place = root.listStartUnit..<(root.listStartUnit + root.listUnitCount)
    let block = try readOwnBlock(place, type: .logList, expecting: root.listChecksum, cause: cause)
    let offset = extent(place).offset
    func bad(_ detail: String) -> StorageError {
      .corrupted(structure: block.type.description, offset: offset, detail: detail)
    }
    let image = ImageReader(block.payload)
    let count = image.load(UInt64.self, at: 0)
    guard count <= UInt64(block.payloadByteCount / 40), block.payloadByteCount == 8 + 40 * Int(count) else {
      throw bad("\(count) segments do not make \(block.payloadByteCount) bytes")
    }
    list.startUnit = root.listStartUnit
    list.unitCount = root.listUnitCount
    let unit = UInt64(transferUnitByteCount)
    for index in 0..<Int(count) {
      let at = 8 + 40 * index
      let start = image.load(UInt64.self, at: at)
      let units = image.load(UInt64.self, at: at + 8)
      let base = image.load(UInt64.self, at: at + 24)
      let end = image.load(UInt64.self, at: at + 32)
      guard start >= 2, units >= 1, start < UInt64(unitCount), units <= UInt64(unitCount) - start else {
        throw bad("segment \(index) of \(units) units at unit \(start) is not inside the volume")
      }
      guard base < 1 << 62, base % unit == 0, end == .max || (end >= base && end <= base + units * unit)
      else {
        throw bad("segment \(index) begins at position \(base) and ends at \(end)")
      }
      let segment = LogSegment(
        startUnit: Int(start), unitCount: Int(units), era: image.load(UInt64.self, at: at + 16), base: base,
        end: end)
      if let last = list.segments.last {
        let follows = last.fullEnd(transferUnitByteCount)
        guard base == follows, last.era == segment.era ? last.end == .max : last.era < segment.era else {
          throw bad("segment \(index) does not continue the one before")
        }
      }
      list.segments.append(segment)
    }
    if let first = list.segments.first, let last = list.segments.last {
      // A start at the end of a sealed era may lie in the unit before the next era.
      guard root.startPosition + unit > first.base,
        root.startPosition <= last.fullEnd(transferUnitByteCount)
      else {
        throw bad("the log's start \(root.startPosition) is in none of its segments")
      }
    }
    list.startUnit = root.listStartUnit
    return list
  }
}
