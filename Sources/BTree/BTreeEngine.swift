// The copy-on-write B-tree: every page that changes is copied along its path to the root, so the last durable tree stays whole
// until a superblock names the next one.
//
//   apply   batch ─▶ sort ─▶ walk the leaves once ─▶ commit in memory ──sync──▶ path-copy: changed pages, superblock
//                                     │ fails: births forgotten, counts put back    log:  one append, one sync
//   get     root ─▶ … ─▶ leaf, each page held in the cache where it lies
//   crash   last durable tree, then (log) the transactions behind it
//
// Invariants
// 1. A transaction changes only pages that no superblock and no pin reaches. Failing means forgetting its births and taking back
//    its changes of older pages, in memory: no trace, no leak.
// 2. A page that a durable superblock or a pin reaches is never changed and never reused while they do.
// 3. Every dirty page is written before the superblock that reaches it.
// 4. With `commit: log` every transaction since the last durable tree is in the log, in order; a log record is durable
//    before `apply(sync: true)` returns.
// 5. After a device write failed nothing is written any more (the channel refuses), and reopening gives a committed prefix.
//
// Deviations: pages carry fences and no sibling pointers (path copying would have to copy the whole level); balance is kept
// by a threshold, not at one half.
//
// Source: R. Bayer, E. McCreight, "Organization and Maintenance of Large Ordered Indexes", Acta Informatica 1(3), 1972;
// O. Rodeh, "B-trees, Shadowing, and Clones", ACM TOS 3(4), 2008, sections 2 and 3.

import Accounting
import KeyValue
import Primitives
import Storage
import Synchronization

// The witnesses are documented at `Engine`, `ReadView` and `Cursor`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The B-tree engine.
public final class BTreeEngine: Engine {
  public let limits: EngineLimits
  let volume: Volume
  let store: NodeStore
  let writer: TreeWriter
  let settings: BTreeSettings
  let syncEveryCommits: Int
  // Written by the one writing thread between its reads: exclusive without a check at run time.
  @exclusivity(unchecked) var forest: BTreeForest
  /// Set between opening and close, when durable commits are appends.
  var log: VolumeLog?
  private var logger: LogTransactionWriter?
  private var sorted = SortedBatch()
  private var operationsSinceCheckpoint = 0
  private var bytesSinceCheckpoint = 0
  @exclusivity(unchecked) private var isClosed = false
  /// The bulk load that is under way.
  weak var openBulkLoad: TreeBulkLoad?
  var isBulkLoading = false
  /// Whether batches are being taken from the log, which holds them already.
  private(set) var isReplaying = false
  /// Where the batch begins that is being taken.
  private var replayPosition: UInt64 = 0
  /// What replaying the log may need.
  var debt = ReplayDebt()

  // MARK: Opening and closing

  public static func open(
    _ environment: EngineEnvironment, parameters: ParameterSet
  ) throws(EngineError) -> BTreeEngine {
    let settings = try BTreeSettings(
      EngineSetting(
        parameters: parameters, memoryBudgetByteCount: environment.budget.limitByteCount,
        transferUnitByteCount: environment.channel.transferUnitByteCount,
        capacityByteCount: environment.channel.device.capacityByteCount,
        syncEveryCommits: environment.syncEveryCommits))
    let configuration = VolumeConfiguration(engineTag: descriptor.name, seed: environment.seed)
    let volume: Volume
    let root: BTreeRoot?
    do throws(StorageError) {
      if environment.creates {
        volume = try Volume.create(
          channel: environment.channel, budget: environment.budget, configuration: configuration)
      } else {
        volume = try Volume.open(
          channel: environment.channel, budget: environment.budget, configuration: configuration)
      }
      root = try BTreeRoot.decode(volume.root)
    } catch {
      throw .storage(error)
    }
    if let root, root.pageByteCount != settings.geometry.pageByteCount {
      throw .invalidParameters(
        reason:
          "page_bytes is \(settings.geometry.pageByteCount), the volume holds pages of \(root.pageByteCount) bytes"
      )
    }
    do throws(StorageError) {
      let engine = try BTreeEngine(volume, root, settings, environment)
      try engine.begin(root)
      return engine
    } catch {
      throw .storage(error)
    }
  }

