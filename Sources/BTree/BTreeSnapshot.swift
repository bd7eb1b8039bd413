// A stable view: the roots of one commit, and a pin that keeps what they reach.
//
//   any thread  makeSnapshot ─▶ [ roots │ pin │ store of its own: way to the device, counters ] ─▶ that thread's reads
//                                                └─▶ the engine's cache, shared: hits without a lock, a shard's lock on a miss
//
// Invariants
// 1. A snapshot and its cursors are used by one thread at a time; different snapshots by different threads at once, beside
//    the one thread that writes. It may be made and let go on any thread.
// 2. It shares with the writer: the cache (a shard's lock on a miss), the table of pins (when it begins and ends), the device.
//    Under none of these locks does a reader wait, read or check, so the writer does not wait for readers.
// 3. What it did is counted in the engine when it ends; what it moved is in the channel's ledger at once.

import KeyValue
import Primitives
import Storage

// The witnesses are documented at `ReadView`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// All trees as they were at one commit: the engine's own keys, and the buckets there were.
public final class BTreeSnapshot: ReadView, @unchecked Sendable {
  // Sendable: invariant 1 is the caller's.

  private let engine: BTreeEngine
  let forest: BTreeForest
  /// Reads for this snapshot.
  let store: NodeStore
  private let pin: VolumePin

  init(_ engine: BTreeEngine, _ forest: BTreeForest, _ pin: consuming VolumePin) {
    self.engine = engine
    self.forest = forest
    self.pin = pin
    store = NodeStore(reading: engine.store)
  }

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    if store.isClosed { throw .storage(.closed) }
    do throws(StorageError) {
      return try key.withUnsafeBytes { (bytes) throws(StorageError) in
        try store.get(Bytes(bytes), in: forest.main, body)
      }
    } catch {
      throw .storage(error)
    }
  }

  public func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    if store.isClosed { throw .storage(.closed) }
    do throws(StorageError) { try store.get(batch, in: forest.main, body) } catch { throw .storage(error) }
  }

  /// A cursor; it keeps the snapshot.
  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    if store.isClosed { throw .storage(.closed) }
    return TreeCursor(
      store, forest.main, range, order, readAheadLeafCount: engine.settings.readAheadLeafCount, owner: self)
  }
}
