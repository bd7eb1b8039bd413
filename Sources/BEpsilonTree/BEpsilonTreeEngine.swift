// The Bε-tree: writes are messages that gather in buffers and move down in batches; reads meet them on the way.
//
//   apply   batch ─▶ room in the root (flush, checkpoint) ─▶ log ─▶ the root's buffers ─▶ flush what is too full
//   get     root ─▶ … ─▶ leaf: entry under the messages met on the way
//   crash   last durable tree, then the log's batches behind it
//
//   checkpoint   changed nodes to new extents ─▶ their numbers to the directory ─▶ superblock ─▶ the log is cut
//
// A node keeps its number when it moves, so writing a leaf copies no path: the directory's pages are the price.
//
// Invariants
// 1. Whatever can fail happens before a batch enters the log, or after it is visible without changing an answer: a batch that
//    is refused left no trace. What could not be flushed after a batch is flushed before the next one, or that is refused.
// 2. Every batch since the last durable tree is in the log, in order; a log record is durable before `apply(sync: true)`
//    returns.
// 3. A durable superblock names a directory whose nodes hold exactly the batches before its log position. No other durable
//    commit is made: replay applies nothing twice.
// 4. After a device write failed nothing is written any more, and reopening gives a committed prefix.
// 5. A snapshot is a state whose nodes are all on the device: taking one writes what changed, and a pin keeps those extents.
//
// Deviation: a batch larger than the room in the root waits there whole until it is flushed.
//
// Source: M. A. Bender et al., "An Introduction to Bε-trees and Write-Optimization", ;login: 40(5), 2015; W. Jannen et al.,
// "BetrFS: A Right-Optimized Write-Optimized File System", FAST 2015, section 2 (node and basement layout, log and checkpoint).

import Accounting
import KeyValue
import Primitives
import Storage

// The witnesses are documented at `Engine`, `ReadView` and `Cursor`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The Bε-tree engine.
public final class BEpsilonTreeEngine: Engine {
  public let limits: EngineLimits
  let volume: Volume
  let settings: BEpsilonSettings
  let syncEveryCommits: Int
  let table: NodeTable
  let writer: TreeWriter
  let reader: TreeReader
  /// Set between opening and close.
  @exclusivity(unchecked) private(set) var log: VolumeLog?
  @exclusivity(unchecked) private var logger: LogTransactionWriter?
  @exclusivity(unchecked) var operationsSinceCheckpoint = 0
  /// Message bytes taken since then, where there is no log.
  @exclusivity(unchecked) var bytesSinceCheckpoint = 0
  @exclusivity(unchecked) var checkpointPosition: UInt64 = 0
  /// The newest durable tree; nil while its root was not looked at.
  @exclusivity(unchecked) var replayStart: ReplayStart?
  @exclusivity(unchecked) var roomAfterCrash = RoomAfterCrash(epoch: .max)
  /// Batches behind it.
  @exclusivity(unchecked) var debt = ReplayDebt()
  /// Whether patches wait in buffers that may make values long.
  @exclusivity(unchecked) var holdsFarPatches = false
  @exclusivity(unchecked) private var isClosed = false
  /// Batches applied by this opening; ends the windows of cursors.
  @exclusivity(unchecked) private(set) var changeCount: UInt64 = 0
  /// Batches after which flushing failed and was left to the next one.
  @exclusivity(unchecked) private(set) var postponedFlushCount: UInt64 = 0

  // MARK: Opening and closing

  public static func open(
    _ environment: EngineEnvironment, parameters: ParameterSet
  ) throws(EngineError) -> BEpsilonTreeEngine {
    let settings = try BEpsilonSettings(
      EngineSetting(
        parameters: parameters, memoryBudgetByteCount: environment.budget.limitByteCount,
        transferUnitByteCount: environment.channel.transferUnitByteCount,
        capacityByteCount: environment.channel.device.capacityByteCount,
        syncEveryCommits: environment.syncEveryCommits))
    let configuration = VolumeConfiguration(engineTag: descriptor.name, seed: environment.seed)
    let volume: Volume
    let root: BEpsilonRoot?
    do throws(StorageError) {
      if environment.creates {
        volume = try Volume.create(
          channel: environment.channel, budget: environment.budget, configuration: configuration)
      } else {
        volume = try Volume.open(
          channel: environment.channel, budget: environment.budget, configuration: configuration)
      }
      root = try BEpsilonRoot.decode(volume.root)
    } catch {
      throw .storage(error)
    }
    if let root { try requireSame(root, settings) }
    do throws(StorageError) {
      let engine = try BEpsilonTreeEngine(volume, root, settings, environment)
      try engine.begin(root)
      return engine
    } catch {
      throw .storage(error)
    }
  }