  private init(
    _ volume: Volume, _ root: BTreeRoot?, _ settings: BTreeSettings, _ environment: EngineEnvironment
  ) throws(StorageError) {
    self.volume = volume
    self.settings = settings
    syncEveryCommits = environment.syncEveryCommits
    forest = root?.forest ?? BTreeForest()
    limits = settings.limits
    let fixed = Self.fixedByteCount(settings)
    try volume.budget.require(fixed, for: .mergeScratch)
    do throws(StorageError) {
      let capacity = NodeCache.capacity(
        fittingIn: volume.budget.availableByteCount - settings.headroomByteCount,
        shardCount: settings.cacheShardCount, minimumNodeByteCount: settings.geometry.pageByteCount,
        hintsPerNode: settings.geometry.maximumChildCount)
      guard capacity >= 32 * settings.geometry.pageByteCount else {
        throw .outOfBudget(
          account: MemoryAccount.frames.name, requestedByteCount: 32 * settings.geometry.pageByteCount,
          availableByteCount: max(0, capacity))
      }
      let cache = try NodeCache(
        capacityByteCount: capacity, shardCount: settings.cacheShardCount,
        minimumNodeByteCount: settings.geometry.pageByteCount,
        hintsPerNode: settings.geometry.maximumChildCount, budget: volume.budget, pool: volume.channel.pool)
      store = NodeStore(
        volume: volume, cache: cache, geometry: settings.geometry, undoByteCount: settings.undoByteCount,
        births: root.map { BirthClock(reopenedAt: $0.birthNumber, epoch: volume.durableEpoch) }
          ?? BirthClock(number: 0))
    } catch {
      volume.budget.release(fixed, for: .mergeScratch)
      volume.close()
      throw error
    }
    writer = TreeWriter(
      store: store, policy: settings.policy, maximumValueByteCount: settings.maximumValueByteCount)
  }

  /// What the writer holds whatever happens: its scratch pages and a value.
  private static func fixedByteCount(_ settings: BTreeSettings) -> Int {
    TreeWriter.memoryByteCount(settings.geometry) + settings.maximumValueByteCount + settings.undoByteCount
  }

  /// Replays what is behind the root, and says on the device how this opening commits.
  private func begin(_ root: BTreeRoot?) throws(StorageError) {
    volume.endWriting(forest)
    if settings.usesLog || root?.usesLog == true {
      let opened = try volume.openLog(0, configuration: settings.log)
      log = opened
      try withMemoryForRecords(of: opened) { () throws(StorageError) in
        if let root, root.usesLog {
          try replay(opened, from: root.logPosition)
        } else {
          _ = try opened.replay { _, _ in true }
        }
      }
    }
    if let root, root.usesLog == settings.usesLog {
      if settings.usesLog, let log { logger = LogTransactionWriter(log) }
      return
    }
    try publish(rewritesSpaceMap: false)
    if settings.usesLog {
      if let log { logger = LogTransactionWriter(log) }
    } else {
      log = nil
    }
  }

