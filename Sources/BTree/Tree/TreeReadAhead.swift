// What a walk asks for before it gets there: the next leaves together, and the ones after those while the next are shown.
//
//   level 1        [ P ──────────────────────── ]        [ Q ─────────── ]
//   leaves          shown │ here │ in the cache │ first flight ··· │ second flight ··· │ later
//                           pending ─────────────────────────────────────  frontier ───┘
//
//   a leaf is missing ─▶ nothing in flight: the next ones are read together, the walk waits
//                     └▶ in flight: the walk waits for what is left of the first flight
//   then, if the walk is going to need more: those behind the frontier are asked for, and the walk goes on
//
// Two flights, so that the device has one to work on while the pages of the other are looked at.
//
// How many: two leaves passed, four ahead; then twice as many for each leaf passed, up to a limit. Batches that the walk waits for
// are what a walk that reads nothing ahead of time would wait for. What is in flight beside them was promised by the caller
// (`showNext` says how many entries it wants), or is no more than the walk has passed already.
//
// Invariants
// 1. What was asked for is finished before the walk reads anything else, and put into the cache then: after the same leaves on any
//    device, however fast it is.
// 2. Flights end in the order in which they began. Room for their pages is kept in the cache, and the parents of the pages are held.
// 3. Nothing is asked for twice: the frontier is behind everything that was.
// 4. No leaf beyond the walk's range is asked for.
//
// Source: J. Gray, A. Reuter, "Transaction Processing: Concepts and Techniques", 1993, section 13.4.4.3 (prefetch and double
// buffering of sequential scans).

import Accounting
import KeyValue
import Primitives
import Storage

/// A page that was asked for, and where it has to be.
struct AwaitedPage {
  var id: UInt64
  var level: Int
  /// Which of the flight's held pages is its parent.
  var parent: Int
  var childIndex: Int
}

/// Held pages that lead to others: the leaves' parent, the one after it, and the page above both.
private final class FlightParents {
  private(set) var pages: ContiguousArray<NodePage> = []
  private var first: NodeLease?
  private var second: NodeLease?
  private var third: NodeLease?

  /// Holds one more.
  ///
  /// - Returns: its number.
  func add(_ lease: consuming NodeLease) -> Int {
    let number = pages.count
    pages.append(NodePage(lease.pointer, lease.byteCount))
    switch number {
    case 0: first = consume lease
    case 1: second = consume lease
    case 2: third = consume lease
    default: preconditionFailure("A flight has at most three parents.")
    }
    return number
  }
}

/// Pages on their way, and the parents they are held against. Let go unfinished, they are waited for and forgotten.
final class PagesInFlight {
  private let store: NodeStore
  private let pages: ContiguousArray<AwaitedPage>
  private let parents: FlightParents
  private let blocks: BlocksInFlight
  private var keepsRoom = true

  /// Asks for pages, when the cache can keep room for them.
  ///
  /// - Returns: nil when it cannot.
  fileprivate static func begin(
    _ pages: ContiguousArray<AwaitedPage>, _ parents: FlightParents, _ store: NodeStore
  ) throws(StorageError) -> PagesInFlight? {
    let byteCount = store.geometry.pageByteCount
    for index in pages.indices where !store.cache.keepRoom(for: pages[index].id, byteCount: byteCount) {
      giveBackRoom(pages[..<index], store)
      return nil
    }
    do throws(StorageError) {
      return PagesInFlight(store, pages, parents, try store.begin(pages))
    } catch {
      giveBackRoom(pages[...], store)
      throw error
    }
  }

  private static func giveBackRoom(_ pages: ContiguousArray<AwaitedPage>.SubSequence, _ store: NodeStore) {
    for page in pages { store.cache.giveBackRoom(for: page.id, byteCount: store.geometry.pageByteCount) }
  }

  private init(
    _ store: NodeStore, _ pages: ContiguousArray<AwaitedPage>, _ parents: FlightParents,
    _ blocks: BlocksInFlight
  ) {
    self.store = store
    self.pages = pages
    self.parents = parents
    self.blocks = blocks
  }

  deinit {
    if keepsRoom { Self.giveBackRoom(pages[...], store) }
  }

  /// Waits for the pages and puts them into the cache.
  func finish() throws(StorageError) {
    try store.finish(blocks, pages) {
      keepsRoom = false
      Self.giveBackRoom(pages[...], store)
    } place: { index in
      PagePlace(childIndex: pages[index].childIndex, of: parents.pages[pages[index].parent])
    }
  }
}

/// The pages of a flight before it begins.
private struct FlightPlan {
  var pages: ContiguousArray<AwaitedPage> = []
  /// Leaves that may still be asked for.
  var room: Int
  /// The most leaves the plan covers, those in the cache included.
  private let mostLeafCount: Int
  /// Leaves the walk will have passed when it is through with the plan, those in the cache included.
  var leafCount = 0

  init(room: Int) {
    self.room = room
    mostLeafCount = 2 * room
  }

