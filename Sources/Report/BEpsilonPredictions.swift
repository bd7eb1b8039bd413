// The Bε-tree's predictions: from a run's sizes and settings to F, the levels below the cache, and from there to bytes.
//
// Assumed, and nowhere measured:
//   - a cell takes 8 bytes beside key and value; leaves are as full as random inserts leave them, ln 2;
//   - six tenths of the memory hold nodes (the rest is headroom, log and directory); upper levels are cached first;
//   - one flush moves what a full node holds for one child on average, (B − F) ÷ F: the fullest child first moves more, so the
//     written bytes are bounds from above.

import CostModel
import Primitives
import Results

extension Predictions.Conditions {
  /// Bytes of a message or an entry.
  private var cellByteCount: Double { recordByteCount + 8 }

  /// F as the engine computes it; nil when the record does not say.
  var nodeFanout: Double? {
    guard let node = number("node_bytes") else { return nil }
    if let fanout = number("fanout") { return fanout }
    guard let epsilon = parameters["epsilon"].flatMap({ Double($0) }) else { return nil }
    let unit = parameters["unit"] == "bytes" ? 1 : number("entry_bytes") ?? 128
    return BEpsilonTreeModel.fanout(
      nodeEntryCount: DeterministicMath.floor(node / unit), epsilon: epsilon)
  }

  /// Bytes of nodes the engine keeps in memory.
  private var nodeCacheByteCount: Double { 0.6 * memoryByteCount }

  /// The tree, with B in entries of this run.
  var bufferedTree: BEpsilonTreeModel? {
    guard let node = number("node_bytes"), let fanout = nodeFanout, node >= 2 * cellByteCount else {
      return nil
    }
    return BEpsilonTreeModel(
      entryCount: records, cachedEntryCount: max(1, min(records, nodeCacheByteCount / cellByteCount)),
      nodeEntryCount: node / cellByteCount, fanout: fanout, entryByteCount: cellByteCount)
  }
}

extension Predictions {
  static let bufferedTreeModels: [Model] = [
    Model(
      name: "be_tree_load", engine: "bepsilon", phaseKind: "load", metric: "device_write_bytes",
      per: "operations",
      words:
        "a bound: the log, the entry at rest, and parent and child of every flush below the cache, "
        + "2F·log_F(N ÷ M) (Bender et al., TOPC 2021, Theorem 4); random keys",
      predict: { run in
        guard run.loadOrder == "random", let tree = run.bufferedTree else { return nil }
        return (2 + tree.writeAmplification) * tree.entryByteCount
      })
  ]
}