  /// Applies the log's transactions from a position on.
  private func replay(_ log: VolumeLog, from position: UInt64) throws(StorageError) {
    isReplaying = true
    defer { isReplaying = false }
    var collector = TransactionCollector()
    var failure: StorageError?
    replayPosition = position
    _ = try log.replay(from: position) { position, payload in
      do throws(StorageError) {
        if collector.isEmpty { replayPosition = position }
        if try collector.add(payload, at: position) { try commit(collector.actions) }
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
  }

  public func close() throws(EngineError) {
    try requireOpen()
    openBulkLoad?.abandon()
    try rethrowingStorageErrors { () throws(StorageError) in try publish(rewritesSpaceMap: true) }
    release()
  }

  deinit { if !isClosed { release() } }

  private func release() {
    isClosed = true
    store.root.letGo()
    store.share.isClosed.store(true, ordering: .releasing)
    writer.reset()
    logger = nil
    log = nil
    store.cache.close()
    volume.budget.release(Self.fixedByteCount(settings), for: .mergeScratch)
    volume.close()
  }

  func requireOpen() throws(EngineError) {
    if isClosed { throw .storage(.closed) }
  }

  // MARK: Writing

  public func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try requireWritable()
    try batch.check(against: limits)
    do throws(StorageError) {
      if batch.count > 0 { try commit(batch) }
      if sync { try makeDurable() }
      try checkpointIfDue()
    } catch {
      throw .storage(error)
    }
  }

  /// Makes a batch on the engine's own keys visible, or changes nothing.
  private func commit(_ batch: borrowing WriteBatch) throws(StorageError) {
    let scratch = SortedBatch.byteCount(batch.count)
    try requireScratch(scratch)
    defer { volume.budget.release(scratch, for: .mergeScratch) }
    try makeLogRoom(operationCount: batch.count, byteCount: batch.byteCount)
    var isRetry = false
    while true {
      do throws(StorageError) {
        return try attempt(batch)
      } catch {
        try prepareRetry(after: error, isRetry)
        isRetry = true
      }
    }
  }

  private func attempt(_ batch: borrowing WriteBatch) throws(StorageError) {
    let saved = forest
    do throws(StorageError) {
      var transaction = try beginTransaction()
      try apply(batch, to: &forest.main, &transaction)
      try requireSpace(
        onlyDeletes: batch.entries.allSatisfy { $0.kind == .delete || $0.kind == .deleteRange })
      try logOperations(of: batch)
      try logger?.finish()
      writer.reset()
      try transaction.commit(durable: false)
    } catch {
      rollBack(to: saved)
      throw error
    }
    committed(operationCount: batch.count, byteCount: batch.byteCount)
  }

  /// Makes a list of actions visible as one transaction, or changes nothing.
  func commit(_ actions: ActionList) throws(StorageError) {
    try makeLogRoom(operationCount: actions.operationCount, byteCount: actions.byteCount)
    var isRetry = false
    while true {
      do throws(StorageError) {
        return try attempt(actions)
      } catch {
        try prepareRetry(after: error, isRetry)
        isRetry = true
      }
    }
  }

  private func attempt(_ actions: ActionList) throws(StorageError) {
    let saved = forest
    do throws(StorageError) {
      var transaction = try beginTransaction()
      try perform(actions, &transaction)
      try requireSpace(onlyDeletes: false)
      try logger?.finish()
      writer.reset()
      try transaction.commit(durable: false)
    } catch {
      rollBack(to: saved)
      throw error
    }
    committed(operationCount: actions.operationCount, byteCount: actions.byteCount)
  }

  /// Applies a batch to a tree, in pieces between its range deletes.
  func apply(
    _ batch: borrowing WriteBatch, to tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    writer.reset()
    var start = 0
    while start < batch.count {
      var end = start
      if batch.longest.hasRangeDelete {
        while end < batch.count, batch.entries[end].kind != .deleteRange { end += 1 }
      } else {
        end = batch.count
      }
      if end > start {
        sorted.fill(batch, start..<end)
        try writer.apply(sorted, to: &tree, &transaction)
      }
      if end < batch.count {
        let entry = batch.entries[end]
        writer.reset()
        try writer.deleteRange(
          Bytes(batch.key(of: entry)), Bytes(batch.operand(of: entry)), in: &tree, &transaction)
        writer.reset()
        end += 1
      }
      start = end
    }
    writer.reset()
  }

  /// Hands the operations of a batch to the log's open transaction.
  func logOperations(of batch: borrowing WriteBatch) throws(StorageError) {
    if logger == nil || isReplaying { return }
    for entry in batch.entries {
      try logger?.append(
        entry.kind.rawValue, Bytes(batch.key(of: entry)), Bytes(batch.operand(of: entry)))
    }
  }

  /// Hands an operation on buckets to the log's open transaction.
  func logOperation(_ kind: BucketOperation, _ name: [UInt8]) throws(StorageError) {
    if logger == nil || isReplaying { return }
    var failure: StorageError?
    name.withUnsafeBytes { bytes in
      do throws(StorageError) { try logger?.append(kind.rawValue, Bytes(bytes), .empty) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  // MARK: Transactions

  /// Opens a transaction. One that changes trees ends with `committed` or `rollBack`, which publish what snapshots then show.
  func beginTransaction(
    changesTrees: Bool = true
  ) throws(StorageError) -> VolumeTransaction {
    if changesTrees { volume.beginWriting() }
    while true {
      do throws(StorageError) {
        let transaction = try volume.beginTransaction()
        // After the volume took note of ended pins: what it may reuse from now on is out of the cache.
        store.forgetSuperseded()
        return transaction
      } catch {
        try shrinkCache(after: error)
      }
    }
  }

  /// Reserves scratch memory, taking it from the cache when it must.
  func requireScratch(_ byteCount: Int) throws(StorageError) {
    while true {
      do throws(StorageError) {
        return try volume.budget.require(byteCount, for: .mergeScratch)
      } catch {
        try shrinkCache(after: error)
      }
    }
  }

  /// Gives an eighth of the cache back to the budget, or throws `error` when it is small already or that does not help.
  func shrinkCache(after error: StorageError) throws(StorageError) {
    guard case .outOfBudget(_, let requested, _) = error else { throw error }
    let capacity = store.cache.capacityByteCount
    let smaller = capacity - max(capacity / 8, 1)
    guard requested <= volume.budget.limitByteCount / 2,
      smaller >= 32 * settings.geometry.pageByteCount * settings.cacheShardCount
    else { throw error }
    // What may have been reused already is not written to make room.
    store.forgetSuperseded()
    try store.cache.setCapacity(smaller, writer: store)
  }

  private func makeLogRoom(operationCount: Int, byteCount: Int) throws(StorageError) {
    guard let log, !isReplaying, logger != nil else { return }
    let needed = LogOperation.byteCount(operationCount: operationCount, operandByteCount: byteCount)
    do throws(StorageError) {
      try requireReplayable(growing: log.missingSegmentCount(needed))
      try log.ensureRoom(needed)
    } catch {
      try prepareRetry(after: error, false)
      try log.ensureRoom(needed)
    }
  }

  func rollBack(to saved: BTreeForest) {
    writer.reset()
    logger?.abandon()
    store.rolledBack()
    forest = saved
    volume.endWriting(forest)
    store.counts.pointee.rollbacks &+= 1
  }

  func committed(operationCount: Int, byteCount: Int) {
    store.committed(sequence: volume.commitSequence)
    volume.endWriting(forest)
    operationsSinceCheckpoint += operationCount
    bytesSinceCheckpoint += byteCount
  }

  /// Without room on the device, what earlier commits freed becomes room after two durable commits: once.
  private func prepareRetry(after error: StorageError, _ isRetry: Bool) throws(StorageError) {
    guard case .noSpace = error, !isRetry else { throw error }
    try publish(rewritesSpaceMap: true)
    try volume.checkpoint()
  }

  // MARK: Durability

  /// Makes everything visible durable.
  func makeDurable() throws(StorageError) {
    do throws(StorageError) {
      if logger != nil, let log { try log.sync() } else { try publish(rewritesSpaceMap: false) }
    } catch {
      // What is visible and what is durable have parted; only reopening heals that.
      volume.channel.poison(error.description)
      throw error
    }
  }

  func checkpointIfDue() throws(StorageError) {
    let isDue =
      (settings.checkpointOperationCount > 0
        && operationsSinceCheckpoint >= settings.checkpointOperationCount)
      || (settings.checkpointByteCount > 0 && bytesSinceCheckpoint >= settings.checkpointByteCount)
    if isDue { try publish(rewritesSpaceMap: false) }
    // Readers make room without writing, so that at most half of the pages are changed ones.
    if store.cache.dirtyByteCount > store.cache.capacityByteCount / 2 { try flush() }
  }

  /// Writes every changed page to its place.
  private func flush() throws(StorageError) {
    // What nobody sees any more has no place.
    store.forgetSuperseded()
    try store.cache.flushDirty(store)
  }

  /// Writes the changed pages and a superblock that reaches them.
  func publish(rewritesSpaceMap: Bool) throws(StorageError) {
    writer.reset()
    try flush()
    var transaction = try beginTransaction(changesTrees: false)
    let position = isReplaying ? replayPosition : log?.tailPosition ?? 0
    transaction.setRoot(
      BTreeRoot(
        pageByteCount: settings.geometry.pageByteCount, usesLog: settings.usesLog,
        birthNumber: store.births.number, logPosition: position, forest: forest
      ).encoded())
    // The log stays as it is while it is being replayed.
    if let log, !isReplaying { transaction.truncateLog(log, upTo: position) }
    if rewritesSpaceMap {
      try transaction.commit(durable: false)
      try volume.checkpoint()
    } else {
      try transaction.commit(durable: true)
    }
    operationsSinceCheckpoint = 0
    bytesSinceCheckpoint = 0
    debt = ReplayDebt()
    store.counts.pointee.checkpoints &+= 1
  }

  // MARK: Reading

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try requireOpen()
    return try get(key, in: forest.main, body)
  }

  func get(
    _ key: RawSpan, in tree: TreeState, _ body: (_ value: RawSpan) -> Void
  ) throws(EngineError) -> Bool {
    do throws(StorageError) {
      return try key.withUnsafeBytes { (bytes) throws(StorageError) in
        try store.get(Bytes(bytes), in: tree, body)
      }
    } catch {
      throw .storage(error)
    }
  }

  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try requireOpen()
    return makeCursor(forest.main, range, order, owner: nil)
  }

  func makeCursor(
    _ tree: TreeState, _ range: KeyRange, _ order: ScanOrder, owner: AnyObject?
  ) -> TreeCursor {
    TreeCursor(
      store, tree, range, order, readAheadLeafCount: settings.readAheadLeafCount, owner: owner)
  }

  public func makeSnapshot() throws(EngineError) -> any ReadView {
    try requireOpen()
    return volume.pinPublished(BTreeForest.self) { pin, forest in BTreeSnapshot(self, forest, pin) }
  }

  // MARK: Phase verbs

  public func checkpoint() throws(EngineError) {
    try requireWritable()
    try rethrowingStorageErrors { () throws(StorageError) in try publish(rewritesSpaceMap: false) }
  }

  /// Checkpoints, with the space map: the tree owes nothing.
  public func settle() throws(EngineError) {
    try requireWritable()
    try rethrowingStorageErrors { () throws(StorageError) in try publish(rewritesSpaceMap: true) }
  }

  public func dropCache() throws(EngineError) {
    try requireOpen()
    writer.reset()
    store.root.letGo()
    _ = store.cache.dropClean()
  }
}
