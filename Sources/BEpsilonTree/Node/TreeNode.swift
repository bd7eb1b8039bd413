// A node in memory: parts in key order with pivots between them, and whatever of the parts is loaded.
//
//   inner   [ child, buffer ] p0 [ child, buffer ] p1 [ child, buffer ] …    part i: keys k with p(i−1) ≤ k < p(i)
//   leaf    [ basement ]      p0 [ basement ]      p1 [ basement ]      …
//
// A node read for a query holds its pivots and the parts that were asked for. A node that is changed is held whole.
//
// Invariants
// 1. Pivots are strictly ascending; there is one part more than pivots, and at least one part.
// 2. Every message of part i's buffer, and every range in it, lies within part i's keys.
// 3. A node with changed parts has all of them loaded.
// 4. `contentByteCount` is the sum of the parts' live cell bytes, loaded or not.

import KeyValue
import Primitives
import Storage

/// One child with its buffer, or one basement.
struct NodePart: ~Copyable {
  /// The child's number; 0 in a leaf (the number of some other node, never followed).
  var child: UInt64
  var run = CellRun()
  var isLoaded = true
  /// Whether it was used since the clock's hand passed.
  var isRecent = true
  /// Which write put the child there, where nodes are copied; numbered nodes have theirs in the directory.
  var birth: UInt16
  /// Live cell bytes, loaded or not.
  var byteCount = 0
  /// Cells, loaded or not.
  var cellCount = 0
  /// Where the part's block lies in the node's extent, in bytes; in the payload of the only block for a node stored whole.
  var imageOffset = 0
  /// Bytes of the part in the image: of cells when the node is stored whole, otherwise of its block.
  var imageByteCount = 0

  init(child: UInt64 = 0, birth: UInt16 = 0) {
    self.child = child
    self.birth = birth
  }

  /// Takes over what the run says.
  @inline(__always) mutating func recount() {
    byteCount = run.liveByteCount
    cellCount = run.count
  }
}

/// Separators with their first eight bytes side by side.
struct Pivots {
  private(set) var heads: ContiguousArray<UInt64> = []
  private(set) var keys: ContiguousArray<[UInt8]> = []
  /// Bytes of the keys.
  private(set) var keyByteCount = 0

  @inline(__always) var count: Int { heads.count }

  /// How many pivots are at or before `key`: the part the key belongs to.
  @inline(__always) func route(_ key: Bytes) -> Int { route(key, key.head) }

  @inline(__always) func route(_ key: Bytes, _ head: UInt64) -> Int {
    heads.withUnsafeBufferPointer { heads in
      var low = 0
      var high = heads.count
      while low < high {
        let middle = (low &+ high) >> 1
        let pivot = heads[middle]
        if pivot < head || (pivot == head && compare(keys[middle], key) <= 0) {
          low = middle &+ 1
        } else {
          high = middle
        }
      }
      return low
    }
  }

  /// How many pivots are before `key`: the part of the greatest keys below it.
  func routeBelow(_ key: Bytes) -> Int {
    let position = route(key)
    return position > 0 && compare(keys[position - 1], key) == 0 ? position - 1 : position
  }

  mutating func insert(_ key: [UInt8], at position: Int) {
    heads.insert(key.withUnsafeBytes { Bytes($0).head }, at: position)
    keys.insert(key, at: position)
    keyByteCount += key.count
  }

  mutating func append(_ key: [UInt8]) { insert(key, at: count) }

  mutating func remove(at position: Int) {
    keyByteCount -= keys[position].count
    heads.remove(at: position)
    keys.remove(at: position)
  }

  /// Removes and gives the pivots from `position` on.
  mutating func split(at position: Int) -> Pivots {
    var upper = Pivots()
    for key in keys[position...] { upper.append(key) }
    keyByteCount -= upper.keyByteCount
    heads.removeSubrange(position...)
    keys.removeSubrange(position...)
    return upper
  }

  /// Memory: two words, an array's head and the bytes, for each.
  var memoryByteCount: Int { count * 56 + keyByteCount }
}

