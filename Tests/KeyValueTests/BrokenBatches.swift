// The canaries' reads of several keys and their bulk loads.

import KeyValue
import Primitives

extension BrokenEngine {
  func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    var seen: Set<[UInt8]> = []
    for index in 0..<batch.count {
      if !seen.insert([UInt8](batch[index])).inserted, fault == .batchSkipsTheSecondOfTwo { continue }
      let place = fault == .batchAnswersTheNeighbour && index > 0 ? index - 1 : index
      let isFound = try get(batch[index].bytes) { body(place, $0) }
      if !isFound, fault == .batchStopsAtTheFirstMissing { return }
    }
  }

  func makeBulkLoad() throws(EngineError) -> any BulkLoad { BrokenBulkLoad(self) }
}

private final class BrokenBulkLoad: BulkLoad {
  private let engine: BrokenEngine
  private var order = BulkOrder()
  private var isOver = false
  private var last: [UInt8]?

  init(_ engine: BrokenEngine) { self.engine = engine }

  func append(_ batch: borrowing WriteBatch) throws(EngineError) {
    do throws(EngineError) {
      if engine.fault != .bulkLoadTakesWhatIsUnsorted { try order.check(batch) }
      try engine.apply(batch, sync: false)
    } catch {
      isOver = true
      throw error
    }
    if let entry = batch.entries.last { last = [UInt8](batch.key(of: entry)) }
  }

  func finish() throws(EngineError) {
    if isOver { throw .unsupported(what: "the end of a bulk load", reason: "the load is over") }
    if engine.fault == .bulkLoadLosesItsLastEntry, let last { try engine.delete(last) }
  }
}
