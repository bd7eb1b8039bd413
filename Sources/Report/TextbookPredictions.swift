// The trade-off as the textbook's table states it, beside what one real tree does: constants one, no cache, no fill, every level
// a transfer of a whole node.
//
//   insert  log_B N ÷ (ε·B^(1−ε)) nodes        query  log_B N ÷ ε reads        B in entries of the run
//
// Where the measured lines bend as these do, the table holds; how far they lie apart is what its constants hide.
//
// Source: M. A. Bender et al., "An Introduction to Bε-trees and Write-Optimization", ;login: 40(5), 2015, Table 1.

import CostModel
import Primitives
import Results

extension Predictions.Conditions {
  /// ε of the fanout; nil where the form has none (F = 2 at ε = 0 counts as the ε it is).
  private var textbookEpsilon: Double? {
    guard let tree = bufferedTree, tree.nodeEntryCount > 2 else { return nil }
    let epsilon = tree.effectiveEpsilon
    return epsilon > 0 ? min(1, epsilon) : nil
  }

  /// Blocks of `blockByteCount` bytes that the table's insert moves.
  func textbookInsertBlockCount(blockByteCount: Double) -> Double? {
    guard let tree = bufferedTree, let epsilon = textbookEpsilon else { return nil }
    let nodes = BEpsilonTreeModel.textbookInsertTransferCount(
      entryCount: tree.entryCount, nodeEntryCount: tree.nodeEntryCount, epsilon: epsilon)
    return nodes * tree.nodeEntryCount * tree.entryByteCount / blockByteCount
  }

  /// Reads of the table's point query.
  var textbookQueryReadCount: Double? {
    guard let tree = bufferedTree, let epsilon = textbookEpsilon else { return nil }
    return BEpsilonTreeModel.textbookQueryTransferCount(
      entryCount: tree.entryCount, nodeEntryCount: tree.nodeEntryCount, epsilon: epsilon)
  }
}

extension Predictions {
  static let textbookModels: [Model] = [
    Model(
      name: "be_tree_textbook_insert", engine: "bepsilon", phaseKind: "load", metric: "dam_ios_4096",
      per: "operations",
      words: "the textbook's log_B N ÷ (ε·B^(1−ε)) nodes, constants one, in blocks of 4 KiB "
        + "(Bender et al., ;login: 40(5), 2015, Table 1); random keys",
      predict: { run in
        run.loadOrder == "random" ? run.textbookInsertBlockCount(blockByteCount: 4_096) : nil
      }),
    Model(
      name: "be_tree_textbook_get", engine: "bepsilon", phaseKind: "read", metric: "device_read_count",
      per: "operations",
      words: "the textbook's log_B N ÷ ε, constants one, nothing cached "
        + "(Bender et al., ;login: 40(5), 2015, Table 1)",
      predict: { run in
        run.operation == "get_hit" && run.distribution == "uniform" ? run.textbookQueryReadCount : nil
      }),
  ]
}