  private static func requireSame(
    _ root: BEpsilonRoot, _ settings: BEpsilonSettings
  ) throws(EngineError) {
    if root.durability != settings.durability {
      throw .invalidParameters(
        reason:
          "the volume was made with durability \(root.durability.rawValue), the parameters say "
          + "\(settings.durability.rawValue)")
    }
    let geometry = settings.geometry
    let found = (root.nodeByteCount, root.fanout, root.unitByteCount)
    let wanted = (geometry.nodeByteCount, geometry.fanout, geometry.unit.byteCount)
    if found == wanted { return }
    throw .invalidParameters(
      reason:
        "the volume holds nodes of \(found.0) bytes with \(found.1) children, B counted in units of \(found.2) "
        + "bytes; the parameters say \(wanted.0), \(wanted.1) and \(wanted.2)")
  }

  private init(
    _ volume: Volume, _ root: BEpsilonRoot?, _ settings: BEpsilonSettings, _ environment: EngineEnvironment
  ) throws(StorageError) {
    self.volume = volume
    self.settings = settings
    syncEveryCommits = environment.syncEveryCommits
    limits = settings.limits
    table = NodeTable(
      volume: volume, settings: settings,
      births: root.map { BirthClock(reopenedAt: $0.birthNumber, epoch: volume.durableEpoch) }
        ?? BirthClock(number: 0))
    writer = TreeWriter(table: table, settings: settings)
    reader = TreeReader(table: table, maximumValueByteCount: settings.maximumValueByteCount)
    do throws(StorageError) {
      try volume.budget.require(table.reservedByteCount, for: .frames)
    } catch {
      volume.close()
      isClosed = true
      throw error
    }
  }

  /// Makes an empty tree, or replays what is behind the root.
  private func begin(_ root: BEpsilonRoot?) throws(StorageError) {
    if let root {
      table.shape = root.shape
      table.levels = root.levels
      table.owesShape = root.owesShape
      holdsFarPatches = root.holdsFarPatches
    }
    if settings.durability == .log { try beginLog(root) }
    if root == nil {
      let leaf = try table.makeNode(level: 0, reserving: 2)
      leaf.appendPart(NodePart())
      table.shape.root = leaf.number
      try publish(rewritesSpaceMap: false)
    }
  }

  /// Opens the log and replays what is behind the root.
  private func beginLog(_ root: BEpsilonRoot?) throws(StorageError) {
    let opened = try volume.openLog(0, configuration: settings.log)
    log = opened
    logger = LogTransactionWriter(opened)
    try withMemoryForRecords(of: opened) { () throws(StorageError) in
      if let root {
        try replay(opened, from: root.logPosition)
      } else {
        _ = try opened.replay { _, _ in true }
      }
    }
  }

