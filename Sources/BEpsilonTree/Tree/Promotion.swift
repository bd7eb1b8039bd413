// Promotion: a message that meets empty buffers passes them.
//
//   root [ … ][ empty ] ─▶ inner [ … ][ empty ] ─▶ inner [ … ][ 3 ]      it joins the 3, and no flush has to carry it there
//
// Invariants
// 1. No message about the key waits above the place it comes to rest at, so none is overtaken: a later one stops at it, or
//    above it.
// 2. All nodes of the way are in memory, whole: nothing is read, nothing can fail. A node is not filled beyond its buffer.
// 3. Messages rest in inner nodes; into a leaf they go by a flush, or by the way around the buffers.
//
// Source: the promotion of messages in PerconaFT, https://github.com/percona/PerconaFT (ft/ft-ops.cc).

import KeyValue
import Primitives
import Storage

extension TreeWriter {
  /// Appends a batch to the deepest buffers it may go to; room was made. Does not fail.
  func insertPromoted(_ batch: borrowing WriteBatch, into root: TreeNode) {
    var touched: ContiguousArray<TreeNode> = []
    for entry in batch.entries {
      let key = Bytes(batch.key(of: entry))
      let operand = Bytes(batch.operand(of: entry))
      if entry.kind == .deleteRange {
        appendRange(key, operand, to: root)
        continue
      }
      let byteCount = Cell.byteCount(key: key.count, operand: operand.count)
      var node = root
      var index = root.pivots.route(key)
      while node.level > 1, node.parts[index].cellCount == 0,
        let child = table.resident(node.parts[index].child), child.level == node.level - 1,
        child.hasChangedParts || child.isWhole, child.contentByteCount + byteCount <= geometry.bufferByteCount
      {
        node = child
        index = child.pivots.route(key)
      }
      append(entry.kind.rawValue, key, operand, to: node, at: index)
      if node === root { continue }
      table.counts.pointee.promoted &+= 1
      if !touched.contains(where: { $0 === node }) { touched.append(node) }
    }
    for node in touched {
      table.recharge(node)
      table.markDirty(node)
    }
  }
}
