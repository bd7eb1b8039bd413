// The nodes in memory: found by number, charged to the budget, dropped or written when others need the room.
//
//   number ──array──▶ node ──▶ parts loaded or not              newest state
//   (snapshot, number) ──▶ node                                 older states, unless the newest node is still the same
//
//   clock   hand ▶ [ node ][ node ][ node ] …      a node used since the hand passed survives, pivots longer than parts;
//                                                  a dirty one is written first
//
// Why not Storage's cache of frames: a node here is not the bytes of its extent. Buffers grow where they are, and of a node on
// the device any subset of parts may be in memory.
//
// Invariants
// 1. Σ charges of nodes ≤ capacity at rest, ≤ capacity + headroom within a call.
// 2. A part of the capacity is clean at rest (`dirtyLimitByteCount`), so readers make room without writing.
// 3. A pinned node is neither dropped nor written.
// 4. Capacity, headroom and what the pool of arenas keeps are held in the budget. What the volume's directory needs more as the tree grows is taken from the
//    capacity.
// 5. A written node's old extent is freed in the transaction that moves its number: the durable directory stays whole.

import Accounting
import KeyValue
import Primitives
import Storage

/// Counters of a tree.
struct TreeCounts {
  var nodesRead: UInt64 = 0
  var partsRead: UInt64 = 0
  var nodesWritten: UInt64 = 0
  var evictions: UInt64 = 0
  var flushesToInner: UInt64 = 0
  var flushesToLeaf: UInt64 = 0
  var messagesToInner: UInt64 = 0
  var messagesToLeaf: UInt64 = 0
  var leafSplits: UInt64 = 0
  var innerSplits: UInt64 = 0
  var merges: UInt64 = 0
  var rootCollapses: UInt64 = 0
  var checkpoints: UInt64 = 0
  var nodesInspected: UInt64 = 0
  var bypassed: UInt64 = 0
  var passedThrough: UInt64 = 0
  var promoted: UInt64 = 0
  var overflowReads: UInt64 = 0

  /// Grows with every step by which messages move on.
  var progress: UInt64 { flushesToInner &+ flushesToLeaf &+ changesOfShape }

  /// Grows with every split and merge.
  var changesOfShape: UInt64 { leafSplits &+ innerSplits &+ merges }
}

/// How many nodes there are and what they take on the device.
struct TreeShape: Equatable, Sendable {
  var root: UInt64 = 0
  /// Which write put the root there, where nodes are copied.
  var rootBirth: UInt16 = 0
  /// The root's level.
  var height = 0
  var leafCount = 0
  var innerCount = 0
  var leafByteCount = 0
  var innerByteCount = 0
  /// Values in extents of their own.
  var overflowCount = 0
  var overflowByteCount = 0

  mutating func count(level: Int, nodes: Int, byteCount: Int) {
    if level == 0 {
      leafCount += nodes
      leafByteCount += byteCount
    } else {
      innerCount += nodes
      innerByteCount += byteCount
    }
  }
}

/// The nodes of a state that a snapshot keeps, as far as they are in memory and no longer the newest.
final class SnapshotNodes {
  let shape: TreeShape
  let directory: DirectorySnapshot
  var nodes: [UInt64: TreeNode] = [:]
  private let pin: VolumePin

  init(shape: TreeShape, directory: DirectorySnapshot, pin: consuming VolumePin) {
    self.shape = shape
    self.directory = directory
    self.pin = pin
  }
}