/// A node in memory.
final class TreeNode {
  /// The number under which the directory finds it, or its place as an id; of a changed node that has no place yet, an id
  /// that is no place.
  @exclusivity(unchecked) private(set) var number: UInt64
  /// 0 for a leaf.
  let level: Int
  /// Where its last image lies.
  @exclusivity(unchecked) var extent: Extent
  /// Which write put that image there.
  @exclusivity(unchecked) var birth: UInt16 = 0
  /// Whether it changed since it was written.
  @exclusivity(unchecked) var isDirty = false
  /// Whether more than pointers to children changed since then: all parts are in memory.
  @exclusivity(unchecked) var hasChangedParts = false
  /// The extent of its buffers when it is not its own, as an id; 0 otherwise.
  @exclusivity(unchecked) var sectionID: UInt64 = 0
  /// Which write put those there.
  @exclusivity(unchecked) var sectionBirth: UInt16 = 0
  /// Whether the parts in memory are those of the image, so that each can be dropped and read again.
  @exclusivity(unchecked) var partsMatchImage = false
  /// Whether the image is one block.
  @exclusivity(unchecked) var isStoredWhole = false
  /// Users who must find it again.
  @exclusivity(unchecked) var pinCount = 0
  /// Passes of the clock's hand it still survives.
  @exclusivity(unchecked) var chances = 0
  /// When a batch moved into it last, in batches that moved.
  @exclusivity(unchecked) var turn: UInt64 = 0
  /// Where it is in the table's ring; negative outside.
  @exclusivity(unchecked) var place = -1
  /// Content that the table's counts by level know of.
  @exclusivity(unchecked) var countedByteCount = 0
  /// Memory charged for it.
  @exclusivity(unchecked) var charge = 0
  /// The snapshot whose state it belongs to; nil for the newest.
  weak var owner: SnapshotNodes?
  let isOfSnapshot: Bool
  @exclusivity(unchecked) var pivots = Pivots()
  /// See invariant 4.
  @exclusivity(unchecked) var contentByteCount = 0
  @exclusivity(unchecked) private(set) var parts: UnsafeMutablePointer<NodePart>
  @exclusivity(unchecked) private(set) var partCount = 0
  @exclusivity(unchecked) private var capacity: Int
  /// Where its parts' large arenas come from.
  private let arenas: ArenaPool?
  /// The child that a round-robin flush takes next.
  @exclusivity(unchecked) var nextChild = 0
  /// Children that came one after the other behind the last one, from splits of nodes that only grew at their end.
  @exclusivity(unchecked) var endSplitCount = 0

  init(
    number: UInt64, level: Int, extent: Extent, isOfSnapshot: Bool = false, reserving: Int = 8,
    arenas: ArenaPool? = nil
  ) {
    self.arenas = arenas
    self.number = number
    self.level = level
    self.extent = extent
    self.isOfSnapshot = isOfSnapshot
    capacity = max(2, reserving)
    parts = .allocate(capacity: capacity)
  }

  deinit {
    parts.deinitialize(count: partCount)
    parts.deallocate()
  }

  var isLeaf: Bool { level == 0 }

  /// The birth of the blocks of its parts.
  var partBirth: UInt16 { sectionID == 0 ? birth : sectionBirth }

  /// Makes room for parts, exactly.
  func reserveParts(_ count: Int) {
    if count > capacity { moveParts(toCapacity: count) }
  }

  private func moveParts(toCapacity larger: Int) {
    let memory = UnsafeMutablePointer<NodePart>.allocate(capacity: larger)
    memory.moveInitialize(from: parts, count: partCount)
    parts.deallocate()
    parts = memory
    capacity = larger
  }

  /// Gives the node another number; the table knows of it.
  func rename(to number: UInt64) { self.number = number }

  /// Adds a part at a place; its bytes join the content.
  func insertPart(_ part: consuming NodePart, at position: Int) {
    if partCount == capacity { moveParts(toCapacity: capacity * 2) }
    (parts + (position + 1)).moveInitialize(from: parts + position, count: partCount - position)
    contentByteCount += part.byteCount
    (parts + position).initialize(to: part)
    parts[position].run.use(arenas)
    partCount += 1
  }

  func appendPart(_ part: consuming NodePart) { insertPart(part, at: partCount) }

  /// Takes a part out; its bytes leave the content.
  func removePart(at position: Int) -> NodePart {
    let part = (parts + position).move()
    contentByteCount -= part.byteCount
    (parts + position).moveInitialize(from: parts + (position + 1), count: partCount - position - 1)
    partCount -= 1
    return part
  }

  /// Removes all parts and pivots.
  func removeAllParts() {
    parts.deinitialize(count: partCount)
    partCount = 0
    contentByteCount = 0
    pivots = Pivots()
  }

  /// Takes over what part `index`'s run says.
  @inline(__always) func recount(_ index: Int) {
    let before = parts[index].byteCount
    parts[index].recount()
    contentByteCount += parts[index].byteCount - before
  }

  /// Whether every part is loaded.
  var isWhole: Bool {
    for index in 0..<partCount where !parts[index].isLoaded { return false }
    return true
  }

  /// What the node takes in memory now.
  func memoryByteCount() -> Int {
    var sum = 256 + capacity * MemoryLayout<NodePart>.stride + pivots.memoryByteCount
    for index in 0..<partCount { sum += parts[index].run.memoryByteCount }
    return sum
  }

  /// Keys of part `index`: from its lower pivot (nil: the node's own bound) to its upper one.
  func lowerPivot(_ index: Int) -> [UInt8]? { index > 0 ? pivots.keys[index - 1] : nil }
  func upperPivot(_ index: Int) -> [UInt8]? { index < pivots.count ? pivots.keys[index] : nil }
}

/// The shortest key that separates two neighbours: above `left`, at or below `right`.
func separator(_ left: Bytes, _ right: Bytes) -> [UInt8] {
  let common = commonPrefixByteCount(left.start, left.count, right.start, right.count)
  return [UInt8](Bytes(right.start, min(right.count, common + 1)).buffer)
}
