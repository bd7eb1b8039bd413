// The sorted file: one run of entries in key order in fixed blocks, rewritten whole by every batch. A write costs
// O(n), a read O(log n): the second row of the complexity table.
//
//   apply   old file ──┐
//                      ├─ merge in key order ─▶ new file ─▶ engine root, one volume commit; the old file is freed
//           batch ─────┘    (streamed, bounded memory)
//
//   get     binary search over the blocks, reading each one it looks at: O(log n) reads;
//           with `fence: pinned` the first keys of all blocks are in memory and one read is enough
//
// Invariants
// 1. The file's entries ascend strictly; the engine root says how many there are.
// 2. No block of a file is ever changed: a batch makes a new file, and the commit of its root is the batch's atom.
// 3. A file that a snapshot sees is kept by the snapshot's pin.
// 4. A commit that is not synced is only visible: a crash goes back to the last synced batch.

import Accounting
import KeyValue
import Primitives
import Storage

// The witnesses are documented at `Engine`, `ReadView` and `Cursor`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The sorted file engine.
public final class SortedFileEngine: Engine {
  public static let descriptor = EngineDescriptor(
    name: "sorted-file", summary: "Keeps one file in key order and rewrites it for every batch.",
    parameters: [
      ParameterDescriptor(
        "block_bytes", .bytes(512...(1 << 20)), default: .integer(4_096),
        "Size of a block, a multiple of the transfer unit; keys are at most a quarter of it."),
      ParameterDescriptor(
        "fence", .choice(["none", "pinned"]), default: .text("none"),
        "Whether the first key of every block stays in memory, so that a get reads one block."),
      ParameterDescriptor(
        "transfer_bytes", .bytes(512...(1 << 26)), default: .integer(1 << 16),
        "Blocks read or written together while merging; at most a sixteenth of the memory."),
    ], formatVersion: 1, limits: { setting throws(EngineError) in try declaredLimits(setting) },
    costs: { _ in
      EngineCostShape(
        .sortedFile, spaceFactor: 1.05, writeSeconds: 1e-6, readSeconds: 5e-6, entrySeconds: 0.2e-6)
    })

  public let limits: EngineLimits
  let volume: Volume
  private let blockByteCount: Int
  private let batchBlockCount: Int
  private let pinsFence: Bool
  private let syncEveryCommits: Int
  private var run: SortedFileRun
  private var fence: SortedFileFence?
  private var value: ValueBuffer
  private var counts = SortedFileCounts()
  private var rewriteCount: UInt64 = 0
  private var isClosed = false

  // MARK: Opening and closing

  public static func open(
    _ environment: EngineEnvironment, parameters: ParameterSet
  ) throws(EngineError) -> SortedFileEngine {
    let declared = try declaredLimits(environment.setting(parameters))
    return try rethrowingStorageErrors { () throws(StorageError) in
      let volume = try openVolume(environment, engineTag: descriptor.name)
      return try SortedFileEngine(volume, environment, parameters, declared.limits)
    }
  }

  /// The limits, and the geometry they need.
  private static func declaredLimits(_ setting: EngineSetting) throws(EngineError) -> DeclaredLimits {
    let memory = setting.memoryBudgetByteCount
    let blockByteCount = setting.parameters.integer("block_bytes")
    guard blockByteCount % setting.transferUnitByteCount == 0 else {
      throw .invalidParameters(
        reason: "block_bytes is \(blockByteCount), not a multiple of the device's transfer unit, "
          + "\(setting.transferUnitByteCount)")
    }
    guard memory >= 32 * blockByteCount else {
      throw .invalidParameters(
        reason:
          "a sorted file of \(blockByteCount)-byte blocks needs \(32 * blockByteCount) bytes of memory, "
          + "it is given \(memory)")
    }
    let limits = EngineLimits(
      maximumKeyByteCount: blockByteCount / 4,
      maximumValueByteCount: largestValueByteCount(memoryBudgetByteCount: memory), offersSnapshots: true)
    return DeclaredLimits(
      limits, keyReason: "a quarter of block_bytes, \(blockByteCount)",
      valueReason: largestValueReason(memoryBudgetByteCount: memory))
  }

  private init(
    _ volume: Volume, _ environment: EngineEnvironment, _ parameters: ParameterSet, _ limits: EngineLimits
  ) throws(StorageError) {
    let memory = environment.budget.limitByteCount
    self.volume = volume
    blockByteCount = parameters.integer("block_bytes")
    batchBlockCount = max(1, min(parameters.integer("transfer_bytes"), memory / 16) / blockByteCount)
    pinsFence = parameters.text("fence") == "pinned"
    syncEveryCommits = environment.syncEveryCommits
    self.limits = limits
    run = try SortedFileRun(
      decoding: volume.root, blockByteCount: blockByteCount,
      transferUnitByteCount: volume.transferUnitByteCount,
      capacityByteCount: volume.channel.capacityByteCount)
    value = ValueBuffer(reservedByteCount: limits.maximumValueByteCount)
    try volume.budget.require(readMemoryByteCount, for: .mergeScratch)
    if pinsFence { fence = try readFence() }
  }

