// Whether nodes at rest have the form that B and ε give them.
//
//   inner node   children ≤ max(3, F)    message bytes ≤ B − F (the root: and one batch more)    head with pivots ≤ B
//   leaf         entry bytes ≤ B less its head (less a thirty-second where it is cut into basements)
//   image        a leaf of one block ≤ B; otherwise content, head, and the padding of each part to transfer units
//
// A flush that fails leaves nodes larger than that, and sound: `NodeTable.owesShape` says so until everything was flushed, also
// over a reopening.
//
// Source: the well-formedness of leaves and inner nodes in the Rust design `send_msgs_to_subtree`; M. A. Bender et al., "An Introduction
// to Bε-trees and Write-Optimization", ;login: 40(5), 2015.

import Primitives
import Storage

extension BEpsilonGeometry {
  /// Bytes of entries that a leaf holds at most.
  func leafCapacityByteCount(_ encoder: NodeEncoder) -> Int {
    let isCut = nodeByteCount > encoder.wholeByteCount
    return isCut ? nodeByteCount - nodeByteCount / 32 - 128 : nodeByteCount - 128
  }
}

extension NodeTable {
  /// What is wrong with the form of a node at rest, nil when it is well-formed. The node is whole.
  func problemOfForm(_ node: TreeNode) -> String? {
    if node.isLeaf {
      let capacity = geometry.leafCapacityByteCount(encoder)
      if node.contentByteCount > capacity {
        return "its entries take \(node.contentByteCount) bytes, at most \(capacity)"
      }
    } else {
      if node.partCount > geometry.maximumChildCount {
        return "it has \(node.partCount) children, at most \(geometry.maximumChildCount)"
      }
      if node.number != shape.root, node.contentByteCount > geometry.bufferByteCount {
        return "its messages take \(node.contentByteCount) bytes, at most \(geometry.bufferByteCount)"
      }
      let head =
        NodeImage.headByteCount + node.partCount * (NodeImage.partByteCount + 2) + node.pivots.keyByteCount
      if node.partCount > 3, head > geometry.nodeByteCount {
        return "its head takes \(head) bytes, at most \(geometry.nodeByteCount)"
      }
    }
    guard let byteCount = imageByteCount(of: node) else { return nil }
    let isOneBlock = node.isLeaf && geometry.nodeByteCount <= encoder.wholeByteCount
    let limit = isOneBlock ? geometry.nodeByteCount : imageLimitByteCount(of: node)
    return byteCount <= limit ? nil : "its image takes \(byteCount) bytes, at most \(limit)"
  }

  /// Bytes that a node takes on the device, or will when it is written; nil where that depends on what of it is written.
  private func imageByteCount(of node: TreeNode) -> Int? {
    if !node.isDirty { return deviceByteCount(of: node) }
    return copies == nil || node.isLeaf ? encoder.imageByteCount(of: node, for: volume) : nil
  }

  /// Content and head, and for each part a block's head and the rest of a unit. Of a leaf two neighbouring basements hold more than
  /// one of them can.
  private func imageLimitByteCount(of node: TreeNode) -> Int {
    let unit = volume.transferUnitByteCount
    let parts =
      node.isLeaf ? 2 * node.contentByteCount / encoder.basementPayloadByteCount + 2 : node.partCount
    let pivots =
      node.isLeaf
      ? min(parts * geometry.maximumKeyByteCount, node.contentByteCount) : node.pivots.keyByteCount
    let head =
      VolumeBlock.headerByteCount + NodeImage.headByteCount + NodeImage.sectionByteCount
      + parts * (NodeImage.partByteCount + 2) + pivots
    return head + unit + node.contentByteCount + parts * (VolumeBlock.headerByteCount + unit) + unit
  }
}
