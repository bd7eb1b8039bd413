// Transactions over several buckets, and buckets as views: what the tree offers beside the contract all engines share.
//
//   write { t in t.create("a"); t.put("a", k, v); t.drop("b") }     all of it becomes visible, or none
//           └ throws ─▶ nothing happened                            what was gathered is forgotten
//
// Invariants
// 1. A transaction gathers; nothing reaches a page, the log or the device before its closure returned. A closure that throws
//    therefore leaves no trace.
// 2. Reads inside the closure see the state before the transaction.

import KeyValue
import Primitives
import Storage

/// Writes gathered for one atomic change.
public struct BTreeTransaction: ~Copyable {
  var actions = ActionList()
  private var selected: [UInt8] = []
  private let limits: EngineLimits

  init(limits: EngineLimits) { self.limits = limits }

  /// Adds a write to a bucket, which exists by then; nil is the engine's own keys.
  ///
  /// - Throws: `.limitExceeded` for a key or value that is too long.
  public mutating func append(
    _ kind: OperationKind, in bucket: [UInt8]? = nil, key: UnsafeRawBufferPointer,
    operand: UnsafeRawBufferPointer
  ) throws(EngineError) {
    var batch = WriteBatch(reservedByteCount: 64)
    batch.append(kind, key: key, operand: operand)
    try batch.check(against: limits)
    select(bucket ?? [])
    actions.append(kind, Bytes(key), Bytes(operand))
  }

  /// Adds a put.
  public mutating func put(_ key: [UInt8], _ value: [UInt8], in bucket: [UInt8]? = nil) throws(EngineError) {
    try append(.put, in: bucket, key, value)
  }

  /// Adds a delete.
  public mutating func delete(_ key: [UInt8], in bucket: [UInt8]? = nil) throws(EngineError) {
    try append(.delete, in: bucket, key, [])
  }

  /// Makes a bucket; one that exists stays as it is. A name has at least one byte and is no longer than a key.
  public mutating func create(_ bucket: [UInt8]) throws(EngineError) {
    try checkName(bucket)
    actions.append(.create, bucket)
  }

  /// Drops a bucket and gives its pages back; one that does not exist is no mistake. O(pages of the bucket).
  public mutating func drop(_ bucket: [UInt8]) throws(EngineError) {
    try checkName(bucket)
    actions.append(.drop, bucket)
  }

  private func checkName(_ bucket: [UInt8]) throws(EngineError) {
    if bucket.isEmpty {
      throw .unsupported(
        what: "a bucket without a name", reason: "the empty name stands for the engine's own keys")
    }
    if bucket.count > limits.maximumKeyByteCount {
      throw .limitExceeded(
        what: "bucket name byte count", given: bucket.count, limit: limits.maximumKeyByteCount)
    }
  }

  private mutating func append(
    _ kind: OperationKind, in bucket: [UInt8]?, _ key: [UInt8], _ operand: [UInt8]
  ) throws(EngineError) {
    var failure: EngineError?
    key.withUnsafeBytes { k in
      operand.withUnsafeBytes { o in
        do throws(EngineError) { try append(kind, in: bucket, key: k, operand: o) } catch { failure = error }
      }
    }
    if let failure { throw failure }
  }

  private mutating func select(_ bucket: [UInt8]) {
    if bucket == selected { return }
    selected = bucket
    actions.append(.select, bucket)
  }
}

extension BTreeEngine {
  /// Gathers writes in `body` and makes them visible together, with `sync` also durable.
  ///
  /// - Throws: what `body` throws, with nothing changed; `.storage(.notFound)` for a write to a bucket that does not exist,
  ///   with nothing changed; as `apply`.
  public func write(
    sync: Bool = false, _ body: (inout BTreeTransaction) throws(EngineError) -> Void
  ) throws(EngineError) {
    try requireWritable()
    var transaction = BTreeTransaction(limits: limits)
    try body(&transaction)
    let actions = transaction.actions
    try rethrowingStorageErrors { () throws(StorageError) in
      if !actions.actions.isEmpty { try commit(actions) }
      if sync { try makeDurable() }
      try checkpointIfDue()
    }
  }

  /// The names of all buckets, in key order. O(buckets).
  public func bucketNames() throws(EngineError) -> [[UInt8]] {
    try requireOpen()
    let forest = forest
    return try rethrowingStorageErrors { () throws(StorageError) in
      try store.allBuckets(in: forest).map(\.name)
    }
  }

  /// A view of a bucket's newest state, nil when there is none; valid until the next write.
  public func bucket(_ name: [UInt8]) throws(EngineError) -> (any ReadView)? {
    try requireOpen()
    let state = try rethrowingStorageErrors { () throws(StorageError) in try bucketState(name) }
    return state.map { BTreeBucketView(self, $0) }
  }
}

/// One bucket's newest state.
private final class BTreeBucketView: ReadView {
  private let engine: BTreeEngine
  private let tree: TreeState

  init(_ engine: BTreeEngine, _ tree: TreeState) {
    self.engine = engine
    self.tree = tree
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try engine.requireOpen()
    return try engine.get(key, in: tree, body)
  }

  func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    try engine.requireOpen()
    do throws(StorageError) { try engine.store.get(batch, in: tree, body) } catch { throw .storage(error) }
  }

  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try engine.requireOpen()
    return engine.makeCursor(tree, range, order, owner: nil)
  }
}
