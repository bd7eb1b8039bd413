// The way around the buffers: a batch for one leaf, with nothing waiting above it, need not wait either.
//
//   root [ … ][ … ][ empty ] ─▶ inner [ … ][ empty ] ─▶ leaf       keys that only grow end here: each is written once, into a
//                                                                  leaf that is left full when the next one begins
//
// Invariants
// 1. No message about the batch's keys waits on the way, so nothing is overtaken.
// 2. All nodes of the way are in memory, whole: nothing is read, nothing can fail before the batch is visible.
// 3. The nodes of the way count as used: a leaf that grows stays in memory until it is full.
// 4. A leaf that would not be written anyway is changed only by a batch behind its last key: a lone message for anywhere in it
//    waits for others like it.
//
// Source: the promotion of messages past empty buffers in PerconaFT, https://github.com/percona/PerconaFT (ft/ft-ops.cc).

import KeyValue
import Primitives
import Storage

/// A path from the root to a leaf.
struct BufferBypass {
  /// Inner nodes with the place of the next, root first.
  var steps: [(node: TreeNode, index: Int)]
  var leaf: TreeNode
  /// Whether the batch lies behind everything in the leaf.
  var isAppend: Bool
}

extension TreeWriter {
  /// The way for a batch, nil when there is none or the root is a leaf.
  func wayAroundBuffers(_ batch: borrowing WriteBatch) -> BufferBypass? {
    if table.shape.height == 0 || batch.longest.hasRangeDelete
      || batch.longest.valueByteCount > table.inlineLimitByteCount || needsBuffer(batch)
    {
      return nil
    }
    var steps: [(node: TreeNode, index: Int)] = []
    var number = table.shape.root
    for level in (1...table.shape.height).reversed() {
      guard let node = table.resident(number), node.level == level, node.isDirty || node.isWhole else {
        return nil
      }
      let index = node.pivots.route(Bytes(batch.key(of: batch.entries[0])))
      if node.parts[index].cellCount > 0 { return nil }
      for entry in batch.entries.dropFirst() where node.pivots.route(Bytes(batch.key(of: entry))) != index {
        return nil
      }
      steps.append((node, index))
      number = node.parts[index].child
    }
    guard let leaf = table.resident(number), leaf.isLeaf, leaf.isDirty || leaf.isWhole else { return nil }
    // What an earlier failure left too large is not made larger.
    if leaf.contentByteCount > leafCapacityByteCount { return nil }
    var isAppend = true
    for entry in batch.entries where isAppend { isAppend = isBehind(leaf, Bytes(batch.key(of: entry))) }
    if !isAppend, !leaf.isDirty { return nil }
    return BufferBypass(steps: steps, leaf: leaf, isAppend: isAppend)
  }

  /// Applies a batch to the leaf at the end of its way. Does not fail.
  func insert(_ batch: borrowing WriteBatch, along way: BufferBypass) {
    for entry in batch.entries {
      change(way.leaf, entry.kind, Bytes(batch.key(of: entry)), Bytes(batch.operand(of: entry)))
    }
    tidy(way.leaf)
    for step in way.steps { table.noteUse(of: step.node) }
    table.noteUse(of: way.leaf)
    table.recharge(way.leaf)
    table.markDirty(way.leaf)
    table.counts.pointee.bypassed &+= UInt64(batch.count)
  }

  /// Splits and merges from the leaf up.
  func restoreShape(along way: BufferBypass) throws(StorageError) {
    for step in way.steps { step.node.pinCount += 1 }
    way.leaf.pinCount += 1
    defer {
      for step in way.steps { step.node.pinCount -= 1 }
      way.leaf.pinCount -= 1
    }
    var child = way.leaf
    var isAppend = way.isAppend
    for step in way.steps.reversed() {
      _ = try fix(child, in: step.node, at: step.index, isAppend: isAppend)
      child = step.node
      isAppend = false
    }
  }
}
