// The free extents of a volume: which units nobody holds, and where the next allocation goes.
//
//   treap, ordered by first unit; every node knows the longest extent below it
//
//                    [40, +3 │ longest 90]
//                   ╱                     ╲
//        [8, +2 │ longest 5]        [100, +90 │ longest 90]
//                 ╲
//             [20, +5 │ longest 5]
//
// Invariants
// 1. Extents do not overlap and do not touch: neighbours are joined when they become free.
// 2. `unitCount` = Σ extents; `largestUnitCount` is the root's longest.
// 3. What is handed out depends on the set of free extents, the size and the hint alone, never on history: priorities
//    are a hash of the first unit, and the shape of the tree decides nothing.
//
// Address-ordered first fit keeps the low end of the device dense, which keeps the space map short and the free
// space in few large pieces. Source: P. R. Wilson, M. S. Johnstone, M. Neely, D. Boles, "Dynamic Storage Allocation:
// A Survey and Critical Review", IWMM 1995, section 3.5 (address-ordered first fit fragments about as little as best
// fit).

/// A set of free extents in transfer units. All operations are O(log n) expected in the number of extents.
struct FreeExtents {
  private struct Node {
    var start: Int
    var count: Int
    var longest: Int
    var left: Int32
    var right: Int32
    var priority: UInt64
  }

  private var nodes: ContiguousArray<Node> = []
  private var spare: ContiguousArray<Int32> = []
  private var root: Int32 = -1

  /// Free units in all.
  private(set) var unitCount = 0
  /// How many extents they form.
  private(set) var extentCount = 0

  /// Memory of the nodes.
  var memoryByteCount: Int { nodes.count * MemoryLayout<Node>.stride + spare.count * 4 }

  /// The length of the longest free extent, 0 when there is none.
  var largestUnitCount: Int { longest(root) }

  private func longest(_ node: Int32) -> Int { node < 0 ? 0 : nodes[Int(node)].longest }

  private mutating func refresh(_ node: Int32) {
    let index = Int(node)
    nodes[index].longest = max(
      nodes[index].count, longest(nodes[index].left), longest(nodes[index].right))
  }

  private mutating func makeNode(_ range: Range<Int>) -> Int32 {
    extentCount += 1
    let node = Node(
      start: range.lowerBound, count: range.count, longest: range.count, left: -1, right: -1,
      priority: ContentHash.mix(UInt64(range.lowerBound)))
    if let index = spare.popLast() {
      nodes[Int(index)] = node
      return index
    }
    nodes.append(node)
    return Int32(nodes.count - 1)
  }

  /// Everything that begins before `key`, and the rest.
  private mutating func split(_ tree: Int32, _ key: Int) -> (Int32, Int32) {
    if tree < 0 { return (-1, -1) }
    if nodes[Int(tree)].start < key {
      let (left, right) = split(nodes[Int(tree)].right, key)
      nodes[Int(tree)].right = left
      refresh(tree)
      return (tree, right)
    }
    let (left, right) = split(nodes[Int(tree)].left, key)
    nodes[Int(tree)].left = right
    refresh(tree)
    return (left, tree)
  }

  /// Joins two trees, all of the first before all of the second.
  private mutating func join(_ left: Int32, _ right: Int32) -> Int32 {
    if left < 0 { return right }
    if right < 0 { return left }
    if nodes[Int(left)].priority > nodes[Int(right)].priority {
      nodes[Int(left)].right = join(nodes[Int(left)].right, right)
      refresh(left)
      return left
    }
    nodes[Int(right)].left = join(left, nodes[Int(right)].left)
    refresh(right)
    return right
  }

  /// The extent with the greatest first unit below `key`.
  private func last(before key: Int) -> Int32 {
    var node = root
    var found: Int32 = -1
    while node >= 0 {
      if nodes[Int(node)].start < key {
        found = node
        node = nodes[Int(node)].right
      } else {
        node = nodes[Int(node)].left
      }
    }
    return found
  }

  /// The extent with the least first unit at or above `key`.
  private func first(from key: Int) -> Int32 {
    var node = root
    var found: Int32 = -1
    while node >= 0 {
      if nodes[Int(node)].start >= key {
        found = node
        node = nodes[Int(node)].left
      } else {
        node = nodes[Int(node)].right
      }
    }
    return found
  }

