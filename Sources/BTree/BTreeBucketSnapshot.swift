// Buckets as they were at a snapshot's commit.
//
//   snapshot ─ catalogue root ─▶ records ─▶ a bucket's tree        each view keeps the snapshot, hence its pin
//
// Invariant: while a snapshot or one of its views lives, every page and long value of its buckets stays, also of those that were
// dropped since. When the last one ends, their extents are free after two more durable commits.

import KeyValue
import Primitives
import Storage

extension BTreeEngine {
  /// A stable view of everything, buckets included; as `makeSnapshot`.
  public func makeBucketSnapshot() throws(EngineError) -> BTreeSnapshot {
    guard let snapshot = try makeSnapshot() as? BTreeSnapshot else {
      preconditionFailure("A B-tree's snapshot is a BTreeSnapshot.")
    }
    return snapshot
  }
}

extension BTreeSnapshot {
  /// The names of the buckets there were, in key order. O(buckets).
  public func bucketNames() throws(EngineError) -> [[UInt8]] {
    if store.isClosed { throw .storage(.closed) }
    return try rethrowingStorageErrors { () throws(StorageError) in
      try store.allBuckets(in: forest).map(\.name)
    }
  }

  /// A view of a bucket as it was, nil when there was none. It keeps the snapshot.
  public func bucket(_ name: [UInt8]) throws(EngineError) -> (any ReadView)? {
    if store.isClosed { throw .storage(.closed) }
    let state = try rethrowingStorageErrors { () throws(StorageError) in
      try store.bucketState(name, in: forest)
    }
    return state.map { BTreeBucketSnapshot(self, $0) }
  }
}

/// One bucket at one commit.
private final class BTreeBucketSnapshot: ReadView {
  private let snapshot: BTreeSnapshot
  private let tree: TreeState

  init(_ snapshot: BTreeSnapshot, _ tree: TreeState) {
    self.snapshot = snapshot
    self.tree = tree
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    if snapshot.store.isClosed { throw .storage(.closed) }
    do throws(StorageError) {
      return try key.withUnsafeBytes { (bytes) throws(StorageError) in
        try snapshot.store.get(Bytes(bytes), in: tree, body)
      }
    } catch {
      throw .storage(error)
    }
  }

  func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    if snapshot.store.isClosed { throw .storage(.closed) }
    do throws(StorageError) { try snapshot.store.get(batch, in: tree, body) } catch { throw .storage(error) }
  }

  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    if snapshot.store.isClosed { throw .storage(.closed) }
    return TreeCursor(
      snapshot.store, tree, range, order, readAheadLeafCount: snapshot.readAheadLeafCount, owner: self)
  }
}