/// All nodes in memory.
final class NodeTable {
  // Used by one thread, and nothing calls back while it changes: exclusive without a check at run time, which took a fifth of
  // the time of batches of one operation.
  let volume: Volume
  let geometry: BEpsilonGeometry
  let basementByteCount: Int
  @exclusivity(unchecked) private(set) var capacityByteCount: Int
  let headroomByteCount: Int
  /// Large arenas of nodes.
  let arenas: ArenaPool
  let decoder: NodeDecoder
  @exclusivity(unchecked) var encoder: NodeEncoder
  @exclusivity(unchecked) var shape = TreeShape()
  /// Whether a flush failed since everything was flushed last, so that nodes may be larger than they should be (`TreeForm`).
  @exclusivity(unchecked) var owesShape = false
  /// Nodes and their bytes by level.
  @exclusivity(unchecked) var levels = TreeLevels()
  /// Messages that moved together.
  @exclusivity(unchecked) var flushSizes = FlushSizes()
  /// Counters, outside of any object so that counting costs an addition.
  let counts: UnsafeMutablePointer<TreeCounts>
  @exclusivity(unchecked) var heldByteCount = 0
  @exclusivity(unchecked) var dirtyByteCount = 0
  @exclusivity(unchecked) var dirtyNodeCount = 0
  @exclusivity(unchecked) var ring: ContiguousArray<TreeNode> = []
  @exclusivity(unchecked) var hand = 0
  /// Numbers of nodes that were written and leave first, the last one first.
  @exclusivity(unchecked) var retired: ContiguousArray<UInt64> = []
  /// Batches that moved into nodes.
  @exclusivity(unchecked) var turnCount: UInt64 = 0
  @exclusivity(unchecked) private var nodes: ContiguousArray<TreeNode?> = []
  /// Set where nodes are found by their place and copied when they change; otherwise the directory knows their numbers.
  let copies: CopyOnWriteNodes?
  /// Numbers what is written.
  @exclusivity(unchecked) var births: BirthClock
  /// Extents that the tree no longer needs, to be freed with the next transaction.
  @exclusivity(unchecked) var released: ContiguousArray<Extent> = []
  /// Operands longer than this lie in extents of their own.
  let inlineLimitByteCount: Int
  /// Units of the largest node at rest, at most.
  let largestNodeUnitCount: Int

  /// - Parameter births: numbers for what is written.
  init(volume: Volume, settings: BEpsilonSettings, births: BirthClock) {
    self.volume = volume
    self.births = births
    copies = settings.durability == .copyOnWrite ? CopyOnWriteNodes() : nil
    inlineLimitByteCount = settings.inlineLimitByteCount
    geometry = settings.geometry
    basementByteCount = settings.basementByteCount
    capacityByteCount = settings.cacheByteCount
    headroomByteCount = settings.headroomByteCount
    arenas = ArenaPool(limitByteCount: settings.arenaPoolByteCount)
    decoder = NodeDecoder(maximumKeyByteCount: settings.geometry.maximumKeyByteCount)
    encoder = NodeEncoder(
      basementByteCount: settings.basementByteCount, sharesBuffers: settings.layout == .shared)
    encoder.cutsLeaves = settings.geometry.nodeByteCount > encoder.wholeByteCount
    largestNodeUnitCount = Self.largestNodeUnitCount(
      settings.geometry, encoder, unit: volume.transferUnitByteCount)
    counts = .allocate(capacity: 1)
    counts.initialize(to: TreeCounts())
  }

  deinit { counts.deallocate() }

  // MARK: Finding

  /// The newest node of a number if it is in memory.
  @inline(__always) func resident(_ number: UInt64) -> TreeNode? {
    if let copies { return copies.find(number) }
    return number < UInt64(nodes.count) ? nodes[Int(number)] : nil
  }

  /// Puts a node among those in memory.
  func admit(_ node: TreeNode) {
    if let owner = node.owner {
      owner.nodes[node.number] = node
    } else if let copies {
      copies.insert(node)
    } else {
      let index = Int(node.number)
      while nodes.count <= index { nodes.append(nil) }
      nodes[index] = node
    }
    node.countedByteCount = node.contentByteCount
    node.chances = chances(of: node)
    node.place = ring.count
    ring.append(node)
    node.charge = 0
    recharge(node)
  }

  /// Takes a node out of memory.
  func dismiss(_ node: TreeNode) {
    if node.isOfSnapshot {
      node.owner?.nodes[node.number] = nil
    } else if let copies {
      copies.remove(node)
    } else {
      nodes[Int(node.number)] = nil
    }
    heldByteCount -= node.charge
    if node.isDirty {
      dirtyByteCount -= node.charge
      dirtyNodeCount -= 1
    }
    node.charge = 0
    let place = node.place
    precondition(place >= 0 && ring[place] === node, "A node in memory is in the ring.")
    ring.swapAt(place, ring.count - 1)
    ring[place].place = place
    node.place = -1
    ring.removeLast()
  }

  /// Forgets what was loaded for a snapshot that ends.
  func forget(_ snapshot: SnapshotNodes) {
    if snapshot.nodes.isEmpty { return }
    var position = 0
    while position < ring.count {
      if ring[position].isOfSnapshot, ring[position].owner === snapshot {
        dismiss(ring[position])
      } else {
        position += 1
      }
    }
  }

