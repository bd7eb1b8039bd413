// Loading what is sorted already: an engine that knows that no key comes twice and none out of order can build its structure
// from full blocks, each written once.
//
//   makeBulkLoad ─▶ append(puts in ascending order) … ─▶ finish     everything is there, and durable
//                       └─ let go without finish ─▶ as if it had never begun    (engines with a bulk load of their own)
//
// Invariants
// 1. Keys ascend strictly within a load and over its batches; one that does not is refused, and the load is over.
// 2. Between `makeBulkLoad` and `finish` nothing else is written to the engine, and readers see the state before the load
//    (or, where batches are applied one by one, some prefix of it).

import Primitives

/// A load of sorted entries that is under way. Used by one thread.
public protocol BulkLoad: AnyObject {
  /// Adds the puts of a batch, whose keys ascend and lie above all added before.
  ///
  /// - Throws: `.unsupported` for a key out of order or an operation that is no put, `.limitExceeded`, `.storage`. After a
  ///   throw the load is over; an engine's own bulk load has then left no trace.
  func append(_ batch: borrowing WriteBatch) throws(EngineError)

  /// Makes everything that was added visible and durable.
  func finish() throws(EngineError)
}

/// What holds the keys of a bulk load against their order.
public struct BulkOrder: ~Copyable {
  private var last: UnsafeMutableRawPointer
  private var capacityByteCount = 64
  private var lastByteCount = -1

  /// No key yet.
  public init() { last = .allocate(byteCount: 64, alignment: 8) }

  deinit { last.deallocate() }

  /// Takes the operations of a batch.
  ///
  /// - Throws: `.unsupported` when one is no put or not above the one before.
  public mutating func check(_ batch: borrowing WriteBatch) throws(EngineError) {
    var beforeStart = UnsafeRawPointer(last)
    var beforeCount = lastByteCount
    for entry in batch.entries {
      guard entry.kind == .put else {
        throw .unsupported(
          what: "operation \(entry.kind) in a bulk load", reason: "a bulk load consists of puts")
      }
      let key = batch.key(of: entry)
      let start = key.baseAddress ?? beforeStart
      if beforeCount >= 0, compareKeys(beforeStart, beforeCount, start, key.count) >= 0 {
        throw .unsupported(
          what: "a bulk load of unsorted keys",
          reason: "key \(short(key)) does not come after the one before it")
      }
      (beforeStart, beforeCount) = (start, key.count)
    }
    if batch.count == 0 { return }
    if beforeCount > capacityByteCount {
      last.deallocate()
      capacityByteCount = beforeCount
      last = .allocate(byteCount: beforeCount, alignment: 8)
    }
    last.copyMemory(from: beforeStart, byteCount: beforeCount)
    lastByteCount = beforeCount
  }
}

/// The bulk load of an engine that has none: every batch is applied.
private final class BatchedBulkLoad: BulkLoad {
  private let engine: any Engine
  private var order = BulkOrder()
  private var isOver = false

  init(_ engine: any Engine) { self.engine = engine }

  func append(_ batch: borrowing WriteBatch) throws(EngineError) {
    if isOver { throw .unsupported(what: "an addition to a bulk load", reason: "the load is over") }
    do throws(EngineError) {
      try order.check(batch)
      try engine.apply(batch, sync: false)
    } catch {
      isOver = true
      throw error
    }
  }

  func finish() throws(EngineError) {
    if isOver { throw .unsupported(what: "the end of a bulk load", reason: "the load is over") }
    isOver = true
    try engine.checkpoint()
  }
}

extension Engine {
  /// A load that applies each batch as it comes and ends with a checkpoint: what an engine without anything better does.
  public func makeBulkLoad() throws(EngineError) -> any BulkLoad { makeBatchedBulkLoad() }

  /// A load that applies each batch as it comes.
  public func makeBatchedBulkLoad() -> any BulkLoad { BatchedBulkLoad(self) }
}