  /// What a get or a cursor holds: two blocks and a value.
  var readMemoryByteCount: Int { 2 * blockByteCount + limits.maximumValueByteCount }

  /// Reads the whole file once for the first keys of its blocks.
  private func readFence() throws(StorageError) -> SortedFileFence {
    let fence = SortedFileFence(budget: volume.budget)
    var reader = SortedFileReader(volume, run)
    for start in stride(from: 0, to: run.blockCount, by: batchBlockCount) {
      for block in try reader.blocks(start..<min(start + batchBlockCount, run.blockCount))
      where !block.isContinuation {
        try fence.append(block.key(0), block: block.number)
      }
    }
    add(reader.counts)
    return fence
  }

  public func close() throws(EngineError) {
    try checkpoint()
    isClosed = true
    releaseMemory()
  }

  deinit { if !isClosed { releaseMemory() } }

  private func releaseMemory() {
    fence = nil
    volume.budget.release(readMemoryByteCount, for: .mergeScratch)
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
      if batch.count > 0 {
        try rewrite(with: batch, durable: sync)
      } else if sync {
        try commit(try volume.beginTransaction(), durable: true)
      }
    } catch {
      throw .storage(error)
    }
  }

  /// Merges the batch into a new file and commits it.
  private func rewrite(with batch: borrowing WriteBatch, durable: Bool) throws(StorageError) {
    // Blocks on both sides, a value on both sides, and the batch's order (with what sorting takes).
    let scratchByteCount =
      2 * batchBlockCount * blockByteCount + 2 * limits.maximumValueByteCount
      + 2 * batch.count * MemoryLayout<OrderedBatch.Operation>.stride
    try volume.budget.require(scratchByteCount, for: .mergeScratch)
    defer { volume.budget.release(scratchByteCount, for: .mergeScratch) }
    let ordered = OrderedBatch(batch)
    var transaction = try volume.beginTransaction()
    var writer = SortedFileWriter(
      volume, blockByteCount: blockByteCount, batchBlockCount: batchBlockCount,
      expectedBlockCount: run.blockCount + 2 * batch.byteCount / blockByteCount + 1,
      fence: pinsFence ? SortedFileFence(budget: volume.budget) : nil)
    var old = SortedFileStream(
      SortedFileReader(volume, run), batchBlockCount: batchBlockCount,
      maximumValueByteCount: limits.maximumValueByteCount)
    try merge(&old, ordered, into: &writer, &transaction)
    try writer.finish(&transaction)
    for piece in run.pieces {
      transaction.free(Extent(offset: piece.offset, byteCount: piece.blockCount * blockByteCount))
    }
    transaction.setRoot(writer.run.encoded())
    try commit(transaction, durable: durable)
    run = writer.run
    fence = writer.fence
    rewriteCount += 1
    add(old.reader.counts)
  }

  private func merge(
    _ old: inout SortedFileStream, _ batch: OrderedBatch, into writer: inout SortedFileWriter,
    _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let limit = limits.maximumValueByteCount
    var ranges = batch.ranges
    var index = 0
    try old.advance()
    while old.hasCurrent || index < batch.operations.count {
      // Which key is next, and is it in the file, in the batch, or in both?
      var order = old.hasCurrent ? -1 : 1
      if old.hasCurrent, index < batch.operations.count {
        order = compareKeys(old.key, batch.operations[index].key)
      }
      let key = order <= 0 ? old.key : batch.operations[index].key
      // Range deletes of the batch that cover the key wipe the file's value and every earlier operation.
      let wipe = ranges.lastCovering(key)
      if order < 0 {
        if wipe == nil { try writer.append(key: key, value: old.value, &transaction) }
        try old.advance()
        continue
      }
      if order == 0, wipe == nil { value.assign(old.value) } else { value.makeAbsent() }
      var end = index
      while end < batch.operations.count, compareKeys(batch.operations[end].key, key) == 0 {
        let operation = batch.operations[end]
        if operation.number > wipe ?? -1 {
          value.apply(operation.kind, operand: operation.operand, maximumValueByteCount: limit)
        }
        end += 1
      }
      if value.isPresent { try writer.append(key: key, value: value.bytes, &transaction) }
      index = end
      if order == 0 { try old.advance() }
    }
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
  }

  // MARK: Reading

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try get(key, in: run, fence, body)
  }

  func get(
    _ key: RawSpan, in run: SortedFileRun, _ fence: SortedFileFence?, _ body: (_ value: RawSpan) -> Void
  ) throws(EngineError) -> Bool {
    try requireOpen()
    do throws(StorageError) {
      let found = try key.withUnsafeBytes { (wanted) throws(StorageError) -> (SortedFileBlock, Int)? in
        var reader = SortedFileReader(volume, run)
        defer { add(reader.counts) }
        guard let block = try reader.block(for: wanted, fence: fence) else { return nil }
        var inspected: UInt64 = 0
        let index = block.firstIndex(atOrAfter: wanted, inspected: &inspected)
        counts.records += inspected
        guard index < block.entryCount, compareKeys(block.key(index), wanted) == 0 else { return nil }
        if block.value(index).missingByteCount > 0 {
          try reader.gather(index, of: block, into: &value, limit: limits.maximumValueByteCount)
        }
        return (block, index)
      }
      guard let (block, index) = found else { return false }
      let (first, missing) = block.value(index)
      let whole = missing > 0 ? value.bytes : first
      body(whole.bytes)
      return true
    } catch {
      throw .storage(error)
    }
  }

  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try requireOpen()
    return try SortedFileCursor(self, run, fence, range, order)
  }

  public func makeSnapshot() throws(EngineError) -> any ReadView {
    try requireOpen()
    return SortedFileSnapshot(self, run, fence, volume.pin())
  }

  /// Adds what a reader counted.
  func add(_ more: SortedFileCounts) {
    counts.blocks += more.blocks
    counts.records += more.records
  }

  // MARK: Phase verbs and reports

  public func checkpoint() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in try volume.checkpoint() }
  }

  /// Checkpoints: the file owes nothing.
  public func settle() throws(EngineError) { try checkpoint() }

  /// There is no cache; a pinned fence stays.
  public func dropCache() throws(EngineError) { try requireOpen() }

  /// Reads everything: the volume's structures, every block, the order of the keys, the numbers in the root.
  public func verify() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in
      try verifyVolume(volume, liveByteCount: UInt64(run.byteCount))
      var stream = SortedFileStream(
        SortedFileReader(volume, run), batchBlockCount: batchBlockCount,
        maximumValueByteCount: limits.maximumValueByteCount)
      var previous: [UInt8]?
      var entryCount: UInt64 = 0
      var byteCount: UInt64 = 0
      try stream.advance()
      while stream.hasCurrent {
        let key = stream.key
        if let previous, previous.withUnsafeBytes({ compareKeys($0, key) }) >= 0 {
          throw .corrupted(
            structure: "sorted file", offset: 0, detail: "entry \(entryCount) is not behind the one before")
        }
        previous = [UInt8](key)
        entryCount += 1
        byteCount += UInt64(key.count + stream.value.count)
        try stream.advance()
      }
      guard entryCount == run.entryCount, byteCount == run.logicalByteCount else {
        throw .corrupted(
          structure: "sorted file", offset: 0,
          detail: "it has \(entryCount) entries of \(byteCount) bytes, its root says \(run.entryCount) of "
            + "\(run.logicalByteCount)")
      }
      add(stream.reader.counts)
    }
  }

  public var durabilityClass: DurabilityClass {
    syncEveryCommits == 0 ? .prefix : .everyCommits(syncEveryCommits)
  }

  public func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    return volumeSpaceReport(
      volume.accounting(),
      parts: [
        ("live", run.logicalByteCount), ("page_slack", UInt64(run.byteCount) - run.logicalByteCount),
      ])
  }

  public func settingsReadBack() -> [(name: String, value: String)] {
    [
      ("block_bytes", String(blockByteCount)), ("fence", pinsFence ? "pinned" : "none"),
      ("maximum_value_bytes", String(limits.maximumValueByteCount)),
      ("transfer_bytes", String(batchBlockCount * blockByteCount)),
    ]
  }

  public func statistics() -> [(name: String, value: UInt64)] {
    [
      ("blocks_inspected", counts.blocks), ("file_blocks", UInt64(run.blockCount)),
      ("records_inspected", counts.records), ("rewrites", rewriteCount),
    ]
  }
}

/// A file that stays while it is looked at.
private final class SortedFileSnapshot: ReadView {
  private let engine: SortedFileEngine
  private let run: SortedFileRun
  private let fence: SortedFileFence?
  private let pin: VolumePin

  init(
    _ engine: SortedFileEngine, _ run: SortedFileRun, _ fence: SortedFileFence?, _ pin: consuming VolumePin
  ) {
    self.engine = engine
    self.run = run
    self.fence = fence
    self.pin = pin
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try engine.get(key, in: run, fence, body)
  }

  /// A cursor; the snapshot must outlive it.
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try engine.requireOpen()
    return try SortedFileCursor(engine, run, fence, range, order, owner: self)
  }
}
