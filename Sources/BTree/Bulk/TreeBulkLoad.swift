// The B-tree's bulk load: one transaction from its first page to the superblock that makes the tree visible and durable.
//
//   open ── append … ──▶ finish: root in memory, then changed pages and superblock
//     └── refused, failed, or let go ─▶ the transaction is undone: its extents are free again, nothing was ever visible
//
// Invariants
// 1. It fills the engine's own keys, and only while there are none; otherwise batches are applied one by one.
// 2. While it is open nothing else writes. Readers and snapshots see the state before it.
// 3. Its entries are in no log: it ends with a durable tree, behind which the log begins anew.

import KeyValue
import Primitives
import Storage

/// A bulk load under way.
final class TreeBulkLoad: BulkLoad {
  private let engine: BTreeEngine
  private var transaction: VolumeTransaction?
  private var builder: TreeBuilder
  private var order = BulkOrder()
  private var heldByteCount: Int
  private var byteCount = 0
  private var entryCount = 0

  /// Begins; `heldByteCount` bytes of the budget are the load's to give back.
  init(
    _ engine: BTreeEngine, _ transaction: consuming VolumeTransaction, _ builder: consuming TreeBuilder,
    heldByteCount: Int
  ) {
    self.engine = engine
    self.transaction = consume transaction
    self.builder = builder
    self.heldByteCount = heldByteCount
  }

  deinit { abandon() }

  /// Undoes everything.
  func abandon() {
    transaction = nil
    release()
  }

  private func release() {
    if heldByteCount == 0 { return }
    engine.volume.budget.release(heldByteCount, for: .mergeScratch)
    heldByteCount = 0
    engine.isBulkLoading = false
  }

  func append(_ batch: borrowing WriteBatch) throws(EngineError) {
    guard var open = transaction.take() else {
      throw .unsupported(what: "an addition to a bulk load", reason: "the load is over")
    }
    do throws(EngineError) {
      try engine.requireOpen()
      try batch.check(against: engine.limits)
      try order.check(batch)
      for entry in batch.entries {
        let key = Bytes(batch.key(of: entry))
        let value = Bytes(batch.operand(of: entry))
        do throws(StorageError) { try builder.append(key, value, &open) } catch { throw .storage(error) }
      }
    } catch {
      open.rollback()
      release()
      throw error
    }
    byteCount += batch.byteCount
    entryCount += batch.count
    transaction = consume open
  }

  func finish() throws(EngineError) {
    guard var open = transaction.take() else {
      throw .unsupported(what: "the end of a bulk load", reason: "the load is over")
    }
    defer { release() }
    try engine.requireOpen()
    do throws(StorageError) {
      let tree: TreeState
      do throws(StorageError) {
        tree = try builder.finish(&open)
      } catch {
        open.rollback()
        throw error
      }
      try engine.finishBulkLoad(tree, open, entryCount: entryCount, byteCount: byteCount)
    } catch {
      throw .storage(error)
    }
  }
}

extension BTreeEngine {
  /// Begins a bulk load of the engine's own keys; while there are some, batches are applied.
  public func makeBulkLoad() throws(EngineError) -> any BulkLoad {
    try requireWritable()
    if forest.main.entryCount > 0 { return makeBatchedBulkLoad() }
    // As much as a few hundred pages, but a small part of the cache.
    let batch = max(16 * settings.geometry.pageByteCount, min(1 << 20, store.cache.capacityByteCount / 16))
    let held = TreeBuilder.memoryByteCount(settings.geometry, writeBatchByteCount: batch)
    do throws(StorageError) {
      writer.reset()
      try requireScratch(held)
      let load: TreeBulkLoad
      do throws(StorageError) {
        load = TreeBulkLoad(
          self, try beginTransaction(changesTrees: false),
          TreeBuilder(store, fillPercent: settings.bulkFillPercent, writeBatchByteCount: batch),
          heldByteCount: held)
      } catch {
        volume.budget.release(held, for: .mergeScratch)
        throw error
      }
      openBulkLoad = load
      isBulkLoading = true
      return load
    } catch {
      throw .storage(error)
    }
  }

  /// Makes a tree that was built the engine's own, visible and durable.
  func finishBulkLoad(
    _ tree: TreeState, _ transaction: consuming VolumeTransaction, entryCount: Int, byteCount: Int
  ) throws(StorageError) {
    let saved = forest
    // From here on: until now snapshots were handed out.
    volume.beginWriting()
    do throws(StorageError) {
      // An empty leaf may be left of an earlier tree.
      try writer.dropTree(&forest.main, &transaction)
      forest.main = tree
      try transaction.commit(durable: false)
    } catch {
      rollBack(to: saved)
      throw error
    }
    committed(operationCount: entryCount, byteCount: byteCount)
    do throws(StorageError) {
      try publish(rewritesSpaceMap: false)
    } catch {
      // What is visible and what is durable have parted; only reopening heals that.
      volume.channel.poison(error.description)
      throw error
    }
  }

  /// Refuses what writes while a bulk load is under way.
  func requireWritable() throws(EngineError) {
    try requireOpen()
    if isBulkLoading {
      throw .unsupported(
        what: "a write during a bulk load",
        reason: "finish the load, or let it go, before anything else is written")
    }
  }
}
