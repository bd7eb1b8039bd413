// A complete crash-safe engine in one file, and the ways to get it wrong: what the laboratory must let pass, and what it
// must catch.
//
//   unit 0, 1   superblocks, written in turn: epoch, generation of the log, place of the table, checksum
//   unit 2 …    log: records of one batch each (generation, number, length, checksum, operations)
//   then        two areas for the table: all entries as of the last checkpoint, length and checksum first
//
// Checkpoint: table into the free area ─ sync ─ superblock into the older slot ─ sync ─ the log begins anew.
// Opening: newest valid superblock ─ its table ─ its log ─ checkpoint.

import Accounting
import KeyValue
import Primitives
import Storage
import Trials

/// What can be wrong with it.
enum Canary: String, CaseIterable, Sendable {
  /// Nothing: it must pass.
  case none
  /// A synced batch is not synced.
  case missingSync
  /// The superblock is made durable before the table it points to.
  case swappedOrder
  /// No sync between the table and the superblock: the device may choose the order.
  case missingBarrier
  /// The next table is written over the one the superblock points to.
  case reusedExtent
  /// There is one superblock, and nobody looks at its checksum.
  case tornSuperblockTrusted
  /// Nobody looks at the generation of a log record.
  case staleLogReplayed
  /// Recovery forgets deletions.
  case lostDeletion
  /// Recovery clears the log before its contents are safe elsewhere.
  case recoveryBurnsTheLog
  /// Recovery counts its table's units twice.
  case leakedExtent
  /// A log record is believed without its checksum.
  case tornRecordTrusted
  /// The table is believed without its checksum: harmless in a crash, not when bytes rot.
  case rottenTableTrusted

  /// Those that a crash brings to light.
  static let ofCrashes = allCases.filter { $0 != .none && $0 != .rottenTableTrusted }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
final class TinyEngine: Engine {
  let limits = EngineLimits(
    maximumKeyByteCount: 64, maximumValueByteCount: 2_000, offersSnapshots: true, offersRangeDelete: true)
  let durabilityClass: DurabilityClass

  private static let unit = 512
  private static let logUnits = 2..<66
  private static let areaUnitCount = 120
  private static let areaStarts = [66, 186]
  static let capacityByteCount: UInt64 = 306 * 512

  private let canary: Canary
  private let channel: IOChannel
  private var state = ReferenceState()
  private var epoch: UInt64 = 0
  private var generation: UInt64 = 0
  private var area = 1
  private var tableByteCount = 0
  private var countedUnits = 0
  private var logUnit = 0
  private var recordNumber: UInt64 = 0
  private var isClosed = false

  init(_ environment: EngineEnvironment, canary: Canary) throws(EngineError) {
    self.canary = canary
    channel = environment.channel
    durabilityClass =
      environment.syncEveryCommits == 0 ? .prefix : .everyCommits(environment.syncEveryCommits)
    logUnit = Self.logUnits.lowerBound
    try rethrowingStorageErrors { () throws(StorageError) in
      if channel.capacityByteCount < Self.capacityByteCount {
        throw .noSpace(
          requestedByteCount: Self.capacityByteCount, freeByteCount: channel.capacityByteCount)
      }
      if !environment.creates { try recover() }
      try writeCheckpoint()
    }
  }

  static func subject(_ canary: Canary) -> TrialSubject {
    var subject = TrialSubject(label: "tiny-\(canary.rawValue)") { (place) throws(EngineError) in
      try TinyEngine(place, canary: canary)
    }
    subject.capacityByteCount = capacityByteCount
    subject.transferUnitByteCount = unit
    subject.atomByteCount = 128
    return subject
  }

  // MARK: Bytes

  private func read(_ firstUnit: Int, _ unitCount: Int, _ cause: Cause) throws(StorageError) -> [UInt8] {
    let (frame, offset) = try channel.read(
      at: UInt64(firstUnit * Self.unit), byteCount: unitCount * Self.unit, cause: cause)
    return Array(frame.bytes[offset..<(offset + unitCount * Self.unit)])
  }

  private func write(_ bytes: [UInt8], at firstUnit: Int, _ cause: Cause) throws(StorageError) {
    let rounded = (bytes.count + Self.unit - 1) / Self.unit * Self.unit
    let frame = Frame(byteCount: rounded)
    frame.mutableBytes.copyBytes(from: bytes)
    try channel.write(frame, at: UInt64(firstUnit * Self.unit), cause: cause)
  }

  private static func number(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }

  private static func put(_ number: UInt64, _ bytes: inout [UInt8], _ offset: Int) {
    for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) }
  }

  private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt64 {
    UInt64(Array(bytes).withUnsafeBytes { CRC32C.of($0) })
  }

  private func corrupted(_ structure: String, unit: Int, _ detail: String) -> StorageError {
    .corrupted(structure: structure, offset: UInt64(unit * Self.unit), detail: detail)
  }

  // MARK: Superblocks. Epoch and generation lie in another atom than the place of the table.

  private func writeSuperblock() throws(StorageError) {
    var block = [UInt8](repeating: 0, count: Self.unit)
    Self.put(epoch, &block, 0)
    Self.put(generation, &block, 8)
    Self.put(UInt64(Self.areaStarts[area]), &block, 256)
    Self.put(UInt64(tableByteCount), &block, 264)
    Self.put(UInt64(countedUnits), &block, 272)
    Self.put(Self.checksum(block[..<504]), &block, 504)
    let slot = canary == .tornSuperblockTrusted ? 0 : Int(epoch % 2)
    try write(block, at: slot, .superblock)
  }

  private func readSuperblock() throws(StorageError) {
    let both = try read(0, 2, .superblock)
    var best: [UInt8]?
    for slot in 0..<2 {
      let block = Array(both[(slot * Self.unit)..<((slot + 1) * Self.unit)])
      let isValid = Self.checksum(block[..<504]) == Self.number(block, 504) && Self.number(block, 0) > 0
      if canary == .tornSuperblockTrusted ? slot == 0 && Self.number(block, 0) > 0 : isValid {
        if best.map({ Self.number($0, 0) < Self.number(block, 0) }) ?? true { best = block }
      }
    }
    guard let best else { throw corrupted("superblock", unit: 0, "neither is valid") }
    epoch = Self.number(best, 0)
    generation = Self.number(best, 8)
    guard let place = Self.areaStarts.firstIndex(of: Int(truncatingIfNeeded: Self.number(best, 256))),
      Self.number(best, 264) <= UInt64(Self.areaUnitCount * Self.unit)
    else { throw corrupted("superblock", unit: 0, "the table lies nowhere") }
    area = place
    tableByteCount = Int(Self.number(best, 264))
    countedUnits = Int(truncatingIfNeeded: Self.number(best, 272))
  }

  // MARK: Table

  private var tableUnitCount: Int { (tableByteCount + Self.unit - 1) / Self.unit }

  private func encodedTable() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 16)
    for pair in state.entries() { bytes += Self.encoded(pair.key, pair.value) }
    Self.put(UInt64(bytes.count), &bytes, 0)
    Self.put(Self.checksum(bytes[16...]), &bytes, 8)
    return bytes
  }

  private static func encoded(_ key: [UInt8], _ value: [UInt8]) -> [UInt8] {
    [UInt8(key.count), UInt8(value.count & 255), UInt8(value.count >> 8)] + key + value
  }

  private func readTable() throws(StorageError) {
    let start = Self.areaStarts[area]
    if tableByteCount < 16 { throw corrupted("table", unit: start, "too short") }
    let bytes = try read(start, tableUnitCount, .leaf)
    guard Self.number(bytes, 0) == UInt64(tableByteCount),
      canary == .rottenTableTrusted
        || Self.number(bytes, 8) == Self.checksum(bytes[16..<tableByteCount])
    else { throw corrupted("table", unit: start, "wrong checksum") }
    var position = 16
    while position + 3 <= tableByteCount {
      let keyEnd = position + 3 + Int(bytes[position])
      let valueEnd = keyEnd + Int(bytes[position + 1]) + Int(bytes[position + 2]) << 8
      if valueEnd > tableByteCount { throw corrupted("table", unit: start, "an entry ends beyond it") }
      state.set(Array(bytes[(position + 3)..<keyEnd]), to: Array(bytes[keyEnd..<valueEnd]))
      position = valueEnd
    }
  }

  private func writeTable() throws(StorageError) {
    let bytes = encodedTable()
    if bytes.count > Self.areaUnitCount * Self.unit {
      throw .noSpace(requestedByteCount: UInt64(bytes.count), freeByteCount: 0)
    }
    if canary != .reusedExtent { area = 1 - area }
    tableByteCount = bytes.count
    try write(bytes, at: Self.areaStarts[area], .leaf)
  }

  private func writeCheckpoint() throws(StorageError) {
    if canary == .swappedOrder {
      // What the table will be is known before it is there.
      area = 1 - area
      tableByteCount = encodedTable().count
      try commitSuperblock()
      area = 1 - area
      try writeTable()
      try channel.control(.sync(cause: .leaf))
    } else {
      try writeTable()
      if canary != .missingBarrier { try channel.control(.sync(cause: .leaf)) }
      try commitSuperblock()
    }
    logUnit = Self.logUnits.lowerBound
    recordNumber = 0
  }

  private func commitSuperblock() throws(StorageError) {
    epoch += 1
    generation += 1
    let leaked = canary == .leakedExtent && epoch > 4 ? 1 : 0
    countedUnits = tableUnitCount + leaked
    try writeSuperblock()
    try channel.control(.sync(cause: .superblock))
  }

  // MARK: Log

  private func recover() throws(StorageError) {
    try readSuperblock()
    try readTable()
    let log = try read(Self.logUnits.lowerBound, Self.logUnits.count, .log)
    var position = 0
    while position + 32 <= log.count {
      let byteCount = Int(truncatingIfNeeded: Self.number(log, position + 16))
      guard byteCount > 0, byteCount <= log.count - position - 32,
        Self.number(log, position + 8) == recordNumber,
        canary == .staleLogReplayed || Self.number(log, position) == generation
      else { break }
      let payload = Array(log[(position + 32)..<(position + 32 + byteCount)])
      let expected = Self.checksum(log[position..<(position + 24)] + payload)
      if canary != .tornRecordTrusted, Self.number(log, position + 24) != expected { break }
      replay(payload)
      recordNumber += 1
      position += (32 + byteCount + Self.unit - 1) / Self.unit * Self.unit
    }
    if canary == .recoveryBurnsTheLog {
      try write([0], at: Self.logUnits.lowerBound, .log)
      try channel.control(.sync(cause: .log))
    }
  }

  private func replay(_ payload: [UInt8]) {
    var position = 0
    while position + 4 <= payload.count {
      let keyEnd = position + 4 + Int(payload[position + 1])
      let operandEnd = keyEnd + Int(payload[position + 2]) + Int(payload[position + 3]) << 8
      guard let kind = OperationKind(rawValue: payload[position]), operandEnd <= payload.count,
        kind.accepts(operandByteCount: operandEnd - keyEnd)
      else { return }
      if kind != .delete || canary != .lostDeletion {
        state.apply(
          kind, key: Array(payload[(position + 4)..<keyEnd]), operand: Array(payload[keyEnd..<operandEnd]),
          maximumValueByteCount: limits.maximumValueByteCount)
      }
      position = operandEnd
    }
  }

  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try requireOpen()
    try batch.check(against: limits)
    var payload: [UInt8] = []
    for entry in batch.entries {
      let (key, operand) = ([UInt8](batch.key(of: entry)), [UInt8](batch.operand(of: entry)))
      payload.append(entry.kind.rawValue)
      payload += Self.encoded(key, operand)
    }
    var record = [UInt8](repeating: 0, count: 32)
    let unitCount = (32 + payload.count + Self.unit - 1) / Self.unit
    guard unitCount <= Self.logUnits.count else {
      throw .limitExceeded(what: "batch in units", given: unitCount, limit: Self.logUnits.count)
    }
    do throws(StorageError) {
      if logUnit + unitCount > Self.logUnits.upperBound { try writeCheckpoint() }
      Self.put(generation, &record, 0)
      Self.put(recordNumber, &record, 8)
      Self.put(UInt64(payload.count), &record, 16)
      Self.put(Self.checksum(record[..<24] + payload), &record, 24)
      if !payload.isEmpty {
        try write(record + payload, at: logUnit, .log)
        logUnit += unitCount
        recordNumber += 1
        state.apply(batch, limits: limits)
      }
      if sync, canary != .missingSync { try channel.control(.sync(cause: .log)) }
    } catch {
      throw .storage(error)
    }
  }

  // MARK: The rest of an engine

  private func requireOpen() throws(EngineError) {
    if isClosed { throw .storage(.closed) }
    if let reason = channel.poisonedBy { throw .storage(.poisoned(by: reason)) }
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try requireOpen()
    return ReferenceView(state: state).get(key, body)
  }

  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try requireOpen()
    return ReferenceView(state: state).makeCursor(range, order)
  }

  func makeSnapshot() throws(EngineError) -> any ReadView {
    try requireOpen()
    return ReferenceView(state: state)
  }

  func checkpoint() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in try writeCheckpoint() }
  }

  func settle() throws(EngineError) { try checkpoint() }
  func dropCache() throws(EngineError) { try requireOpen() }

  func close() throws(EngineError) {
    try checkpoint()
    isClosed = true
  }

  func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    let parts = [
      SpaceReport.Part(name: "log", byteCount: UInt64(Self.logUnits.count * Self.unit)),
      SpaceReport.Part(name: "superblock", byteCount: UInt64(2 * Self.unit)),
      SpaceReport.Part(name: "table", byteCount: UInt64(tableUnitCount * Self.unit)),
    ]
    return SpaceReport(
      allocatedByteCount: UInt64((66 + countedUnits) * Self.unit), parts: parts)
  }

  func settingsReadBack() -> [(name: String, value: String)] { [] }
  func statistics() -> [(name: String, value: UInt64)] { [] }

  func verify() throws(EngineError) {
    try requireOpen()
    do throws(StorageError) {
      let bytes = try read(Self.areaStarts[area], tableUnitCount, .verification)
      let isRight = Self.number(bytes, 8) == Self.checksum(bytes[16..<tableByteCount])
      guard isRight || canary == .rottenTableTrusted else {
        throw corrupted("table", unit: Self.areaStarts[area], "wrong checksum")
      }
    } catch {
      throw .storage(error)
    }
  }
}
