// A stable view: the roots of one commit, and a pin that keeps what they reach.

import KeyValue
import Primitives
import Storage

/// All trees as they were at one commit.
final class BTreeSnapshot: ReadView {
  private let engine: BTreeEngine
  let forest: BTreeForest
  private let pin: VolumePin

  init(_ engine: BTreeEngine, _ forest: BTreeForest, _ pin: consuming VolumePin) {
    self.engine = engine
    self.forest = forest
    self.pin = pin
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try engine.requireOpen()
    return try engine.get(key, in: forest.main, body)
  }

  func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    try engine.requireOpen()
    do throws(StorageError) { try engine.store.get(batch, in: forest.main, body) } catch {
      throw .storage(error)
    }
  }

  /// A cursor; it keeps the snapshot.
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try engine.requireOpen()
    return engine.makeCursor(forest.main, range, order, owner: self)
  }
}