  private mutating func removeNode(_ start: Int) {
    let (left, rest) = split(root, start)
    let (middle, right) = split(rest, start + 1)
    precondition(middle >= 0, "An extent that is taken out of the free set is in it.")
    spare.append(middle)
    extentCount -= 1
    root = join(left, right)
  }

  private mutating func insertNode(_ range: Range<Int>) {
    let node = makeNode(range)
    let (left, right) = split(root, range.lowerBound)
    root = join(join(left, node), right)
  }

  /// Makes units free, joining them with free neighbours.
  ///
  /// Precondition: none of them is free.
  mutating func insert(_ range: Range<Int>) {
    precondition(!range.isEmpty, "An extent has at least one unit.")
    var joined = range
    let before = last(before: range.lowerBound)
    if before >= 0 {
      let end = nodes[Int(before)].start + nodes[Int(before)].count
      precondition(end <= range.lowerBound, "Units that become free were not free: \(range).")
      if end == range.lowerBound { joined = nodes[Int(before)].start..<joined.upperBound }
    }
    let after = first(from: range.lowerBound)
    if after >= 0 {
      let start = nodes[Int(after)].start
      precondition(start >= range.upperBound, "Units that become free were not free: \(range).")
      if start == range.upperBound { joined = joined.lowerBound..<(start + nodes[Int(after)].count) }
    }
    if joined.upperBound > range.upperBound { removeNode(range.upperBound) }
    if joined.lowerBound < range.lowerBound { removeNode(joined.lowerBound) }
    insertNode(joined)
    unitCount += range.count
  }

  /// Takes units that are free, wherever they lie in a free extent.
  mutating func take(_ range: Range<Int>) {
    let node = last(before: range.lowerBound + 1)
    precondition(node >= 0, "Units that are taken were free.")
    let whole = nodes[Int(node)].start..<(nodes[Int(node)].start + nodes[Int(node)].count)
    precondition(range.upperBound <= whole.upperBound, "Units that are taken were free.")
    removeNode(whole.lowerBound)
    if whole.lowerBound < range.lowerBound { insertNode(whole.lowerBound..<range.lowerBound) }
    if range.upperBound < whole.upperBound { insertNode(range.upperBound..<whole.upperBound) }
    unitCount -= range.count
  }

  /// The first extent at or after `hint` with room for `count` units, without taking it.
  private func firstFit(_ tree: Int32, _ count: Int, from hint: Int) -> Int32 {
    if tree < 0 || nodes[Int(tree)].longest < count { return -1 }
    let node = nodes[Int(tree)]
    if node.start >= hint {
      let found = firstFit(node.left, count, from: hint)
      if found >= 0 { return found }
      if node.count >= count { return tree }
    }
    return firstFit(node.right, count, from: hint)
  }

  /// Takes `count` units: the first extent from `hint` on that has room, unless that is the free end of the device
  /// (`end` is its last unit's successor) and there is room below; then the first of all.
  ///
  /// - Returns: the first unit, nil when no extent is long enough.
  mutating func allocate(_ count: Int, near hint: Int?, end: Int) -> Int? {
    precondition(count > 0, "An allocation has at least one unit.")
    var found = firstFit(root, count, from: hint ?? 0)
    if hint != nil, found < 0 || nodes[Int(found)].start + nodes[Int(found)].count == end {
      found = firstFit(root, count, from: 0)
    }
    if found < 0 { return nil }
    let start = nodes[Int(found)].start
    take(start..<(start + count))
    return start
  }

  /// Every free extent, in ascending order.
  var extents: [Range<Int>] {
    var result: [Range<Int>] = []
    var stack: [Int32] = []
    var node = root
    while node >= 0 || !stack.isEmpty {
      while node >= 0 {
        stack.append(node)
        node = nodes[Int(node)].left
      }
      node = stack.removeLast()
      let found = nodes[Int(node)]
      result.append(found.start..<(found.start + found.count))
      node = found.right
    }
    return result
  }
}