  public func close() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in try publish(rewritesSpaceMap: true) }
    release()
  }

  deinit { if !isClosed { release() } }

  private func release() {
    isClosed = true
    logger = nil
    log = nil
    volume.budget.release(table.reservedByteCount, for: .frames)
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
        if log == nil { try commitCopy(batch) } else { try commit(batch) }
      }
      if sync { try makeDurable() }
    } catch {
      throw .storage(error)
    }
  }

  /// Makes a batch visible and logs it, or changes nothing.
  private func commit(_ batch: borrowing WriteBatch) throws(StorageError) {
    guard let log else { throw .closed }
    let logByteCount = LogTransactionWriter.byteCount(
      operationByteCount: LogTransactionWriter.cellByteCount(batch))
    let messageByteCount = LongOperands.messageByteCount(batch, limitByteCount: table.inlineLimitByteCount)
    var long = LongOperands(limitByteCount: table.inlineLimitByteCount)
    var needs = ReplayDebt()
    var search = SpaceSearch()
    while true {
      do throws(StorageError) {
        try checkpointIfDue()
        if replayStart == nil { try noteReplayStart() }
        try writer.makeRoom(for: messageByteCount, batch)
        needs = table.debt(of: batch, rootPartCount: replayStart?.partCount ?? 1)
        try requireSpace(needs, logByteCount: logByteCount)
        try log.ensureRoom(logByteCount)
        long = try LongOperands(batch, table)
        break
      } catch {
        try makeSpace(after: error, &search)
      }
    }
    let way: BufferBypass?
    let root: TreeNode
    do throws(StorageError) {
      way = settings.bypassesBuffers ? writer.wayAroundBuffers(batch) : nil
      root = try writer.root()
      try logger?.append(batch)
    } catch {
      for reference in long.references { table.release(reference) }
      throw error
    }
    changeCount &+= 1
    operationsSinceCheckpoint += batch.count
    note(needs)
    if let way { writer.insert(batch, along: way) } else { writer.insert(batch, long, into: root) }
    restoreShape(way)
  }

  /// Makes a batch visible where nodes are copied, or changes nothing.
  private func commitCopy(_ batch: borrowing WriteBatch) throws(StorageError) {
    let byteCount = LongOperands.messageByteCount(batch, limitByteCount: table.inlineLimitByteCount)
    var search = SpaceSearch()
    while true {
      var long = LongOperands(limitByteCount: table.inlineLimitByteCount)
      do throws(StorageError) {
        try checkpointIfDue()
        try writer.relieveRootIfNeeded()
        try table.makeRoom(byteCount * 2, mayWrite: true)
        try requireSpace(table.debt(of: batch, rootPartCount: 1), logByteCount: 0)
        long = try LongOperands(batch, table)
        var messages = writer.messages(of: batch, long)
        if writer.needsBuffer(messages) { writer.putBufferOverRootLeaf() }
        try writer.sendToRoot(&messages)
        break
      } catch {
        for reference in long.references { table.release(reference) }
        try makeSpace(after: error, &search)
      }
    }
    changeCount &+= 1
    operationsSinceCheckpoint += batch.count
    bytesSinceCheckpoint += byteCount
    restoreShape(nil)
  }

  /// Flushes what became too full. The batch is visible and logged by now, so a failure is not its own: the tree answers as
  /// before, and the next batch makes room first, or is refused with the same error.
  private func restoreShape(_ way: BufferBypass?) {
    do throws(StorageError) {
      if let way { try writer.restoreShape(along: way) }
      try writer.throwPostponed()
      if log == nil { try writer.relieveRootIfNeeded() } else { try writer.relieveRoot(adding: 0) }
      try table.makeRoom(0, mayWrite: true)
      try table.limitDirty()
      try table.freeReleased()
    } catch {
      postponedFlushCount &+= 1
      table.owesShape = true
    }
  }

  // MARK: Reading

  /// The newest state.
  var newest: TreeState { TreeState(shape: table.shape, nodes: nil) }

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try requireOpen()
    return try get(key, in: newest, body)
  }

  func get(
    _ key: RawSpan, in state: TreeState, _ body: (_ value: RawSpan) -> Void
  ) throws(EngineError) -> Bool {
    do throws(StorageError) {
      return try key.withUnsafeBytes { (bytes) throws(StorageError) in
        try reader.get(Bytes(bytes), in: state, body)
      }
    } catch {
      throw .storage(error)
    }
  }

  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try requireOpen()
    return TreeCursor(self, { [unowned self] in newest }, range, order, owner: nil)
  }

  public func makeSnapshot() throws(EngineError) -> any ReadView {
    try requireOpen()
    return try rethrowingStorageErrors { () throws(StorageError) in
      try table.writeAll()
      let pin = volume.pin()
      return BEpsilonSnapshot(
        self,
        SnapshotNodes(shape: table.shape, directory: volume.makeDirectorySnapshot(), pin: pin))
    }
  }

  // MARK: Phase verbs

  public func checkpoint() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in try publish(rewritesSpaceMap: false) }
  }

  /// Flushes every message to its leaf and checkpoints, with the space map: the tree owes nothing, no message and no extent.
  public func settle() throws(EngineError) {
    try requireOpen()
    try rethrowingStorageErrors { () throws(StorageError) in
      var search = SpaceSearch()
      while true {
        do throws(StorageError) {
          try writer.flushEverything()
          break
        } catch {
          try makeSpace(after: error, &search)
        }
      }
      holdsFarPatches = false
      table.owesShape = false
      // What the flushes gave up is free one durable commit later.
      try publish(rewritesSpaceMap: false)
      try publish(rewritesSpaceMap: true)
    }
  }

  public func dropCache() throws(EngineError) {
    try requireOpen()
    table.dropClean()
  }
}

/// All keys as they were when it was taken.
final class BEpsilonSnapshot: ReadView {
  private let engine: BEpsilonTreeEngine
  private let nodes: SnapshotNodes

  init(_ engine: BEpsilonTreeEngine, _ nodes: SnapshotNodes) {
    self.engine = engine
    self.nodes = nodes
  }

  deinit { engine.table.forget(nodes) }

  private var state: TreeState { TreeState(shape: nodes.shape, nodes: nodes) }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try engine.requireOpen()
    return try engine.get(key, in: state, body)
  }

  /// A cursor; it keeps the snapshot.
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try engine.requireOpen()
    let state = state
    return TreeCursor(engine, { state }, range, order, owner: self)
  }
}