  /// Adds leaves from child `index` through child `end` of a page as far as there is room; the missing ones are asked for.
  mutating func add(
    from index: inout Int, through end: Int, step: Int, of page: NodePage, parent: Int, _ store: NodeStore
  ) {
    while room > 0, leafCount < mostLeafCount, (end - index) * step >= 0 {
      let id = page.child(index)
      if store.isMissing(id) {
        pages.append(AwaitedPage(id: id, level: 0, parent: parent, childIndex: index))
        room -= 1
      }
      leafCount += 1
      index += step
    }
  }
}

/// Where a walk stands among what it has asked for.
struct ReadAhead {
  /// The most leaves asked for together; below 2 nothing is.
  let limit: Int
  /// Leaves passed since the walk was placed, and their entries.
  fileprivate var leafCount = 0
  private var entryCount = 0
  /// Of those, leaves that earlier calls of `showNext` passed.
  private var leafCountBeforeCall = 0
  /// Leaves before the frontier that are still to be walked.
  fileprivate var pendingCount = 0
  /// The parent, and in it the first child in walking order that was not asked for.
  fileprivate var frontier: (parent: UInt64, childIndex: Int)?
  /// The page on level 1 that was asked for last.
  fileprivate var awaitedParent: UInt64 = 0
  /// What is in flight, and what was asked for after it.
  private var first: PagesInFlight?
  private var second: PagesInFlight?

  init(limit: Int) { self.limit = limit }

  fileprivate var isInFlight: Bool { first != nil }
  /// Whether one more may be, near enough to what is shown for it to be there still when it is needed.
  fileprivate var hasRoom: Bool { second == nil && pendingCount <= 2 * count }

  fileprivate mutating func add(_ flight: PagesInFlight) {
    if first == nil { first = flight } else { second = flight }
  }

  fileprivate mutating func takeFirst() -> PagesInFlight? {
    let taken = first
    (first, second) = (second, nil)
    return taken
  }

  /// The walk begins somewhere else. What is in flight is waited for, in turn.
  mutating func reset() {
    while takeFirst() != nil {}
    self = ReadAhead(limit: limit)
  }

  /// The caller says anew how many entries it wants.
  mutating func beginCall() { leafCountBeforeCall = leafCount }

  /// A leaf is left behind.
  fileprivate mutating func pass(entryCount passed: Int) {
    leafCount += 1
    entryCount += passed
    if pendingCount > 0 { pendingCount -= 1 }
  }

  /// How many leaves are asked for together now.
  fileprivate var count: Int { min(limit, 1 << min(leafCount, 16)) }

  /// Whether the walk goes beyond the leaves that follow, as far as can be known.
  ///
  /// - Parameters:
  ///   - leaves: how many follow.
  ///   - wanted: as `stepLeaf`.
  fileprivate func goes(beyond leaves: Int, wanted: Int?) -> Bool {
    guard let wanted else { return leafCount >= leaves }
    // Leaves hold about what those passed did: one more leaf and an eighth, to be on the safe side.
    let (entries, overflows) = wanted.multipliedReportingOverflow(by: 8 * leafCount)
    if overflows || entries > 9 * entryCount * (leaves + 1) { return true }
    // Who came back for more is likely to come again.
    return leafCountBeforeCall >= leaves
  }
}

extension TreeCursor {
  private var step: Int { isForward ? 1 : -1 }

  /// Sees to it that the next leaf is in the cache, if it is one of several that are not, and asks for those after it.
  func readAhead(wanted: Int?) throws(StorageError) {
    if ahead.limit < 2 || path.count < 2 { return }
    ahead.pass(entryCount: path.leaf.slotCount)
    if ahead.leafCount < 2 { return }
    let depth = path.count - 2
    let parent = path.entries[depth].page
    let next = path.entries[depth].childIndex + step
    if next >= 0, next <= parent.slotCount {
      try bringNear(next, of: parent, path.entries[depth].id)
    } else if let id = nextParentID {
      try bringNearFirst(of: id)
    }
    while ahead.hasRoom, let frontier = ahead.frontier, ahead.goes(beyond: ahead.pendingCount, wanted: wanted)
    {
      if try !beginFlight(behind: frontier, wanted: wanted) { break }
    }
  }

  private func isNear(_ id: UInt64) -> Bool {
    store.cache.prefetchSlot(of: id) || store.cache.contains(id)
  }

  /// Waits for flights until a page is there or nothing is in flight.
  ///
  /// - Returns: whether it is there.
  private func waitFor(_ id: UInt64) throws(StorageError) -> Bool {
    while !isNear(id) {
      guard let flight = ahead.takeFirst() else { return false }
      try flight.finish()
    }
    return true
  }

  /// Brings a leaf that is not in the cache there, with those after it.
  private func bringNear(_ index: Int, of parent: NodePage, _ parentID: UInt64) throws(StorageError) {
    if try waitFor(parent.child(index)) { return }
    let end = walkEnd(in: parent).childIndex
    let count = min(ahead.count, max(1, (end - index) * step + 1))
    let last = index + (count - 1) * step
    try store.prefetch(min(index, last)...max(index, last), of: parent, isWriter: false)
    ahead.frontier = (parentID, last + step)
    ahead.pendingCount = count
  }