  /// Takes over what a node now takes in memory.
  func recharge(_ node: TreeNode) {
    levels.note(node)
    let charge = node.memoryByteCount()
    heldByteCount += charge - node.charge
    if node.isDirty { dirtyByteCount += charge - node.charge }
    node.charge = charge
  }

  /// Notes that a node changed. It is held whole.
  func markDirty(_ node: TreeNode) {
    node.hasChangedParts = true
    if node.isDirty { return }
    node.isDirty = true
    dirtyByteCount += node.charge
    dirtyNodeCount += 1
  }

  // MARK: The volume

  /// Memory held in the budget's account `frames`.
  var reservedByteCount: Int { capacityByteCount + headroomByteCount + arenas.limitByteCount }

  /// Begins a transaction, with memory for the volume's map of units.
  func beginTransaction() throws(StorageError) -> VolumeTransaction {
    while true {
      do throws(StorageError) {
        return try volume.beginTransaction()
      } catch {
        try giveMemoryBack(after: error)
      }
    }
  }

  /// Gives a part of the capacity back to the budget, or throws `error` when that does not help or there is little left.
  /// The nodes leave at the next demand for room; until then they are within the headroom.
  private func giveMemoryBack(after error: StorageError) throws(StorageError) {
    guard case .outOfBudget(_, let requested, _) = error else { throw error }
    let part = max(requested, geometry.nodeByteCount / 4)
    guard requested <= geometry.nodeByteCount, capacityByteCount - part >= 6 * geometry.nodeByteCount else {
      throw error
    }
    capacityByteCount -= part
    volume.budget.release(part, for: .frames)
  }

  /// Gives up to `byteCount` bytes of the capacity back to the budget for a while, a quarter of it at most. Nodes leave at the
  /// next demand for room; until then they are within the headroom.
  ///
  /// - Returns: how many bytes, for `takeBack`.
  func lend(_ byteCount: Int) -> Int {
    let part = max(0, min(byteCount, capacityByteCount / 4))
    capacityByteCount -= part
    volume.budget.release(part, for: .frames)
    return part
  }

  /// Takes back what was lent, as far as the budget still has it.
  func takeBack(_ byteCount: Int) throws(StorageError) {
    let part = min(byteCount, volume.budget.availableByteCount)
    if part <= 0 { return }
    try volume.budget.require(part, for: .frames)
    capacityByteCount += part
  }

  // MARK: Births and deaths

  /// A new, empty, dirty node. Its extent is a placeholder until it is written.
  ///
  /// - Throws: `.noSpace`, `.outOfBudget`, with nothing changed.
  func makeNode(level: Int, reserving: Int) throws(StorageError) -> TreeNode {
    if copies != nil { return makeUnplacedNode(level: level, reserving: reserving) }
    while true {
      do throws(StorageError) {
        return try attemptNode(level: level, reserving: reserving)
      } catch {
        try giveMemoryBack(after: error)
      }
    }
  }

  private func attemptNode(level: Int, reserving: Int) throws(StorageError) -> TreeNode {
    var transaction = try beginTransaction()
    let extent = try transaction.allocate(byteCount: volume.transferUnitByteCount)
    let id = try transaction.makeNode(at: extent)
    try transaction.commit(durable: false)
    let node = TreeNode(
      number: id.number, level: level, extent: extent, reserving: reserving, arenas: arenas)
    admit(node)
    markDirty(node)
    shape.count(level: level, nodes: 1, byteCount: extent.byteCount)
    levels.add(level: level, 1)
    return node
  }

  /// Gives a node's number and extent back.
  ///
  /// - Throws: `.outOfBudget`, with nothing changed.
  func destroy(_ node: TreeNode) throws(StorageError) {
    if copies != nil {
      if node.extent.byteCount > 0 { released.append(node.extent) }
      if let section = extent(ofSection: node.sectionID) { released.append(section) }
      shape.count(level: node.level, nodes: -1, byteCount: -deviceByteCount(of: node))
      levels.remove(node)
      dismiss(node)
      return
    }
    var transaction = try beginTransaction()
    transaction.free(node.extent)
    transaction.removeNode(.mapped(node.number))
    try transaction.commit(durable: false)
    shape.count(level: node.level, nodes: -1, byteCount: -node.extent.byteCount)
    levels.remove(node)
    dismiss(node)
  }
}
