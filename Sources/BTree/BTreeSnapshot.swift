// A stable view: the roots of one commit, and a pin that keeps what they reach.

import KeyValue
import Primitives
import Storage

// The witnesses are documented at `ReadView`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// All trees as they were at one commit: the engine's own keys, and the buckets there were.
public final class BTreeSnapshot: ReadView {
  let engine: BTreeEngine
  let forest: BTreeForest
  private let pin: VolumePin
  /// Reads for this snapshot.
  var store: NodeStore { engine.store }

  init(_ engine: BTreeEngine, _ forest: BTreeForest, _ pin: consuming VolumePin) {
    self.engine = engine
    self.forest = forest
    self.pin = pin
  }

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try engine.requireOpen()
    return try engine.get(key, in: forest.main, body)
  }

  public func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    try engine.requireOpen()
    do throws(StorageError) { try engine.store.get(batch, in: forest.main, body) } catch {
      throw .storage(error)
    }
  }

  /// A cursor; it keeps the snapshot.
  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try engine.requireOpen()
    return engine.makeCursor(forest.main, range, order, owner: self)
  }
}