  /// Brings the first leaf of the next parent near when that parent is in the cache; otherwise the walk reads it as it gets there.
  private func bringNearFirst(of id: UInt64) throws(StorageError) {
    guard try waitFor(id), let held = store.cache.hold(id) else { return }
    let page = NodePage(held.pointer, held.byteCount)
    guard page.level == 1 else { throw store.misplaced(id) }
    try bringNear(isForward ? 0 : page.slotCount, of: page, id)
  }

  /// The page after the leaf's parent, when both have the same parent.
  private var nextParentID: UInt64? {
    if path.count < 3 { return nil }
    let above = path.entries[path.count - 3].page
    let index = path.entries[path.count - 3].childIndex + step
    return index >= 0 && index <= above.slotCount ? above.child(index) : nil
  }

  /// The last child of a page on level 1 that the walk's range reaches, and whether the range ends there.
  private func walkEnd(in page: NodePage) -> (childIndex: Int, isLast: Bool) {
    if isForward {
      guard let upper else { return (page.slotCount, false) }
      return upper.withUnsafeBytes { bytes in
        let bound = Bytes(bytes)
        if page.hasUpperFence, page.upperFence.compare(bound) <= 0 { return (page.slotCount, false) }
        return (page.childIndex(for: bound), true)
      }
    }
    guard let lower else { return (0, false) }
    return lower.withUnsafeBytes { bytes in
      let bound = Bytes(bytes)
      if page.lowerFence.compare(bound) >= 0 { return (0, false) }
      return (page.childIndex(for: bound), true)
    }
  }

  // MARK: Beginning

  /// Asks for the leaves behind the frontier, and in time for the page that leads to those after them.
  ///
  /// - Returns: false when there is nothing to ask for now.
  private func beginFlight(
    behind frontier: (parent: UInt64, childIndex: Int), wanted: Int?
  ) throws(StorageError) -> Bool {
    // What goes wrong leaves no frontier: the walk reads on by itself, and finds another one.
    ahead.frontier = nil
    let depth = path.count - 2
    let (id, here) = (path.entries[depth].id, path.entries[depth].childIndex)
    let nextID = nextParentID
    var (index, isInNext) = (here + step, false)
    if frontier.parent == id {
      index = isForward ? max(index, frontier.childIndex) : min(index, frontier.childIndex)
    } else if frontier.parent == nextID {
      (index, isInNext) = (frontier.childIndex, true)
    }
    var plan = FlightPlan(room: ahead.count)
    let parents = FlightParents()
    var reached = id
    if !isInNext {
      guard let lease = store.cache.hold(id) else { return false }
      let parent = path.entries[depth].page
      let end = walkEnd(in: parent)
      plan.add(
        from: &index, through: end.childIndex, step: step, of: parent, parent: parents.add(lease), store)
      let left = max(0, (end.childIndex - index) * step + 1)
      if let nextID, !end.isLast, left < 2 * ahead.count,
        ahead.goes(beyond: (end.childIndex - here) * step, wanted: wanted)
      {
        addParent(1, to: &plan, parents)
        if left == 0 {
          // In reverse its last child is not known before it is there. A flight does not go over into it: leaves of one parent lie
          // side by side more often.
          (reached, index) = (nextID, isForward ? 0 : .max)
          isInNext = plan.leafCount == 0
        }
      }
    }
    if isInNext, let nextID {
      reached = nextID
      if let lease = store.cache.hold(nextID) {
        let next = NodePage(lease.pointer, lease.byteCount)
        guard next.level == 1 else { throw store.misplaced(nextID) }
        if !isForward { index = min(index, next.slotCount) }
        let end = walkEnd(in: next)
        plan.add(
          from: &index, through: end.childIndex, step: step, of: next, parent: parents.add(lease), store)
        let left = max(0, (end.childIndex - index) * step + 1)
        if !end.isLast, left < 2 * ahead.count,
          ahead.goes(beyond: ahead.pendingCount + plan.leafCount + left, wanted: wanted)
        {
          addParent(2, to: &plan, parents)
        }
      } else if plan.pages.isEmpty, !ahead.isInFlight {
        return false
      }
    }
    if !plan.pages.isEmpty {
      guard let flight = try PagesInFlight.begin(plan.pages, parents, store) else { return false }
      ahead.add(flight)
    }
    ahead.frontier = (reached, index)
    ahead.pendingCount += plan.leafCount
    return !plan.pages.isEmpty
  }

  /// Asks for the page so many places after the leaf's parent, below the same page, unless it is in the cache or on its way.
  private func addParent(_ distance: Int, to plan: inout FlightPlan, _ parents: FlightParents) {
    let depth = path.count - 3
    let above = path.entries[depth].page
    let index = path.entries[depth].childIndex + distance * step
    if index < 0 || index > above.slotCount { return }
    let id = above.child(index)
    if ahead.isInFlight && ahead.awaitedParent == id || !store.isMissing(id) { return }
    guard let lease = store.cache.hold(path.entries[depth].id) else { return }
    plan.pages.append(AwaitedPage(id: id, level: 1, parent: parents.add(lease), childIndex: index))
    ahead.awaitedParent = id
  }
}
